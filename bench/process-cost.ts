/** CPU time and memory of processes, as proc(5) tells them. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessCost {
  readonly cpuSeconds: number;
  readonly residentMb: number;
  /** Of it, what is its own: the rest is the program's file, shared with every other Node or bpftrace. */
  readonly privateMb: number;
}

/** Of one process; ticks are 10 ms. Throws when it is gone. */
export function costOf(pid: number): ProcessCost {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const megabytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
    residentMb: megabytes('VmRSS'),
    privateMb: megabytes('RssAnon'),
  };
}

/** The processes below one. */
export function below(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .flatMap((child) => [Number(child), ...below(Number(child))]),
  );
}
