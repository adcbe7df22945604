import type { Problem } from './errors.ts';
import type { Stack } from './source.ts';

/** Where events come from, in the order in which the tree shows them. */
export const sourceKinds = [
  'tracepoint',
  'syscall',
  'kernel-function',
  'raw-tracepoint',
  'usdt',
  'user-function',
  'software',
  'hardware',
  'timer',
] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** `KIND:GROUP:NAME`, or `KIND:NAME` where the kind has no groups: `tracepoint:block:block_rq_issue`, `syscall:openat`. */
export type SourceId = string;

/** Sources of one group. The names are sorted; a target may have 100,000 of them. */
export interface SourceGroup {
  /** Subsystem, binary, module or device; empty where the kind has no groups. */
  readonly group: string;
  readonly names: readonly string[];
  /** Why none of these can be traced here, found by trying; absent when they can. */
  readonly refused?: Problem;
}

export interface SourceListing {
  readonly kind: SourceKind;
  readonly groups: readonly SourceGroup[];
  /** Why the kind cannot be listed, or what was left out. */
  readonly problem?: Problem;
}

export interface NamedValue {
  readonly name: string;
  /** A number up to 2^53, otherwise `0x…`. */
  readonly value: number | string;
}

/** How a value is shown to people; the raw value always stays available. */
export type FieldDisplay =
  | {
      readonly as:
        | 'number'
        | 'hex'
        | 'text'
        | 'bytes'
        | 'boolean'
        | 'rwbs'
        | 'errno'
        | 'ipv4'
        | 'ipv6'
        | 'sockaddr'
        | 'mac'
        | 'fd'
        | 'mode'
        | 'symbol'
        | 'durationNs'
        | 'timeNs'
        | 'signal'
        | 'cpus'
        /** The id of an {@link EventStack}. */
        | 'stack';
    }
  /** dev_t in the kernel's form, major << 20 | minor, with the target's block devices. */
  | { readonly as: 'device'; readonly values: readonly NamedValue[] }
  | { readonly as: 'flags'; readonly separator: string; readonly values: readonly NamedValue[] }
  | { readonly as: 'enum'; readonly values: readonly NamedValue[] };

/** How a column's values travel: eight- or four-byte little-endian numbers, or indices into the stream's texts. */
export const columnTypes = ['i32', 'u32', 'i64', 'u64', 'f64', 'text'] as const;
export type ColumnType = (typeof columnTypes)[number];

export interface EventField {
  readonly name: string;
  /** As the kernel declares it: `unsigned int`, `char[16]`, `__data_loc char[]`. */
  readonly type: string;
  /** Place in the record, where there is one. */
  readonly offsetBytes?: number;
  readonly sizeBytes: number;
  readonly signed: boolean;
  readonly column: ColumnType;
  readonly display: FieldDisplay;
  /** One line for people; absent where nothing better than the name is known. */
  readonly meaning?: string;
}

/** Everything known about one source, for its expanded leaf and its hover. */
export interface SourceDescription {
  readonly id: SourceId;
  readonly kind: SourceKind;
  readonly group: string;
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  readonly fields: readonly EventField[];
  /** The kernel's own text, e.g. the format file. */
  readonly format?: string;
  /** C prototype, from BTF or the source of the system call. */
  readonly prototype?: string;
  /** Found by trying; absent when it can be traced. */
  readonly refused?: Problem;
  readonly notes: readonly string[];
}

/** Fields that every event carries, whatever its source; see `fields/common.ts`. */
export type CommonColumn = 'time' | 'event' | 'cpu' | 'pid' | 'tid' | 'comm';

export type StreamId = string;

/** What is done with the events of a stream. */
export type EventsMode =
  /** Every event that passes the filter becomes a row. */
  | { readonly kind: 'each' }
  /** One of `every` events becomes a row; the others are counted as sampled out. */
  | { readonly kind: 'sample'; readonly every: number }
  /** Ends by itself after so many rows. */
  | { readonly kind: 'first'; readonly rows: number };

export interface EventsSpec {
  readonly stream: StreamId;
  readonly sources: readonly SourceId[];
  /** In the language of `fields/filter`; empty or absent for all events. */
  readonly filter?: string;
  /** Only this process and the children it starts. */
  readonly pid?: number;
  readonly mode: EventsMode;
  /** Each row carries the kernel's stack, or that of the program, as it was at the event; a call's at its entry. */
  readonly kernelStack?: boolean;
  readonly userStack?: boolean;
  /** Rows of programs' functions are calls, with result and duration: their returns are probed as well. */
  readonly durations?: boolean;
  /** File descriptors of system calls come with their paths, as they are a moment after the event. */
  readonly fdPaths?: boolean;
  /** Set by a person's choice after the preflight: trace each event although there are more than the budget allows. */
  readonly acceptRate?: boolean;
}

/** The rate of a filtered source, estimated before it is traced. */
export interface RateEstimate {
  readonly perSecond: number;
  readonly measuredMs: number;
  /** The counting that was used, in words, and what it does not see. */
  readonly method: string;
  /** Events a second above which each-event tracing is not started without a choice. */
  readonly budgetPerSecond: number;
}

