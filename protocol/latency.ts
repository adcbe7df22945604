import type { CallState } from './calls.ts';
import type { LatencyTotals, LostCounts } from './snapshot.ts';
import type { SourcePlace } from './source.ts';

/** All that the latency panel shows of one probe: a full picture each time, never a difference. */
export interface LatencyPicture {
  /** The function, or `provider:name` of a USDT probe. */
  readonly title: string;
  readonly place?: SourcePlace;
  readonly binary: string;
  /** All processes that run the binary when absent. */
  readonly pid?: number;
  readonly state: 'starting' | 'running' | 'paused' | 'ended';
  /** Full sentences: why it ended, that the source is newer than the binary, sites that could not be probed. */
  readonly notices: readonly string[];
  readonly count: number;
  /** Calls a second over the last interval; absent while nothing is measured. */
  readonly rateHz?: number;
  readonly lost: LostCounts;
  readonly latency?: LatencyTotals;
  /** The probe also counts its callers, so that the flame graph can be opened. */
  readonly hasCallers: boolean;
  /** Absent while less than two intervals were measured, as in a recording's total. */
  readonly heatmap?: Heatmap;
  readonly selection?: Selection;
  /** Absent where calls cannot be recorded: nothing runs here. */
  readonly calls?: CallsPicture;
  readonly comparison?: Comparison;
}

/**
 * Calls by time and by latency, or by second and by place in the second (as FlameScope shows them, where what happens once a
 * second or a hundred times a second makes a pattern).
 */
export interface Heatmap {
  /** Edges of the columns: CLOCK_MONOTONIC of the target, ns. */
  readonly timeNs: readonly number[];
  /** Edges of the rows, ns: latency, or time since the second began. */
  readonly rowNs: readonly number[];
  /** Calls, by column and then by row; fractional where a bucket lies on an edge. */
  readonly counts: readonly number[];
  /** What to add to CLOCK_MONOTONIC for the target's wall clock, ms. */
  readonly wallClockOffsetMs: number;
}

/** A part of the calls: when they happened, and how long they took. Bounds that are absent bound nothing. */
export interface CallRange {
  readonly fromNs?: number;
  readonly toNs?: number;
  readonly lowNs?: number;
  readonly highNs?: number;
}

/** What is known of the calls in a range, from all that were measured. */
export interface Selection {
  readonly range: CallRange;
  readonly calls: number;
  readonly share: number;
  readonly p50Ns?: number;
  readonly p99Ns?: number;
}

/** Where the time of recorded calls went. */
export interface StateShare {
  readonly state: CallState;
  readonly sumNs: number;
  readonly share: number;
}

export interface CalleeShare {
  readonly callee: number;
  readonly function: string;
  readonly place?: SourcePlace;
  readonly calls: number;
  readonly sumNs: number;
  /** Of the time of all calls of the function. */
  readonly share: number;
}

export interface SlowCall {
  readonly atMs: number;
  readonly durationNs: number;
  readonly thread: number;
  readonly arguments: readonly string[];
  readonly returned?: string;
  readonly states: readonly StateShare[];
  /** The function first. */
  readonly stack: readonly { readonly text: string; readonly place?: SourcePlace }[];
}

/** Single calls, as far as they were recorded; of the selection where there is one. */
export interface CallsPicture {
  readonly state: 'off' | 'starting' | 'recording' | 'stopped';
  /** Why recording could not begin, or ended. */
  readonly problem?: string;
  readonly recorded: number;
  /** Calls that returned while they were recorded; those above a thousand a second are not. */
  readonly returned: number;
  readonly states: readonly StateShare[];
  readonly parameters: readonly string[];
  readonly callees: readonly CalleeShare[];
  /** Time in none of the callees: the function's own code, and what is not traced. */
  readonly ownShare: number;
  readonly untraced: readonly string[];
  readonly indirectCalls: number;
  readonly slowest: readonly SlowCall[];
  readonly subsecond?: Heatmap;
}

/** Two sets of calls side by side. */
export interface Comparison {
  /** What the baseline is: a file, or this probe until a moment. */
  readonly baseline: string;
  readonly rows: readonly {
    readonly label: string;
    readonly beforeNs: number;
    readonly afterNs: number;
  }[];
  readonly before: LatencyTotals;
  readonly callsBefore: number;
  readonly callsAfter: number;
  readonly test?: TwoSampleTest;
}

/** A Mann–Whitney U test of two histograms, ties (calls in one bucket) corrected for. */
export interface TwoSampleTest {
  readonly name: string;
  /** Two-sided. */
  readonly pValue: number;
  /** Probability that a call of now took longer than one of the baseline, ties counted half. */
  readonly slower: number;
}

export type HostToLatency = { readonly type: 'picture'; readonly picture: LatencyPicture };

/** What the panel's buttons do to the probe… */
export const probeActions = ['pause', 'resume', 'openSource', 'openFlameGraph'] as const;
export type ProbeAction = (typeof probeActions)[number];
/** …and to what the panel alone knows of it. */
export type DetailAction =
  'recordCalls' | 'stopCalls' | 'openSelection' | 'chooseBaseline' | 'baselineNow' | 'clearBaseline';
export type LatencyAction = ProbeAction | DetailAction;

export type LatencyToHost =
  /** The script runs and wants its picture; sent again whenever the view was reloaded. */
  | { readonly type: 'ready' }
  | { readonly type: 'action'; readonly action: LatencyAction }
  /** A range was chosen, or is not chosen any more. */
  | { readonly type: 'select'; readonly range?: CallRange }
  /** Goes to a callee's own latency. */
  | { readonly type: 'callee'; readonly callee: number }
  | { readonly type: 'openPlace'; readonly place: SourcePlace }
  /** The view failed; the host writes it to the log. */
  | { readonly type: 'problem'; readonly message: string };
