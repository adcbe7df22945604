import { flatString } from '../../flat-string.ts';

/** One frame as `perf script` prints it: for a mapped file the offset in it, otherwise the address; hexadecimal. */
export interface PerfFrame {
  readonly address: string;
  /** What perf itself calls it; empty when it does not know. */
  readonly symbol: string;
  /** A file's path as the process sees it, `[kernel.kallsyms]`, `[vdso]`, `[unknown]`, `/tmp/perf-PID.map`. */
  readonly module: string;
}

/** One sample; its frames are the lines as they were printed, innermost first. */
export interface PerfSample {
  readonly command: string;
  readonly pid: number;
  readonly tid: number;
  /** CLOCK_MONOTONIC, as `perf record -k mono` has it. */
  readonly timeNs: number;
  readonly frames: readonly string[];
}

/** What {@link PerfTextReader} reads. */
export const PERF_FIELDS = 'comm,pid,tid,time,ip,sym,dso';

const header = /^(.*?)\s+(-?\d+)\/(-?\d+)\s+(\d+)\.(\d{1,9}): *$/;
const lost = /\bPERF_RECORD_LOST(?:_SAMPLES)?\b.*?(\d+)\s*$/;

/** Reads `perf script -F {@link PERF_FIELDS} --show-lost-events`, line by line as it streams. */
export class PerfTextReader {
  readonly #onSample: (sample: PerfSample) => void;
  #sample: { head: Omit<PerfSample, 'frames'>; frames: string[] } | undefined;
  /** Samples that the kernel had no room for. */
  lost = 0;
  /** Lines that are none of perf's. */
  unread = 0;

  constructor(onSample: (sample: PerfSample) => void) {
    this.#onSample = onSample;
  }

  pushLine(line: string): void {
    if (line.trim() === '') {
      this.finish();
      return;
    }
    if (/^\s+[0-9a-f]+ /.test(line) && this.#sample !== undefined) {
      this.#sample.frames.push(line.trim());
      return;
    }
    this.finish();
    const found = header.exec(line);
    const dropped = found === null ? lost.exec(line) : null;
    if (dropped !== null) this.lost += Number(dropped[1]);
    else if (found === null) this.unread++;
    else {
      const [, command = '', pid, tid, seconds, fraction = ''] = found;
      const timeNs = Number(seconds) * 1e9 + Number(fraction.padEnd(9, '0'));
      this.#sample = {
        head: { command: flatString(command.trim()), pid: Number(pid), tid: Number(tid), timeNs },
        frames: [],
      };
    }
  }

  /** Hands on the sample that no blank line has ended. */
  finish(): void {
    const sample = this.#sample;
    this.#sample = undefined;
    if (sample !== undefined) this.#onSample({ ...sample.head, frames: sample.frames });
  }
}

/** `1161 leaf (/src/spin/spin)` taken apart; names of C++ hold parentheses and blanks themselves. */
export function perfFrame(line: string): PerfFrame | undefined {
  const found =
    /^([0-9a-f]+) (.*?) \(((?:\/|\[)[^]*)\)$/.exec(line) ?? /^([0-9a-f]+) (.*) \((.*)\)$/.exec(line);
  if (found === null) return undefined;
  const [, address = '', symbol = '', module = ''] = found;
  return {
    address,
    symbol: symbol === '[unknown]' ? '' : symbol,
    module: module.replace(/ \(deleted\)$/, ''),
  };
}

/** The kernel's half of the addresses. */
export function isKernelFrame(line: string): boolean {
  return /^[89a-f][0-9a-f]{15} /.test(line);
}
