/**
 * Pages of the kernel's ring buffer as `per_cpu/cpuN/trace_pipe_raw` gives them: a u64 timestamp, the number of bytes
 * committed (with two flags), then records. Layout: `events/header_page` and `events/header_event` of tracefs,
 * kernel/trace/ring_buffer.c (rb_event_length, ring_buffer_read_page).
 */

/** Records of several pages, as parallel arrays: `at` is the offset of the record's data in `bytes`. */
export interface PageRecords {
  count: number;
  /** Nanoseconds of the trace clock since the stream's start. */
  timesNs: Float64Array;
  at: Uint32Array;
  /** Length of the record's data in bytes, padded to four. */
  lengths: Uint32Array;
}

export function emptyRecords(capacity = 1024): PageRecords {
  return {
    count: 0,
    timesNs: new Float64Array(capacity),
    at: new Uint32Array(capacity),
    lengths: new Uint32Array(capacity),
  };
}

const HEADER_BYTES = 16;
/** The flags RB_MISSED_EVENTS and RB_MISSED_STORED lie above; pages are at most 64 KB. */
const COMMIT_MASK = 0x0fffffff;
const PADDING = 29;
const TIME_EXTEND = 30;
const TIME_STAMP = 31;
/** Time deltas have 27 bits; an extension continues them. */
const EXTEND = 2 ** 27;

/**
 * Appends the records of the page at `start` of `view` to `records`. A page which is cut short or whose lengths lead
 * out of it gives the records before that place; the answer is false then.
 */
export function readPage(
  view: DataView,
  start: number,
  length: number,
  startNs: bigint,
  records: PageRecords,
): boolean {
  if (length < HEADER_BYTES) return length === 0;
  const pageNs = view.getBigUint64(start, true);
  const committed = view.getUint32(start + 8, true) & COMMIT_MASK;
  const end = start + Math.min(HEADER_BYTES + committed, length);
  let timeNs = Number(pageNs - startNs);
  let at = start + HEADER_BYTES;
  while (at + 4 <= end) {
    const head = view.getUint32(at, true);
    const typeLength = head & 0x1f;
    const delta = head >>> 5;
    at += 4;
    let dataLength = typeLength * 4;
    if (typeLength === PADDING) {
      // A padding without a delta ends the page.
      if (delta === 0) return true;
      if (at + 4 > end) return false;
      at += view.getUint32(at, true);
      timeNs += delta;
      continue;
    }
    if (typeLength === TIME_EXTEND || typeLength === TIME_STAMP) {
      if (at + 4 > end) return false;
      const extended = view.getUint32(at, true) * EXTEND + delta;
      timeNs =
        typeLength === TIME_EXTEND
          ? timeNs + extended
          : absolute(view.getUint32(at, true), delta, pageNs, startNs);
      at += 4;
      continue;
    }
    timeNs += delta;
    if (typeLength === 0) {
      if (at + 4 > end) return false;
      dataLength = (view.getUint32(at, true) - 4 + 3) & ~3;
      at += 4;
    }
    if (dataLength < 0 || at + dataLength > end) return false;
    append(records, timeNs, at, dataLength);
    at += dataLength;
  }
  return HEADER_BYTES + committed <= length;
}

/** An absolute stamp has 59 bits; the page's own time gives the rest. */
function absolute(high: number, low: number, pageNs: bigint, startNs: bigint): number {
  const stamp = (BigInt(high) << 27n) | BigInt(low);
  return Number(((pageNs >> 59n) << 59n) + stamp - startNs);
}

function append(records: PageRecords, timeNs: number, at: number, length: number): void {
  const index = records.count++;
  if (index === records.timesNs.length) grow(records);
  records.timesNs[index] = timeNs;
  records.at[index] = at;
  records.lengths[index] = length;
}

function grow(records: PageRecords): void {
  const capacity = records.timesNs.length * 2;
  const { timesNs, at, lengths } = records;
  records.timesNs = new Float64Array(capacity);
  records.timesNs.set(timesNs);
  records.at = new Uint32Array(capacity);
  records.at.set(at);
  records.lengths = new Uint32Array(capacity);
  records.lengths.set(lengths);
}
