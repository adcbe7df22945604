/** Figures of processes, and how they are printed. */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export async function ended(child: ChildProcess, signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
  const closed = new Promise((done) => child.once('close', done));
  child.kill(signal);
  await closed;
}

/** CPU time of all threads that a process has now, in seconds: field 1 of /proc/PID/task/TID/schedstat, in ns. */
export function cpuSeconds(pid: number): number {
  let ns = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`))
    ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return ns / 1e9;
}

/** Peak of the resident memory, in KiB. */
export function peakKb(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

function commOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

function descendants(pid: number): number[] {
  const children = readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const text = readFileSync(`/proc/${entry}/stat`, 'utf8');
      return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) === pid;
    } catch {
      return false;
    }
  });
  return children.flatMap((child) => [Number(child), ...descendants(Number(child))]);
}

/** The bpftrace below a process. */
export function engineBelow(pid: number): number {
  return descendants(pid).find((child) => commOf(child) === 'bpftrace') ?? 0;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export const ms = (value: number | undefined): string => `${(value ?? 0).toFixed(0)} ms`;
export const seconds = (value: number): string => `${value.toFixed(3)} s`;
export const mb = (kb: number): string => `${(kb / 1024).toFixed(0)} MB`;
export const ratio = (a: number, b: number): string => `${(a / b).toFixed(2)} ×`;
