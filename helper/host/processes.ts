import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { containerOf } from './containers.ts';
import type { ProcessInfo } from '../../protocol/target.ts';

/** Clock ticks a second of `/proc/PID/stat`: USER_HZ is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * The processes of this host, kernel threads left out. A process that ends while it is looked at is left out too.
 * Source: proc(5).
 */
export async function listProcesses(): Promise<ProcessInfo[]> {
  const [entries, bootedAtMs, users] = await Promise.all([readdir('/proc'), bootTimeMs(), userNames()]);
  const found = await Promise.all(
    entries
      .filter((entry) => /^\d+$/.test(entry))
      .map((entry) => readProcess(Number(entry), bootedAtMs, users)),
  );
  return found.filter((process) => process !== undefined);
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
    const container = containerOf(cgroup);
    return {
      pid,
      // the command is in parentheses and may hold some itself, so the last one ends it
      command: statText.slice(statText.indexOf('(') + 1, statText.lastIndexOf(')')),
      commandLine: commandLine.replace(/\0+$/, '').replaceAll('\0', ' '),
      user: users.get(owner.uid) ?? String(owner.uid),
      ...(executable === undefined ? {} : { executable }),
      startedAtMs:
        bootedAtMs +
        (Number(statText.slice(statText.lastIndexOf(')') + 2).split(' ')[19]) * 1000) / TICKS_PER_SECOND,
      ...(container === undefined ? {} : { container }),
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
