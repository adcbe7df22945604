import { EVENT_COLUMN } from '../../../fields/row-columns.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import {
  EMPTY_STACK,
  NO_STACK,
  type EventCounts,
  type EventRows,
  type EventStack,
  type StreamSchema,
} from '../../../protocol/events.ts';
import type { Frame } from '../../../protocol/source.ts';
import { encodeColumn, storedColumns, type ColumnValue, type ThreadColumn } from './event-columns.ts';
import type { Recording } from './reader.ts';

const ROWS_A_BATCH = 10_000;
/** Ids of a stream's stacks begin here, those of the file with 1. */
const FIRST_STACK = 2;

interface StoredRow {
  readonly time_ns: number;
  readonly fields: string;
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
}

/** The events of a recording as the stream that they came in: what a live table is opened again with. */
export class RecordedEvents {
  readonly schema: StreamSchema;
  readonly filter: string;
  readonly counts: EventCounts;
  readonly #recording: Recording;
  readonly #startedAtMs: number;

  /** Throws ProbeError `malformed-file` for a recording that holds no events of sources. */
  constructor(recording: Recording) {
    const meta = recording.meta();
    const [schema, counts] = ['events_schema', 'events_counts'].map((key): unknown => {
      try {
        return JSON.parse(meta.get(key) ?? 'null');
      } catch {
        return null;
      }
    });
    if (!isSchema(schema))
      throw new ProbeError({
        code: 'malformed-file',
        message: `${recording.path} does not say what its events are.`,
        remedy: 'Read them by probescope query: SELECT * FROM events.',
      });
    this.#recording = recording;
    this.schema = schema;
    this.filter = meta.get('events_filter') ?? '';
    this.#startedAtMs = Number(meta.get('events_started_ms')) || 0;
    this.counts = isCounts(counts) ? counts : this.#counted();
  }

  /** Of a recording that was not closed: what is in the file. */
  #counted(): EventCounts {
    const one = (sql: string): number =>
      (this.#recording.database.prepare(sql).get() as { n: number | null }).n ?? 0;
    return {
      received: one('SELECT count(*) AS n FROM events'),
      lost: one('SELECT sum(count) AS n FROM lost'),
      sampledOut: 0,
      missedEntries: 0,
    };
  }

  /** The rows in order, each batch with the texts that are new in it. */
  *batches(): Generator<EventRows> {
    const texts = new Map<string, number>();
    const select = this.#recording.database.prepare(
      `SELECT time_ns, fields, coalesce(pid, 0) AS pid, coalesce(tid, 0) AS tid, coalesce(threads.name, '') AS comm
       FROM events LEFT JOIN threads ON threads.id = events.thread ORDER BY events.id`,
    );
    let rows: StoredRow[] = [];
    let sequence = 0;
    for (const row of select.iterate() as IterableIterator<unknown>) {
      rows.push(row as StoredRow);
      if (rows.length < ROWS_A_BATCH) continue;
      yield this.#batch(rows, texts, sequence++);
      rows = [];
    }
    yield this.#batch(rows, texts, sequence);
  }

  #batch(rows: readonly StoredRow[], texts: Map<string, number>, sequence: number): EventRows {
    const before = texts.size;
    const textOf = (text: string): number => {
      const known = texts.get(text);
      if (known !== undefined) return known;
      texts.set(text, texts.size);
      return texts.size - 1;
    };
    const fields = rows.map((row) => fieldsOf(row));
    const places = storedColumns(this.schema.columns);
    const data = this.schema.columns.map(({ column, display }, index) => {
      const place = places[index]!;
      const values = rows.map((row, at): ColumnValue => {
        if (index === EVENT_COLUMN)
          return Math.max(0, this.schema.events.indexOf(textOr(fields[at]?.['event'])));
        const value = 'thread' in place ? ofThread[place.thread](row) : fields[at]?.[place.field];
        if (display.as === 'stack') return stackId(value);
        if (column === 'text') return textOf(textOr(value));
        return typeof value === 'string'
          ? bigOf(value)
          : typeof value === 'number'
            ? whole(column, value)
            : 0;
      });
      return encodeColumn(column, values);
    });
    return {
      stream: this.schema.stream,
      sequence,
      rows: rows.length,
      data,
      texts: [...texts.keys()].slice(before),
      counts: this.counts,
      startedAtMs: this.#startedAtMs,
    };
  }

  /** Every stack that the events name. */
  stacks(): EventStack[] {
    if (!this.schema.columns.some(({ display }) => display.as === 'stack')) return [];
    const { database } = this.#recording;
    const frames = new Map(
      (
        database
          .prepare(
            `SELECT frames.id, n.text AS name, m.text AS module, f.text AS file, line, kind FROM frames
             JOIN strings n ON n.id = frames.name LEFT JOIN strings m ON m.id = frames.module
             LEFT JOIN strings f ON f.id = frames.file`,
          )
          .all() as unknown as StoredFrame[]
      ).map((frame) => [frame.id, frameOf(frame)]),
    );
    const nodes = new Map(
      (
        database.prepare('SELECT id, coalesce(parent, 0) AS parent, frame FROM stacks').all() as unknown as {
          id: number;
          parent: number;
          frame: number;
        }[]
      ).map((node) => [node.id, node]),
    );
    return [...nodes.keys()].map((leaf) => {
      const stack: Frame[] = [];
      for (
        let node = nodes.get(leaf);
        node !== undefined && stack.length <= nodes.size;
        node = nodes.get(node.parent)
      )
        stack.push(frames.get(node.frame) ?? { function: '??' });
      return { id: leaf + FIRST_STACK, kind: 'user', frames: stack, notes: [] };
    });
  }
}

