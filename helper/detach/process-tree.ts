import { readdir, readFile, stat } from 'node:fs/promises';

/** A process as /proc shows it, as far as ending it needs. */
export interface TreeProcess {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  readonly command: string;
  readonly args: readonly string[];
  /** Start time in ticks since boot: the number alone may be another's a moment later. */
  readonly started: string;
}

/** What a process is to Probescope, told by the marks that it carries in its arguments. */
export type Mark = 'helper' | 'engine-supervisor' | 'tracefs-supervisor';

/** `sh -c TEXT probescope-engine …` and `sh -c TEXT probescope-tracefs …`: the names the supervisors are started under. */
const supervisorNames: Readonly<Record<string, Mark>> = {
  'probescope-engine': 'engine-supervisor',
  'probescope-tracefs': 'tracefs-supervisor',
};

export function markOf({ args, command }: Pick<TreeProcess, 'args' | 'command'>): Mark | undefined {
  if (args[0] === 'probescope-helper' || command === 'probescope-helper'.slice(0, 15)) return 'helper';
  return args[1] === '-c' ? supervisorNames[args[3] ?? ''] : undefined;
}

/** All processes that can be seen, by number; those that end while they are looked at are left out. */
export async function readProcesses(): Promise<Map<number, TreeProcess>> {
  const entries = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(entries.map((entry) => readOne(Number(entry))));
  return new Map(found.flatMap((process) => (process === undefined ? [] : [[process.pid, process]])));
}

async function readOne(pid: number): Promise<TreeProcess | undefined> {
  try {
    const [text, line, { uid }] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      stat(`/proc/${pid}`),
    ]);
    const close = text.lastIndexOf(')');
    const fields = text.slice(close + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return {
      pid,
      parent: Number(fields[1]),
      uid,
      command: text.slice(text.indexOf('(') + 1, close),
      // a title that a process gives itself ends with blanks or NULs
      args: line.split('\0').map((word) => word.trimEnd()),
      started: fields[19] ?? '',
    };
  } catch {
    return undefined;
  }
}

/** `pid` and everything below it. */
export function treeOf(pid: number, processes: ReadonlyMap<number, TreeProcess>): TreeProcess[] {
  const root = processes.get(pid);
  const children = [...processes.values()].filter(({ parent }) => parent === pid);
  return [
    ...(root === undefined ? [] : [root]),
    ...children.flatMap((child) => treeOf(child.pid, processes)),
  ];
}

/** The process itself and those above it, up to the first that is not seen. */
export function ancestorsOf(pid: number, processes: ReadonlyMap<number, TreeProcess>): TreeProcess[] {
  const found: TreeProcess[] = [];
  for (let at = processes.get(pid); at !== undefined && !found.includes(at); at = processes.get(at.parent))
    found.push(at);
  return found;
}
