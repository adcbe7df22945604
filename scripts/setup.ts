// What `npm start` and `npm test` need before they can do anything: npm's packages, the system's packages, the bundles,
// the extension's package and the demo programs. Every step says what it does; a second run skips what is there.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cache, repository } from './node24.mjs';

/** Something the system must have: how to see that it is there, what it is for, and Debian's name for it. */
interface SystemNeed {
  readonly what: string;
  readonly why: string;
  readonly debianPackage: string;
  readonly present: () => boolean;
}

const onPath = (...names: string[]) =>
  names.some((name) =>
    `${process.env['PATH']}:/usr/sbin:/sbin`
      .split(':')
      .some((folder) => folder !== '' && existsSync(join(folder, name))),
  );

const productNeeds: SystemNeed[] = [
  {
    what: 'bpftrace',
    why: 'attaches the probes',
    debianPackage: 'bpftrace',
    present: () => onPath('bpftrace'),
  },
  {
    what: 'a C compiler',
    why: 'builds the demo program',
    debianPackage: 'gcc libc6-dev',
    present: () => onPath('cc', 'gcc'),
  },
  {
    what: 'a C++ compiler',
    why: 'builds the demo program',
    debianPackage: 'g++',
    present: () => onPath('c++', 'g++'),
  },
  {
    what: 'sys/sdt.h',
    why: 'gives the demo program its USDT probes',
    debianPackage: 'systemtap-sdt-dev',
    present: () =>
      existsSync('/usr/include/sys/sdt.h') || existsSync('/usr/include/x86_64-linux-gnu/sys/sdt.h'),
  },
];

