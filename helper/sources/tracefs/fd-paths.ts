import { readFileSync, readlinkSync } from 'node:fs';
import type { EventField } from '../../../protocol/events.ts';

/** The type of the fields that this adds: no record holds them. */
export const FD_PATH = 'path of a file descriptor';

/** What openat(2) and its kin are given for the current directory. */
const AT_FDCWD = -100;
/** Ticks of /proc/PID/stat, 100 a second on every architecture (proc_pid_stat(5), USER_HZ). */
const TICK_NS = 1e7;
/** Processes that are remembered; a busy machine starts some thousands a minute. */
const MOST_PROCESSES = 65_536;

/** How long after the event a path was looked up, told in steps so that the texts are few. */
const steps = [
  [1e6, '≤ 1 ms'],
  [1e7, '≤ 10 ms'],
  [1e8, '≤ 100 ms'],
  [1e9, '≤ 1 s'],
] as const;

/** Fields with one more behind each file descriptor: its path. */
export function withPaths(fields: readonly EventField[]): EventField[] {
  return fields.flatMap((field): EventField[] =>
    field.display.as === 'fd'
      ? [
          field,
          {
            ...field,
            name: `${field.name}_path`,
            type: FD_PATH,
            column: 'text',
            display: { as: 'text' },
            meaning: `what ${field.name} stood for in /proc when the event was read, so long after it: another file may have taken the number meanwhile`,
          },
        ]
      : [field],
  );
}

/**
 * Paths of file descriptors, looked up in /proc of the process after the event: the kernel records the number alone. Each says how
 * long after the event that was, or why there is none. A lookup takes some microseconds and is kept for the records that are read together.
 */
export class FdPaths {
  readonly #startNs: bigint;
  readonly #proc: string;
  /** CLOCK_BOOTTIME, in which processes begin, minus the CLOCK_MONOTONIC of the events. */
  readonly #suspendedNs: number;
  readonly #read = new Map<string, string>();
  #begun = new Map<number, number | undefined>();
  #nowNs = 0;

  /** `startNs`: where the stream's times count from, on CLOCK_MONOTONIC. */
  constructor(startNs: bigint, proc = '/proc') {
    this.#startNs = startNs;
    this.#proc = proc;
    const [uptime = '0'] = readFileSync('/proc/uptime', 'utf8').split(' ');
    this.#suspendedNs = Number(uptime) * 1e9 - Number(process.hrtime.bigint());
  }

  /** What was looked up before is not taken for records that are read from here on. */
  forget(): void {
    this.#nowNs = Number(process.hrtime.bigint() - this.#startNs);
    this.#read.clear();
    // whether a number is still the same process is asked anew too
    this.#begun = new Map();
  }

  /** `timeNs`: when the event was over, counted as the stream's times are. */
  resolve(pid: number, fd: number, timeNs: number): string {
    if (pid === 0) return '(process ended)';
    if (fd < 0 && fd !== AT_FDCWD) return '';
    if (!this.#isSame(pid, timeNs)) return '(process ended)';
    const key = `${pid}/${fd === AT_FDCWD ? 'cwd' : `fd/${fd}`}`;
    let path = this.#read.get(key);
    if (path === undefined) this.#read.set(key, (path = this.#look(key)));
    if (path === '') return '(closed since)';
    const lateNs = this.#nowNs - timeNs;
    const step = steps.find(([mostNs]) => lateNs <= mostNs)?.[1] ?? '> 1 s';
    return `${path} (${step} later)`;
  }

  #look(key: string): string {
    try {
      return readlinkSync(`${this.#proc}/${key}`);
    } catch {
      return '';
    }
  }

  /** The process had begun when the event was: it is not another one that has got its number since. */
  #isSame(pid: number, timeNs: number): boolean {
    if (!this.#begun.has(pid)) {
      if (this.#begun.size >= MOST_PROCESSES) this.#begun.clear();
      this.#begun.set(pid, this.#begin(pid));
    }
    const begunNs = this.#begun.get(pid);
    return begunNs !== undefined && begunNs <= timeNs;
  }

  /** When a process began, counted as the stream's times are; undefined where there is none. A tick early, as it is rounded. */
  #begin(pid: number): number | undefined {
    try {
      const stat = readFileSync(`${this.#proc}/${pid}/stat`, 'latin1');
      // the name may hold blanks and brackets; the 22nd field is the 20th behind it
      const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
      return Number.isFinite(ticks)
        ? (ticks - 1) * TICK_NS - this.#suspendedNs - Number(this.#startNs)
        : undefined;
    } catch {
      return undefined;
    }
  }
}
