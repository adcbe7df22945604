import type { FilterField } from '../../fields/filter/check.ts';
import type { RawValue } from '../../fields/show.ts';
import { frameText, stackText } from '../../fields/stack-text.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { EMPTY_STACK, NO_STACK, type EventStack } from '../../protocol/events.ts';
import type {
  ColumnType,
  EventCounts,
  EventRows,
  StreamColumn,
  StreamSchema,
} from '../../protocol/events.ts';

/** Rows that the table holds; the oldest go first, and are counted. */
export const MAX_ROWS = 1_000_000;
/** So many are dropped at once: moving a million rows for each new one would cost more than showing them. */
const DROP = 65_536;

type Store = Int32Array | Uint32Array | Float64Array | BigInt64Array | BigUint64Array;

function storeOf(type: ColumnType, capacity: number): Store {
  switch (type) {
    case 'i32':
      return new Int32Array(capacity);
    case 'u32':
    case 'text':
      return new Uint32Array(capacity);
    case 'f64':
      return new Float64Array(capacity);
    case 'i64':
      return new BigInt64Array(capacity);
    case 'u64':
      return new BigUint64Array(capacity);
  }
}

function bytesOf(base64: string): ArrayBuffer {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes.buffer;
}

function viewOf(type: ColumnType, buffer: ArrayBuffer): Store {
  switch (type) {
    case 'i32':
      return new Int32Array(buffer);
    case 'u32':
    case 'text':
      return new Uint32Array(buffer);
    case 'f64':
      return new Float64Array(buffer);
    case 'i64':
      return new BigInt64Array(buffer);
    case 'u64':
      return new BigUint64Array(buffer);
  }
}

export interface GroupRow {
  readonly key: string;
  readonly count: number;
  readonly sum: number;
  readonly p50: number;
  readonly p99: number;
}

/** The rows of a stream in typed arrays: 4 or 8 bytes a value, texts once each. */
export class EventTable {
  readonly schema: StreamSchema;
  rows = 0;
  /** Rows that were dropped because the table was full. */
  discarded = 0;
  counts: EventCounts = { received: 0, lost: 0, sampledOut: 0, missedEntries: 0 };
  startedAtMs = 0;
  readonly texts: string[] = [];
  private readonly stacks = new Map<number, { readonly stack: EventStack; readonly text: string }>();
  private stores: Store[];
  private capacity: number;

  constructor(schema: StreamSchema, capacity = 4096) {
    this.schema = schema;
    this.capacity = capacity;
    this.stores = schema.columns.map((column) => storeOf(column.column, capacity));
  }

  get columns(): readonly StreamColumn[] {
    return this.schema.columns;
  }

  /** Bytes that the rows occupy, texts at two bytes a character. */
  get bytes(): number {
    return (
      this.stores.reduce((sum, store) => sum + store.byteLength, 0) +
      this.texts.reduce((sum, text) => sum + text.length * 2, 0)
    );
  }

  append(batch: EventRows): void {
    this.texts.push(...batch.texts);
    this.counts = batch.counts;
    this.startedAtMs = batch.startedAtMs;
    if (batch.rows === 0) return;
    this.reserve(this.rows + batch.rows);
    this.columns.forEach((column, index) => {
      const values = viewOf(column.column, bytesOf(batch.data[index] ?? ''));
      // Both are of the column's type, which the compiler cannot know of an array of unions.
      (this.stores[index] as Float64Array).set(values as Float64Array, this.rows);
    });
    this.rows += batch.rows;
    if (this.rows > MAX_ROWS) this.dropOldest(Math.max(DROP, this.rows - MAX_ROWS));
  }

  addStacks(stacks: readonly EventStack[]): void {
    for (const stack of stacks) this.stacks.set(stack.id, { stack, text: stackText(stack.frames) });
  }

  stack(id: number): EventStack | undefined {
    return this.stacks.get(id)?.stack;
  }

  /** A stack in one line for its cell; it is named a moment after its first row. */
  stackCell(id: number): string {
    if (id === NO_STACK) return 'missing';
    return id === EMPTY_STACK ? '' : (this.stacks.get(id)?.text ?? '…');
  }

  /** Innermost first, one frame a text; null where the stack is missing. */
  stackLines(id: number): string[] | null {
    return id === NO_STACK ? null : (this.stacks.get(id)?.stack.frames.map(frameText) ?? []);
  }

  private reserve(rows: number): void {
    if (rows <= this.capacity) return;
    this.capacity = Math.max(rows, Math.min(this.capacity * 2, MAX_ROWS + 2 * DROP));
    this.stores = this.stores.map((store, index) => {
      const larger = storeOf(this.columns[index]?.column ?? 'u32', this.capacity);
      (larger as Float64Array).set((store as Float64Array).subarray(0, this.rows));
      return larger;
    });
  }

