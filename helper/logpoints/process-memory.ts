import { readFileSync } from 'node:fs';

interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

/** Reading a map takes about 0.1 ms; a miss reads it again, but not more often than this. */
const REREAD_MS = 100;
const MOST_PROCESSES = 256;

/**
 * Which addresses of the traced processes are mapped, to tell a zero that was read from memory that is not there.
 * Undefined once the process has gone or when its map may not be read.
 */
export class ProcessMemory {
  readonly #maps = new Map<number, { ranges: readonly Range[] | undefined; readAtMs: number }>();

  isMapped(tid: number, address: bigint): boolean | undefined {
    let known = this.#maps.get(tid) ?? this.#read(tid);
    if (known.ranges === undefined) return undefined;
    if (holds(known.ranges, address)) return true;
    if (Date.now() - known.readAtMs < REREAD_MS) return false;
    const before = known.ranges;
    known = this.#read(tid);
    // Gone by now: what was known of it is the best there is.
    return holds(known.ranges ?? before, address);
  }

  #read(tid: number): { ranges: readonly Range[] | undefined; readAtMs: number } {
    const read = { ranges: readRanges(tid), readAtMs: Date.now() };
    const known = this.#maps.get(tid);
    if (read.ranges === undefined && known !== undefined) return { ...known, readAtMs: read.readAtMs };
    if (this.#maps.size >= MOST_PROCESSES) this.#maps.clear();
    this.#maps.set(tid, read);
    return read;
  }
}

/** Readable mappings, ascending (proc_pid_maps(5)). */
function readRanges(tid: number): readonly Range[] | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${tid}/maps`, 'utf8');
  } catch {
    return undefined;
  }
  // The map of a process that has just ended is empty: nothing is known of it any more.
  if (text === '') return undefined;
  return [...text.matchAll(/^([0-9a-f]+)-([0-9a-f]+) r/gm)].map(([, start, end]) => ({
    start: BigInt(`0x${start}`),
    end: BigInt(`0x${end}`),
  }));
}

function holds(ranges: readonly Range[], address: bigint): boolean {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range === undefined || range.end <= address) low = middle + 1;
    else if (range.start > address) high = middle;
    else return true;
  }
  return false;
}