/** Cumulative since the stream began. Nothing that was dropped is ever left out of these. */
export interface EventCounts {
  readonly received: number;
  /** Overwritten or dropped in a buffer before they could be read. */
  readonly lost: number;
  /** Left out on purpose by sampling 1 in N. */
  readonly sampledOut: number;
  /** Returns without their entry: calls that had begun before the trace did. */
  readonly missedEntries: number;
  /** Stacks that rows should have and have not, because the kernel could not record them; absent where none were asked for. */
  readonly missingStacks?: number;
}

export interface StreamColumn {
  readonly name: string;
  readonly column: ColumnType;
  readonly display: FieldDisplay;
  readonly type: string;
  readonly meaning?: string;
  /** Indices of the stream's events that carry it; absent when all do. */
  readonly events?: readonly number[];
}

/** What a stream's rows look like, sent before the first of them. */
export interface StreamSchema {
  readonly stream: StreamId;
  /** In the order of the `event` column. */
  readonly events: readonly SourceId[];
  readonly columns: readonly StreamColumn[];
  readonly engine: 'tracefs' | 'bpftrace' | 'perf';
  /** The equivalent commands, by the name of the tool. */
  readonly commands: readonly { readonly tool: string; readonly text: string }[];
  /** Conditions that the kernel could not check and the helper does, in the filter's words. */
  readonly checkedAfterwards?: string;
}

/**
 * Rows in order of time, column by column. `data[i]` belongs to `columns[i]` of the schema: little-endian values
 * in base64; a column of texts holds u32 indices into all `texts` sent so far, the first having index 0.
 */
export interface EventRows {
  readonly stream: StreamId;
  readonly sequence: number;
  readonly rows: number;
  readonly data: readonly string[];
  /** Texts that are new with this batch. */
  readonly texts: readonly string[];
  readonly counts: EventCounts;
  /** Wall clock of the target in ms at the stream's time 0, so that `time` (ns) can be shown as a time of day. */
  readonly startedAtMs: number;
}

/** Ids of stacks in a row's column: no stack was recorded, and the stack is empty (a kernel thread has no program). */
export const NO_STACK = 0;
export const EMPTY_STACK = 1;

export type StackKind = 'user' | 'kernel';

/** A stack that rows name by its id; ids are given in ascending order, from 2 on. */
export interface EventStack {
  readonly id: number;
  readonly kind: StackKind;
  /** Innermost first. */
  readonly frames: Stack;
  /** What is missing in it and why, in full sentences. */
  readonly notes: readonly string[];
}

/** Stacks that are new in a stream, once each; they follow the first rows that name them, and come before the stream's end. */
export interface EventStacks {
  readonly stream: StreamId;
  readonly stacks: readonly EventStack[];
}

export type StreamState =
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly counts: EventCounts; readonly problem?: Problem };

/** One counter over one interval, as `perf stat` reports it. */
export interface CounterReading {
  readonly event: string;
  /** Absent when not supported or not counted; `state` says which. */
  readonly value?: number;
  readonly unit: string;
  readonly state: 'counted' | 'not-supported' | 'not-counted';
  /** Share of the interval in which the counter was really counting, 0…1; below 1 the value is scaled up. */
  readonly runningFraction: number;
}

/** A figure computed from counters, with how. */
export interface CounterRatio {
  readonly name: string;
  readonly formula: string;
  readonly value: number;
  readonly unit: string;
}

export interface CounterInterval {
  readonly stream: StreamId;
  /** End of the interval since the start, in seconds. */
  readonly atSeconds: number;
  readonly intervalSeconds: number;
  readonly counters: readonly CounterReading[];
  readonly ratios: readonly CounterRatio[];
}

export interface StatSpec {
  readonly stream: StreamId;
  /** Names of `perf list`; a sensible default set when empty. */
  readonly events: readonly string[];
  /** A process, a command, or the whole machine when both are absent. */
  readonly pid?: number;
  readonly command?: readonly string[];
  readonly intervalMs: number;
}

/** What a copied command depends on. */
export type EventsToCopy = Pick<
  EventsSpec,
  'sources' | 'filter' | 'pid' | 'kernelStack' | 'userStack' | 'durations'
>;

/** The part of the helper's channel that serves the event sources. */
export interface EventsApi {
  listSources(params: { kinds?: readonly SourceKind[]; binaries?: readonly string[] }): {
    listings: readonly SourceListing[];
  };
  describeSource(params: { id: SourceId }): SourceDescription;
  estimateRate(params: { sources: readonly SourceId[]; filter?: string; pid?: number }): RateEstimate;
  /** The commands that give the same events in a terminal, without tracing anything. */
  copyEvents(params: EventsToCopy): {
    commands: StreamSchema['commands'];
  };
  /** A bpftrace script that counts the events in the kernel by a field (or comm, pid, tid, cpu), printed each second; nothing travels for each event. */
  countEvents(params: EventsToCopy & { readonly by: string }): { script: string };
  /** Answered when the events are being traced; `budget-exceeded` when the rate asks for a choice first. */
  startEvents(params: EventsSpec): StreamSchema;
  stopEvents(params: { stream: StreamId }): EventCounts;
  startStat(params: StatSpec): Record<string, never>;
  stopStat(params: { stream: StreamId }): Record<string, never>;
}

/** What the helper says unasked about event sources. */
export interface EventsEvents {
  eventRows(params: EventRows): void;
  eventStacks(params: EventStacks): void;
  eventsState(params: { stream: StreamId; state: StreamState }): void;
  statInterval(params: CounterInterval): void;
}
