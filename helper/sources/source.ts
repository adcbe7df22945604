import type { UprobeDefinition } from '../engines/tracefs/definition.ts';
import type {
  EventField,
  FieldDisplay,
  SourceDescription,
  SourceId,
  SourceKind,
  SourceListing,
} from '../../protocol/events.ts';
import { ProbeError, type Problem } from '../../protocol/errors.ts';

/** An id in its parts: `tracepoint:block:block_rq_issue` is group `block`, name `block_rq_issue`. */
export interface Entry {
  readonly id: SourceId;
  readonly kind: SourceKind;
  readonly group: string;
  readonly name: string;
}

export interface ListOptions {
  /** Binaries chosen by the user, for sources that look into binaries. */
  readonly binaries: readonly string[];
}

/** What a program's probe is called where tools attach by name instead of by place; functions by their linkage names. */
export type UserPoint =
  | { readonly kind: 'usdt'; readonly path: string; readonly provider: string; readonly name: string }
  | {
      readonly kind: 'function';
      readonly path: string;
      readonly name: string;
      /** Which of the arguments in registers a field is, counted from 0; what is elsewhere has none. */
      readonly places?: ReadonlyMap<string, number>;
    };

/** How a source's events are recorded. A later source adds a case here only when it brings an engine of its own. */
export type SourcePlan =
  /** A tracepoint of the kernel; `exit` pairs a second one by thread, which adds `ret` and `duration`. */
  | {
      readonly engine: 'tracefs';
      readonly tracepoint: string;
      readonly fields: readonly EventField[];
      readonly exit?: string;
    }
  /** Probes in a binary, defined as events of their own before they are recorded like tracepoints. */
  | {
      readonly engine: 'uprobe';
      readonly point: UserPoint;
      readonly definitions: (group: string, event: string) => readonly UprobeDefinition[];
      readonly fields: readonly EventField[];
      /** Of functions: their returns, recorded where durations are wanted; why not, where that would end the program. */
      readonly returns?: {
        readonly definition: (group: string, event: string) => UprobeDefinition;
        readonly result?: FieldDisplay;
        readonly refusal?: Problem;
      };
    }
  /** A kernel function, defined as a kprobe; `fields` are its parameters in order. */
  | { readonly engine: 'kprobe'; readonly symbol: string; readonly fields: readonly EventField[] }
  /** A counter of perf: counted over intervals, no rows. */
  | { readonly engine: 'counter'; readonly event: string };

/** One kind of event source. A new one is a file with this interface and a line in `all.ts`. */
export interface EventSource {
  readonly kind: SourceKind;
  /** What there is on this host. Refusals found by trying go into the groups; a list that cannot be had into `problem`. */
  list(options: ListOptions): Promise<SourceListing>;
  /** Fields, prototype and notes of one entry. Throws `invalid-argument` or `file-not-found` for what does not exist. */
  describe(entry: Entry): Promise<SourceDescription>;
  /** How it is recorded. Throws a `ProbeError` that says exactly what is missing when it cannot be. */
  plan(entry: Entry): Promise<SourcePlan>;
}

/** Splits an id; the last colon parts the name, since groups may be paths. */
export function parseEntry(id: SourceId, kinds: readonly SourceKind[]): Entry {
  const first = id.indexOf(':');
  const kind = kinds.find((known) => known === id.slice(0, first));
  const rest = id.slice(first + 1);
  const last = rest.lastIndexOf(':');
  if (kind === undefined || rest === '')
    throw new ProbeError({
      code: 'invalid-argument',
      message: `“${id}” names no event source.`,
      remedy: `Write KIND:GROUP:NAME, for example tracepoint:block:block_rq_issue. Kinds: ${kinds.join(', ')}.`,
    });
  return { id, kind, group: last < 0 ? '' : rest.slice(0, last), name: rest.slice(last + 1) };
}

/** What pairs of entry and return have beyond what each records. */
export const durationField: EventField = {
  name: 'duration',
  type: 'u64',
  sizeBytes: 8,
  signed: false,
  column: 'f64',
  display: { as: 'durationNs' },
  meaning: 'from entry to return, in nanoseconds',
};
