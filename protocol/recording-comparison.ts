import type { TwoSampleTest } from './latency.ts';
import type { SourcePlace } from './source.ts';

/** The messages between the extension host and the panel that compares two recordings. */

/** One side, as its column is headed. */
export interface ComparedSide {
  readonly name: string;
  /** Where and when it was recorded. */
  readonly origin: string;
  readonly durationNs?: number;
  /** Full sentences: it was not closed, it reached its bound. */
  readonly notices: readonly string[];
}

export interface ComparedFigures {
  readonly count: number;
  readonly rateHz?: number;
  readonly lost: number;
  readonly p50Ns?: number;
  readonly p90Ns?: number;
  readonly p99Ns?: number;
}

/** A probe of both recordings, or of one. */
export interface ComparedProbe {
  readonly name: string;
  readonly binary: string;
  readonly place?: SourcePlace;
  readonly before?: ComparedFigures;
  readonly after?: ComparedFigures;
  /** Of the latencies, where both have some that can be told apart. */
  readonly test?: TwoSampleTest;
}

export interface ComparedEntry {
  readonly key: string;
  readonly before?: number;
  readonly after?: number;
  /** Of a histogram. */
  readonly test?: TwoSampleTest;
}

/** A map of a script in both runs, or in one. */
export interface ComparedMap {
  readonly name: string;
  /** What the numbers are. */
  readonly values: 'values' | 'averages' | 'counts';
  readonly entries: readonly ComparedEntry[];
  /** Entries beyond those that are shown. */
  readonly omitted: number;
  /** Why there is nothing to compare. */
  readonly why?: string;
}

export interface RecordingComparison {
  readonly before: ComparedSide;
  readonly after: ComparedSide;
  readonly probes: readonly ComparedProbe[];
  readonly maps: readonly ComparedMap[];
}

export type HostToComparison =
  | { readonly type: 'comparison'; readonly comparison: RecordingComparison }
  | { readonly type: 'problem'; readonly message: string };

export type ComparisonToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'openSource'; readonly place: SourcePlace }
  | { readonly type: 'swap' }
  | { readonly type: 'problem'; readonly message: string };
