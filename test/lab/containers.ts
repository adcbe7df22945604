import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from './run.ts';

/** Ways to another root; each is what its users run. */
export const containerKinds = ['unshare + chroot', 'bubblewrap', 'systemd-nspawn', 'runc', 'podman'] as const;
export type ContainerKind = (typeof containerKinds)[number];

const programs: Readonly<Record<ContainerKind, readonly [program: string, debianPackage: string]>> = {
  'unshare + chroot': ['unshare', 'util-linux'],
  bubblewrap: ['bwrap', 'bubblewrap'],
  'systemd-nspawn': ['systemd-nspawn', 'systemd-container'],
  runc: ['runc', 'runc'],
  podman: ['podman', 'podman'],
};

/** Calls `serve` 500 times a second; no libraries, so that an empty root is enough. */
const source = `#include <time.h>
__attribute__((noinline)) int serve(int n) {
  __asm__ volatile("");
  return n + 1;
}
int main(void) {
  struct timespec pause = {0, 2000000};
  for (int n = 0;; n = serve(n)) nanosleep(&pause, 0);
}
`;
/** Where `serve` is in it. */
export const SERVE_LINE = 2;

export interface RunningContainer {
  /** As this machine counts. */
  readonly pid: number;
  readonly sourceFile: string;
  stop(): void;
}

/** Installs what a kind needs from the distribution; the answer is why it cannot run here, or undefined. */
export function whyNotContainer(kind: ContainerKind): string | undefined {
  if (process.getuid?.() !== 0) return 'containers of the lab need root';
  const [program, debianPackage] = programs[kind];
  const there = () => spawnSync('which', [program]).status === 0;
  if (there()) return undefined;
  spawnSync(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=60', debianPackage],
    { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: 180_000 },
  );
  return there() ? undefined : `${program} is not installed and could not be (Debian: ${debianPackage})`;
}

/** Starts one; throws with the tool's own words when it does not run here. */
export async function startContainer(kind: ContainerKind): Promise<RunningContainer> {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-container-'));
  const root = join(folder, 'root');
  for (const place of ['app', 'proc', 'dev', 'sys', 'tmp', 'etc', 'usr', 'run', 'var'])
    mkdirSync(join(root, place), { recursive: true });
  writeFileSync(join(root, 'etc/os-release'), 'ID=lab\n');
  const sourceFile = join(folder, 'serve.c');
  writeFileSync(sourceFile, source);
  // a name of its own, by which it is found among all processes
  const name = `serve-${folder.slice(-6)}`;
  execFileSync('gcc', ['-g', '-O1', '-static', '-o', join(root, 'app', name), sourceFile]);
  const words = commandFor(kind, folder, root, `/app/${name}`);
  const [command = '', ...args] = words;
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const stop = () => stopContainer(kind, child, folder, name);
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await delay(50)) {
    const pid = processOf(`/app/${name}`);
    if (pid !== undefined) return { pid, sourceFile, stop };
    if (child.exitCode !== null) break;
  }
  stop();
  throw new Error(`${kind} does not run here: ${said.trim()}`);
}

function commandFor(kind: ContainerKind, folder: string, root: string, program: string): string[] {
  switch (kind) {
    case 'unshare + chroot':
      return ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'chroot', root, program];
    case 'bubblewrap':
      return [
        'bwrap',
        '--bind',
        root,
        '/',
        '--proc',
        '/proc',
        '--dev',
        '/dev',
        '--unshare-pid',
        '--die-with-parent',
        program,
      ];
    case 'systemd-nspawn':
      return [
        'systemd-nspawn',
        '-q',
        '--register=no',
        '--keep-unit',
        '--private-network',
        '-D',
        root,
        program,
      ];
    case 'runc': {
      run('sh', '-c', 'cd "$1" && runc spec', 'sh', folder);
      const file = join(folder, 'config.json');
      const spec = JSON.parse(run('cat', file)) as {
        process: { terminal: boolean; args: string[]; rlimits?: unknown };
        root: { path: string };
      };
      spec.process.terminal = false;
      spec.process.args = [program];
      delete spec.process.rlimits;
      spec.root.path = root;
      writeFileSync(file, JSON.stringify(spec));
      return ['runc', 'run', '-b', folder, idOf(folder)];
    }
    case 'podman':
      return [
        ...['podman', '--runtime', 'runc', '--cgroup-manager=cgroupfs', '--root', join(folder, 'store')],
        ...['--runroot', join(folder, 'runroot'), 'run', '--rm', '--name', idOf(folder), '--network', 'none'],
        ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--rootfs', root, program],
      ];
  }
}

const idOf = (folder: string) => `lab${folder.slice(-6)}`;

/** The process that runs the program at this path in its own root. */
function processOf(program: string): number | undefined {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const path = readlinkSync(`/proc/${entry}/exe`);
      // in another mount namespace the path is the container's own; in a chroot of ours it is the whole
      if (path.endsWith(program)) return Number(entry);
    } catch {
      // ended, or a kernel thread
    }
  }
  return undefined;
}

function stopContainer(kind: ContainerKind, child: ChildProcess, folder: string, name: string): void {
  if (kind === 'runc') spawnSync('runc', ['delete', '-f', idOf(folder)]);
  if (kind === 'podman')
    spawnSync('podman', [
      '--root',
      join(folder, 'store'),
      '--runroot',
      join(folder, 'runroot'),
      'rm',
      '-f',
      '-t',
      '0',
      idOf(folder),
    ]);
  child.kill('SIGKILL');
  const left = processOf(`/app/${name}`);
  if (left !== undefined) process.kill(left, 'SIGKILL');
  // conmon cleans up behind podman on its own time, and mounts for that what this unmounts
  for (const deadline = Date.now() + 10_000; ;) {
    spawnSync('sh', [
      '-c',
      'for m in $(grep -o "$1[^ ]*" /proc/mounts | sort -r); do umount -l "$m"; done',
      'sh',
      folder,
    ]);
    try {
      return rmSync(folder, { recursive: true, force: true, maxRetries: 2 });
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}
