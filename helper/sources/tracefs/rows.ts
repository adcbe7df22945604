import { readFileSync } from 'node:fs';
import type { RowPredicate } from '../../../fields/filter/evaluate.ts';
import { rowColumns } from '../../../fields/row-columns.ts';
import type { RawValue } from '../../../fields/show.ts';
import {
  type EventField,
  NO_STACK,
  type SourceId,
  type StackKind,
  type StreamColumn,
} from '../../../protocol/events.ts';
import { Column, Texts } from '../columns.ts';
import { FD_PATH, type FdPaths, withPaths } from './fd-paths.ts';
import { type FieldReader, fieldReader } from './record.ts';

/** One source in a stream: which records are its, and what they hold. */
export interface StreamEvent {
  readonly source: SourceId;
  /** `common_type` of its records. */
  readonly id: number;
  /** `common_type` of the records that complete it; then a row appears when both were seen. */
  readonly exitId?: number;
  readonly fields: readonly EventField[];
}

const stackMeanings: Readonly<Record<StackKind, string>> = {
  user: 'functions of the program, innermost first',
  kernel: 'functions of the kernel, innermost first',
};

/**
 * The columns of a stream: those of `rowColumns`, then every field of every event by name and type, then the ids
 * of the stacks that are wanted.
 */
export function columnsOf(events: readonly StreamEvent[], stacks: readonly StackKind[] = []): StreamColumn[] {
  const columns: StreamColumn[] = [
    { name: 'time', type: 'u64', column: 'f64', display: { as: 'timeNs' }, meaning: 'since the trace began' },
    {
      name: 'event',
      type: 'u32',
      column: 'u32',
      display: { as: 'enum', values: events.map((event, value) => ({ name: event.source, value })) },
    },
    { name: 'cpu', type: 'u32', column: 'u32', display: { as: 'number' }, meaning: 'CPU it happened on' },
    {
      name: 'pid',
      type: 'int',
      column: 'i32',
      display: { as: 'number' },
      meaning: 'process id; 0 when it ended before it could be looked up',
    },
    { name: 'tid', type: 'int', column: 'i32', display: { as: 'number' }, meaning: 'thread id' },
    {
      name: 'comm',
      type: 'char[16]',
      column: 'text',
      display: { as: 'text' },
      meaning: "the thread's name when it was first seen",
    },
  ];
  const own = new Map<string, StreamColumn & { events: number[] }>();
  events.forEach(({ fields }, index) => {
    for (const { name, type, column, display, meaning } of fields) {
      const key = `${name} ${column} ${display.as}`;
      const known = own.get(key);
      if (known !== undefined) known.events.push(index);
      else
        own.set(key, {
          name,
          type,
          column,
          display,
          ...(meaning === undefined ? {} : { meaning }),
          events: [index],
        });
    }
  });
  for (const { events: indices, ...column } of own.values())
    columns.push(indices.length === events.length ? column : { ...column, events: indices });
  for (const kind of stacks)
    columns.push({
      name: `${kind}_stack`,
      type: 'stack',
      column: 'u32',
      display: { as: 'stack' },
      meaning: stackMeanings[kind],
    });
  return columns;
}

/** What a thread is called and which process it belongs to. */
interface Task {
  readonly pid: number;
  readonly comm: string;
}

/** Threads are asked for once; a busy machine starts some thousands a minute. */
const MAX_TASKS = 65_536;

/** Names of threads that end within a moment are kept by the kernel for a while (`saved_cmdlines`). */
export class Tasks {
  private readonly known = new Map<number, Task>();
  private readonly savedNames: () => string;

  constructor(savedNames: () => string) {
    this.savedNames = savedNames;
  }

  of(tid: number): Task {
    const known = this.known.get(tid);
    if (known !== undefined) return known;
    if (this.known.size >= MAX_TASKS) this.known.clear();
    const task = this.read(tid);
    this.known.set(tid, task);
    return task;
  }

  private read(tid: number): Task {
    if (tid === 0) return { pid: 0, comm: 'swapper' };
    try {
      const status = readFileSync(`/proc/${tid}/status`, 'utf8');
      const comm = /^Name:\t(.*)$/m.exec(status)?.[1] ?? '';
      return { pid: Number(/^Tgid:\t(\d+)$/m.exec(status)?.[1] ?? 0), comm };
    } catch {
      const saved = new RegExp(`^${tid} (.*)$`, 'm').exec(this.savedNames())?.[1];
      return { pid: 0, comm: saved ?? '' };
    }
  }
}

/** An entry that waits for its return: the record's bytes, since the page is gone by then. */
interface OpenCall {
  readonly bytes: Uint8Array;
  readonly timeNs: number;
  readonly stacks: StackIds;
}

