import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { containerOf, namespaceOf } from './containers.ts';
import { ContainerNames } from './container-names.ts';
import { programKind } from './program-kind.ts';
import type { ProcessInfo } from '../../protocol/target.ts';

/** Clock ticks a second of `/proc/PID/stat`: USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * The processes of this host, kernel threads left out. A process that ends while it is looked at is left out too.
 * Source: proc(5).
 */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const [entries, bootedAtMs, users] = await Promise.all([readdir('/proc'), bootTimeMs(), userNames()]);
  const names = new ContainerNames();
  const found = await Promise.all(
    entries
      .filter((entry) => /^\d+$/.test(entry))
      .map((entry) => readProcess(Number(entry), bootedAtMs, users, names)),
  );
  const processes = found.filter((process) => process !== undefined);
  const alive = new Set(processes.map(({ pid }) => pid));
  for (const pid of lastLook.keys()) if (!alive.has(pid)) lastLook.delete(pid);
  return processes;
}

/** CPU time of processes at the last look, to tell what they took since. */
const lastLook = new Map<
  number,
  { readonly startedAtMs: number; readonly atMs: number; readonly cpuMs: number }
>();

function shareSince(pid: number, startedAtMs: number, cpuMs: number): number | undefined {
  const atMs = Date.now();
  const last = lastLook.get(pid);
  lastLook.set(pid, { startedAtMs, atMs, cpuMs });
  const since = last?.startedAtMs === startedAtMs ? last : { atMs: startedAtMs, cpuMs: 0 };
  // the kernel counts in ticks of 10 ms: shares of less than a few of them are noise
  const elapsedMs = atMs - since.atMs;
  return elapsedMs < 200 ? undefined : Math.max(0, (cpuMs - since.cpuMs) / elapsedMs);
}

/** One process, or undefined when there is none of that id (or it is a kernel thread). */
export async function processInfo(pid: number): Promise<ProcessInfo | undefined> {
  return readProcess(pid, await bootTimeMs(), await userNames());
}

/**
 * A process's executable as this helper can open it: the path itself where it sees the same file, `/proc/PID/root/…` for a
 * process in another mount namespace, `/proc/PID/exe` for one whose file was deleted or replaced.
 * Undefined when it may not be read.
 */
export async function executableOf(pid: number): Promise<string | undefined> {
  try {
    const path = await readlink(`/proc/${pid}/exe`);
    const own = await stat(`/proc/${pid}/exe`);
    for (const candidate of [path, `/proc/${pid}/root${path}`]) {
      const seen = await stat(candidate).catch(() => undefined);
      if (seen?.ino === own.ino && seen.dev === own.dev) return candidate;
    }
    return `/proc/${pid}/exe`;
  } catch {
    return undefined;
  }
}

async function readProcess(
  pid: number,
  bootedAtMs: number,
  users: ReadonlyMap<number, string>,
  names = new ContainerNames(),
): Promise<ProcessInfo | undefined> {
  try {
    const folder = `/proc/${pid}`;
    const [statText, commandLine, owner, executable, cgroup] = await Promise.all([
      readFile(`${folder}/stat`, 'utf8'),
      readFile(`${folder}/cmdline`, 'utf8'),
      stat(folder),
      executableOf(pid),
      readFile(`${folder}/cgroup`, 'utf8').catch(() => ''),
    ]);
    // a kernel thread has no command line and no executable
    if (commandLine === '' && executable === undefined) return undefined;
    const container = containerOf(cgroup) ?? (await namespaceOf(pid));
    const containerName = container === undefined ? undefined : await names.nameOf(container, cgroup, pid);
    const fields = statText.slice(statText.lastIndexOf(')') + 2).split(' ');
    const startedAtMs = bootedAtMs + (Number(fields[19]) * 1000) / TICKS_PER_SECOND;
    const cpuMs = ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
    const shareOfCore = shareSince(pid, startedAtMs, cpuMs);
    const kind =
      executable === undefined
        ? undefined
        : programKind(executable, executable === `${folder}/exe` ? commandLine : executable);
    return {
      pid,
      // the command is in parentheses and may hold some itself, so the last one ends it
      command: statText.slice(statText.indexOf('(') + 1, statText.lastIndexOf(')')),
      commandLine: commandLine.replace(/\0+$/, '').replaceAll('\0', ' '),
      user: users.get(owner.uid) ?? String(owner.uid),
      ...(executable === undefined ? {} : { executable }),
      startedAtMs,
      ...(container === undefined ? {} : { container }),
      ...(containerName === undefined ? {} : { containerName }),
      ...(shareOfCore === undefined ? {} : { shareOfCore }),
      ...(kind?.language === undefined ? {} : { language: kind.language }),
      ...(kind === undefined ? {} : { debugInfo: kind.debugInfo }),
    };
  } catch {
    return undefined;
  }
}

async function bootTimeMs(): Promise<number> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => '');
  return Number(/^btime (\d+)$/m.exec(text)?.[1] ?? 0) * 1000;
}

async function userNames(): Promise<ReadonlyMap<number, string>> {
  const names = new Map<number, string>();
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const [name, , uid] = line.split(':');
    if (name && uid) names.set(Number(uid), name);
  }
  return names;
}
