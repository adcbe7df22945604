/** Looking at processes by their own tree: others trace on the same kernel at the same time. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly commandLine: string;
}

function readRow(pid: number): ProcessRow | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the name in parentheses may hold blanks and parentheses itself
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return undefined;
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, parent: Number(parent), commandLine };
  } catch {
    return undefined;
  }
}

/** Everything below a process, itself included. */
export function treeOf(root: number): ProcessRow[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readRow(Number(name)) ?? []);
  const found = all.filter(({ pid }) => pid === root);
  for (const row of found) found.push(...all.filter(({ parent }) => parent === row.pid));
  return found;
}

/** The helper, its supervisors and engines: what must not outlive the window. */
export function tracersBelow(root: number): ProcessRow[] {
  const tree = treeOf(root);
  const helpers = tree.filter(({ commandLine }) => /dist\/helper\.js|probescope-helper/.test(commandLine));
  const pids = new Set(helpers.flatMap(({ pid }) => treeOf(pid).map((row) => row.pid)));
  return tree.filter(({ pid }) => pids.has(pid));
}

/** The bpftrace processes below a process that trace; one that is only asked for its version does not. */
export function engineProcessesBelow(root: number): ProcessRow[] {
  return tracersBelow(root).filter(
    ({ commandLine }) => commandLine.includes('bpftrace') && !commandLine.includes('--version'),
  );
}

/** Those of `rows` that still run as what they were. */
export function survivors(rows: readonly ProcessRow[]): ProcessRow[] {
  return rows.filter(({ pid, commandLine }) => readRow(pid)?.commandLine === commandLine);
}

/** Waits until none of `rows` runs; returns those that do after `timeoutMs`. */
export async function waitForEnd(rows: readonly ProcessRow[], timeoutMs: number): Promise<ProcessRow[]> {
  const deadline = performance.now() + timeoutMs;
  while (survivors(rows).length > 0 && performance.now() < deadline) await delay(50);
  return survivors(rows);
}

/** Definitions in `uprobe_events` that name a file. */
export function uprobesOn(file: string): string[] {
  try {
    return readFileSync('/sys/kernel/tracing/uprobe_events', 'utf8')
      .split('\n')
      .filter((line) => line.includes(file));
  } catch {
    return [];
  }
}