/** Ids of the stacks of one record. */
export type StackIds = Readonly<Record<StackKind, number>>;

const noStacks: StackIds = { user: NO_STACK, kernel: NO_STACK };

/** Deeper recursion of one thread than this is taken for lost returns. */
const MAX_DEPTH = 256;
const MAX_OPEN = 100_000;

interface Writer {
  readonly index: number;
  /** Where the event's fields go. */
  readonly readers: readonly FieldReader[];
  readonly exitReaders: readonly FieldReader[];
  readonly absent: readonly Column[];
  readonly duration?: Column;
}

/** Turns records into the columns of a stream. */
export class Rows {
  readonly columns: readonly StreamColumn[];
  /** Returns without their entry: the call began before the trace did, or its entry was lost. */
  missedEntries = 0;
  rows = 0;
  /** Of the rows that were taken, the stacks that should be there and are not. */
  missingStacks = 0;
  private readonly stackColumns: readonly { readonly kind: StackKind; readonly column: Column }[];
  private readonly data: Column[];
  private readonly texts = new Texts();
  private readonly tasks: Tasks;
  private readonly byType = new Map<number, { writer: Writer; exit: boolean; paired: boolean }>();
  private readonly open = new Map<number, OpenCall[]>();
  private openCount = 0;
  private readonly paths: FdPaths | undefined;
  /** Of the row that is being written. */
  private now = { pid: 0, timeNs: 0 };

  constructor(
    streamEvents: readonly StreamEvent[],
    tasks: Tasks,
    stacks: readonly StackKind[] = [],
    paths?: FdPaths,
  ) {
    const events =
      paths === undefined
        ? streamEvents
        : streamEvents.map((event) => ({ ...event, fields: withPaths(event.fields) }));
    this.paths = paths;
    this.columns = columnsOf(events, stacks);
    this.tasks = tasks;
    this.data = this.columns.map((column) => new Column(column.column));
    const last = this.data.slice(this.data.length - stacks.length);
    this.stackColumns = last.map((column, place) => ({ kind: stacks[place] ?? 'user', column }));
    events.forEach((event, index) => {
      const writer = this.writerOf(event, index);
      this.byType.set(event.id, { writer, exit: false, paired: event.exitId !== undefined });
      if (event.exitId !== undefined) this.byType.set(event.exitId, { writer, exit: true, paired: true });
    });
  }

  private writerOf(event: StreamEvent, index: number): Writer {
    const readers: FieldReader[] = [];
    const exitReaders: FieldReader[] = [];
    const taken = new Set(this.stackColumns.map(({ column }) => column));
    let duration: Column | undefined;
    for (const field of event.fields) {
      const at = this.columns.findIndex(
        (known, place) =>
          place >= rowColumns.length &&
          known.name === field.name &&
          known.column === field.column &&
          known.display.as === field.display.as,
      );
      const column = this.data[at];
      if (column === undefined) continue;
      taken.add(column);
      if (field.type === FD_PATH) readers.push(this.pathReader(field, column));
      else if (event.exitId === undefined) readers.push(fieldReader(field, column, this.texts));
      else if (field.name === 'duration') duration = column;
      else if (field.name === 'ret') exitReaders.push(fieldReader(field, column, this.texts));
      else readers.push(fieldReader(field, column, this.texts));
    }
    const absent = this.data.slice(rowColumns.length).filter((column) => !taken.has(column));
    return { index, readers, exitReaders, absent, ...(duration === undefined ? {} : { duration }) };
  }

  private pathReader({ offsetBytes = 0 }: EventField, column: Column): FieldReader {
    return (view, at, length) => {
      const { pid, timeNs } = this.now;
      // an int, which some formats give the width of a register
      const fd = offsetBytes + 4 <= length ? view.getInt32(at + offsetBytes, true) : -1;
      column.push(this.texts.indexOf(this.paths?.resolve(pid, fd, timeNs) ?? ''));
    };
  }

  /** What records of a type are to this stream: where a row's stacks are taken, where not, or nothing of it. */
  roleOf(type: number): 'begins' | 'completes' | undefined {
    const known = this.byType.get(type);
    return known === undefined ? undefined : known.exit ? 'completes' : 'begins';
  }

  /** One record; records of events that are not this stream's are left out. */
  add(
    view: DataView,
    at: number,
    length: number,
    timeNs: number,
    cpu: number,
    stacks: StackIds = noStacks,
  ): void {
    const known = this.byType.get(view.getUint16(at, true));
    if (known === undefined) return;
    const tid = view.getInt32(at + 4, true);
    const { writer } = known;
    if (!known.paired) {
      this.common(writer, timeNs, cpu, tid, stacks);
      for (const read of writer.readers) read(view, at, length);
      for (const column of writer.absent) column.push(this.blank(column));
    } else if (known.exit) this.finish(writer, view, at, length, timeNs, cpu, tid);
    else this.begin(writer, view, at, length, timeNs, tid, stacks);
  }

