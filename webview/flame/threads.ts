import type { ProfileThread } from '../../protocol/profile.ts';

/** A process with its threads, as indexes into the profile's: what the choice of threads lists. */
export interface ThreadGroup {
  readonly pid: number;
  readonly name: string;
  readonly threads: readonly number[];
}

/** Threads by their processes, in the order in which they were first seen. */
export function threadGroups(threads: readonly ProfileThread[]): ThreadGroup[] {
  const groups = new Map<number, { pid: number; name: string; threads: number[] }>();
  threads.forEach(({ pid, tid, name }, index) => {
    let group = groups.get(pid);
    if (group === undefined) groups.set(pid, (group = { pid, name, threads: [] }));
    // the first thread is called as the process is
    if (tid === pid) group.name = name;
    group.threads.push(index);
  });
  return [...groups.values()];
}

/** All threads, those of a process, or one of them, as the value of an option. */
export const allThreads = 'all';
export const ofProcess = (pid: number): string => `process ${pid}`;
export const ofThread = (index: number): string => `thread ${index}`;

/** The threads that such a value stands for; undefined for all of them. */
export function threadsOf(value: string, groups: readonly ThreadGroup[]): readonly number[] | undefined {
  const [kind, number] = value.split(' ');
  if (kind === 'thread') return [Number(number)];
  return kind === 'process' ? groups.find(({ pid }) => pid === Number(number))?.threads : undefined;
}

/** The value that stands for these threads; undefined when they are chosen in another way. */
export function valueOf(
  threads: readonly number[] | undefined,
  groups: readonly ThreadGroup[],
): string | undefined {
  if (threads === undefined) return allThreads;
  const [first, ...others] = threads;
  if (first !== undefined && others.length === 0) return ofThread(first);
  const chosen = new Set(threads);
  const process = groups.find(
    (group) => group.threads.length === chosen.size && group.threads.every((index) => chosen.has(index)),
  );
  return process === undefined ? undefined : ofProcess(process.pid);
}
