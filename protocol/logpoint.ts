import type { Problem } from './errors.ts';
import type { RefusedSite, Site } from './probe.ts';
import type { SourcePlace } from './source.ts';

/** Chosen by the client, unique in its connection. */
export type LogpointId = string;

/** Where a logpoint is to be, before anything is attached. */
export interface LogpointPlace {
  /** Path of the binary on the target, as the helper opens it. */
  readonly binary: string;
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

export interface LogpointSpec extends LogpointPlace {
  readonly id: LogpointId;
  /** Only this process; every process that runs the binary when absent. */
  readonly pid?: number;
  /** `text {expr} {expr:x}`; `{{` and `}}` are braces. */
  readonly template: string;
  /** An expression in C spelling; hits for which it is 0 are not delivered. */
  readonly condition?: string;
  /** Ends after so many delivered values. */
  readonly hitLimit?: number;
  /** Most values delivered a second; the others are counted as suppressed. No limit when absent. */
  readonly rateLimitHz?: number;
  /** Ends after this time. */
  readonly expiryMs?: number;
}

export interface ScopeVariable {
  readonly name: string;
  readonly kind: 'parameter' | 'local' | 'global';
  readonly type: string;
  /** Absent when it can be read here; else why not, and where it is alive. */
  readonly unavailable?: Problem;
}

/** What can be named at a line. */
export interface ScopeFacts {
  /** The place that was taken: another line when the one asked for has no code. */
  readonly place: SourcePlace;
  readonly moved: boolean;
  readonly variables: readonly ScopeVariable[];
  /** The source file was changed after the binary was built, so that lines may have moved. */
  readonly stale: boolean;
  /** The binary was built from several versions of the source file. */
  readonly mixed: boolean;
}

/** One thing to complete an expression with. `from` and `to` are the characters of the text that it replaces. */
export interface ExpressionCompletion {
  readonly label: string;
  readonly detail: string;
  readonly kind: 'variable' | 'member' | 'builtin';
  readonly from: number;
  readonly to: number;
}

/** Something wrong with a logpoint, and where in which of its texts. */
export interface LogpointProblem extends Problem {
  readonly field: 'template' | 'condition' | 'place';
  readonly start: number;
  readonly end: number;
}

/** Answer of a check: attached nothing. */
export interface LogpointCheck {
  readonly problems: readonly LogpointProblem[];
  readonly sites: readonly Site[];
  readonly refused: readonly RefusedSite[];
  readonly place?: SourcePlace;
  readonly moved: boolean;
  readonly stale: boolean;
  readonly mixed: boolean;
}

export type LogData =
  string | number | boolean | null | readonly LogData[] | { readonly [name: string]: LogData };

/** One hit, as people see it and as data. */
export interface LogValue {
  /** Counts the delivered values of the logpoint from 1. */
  readonly sequence: number;
  /** CLOCK_MONOTONIC of the target, to the microsecond. */
  readonly monotonicNs: number;
  readonly wallClockMs: number;
  readonly tid: number;
  readonly pid?: number;
  readonly text: string;
  /** By expression as written: integers beyond 2^53 are decimal text, null could not be read. */
  readonly values: { readonly [expression: string]: LogData };
}

/** What happened to the hits of a logpoint; cumulative. */
export interface LogpointCounts {
  /** Times that the line was reached, as the kernel counts: all processes and whatever the condition says. */
  readonly hits: number;
  readonly delivered: number;
  /** Delivered nothing because of the rate limit. */
  readonly suppressed: number;
  /** Lost in the kernel's buffer before they could be read, or dropped because the link to the client was too slow. */
  readonly lost: number;
  /** Recorded, but not to be understood. */
  readonly unreadable: number;
}

export interface LogpointAttached {
  readonly place: SourcePlace;
  readonly moved: boolean;
  readonly sites: readonly Site[];
  readonly refused: readonly RefusedSite[];
  /** From the call to the probe being in the program. */
  readonly attachMs: number;
}

export type LogpointEnd = 'stopped' | 'hit-limit' | 'expired' | 'failed';

/** The last word about a logpoint. */
export interface LogpointEnded {
  readonly id: LogpointId;
  readonly end: LogpointEnd;
  readonly counts: LogpointCounts;
  readonly problem?: Problem;
}
