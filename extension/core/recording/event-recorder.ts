import { EVENT_COLUMN } from '../../../fields/row-columns.ts';
import type {
  EventCounts,
  EventRows,
  EventStack,
  StreamColumn,
  StreamSchema,
} from '../../../protocol/events.ts';
import {
  decodeColumn,
  isStack,
  storedColumns,
  type ColumnValue,
  type StoredColumn,
  type ThreadColumn,
} from './event-columns.ts';
import type { RecordingMeta, RecordingWriter } from './writer.ts';

/** What `meta` says of a recording that holds events of sources. */
export const EVENTS_RUN = 'events';

/** The stream's columns and the words it was asked for with: what its table is opened again by. */
export function eventsMeta(schema: StreamSchema, filter: string, more: RecordingMeta = {}): RecordingMeta {
  const names = schema.events.map((id) => id.slice(id.indexOf(':') + 1));
  return {
    kind: EVENTS_RUN,
    title: names.length <= 2 ? names.join(', ') : `${names[0]} and ${names.length - 1} more`,
    events: schema.events.join(' '),
    events_filter: filter === '' ? undefined : filter,
    events_schema: JSON.stringify(schema),
    ...more,
  };
}

/**
 * Writes the rows of a stream into a recording: one of `events` each, its fields by name with raw values (integers beyond 2^53 as decimal
 * text), stacks by their ids in `stacks`, and what was lost in `lost`.
 */
export class EventRecorder {
  readonly #writer: RecordingWriter;
  readonly #schema: StreamSchema;
  readonly #places: readonly StoredColumn[];
  readonly #texts: string[] = [];
  readonly #stacks = new Map<number, number>();
  /** Rows whose stacks are not named yet. */
  #waiting: EventRows[] = [];
  readonly #before: EventCounts | undefined;
  #lost: number | undefined;
  #startedAtMs: number | undefined;

  /** `before` is what the stream has told so far, when it did not begin with the recording. */
  constructor(
    writer: RecordingWriter,
    schema: StreamSchema,
    before: { readonly texts: readonly string[]; readonly counts?: EventCounts } = { texts: [] },
  ) {
    this.#writer = writer;
    this.#schema = schema;
    this.#places = storedColumns(schema.columns);
    this.#texts.push(...before.texts);
    this.#before = before.counts;
    this.#lost = before.counts?.lost;
    for (const { tool, text } of schema.commands) writer.addScript(tool, text);
  }

  addRows(batch: EventRows): void {
    this.#waiting.push(batch);
    this.#write(false);
  }

  addStacks(stacks: readonly EventStack[]): void {
    for (const { id, frames } of stacks) this.#stacks.set(id, this.#writer.stack(frames));
    this.#write(false);
  }

  /** Writes what waits, what was counted since it began, and closes the recording. */
  finish(counts: EventCounts | undefined): void {
    this.#write(true);
    this.#writer.finish(
      counts === undefined ? {} : { events_counts: JSON.stringify(since(counts, this.#before)) },
    );
  }

  /** In order, up to the first rows with a stack that has no name yet; `all` when no more names come. */
  #write(all: boolean): void {
    for (;;) {
      const batch = this.#waiting[0];
      if (batch === undefined) return;
      const values = this.#schema.columns.map(({ column }, index) =>
        decodeColumn(column, batch.data[index] ?? ''),
      );
      if (!all && !this.#isNamed(values)) return;
      this.#waiting.shift();
      this.#texts.push(...batch.texts);
      if (this.#startedAtMs === undefined)
        this.#writer.setMeta({ events_started_ms: (this.#startedAtMs = batch.startedAtMs) });
      for (let row = 0; row < batch.rows; row++) this.#addRow(values, row);
      this.#addLost(batch.counts, Number(values[0]?.at(-1) ?? 0));
    }
  }

  #isNamed(values: readonly ColumnValue[][]): boolean {
    return this.#schema.columns.every(
      ({ display }, index) =>
        display.as !== 'stack' ||
        values[index]!.every((id) => !isStack(Number(id)) || this.#stacks.has(Number(id))),
    );
  }

  #addRow(values: readonly ColumnValue[][], row: number): void {
    const event = Number(values[EVENT_COLUMN]?.[row] ?? 0);
    const fields: Record<string, number | string | null> = { event: this.#schema.events[event] ?? '' };
    const ofThread = new Map<ThreadColumn, number | string | null>();
    let stack: number | undefined;
    for (const [index, column] of this.#schema.columns.entries()) {
      if (index === EVENT_COLUMN || (column.events !== undefined && !column.events.includes(event))) continue;
      const value = values[index]?.[row] ?? 0;
      const stored = this.#stored(column, value);
      const place = this.#places[index];
      if (place === undefined) continue;
      if ('thread' in place) ofThread.set(place.thread, stored);
      else fields[place.field] = stored;
      if (column.display.as === 'stack') stack ??= this.#stacks.get(Number(value));
    }
    const thread = this.#writer.thread({
      pid: Number(ofThread.get('pid') ?? 0),
      tid: Number(ofThread.get('tid') ?? 0),
      name: String(ofThread.get('comm') ?? ''),
    });
    this.#writer.addEvent(undefined, Number(ofThread.get('time') ?? 0), thread, fields, stack);
  }

  /** Stacks by their ids in `stacks`; 0 for an empty one, null where none was recorded. */
  #stored({ column, display }: StreamColumn, value: ColumnValue): number | string | null {
    if (display.as === 'stack')
      return isStack(Number(value))
        ? (this.#stacks.get(Number(value)) ?? null)
        : Number(value) === 0
          ? null
          : 0;
    if (column === 'text') return this.#texts[Number(value)] ?? '';
    if (typeof value === 'number') return value;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }

  #addLost({ lost }: EventCounts, timeNs: number): void {
    const more = lost - (this.#lost ?? 0);
    this.#lost = lost;
    if (more > 0)
      this.#writer.addLost(
        timeNs,
        'events',
        more,
        'overwritten in the kernel’s buffer before they were read',
      );
  }
}

/** Counts are of the whole stream. */
function since(counts: EventCounts, before: EventCounts | undefined): EventCounts {
  if (before === undefined) return counts;
  const { missingStacks } = counts;
  return {
    received: counts.received - before.received,
    lost: counts.lost - before.lost,
    sampledOut: counts.sampledOut - before.sampledOut,
    missedEntries: counts.missedEntries - before.missedEntries,
    ...(missingStacks === undefined ? {} : { missingStacks: missingStacks - (before.missingStacks ?? 0) }),
  };
}
