import type { Problem } from './errors.ts';
import type { VerdictRemark } from './verdict.ts';

/** A script of the user's that runs on a target, and what it says. */
export type RunId = string;

export interface ScriptSpec {
  readonly run: RunId;
  readonly script: string;
  /** Positional parameters: `$1` is the first. They reach bpftrace as arguments of their own, never as script text. */
  readonly args: readonly string[];
  /** Allows `system()` and its like. Whoever sets it has asked the user. */
  readonly unsafe: boolean;
  /** Ends the run by itself, as stopping does. */
  readonly durationMs?: number;
  /** Most keys of a map, where the release's usual 4,096 do not do. */
  readonly mapKeys?: number;
}

/** What a line of a script's log came from; `engine` is what bpftrace itself says. */
export type LogKind =
  'printf' | 'time' | 'cat' | 'join' | 'value' | 'syscall' | 'warning' | 'error' | 'engine' | 'benchmark';

export interface LogLine {
  /** Since the run's start. */
  readonly timeMs: number;
  readonly kind: LogKind;
  readonly text: string;
  /** Place in the script that it is about, from 0; characters in UTF-16 units. */
  readonly line?: number;
  readonly character?: number;
}

/** Columns: entry `i` has the key `keys[i]` (empty for a scalar), the text `texts[i]`, and the number `numbers[i]` where it is one. */
export interface ValuesMap {
  readonly kind: 'values';
  readonly name: string;
  readonly keyed: boolean;
  readonly keys: readonly string[];
  /** Exact, also where the number is beyond 2^53. */
  readonly texts: readonly string[];
  readonly numbers: readonly (number | null)[];
  /** Entries that were printed; more than `keys` holds when the map is too large to be sent whole. */
  readonly total: number;
}

/** `low` and `high` are inclusive, as bpftrace prints them; absent at open ends. */
export interface HistBucket {
  readonly low?: number;
  readonly high?: number;
  readonly count: number;
}

export interface HistMap {
  readonly kind: 'hist';
  readonly name: string;
  readonly keyed: boolean;
  readonly series: readonly { readonly key: string; readonly buckets: readonly HistBucket[] }[];
  readonly total: number;
}

export interface StatsMap {
  readonly kind: 'stats';
  readonly name: string;
  readonly keyed: boolean;
  /** `avg()` has the average alone. */
  readonly entries: readonly {
    readonly key: string;
    readonly average: string;
    readonly count?: string;
    readonly sum?: string;
  }[];
  readonly total: number;
}

export interface SeriesMap {
  readonly kind: 'tseries';
  readonly name: string;
  readonly keyed: boolean;
  /** `startMs` is a wall clock without a date line: the target's local time read as UTC. */
  readonly series: readonly {
    readonly key: string;
    readonly points: readonly { readonly startMs: number; readonly value: number | null }[];
  }[];
  readonly total: number;
}

export type ScriptMap = ValuesMap | HistMap | StatsMap | SeriesMap;

/** Everything that is not in the log and the maps, by cause. Cumulative. */
export interface ScriptLost {
  /** Events that bpftrace lost in its own buffers. */
  readonly events: number;
  /** Lines that were printed faster than they could be shown, and were counted only. */
  readonly lines: number;
  /** Map entries beyond what is sent of one map, in the largest printing so far. */
  readonly entries: number;
}

export const nothingLost: ScriptLost = { events: 0, lines: 0, entries: 0 };

/** What happened since the message before; at most ten a second. */
export interface ScriptOutput {
  readonly run: RunId;
  readonly timeMs: number;
  readonly lines: readonly LogLine[];
  /** Maps that were printed, each as it was printed last. */
  readonly maps: readonly ScriptMap[];
  readonly lost: ScriptLost;
  /** Attach points of the script, once bpftrace told. */
  readonly attached?: number;
}

export interface ScriptEnd {
  readonly run: RunId;
  readonly timeMs: number;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  /** Somebody asked for the end: the user, or the duration. */
  readonly stopped: boolean;
  /** Why it did not run, or not to its end. */
  readonly problem?: Problem;
  /** What bpftrace remarked, with places in the script. */
  readonly remarks: readonly VerdictRemark[];
}

export interface ScriptStarted {
  /** `bpftrace 0.17.0` */
  readonly engine: string;
  /** The supervisor; the engine is below it. */
  readonly pid: number;
}

export interface AttachCount {
  readonly count: number;
  /** Some of them, in order. */
  readonly examples: readonly string[];
}

export interface ScriptApi {
  /** Answered when the engine was started; what it says follows as `scriptOutput`, its end as `scriptEnded`. */
  startScript(params: ScriptSpec): ScriptStarted;
  /** Asks it to detach, print its maps and end; answered when it has ended. */
  stopScript(params: { readonly run: RunId }): Record<string, never>;
  /** How many probes of the target an attach point stands for, by `bpftrace -l`. */
  countAttachPoints(params: { readonly attachPoint: string }): AttachCount;
}

export interface ScriptEvents {
  scriptOutput(params: ScriptOutput): void;
  scriptEnded(params: ScriptEnd): void;
}