  private dropOldest(count: number): void {
    for (const store of this.stores) store.copyWithin(0, count, this.rows);
    this.rows -= count;
    this.discarded += count;
  }

  /** The value, or undefined where the row's event has no such field. */
  value(row: number, column: number): RawValue | undefined {
    const described = this.columns[column];
    const raw = this.stores[column]?.[row];
    if (described === undefined || raw === undefined) return undefined;
    if (described.events !== undefined && !described.events.includes(this.eventOf(row))) return undefined;
    return described.column === 'text' ? (this.texts[Number(raw)] ?? '') : raw;
  }

  eventOf(row: number): number {
    return Number(this.stores[1]?.[row] ?? 0);
  }

  /** The value as a number for sorting and sums; texts have none. */
  number(row: number, column: number): number {
    return Number(this.stores[column]?.[row] ?? 0);
  }

  /** Row numbers in the order of a column, ascending or descending; `rows` are those to be ordered. */
  sorted(rows: Uint32Array, column: number, descending: boolean): Uint32Array {
    const sign = descending ? -1 : 1;
    const type = this.columns[column]?.column;
    const store = this.stores[column];
    const order = Uint32Array.from(rows);
    if (store === undefined) return order;
    if (type === 'text') {
      // Texts are compared once each, rows by their rank.
      const ranked = this.texts
        .map((_, index) => index)
        .sort((a, b) => ((this.texts[a] ?? '') < (this.texts[b] ?? '') ? -1 : 1));
      const rank = new Uint32Array(ranked.length);
      ranked.forEach((text, place) => (rank[text] = place));
      return order.sort(
        (a, b) => sign * ((rank[Number(store[a])] ?? 0) - (rank[Number(store[b])] ?? 0)) || a - b,
      );
    }
    return order.sort((a, b) => {
      const [one = 0, other = 0] = [store[a], store[b]];
      return one < other ? -sign : one > other ? sign : a - b;
    });
  }

  /** Rows from `from` on for which `test` holds. */
  matching(test: (row: number) => boolean, from = 0): number[] {
    const found: number[] = [];
    for (let row = from; row < this.rows; row++) if (test(row)) found.push(row);
    return found;
  }

  /** Groups rows by a column's shown value, with count and figures of another column; largest count first. */
  groups(
    rows: Uint32Array,
    by: number,
    of: number | undefined,
    shown: (row: number, column: number) => string,
  ): GroupRow[] {
    const groups = new Map<string, number[]>();
    for (const row of rows) {
      const key = shown(row, by);
      const values = groups.get(key);
      const value = of === undefined ? 0 : this.number(row, of);
      if (values === undefined) groups.set(key, [value]);
      else values.push(value);
    }
    return [...groups]
      .map(([key, values]) => {
        values.sort((a, b) => a - b);
        return {
          key,
          count: values.length,
          sum: values.reduce((sum, value) => sum + value, 0),
          p50: nearestRank(values, 0.5),
          p99: nearestRank(values, 0.99),
        };
      })
      .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
  }
}

/** The places of a stack's frames, innermost first. */
export function placesOf(stack: EventStack | undefined): SourcePlace[] {
  return (stack?.frames ?? []).flatMap(({ file, line, column }) =>
    file === undefined || line === undefined
      ? []
      : [{ file, line, ...(column === undefined ? {} : { column }) }],
  );
}

/** Nearest rank: the smallest value that at least the fraction of values do not exceed. */
export function nearestRank(sorted: readonly number[], fraction: number): number {
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? 0;
}

/** One cell of CSV (RFC 4180). A leading sign that spreadsheets take for a formula is kept from them by an apostrophe. */
export function csvCell(text: string): string {
  const safe = /^[=+@\t]|^-(?!\d)/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The fields that a filter on all events of the stream may name: those that every event has. */
export function sharedFields(fields: readonly (readonly FilterField[])[]): FilterField[] {
  const [first = [], ...others] = fields;
  return first.filter((field) => others.every((list) => list.some((known) => known.name === field.name)));
}

/** Which row is at the top for a scroll position, when the scrolled height is capped below the rows' own. */
export function firstRow(scrollTop: number, scrollRange: number, rows: number, visible: number): number {
  const last = Math.max(0, rows - visible);
  return scrollRange <= 0
    ? 0
    : Math.min(last, Math.round((Math.min(scrollTop, scrollRange) / scrollRange) * last));
}