const testNeeds: SystemNeed[] = [
  {
    what: 'chromium',
    why: 'drives VS Code in the end-to-end tests',
    debianPackage: 'chromium fonts-liberation',
    present: () => onPath('chromium'),
  },
  {
    what: 'perf',
    why: 'is an engine and an oracle',
    debianPackage: 'linux-perf',
    present: () => onPath('perf'),
  },
  {
    what: 'strace',
    why: 'is an oracle for summaries of system calls',
    debianPackage: 'strace',
    present: () => onPath('strace'),
  },
  {
    what: 'sshd',
    why: 'is the remote host of the tests',
    debianPackage: 'openssh-server openssh-client',
    present: () => onPath('sshd'),
  },
  {
    what: 'sudo',
    why: 'elevates the engine in the tests',
    debianPackage: 'sudo',
    present: () => onPath('sudo'),
  },
  {
    what: 'pkexec',
    why: 'elevates the engine in the tests',
    debianPackage: 'pkexec polkitd dbus-daemon',
    present: () => onPath('pkexec'),
  },
  {
    what: 'ip',
    why: 'gives the test hosts their networks',
    debianPackage: 'iproute2',
    present: () => onPath('ip'),
  },
  { what: 'nft', why: 'cuts links in the tests', debianPackage: 'nftables', present: () => onPath('nft') },
  { what: 'readelf', why: 'is an oracle', debianPackage: 'binutils', present: () => onPath('readelf') },
  {
    what: 'llvm-symbolizer',
    why: 'is an oracle',
    debianPackage: 'llvm',
    present: () => onPath('llvm-symbolizer'),
  },
  { what: 'clang', why: 'builds test programs', debianPackage: 'clang', present: () => onPath('clang') },
  { what: 'go', why: 'builds test programs', debianPackage: 'golang-go', present: () => onPath('go') },
  {
    what: 'dwz',
    why: 'packs debug information of test programs',
    debianPackage: 'dwz',
    present: () => onPath('dwz'),
  },
];

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs a step's command with its output shown; throws with the command when it fails. */
function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const { status, error } = spawnSync(command, args, {
    cwd: repository,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${status ?? error?.message}`);
}

function npmDependencies(): void {
  const lock = readFileSync(join(repository, 'package-lock.json'), 'utf8');
  const mark = join(repository, 'node_modules', '.probescope-lock');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock)
    return say('✓ npm dependencies: as the lock file says');
  say('→ npm dependencies: npm ci');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(mark, lock);
}

/** Installs what the system lacks where it may; returns what is still missing. */
function systemPackages(needs: readonly SystemNeed[]): readonly SystemNeed[] {
  const missing = needs.filter((need) => !need.present());
  if (missing.length === 0) {
    say(`✓ system: ${needs.map((need) => need.what).join(', ')}`);
    return [];
  }
  const packages = missing.flatMap((need) => need.debianPackage.split(' '));
  const elevate = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const may =
    onPath('apt-get') &&
    (elevate.length === 0 || spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0);
  if (may) {
    say(`→ system: installing ${packages.join(' ')} with apt`);
    const env = ['env', 'DEBIAN_FRONTEND=noninteractive'];
    const apt = (...args: string[]) => {
      const [command = 'env', ...rest] = [...elevate, ...env, 'apt-get', '-qq', ...args];
      run(command, rest);
    };
    try {
      apt('update');
      apt('install', '-y', '--no-install-recommends', ...packages);
    } catch (error) {
      say(`  apt did not succeed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const still = missing.filter((need) => !need.present());
  if (still.length > 0) {
    const names = still.flatMap((need) => need.debianPackage.split(' ')).join(' ');
    for (const need of still) say(`✗ ${need.what} is missing; it ${need.why}`);
    say(`  Install it yourself and start again: sudo apt-get install ${names}`);
  }
  return still;
}

/** The newest modification time below the given files and folders, in milliseconds. */
function newestChange(files: readonly string[]): number {
  return Math.max(0, ...files.map((file) => statSync(join(repository, file)).mtimeMs));
}

async function bundles(): Promise<void> {
  const list = spawnSync('git', ['ls-files', '-co', '--exclude-standard', ...builtFrom], {
    cwd: repository,
    encoding: 'utf8',
  });
  const files =
    list.status === 0
      ? list.stdout.split('\n').filter((file) => file !== '' && existsSync(join(repository, file)))
      : [];
  const { packageExtension, vsix } = await import('./package.ts');
  if (files.length > 0 && existsSync(vsix) && statSync(vsix).mtimeMs > newestChange(files)) {
    return say('✓ build: dist is newer than every source');
  }
  say('→ build: one bundle a room, then the package dist/probescope.vsix');
  await import('./build.ts');
  await packageExtension();
}

const builtFrom = [
  ...[
    'protocol',
    'fields',
    'profile',
    'helper',
    'extension',
    'language-server',
    'webview',
    'cli',
    'media',
    'scripts',
  ],
  ...['package.json', 'package-lock.json', 'package.nls.json', 'README.md', 'CHANGELOG.md', '.vscodeignore'],
];

async function codeServer(): Promise<void> {
  const { codeServerInstalled, installCodeServer } = await import('./code-server.ts');
  if (codeServerInstalled()) return say('✓ code-server: in the cache');
  say('→ code-server: fetching VS Code for the browser into the cache (about 600 MB)');
  installCodeServer();
}

export interface SetUp {
  /** Names of what the system still lacks; empty when everything is there. */
  readonly missing: readonly string[];
}

/**
 * Everything up to running programs.
 * `tests`: also what only the tests need. `browser`: also code-server, for hosts without a VS Code of their own.
 */
export async function setUp(options: { tests: boolean; browser: boolean }): Promise<SetUp> {
  mkdirSync(cache, { recursive: true });
  npmDependencies();
  const linux = process.platform === 'linux';
  const missing = linux ? systemPackages([...productNeeds, ...(options.tests ? testNeeds : [])]) : [];
  await bundles();
  if (linux && onPath('cc', 'gcc')) {
    const { buildWorkloads } = await import('./workloads.ts');
    for (const [name, what] of Object.entries(buildWorkloads()))
      say(`${what === 'built' ? '→' : '✓'} workload ${name}: ${what}`);
  }
  if (options.browser) await codeServer();
  return { missing: missing.map((need) => need.what) };
}