const ofThread: Readonly<Record<ThreadColumn, (row: StoredRow) => number | string>> = {
  time: (row) => row.time_ns,
  pid: (row) => row.pid,
  tid: (row) => row.tid,
  comm: (row) => row.comm,
};

interface StoredFrame {
  readonly id: number;
  readonly name: string;
  readonly module: string | null;
  readonly file: string | null;
  readonly line: number | null;
  readonly kind: string;
}

const frameOf = ({ name, module, file, line, kind }: StoredFrame): Frame => ({
  function: name,
  ...(module === null ? {} : { module }),
  ...(file === null || line === null || line === 0 ? {} : { file, line }),
  ...(kind === 'inlined' ? { inlined: true } : {}),
});

/** What a hand wrote into the file and is no record of fields has none. */
function fieldsOf({ fields }: StoredRow): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(fields);
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

const textOr = (value: unknown): string => (typeof value === 'string' ? value : '');

const stackId = (value: unknown): number =>
  typeof value !== 'number' ? NO_STACK : value === 0 ? EMPTY_STACK : value + FIRST_STACK;

function bigOf(text: string): bigint {
  return /^-?\d{1,20}$/.test(text) ? BigInt(text) : 0n;
}

/** 64-bit columns take whole numbers only. */
const whole = (column: string, value: number): number =>
  column === 'f64' ? value : Number.isSafeInteger(Math.trunc(value)) ? Math.trunc(value) : 0;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const columnTypes = ['i32', 'u32', 'i64', 'u64', 'f64', 'text'];

function isSchema(value: unknown): value is StreamSchema {
  if (!isRecord(value)) return false;
  const { stream, events, columns, commands } = value;
  return (
    typeof stream === 'string' &&
    Array.isArray(events) &&
    events.every((id) => typeof id === 'string') &&
    Array.isArray(commands) &&
    Array.isArray(columns) &&
    columns.every(
      (column: unknown) =>
        isRecord(column) &&
        typeof column['name'] === 'string' &&
        columnTypes.includes(String(column['column'])) &&
        isRecord(column['display']) &&
        typeof column['display']['as'] === 'string',
    )
  );
}

function isCounts(value: unknown): value is EventCounts {
  return (
    isRecord(value) &&
    ['received', 'lost', 'sampledOut', 'missedEntries'].every((key) => typeof value[key] === 'number')
  );
}