  /** Two calls of one thread nest only across different sources, so each source has its own stack. */
  private key(writer: Writer, tid: number): number {
    return tid * 1024 + writer.index;
  }

  private begin(
    writer: Writer,
    view: DataView,
    at: number,
    length: number,
    timeNs: number,
    tid: number,
    stacks: StackIds,
  ): void {
    const key = this.key(writer, tid);
    let stack = this.open.get(key);
    if (stack === undefined) this.open.set(key, (stack = []));
    // An entry whose return never came (exit, a lost record) must not grow without bound.
    if (stack.length >= MAX_DEPTH || this.openCount >= MAX_OPEN) {
      stack.shift();
      this.openCount--;
    }
    stack.push({
      bytes: new Uint8Array(view.buffer.slice(view.byteOffset + at, view.byteOffset + at + length)),
      timeNs,
      stacks,
    });
    this.openCount++;
  }

  private finish(
    writer: Writer,
    view: DataView,
    at: number,
    length: number,
    timeNs: number,
    cpu: number,
    tid: number,
  ): void {
    const key = this.key(writer, tid);
    const stack = this.open.get(key);
    const entry = stack?.pop();
    if (entry === undefined) {
      this.missedEntries++;
      return;
    }
    this.openCount--;
    if (stack?.length === 0) this.open.delete(key);
    this.common(writer, entry.timeNs, cpu, tid, entry.stacks);
    this.now.timeNs = timeNs;
    const { bytes } = entry;
    const enter = new DataView(bytes.buffer, 0, bytes.byteLength);
    for (const read of writer.readers) read(enter, 0, bytes.byteLength);
    for (const read of writer.exitReaders) read(view, at, length);
    writer.duration?.push(timeNs - entry.timeNs);
    for (const column of writer.absent) column.push(this.blank(column));
  }

  private common(writer: Writer, timeNs: number, cpu: number, tid: number, stacks: StackIds): void {
    const [time, event, onCpu, pid, thread, comm] = this.data;
    const task = this.tasks.of(tid);
    this.now.pid = task.pid;
    this.now.timeNs = timeNs;
    time?.push(timeNs);
    event?.push(writer.index);
    onCpu?.push(cpu);
    pid?.push(task.pid);
    thread?.push(tid);
    comm?.push(this.texts.indexOf(task.comm));
    for (const { kind, column } of this.stackColumns) column.push(stacks[kind]);
    this.rows++;
  }

  private blank(column: Column): number {
    return column.type === 'text' ? this.texts.indexOf('') : 0;
  }

  /** Takes what has gathered; `keep` leaves only rows for which it holds, and tells how many went. */
  take(
    keep?: RowPredicate,
    limit = Number.POSITIVE_INFINITY,
  ): { rows: number; data: string[]; texts: string[]; dropped: number } {
    const before = this.rows;
    const rows = Math.min(keep === undefined ? before : this.retain(keep), Math.max(0, limit));
    for (const column of this.data) column.truncate(rows);
    this.countMissing(rows);
    const data = this.data.map((column) => column.take());
    this.rows = 0;
    return { rows, data, texts: this.texts.takeFresh(), dropped: before - rows };
  }

  private countMissing(rows: number): void {
    for (const { column } of this.stackColumns)
      for (let row = 0; row < rows; row++) if (column.at(row) === NO_STACK) this.missingStacks++;
  }

  private retain(keep: RowPredicate): number {
    const places = new Map(this.columns.map((column, index) => [column.name, index]));
    let kept = 0;
    for (let row = 0; row < this.rows; row++) {
      const holds = keep((name): RawValue => {
        const column = this.data[places.get(name) ?? -1];
        if (column === undefined) return 0;
        const value = column.at(row);
        return column.type === 'text' ? this.texts.at(Number(value)) : value;
      });
      if (!holds) continue;
      if (kept !== row) for (const column of this.data) column.move(row, kept);
      kept++;
    }
    for (const column of this.data) column.truncate(kept);
    return kept;
  }

  /** Calls that have begun and not returned yet. */
  get openCalls(): number {
    return this.openCount;
  }

  /** Keeps one of `every` rows; `phase` is how many rows passed since the last one kept, and the answer is the next phase. */
  thin(every: number, phase: number): number {
    let kept = 0;
    let since = phase;
    for (let row = 0; row < this.rows; row++) {
      if (since++ % every !== 0) continue;
      if (kept !== row) for (const column of this.data) column.move(row, kept);
      kept++;
    }
    for (const column of this.data) column.truncate(kept);
    this.rows = kept;
    return since % every;
  }
}
