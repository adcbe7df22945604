/** The messages between the extension host and the page of a recording, where it is replayed. */

/** What is counted along the time line: calls of probes, or samples (or other weights) of a profile. */
export type LaneUnit = 'calls' | 'samples' | 'nanoseconds' | 'bytes' | 'count';

/** A row of the time line and of the table. */
export interface RecordedLane {
  readonly title: string;
  /** Where it is declared, as debug information spells it: `db.c:33`. */
  readonly place?: string;
  /** What the row leads to. */
  readonly opens: readonly LaneAction[];
  /** What was counted in each column, one less than there are edges. */
  readonly counts: readonly number[];
  /** Whether it was attached in each column; where it was not, nothing is known. */
  readonly attached: readonly boolean[];
}

export const laneActions = ['source', 'latency', 'callers'] as const;
export type LaneAction = (typeof laneActions)[number];

/** Time since the recording's start, ns. Without `fromNs`: everything up to `toNs`, from before the first interval on. */
export interface ShownRange {
  readonly fromNs?: number;
  readonly toNs: number;
}

/** Where nothing was read: what was counted meanwhile lies somewhere in it. */
export interface Gap {
  readonly fromNs: number;
  readonly toNs: number;
}

/** Everything that does not change while a recording is looked at. */
export interface RecordingPicture {
  readonly title: string;
  /** `recorded on HOST …`. */
  readonly origin: string;
  readonly unit: LaneUnit;
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** Rows of `meta` that no fact shows, as they stand in the file. */
  readonly more: readonly (readonly [key: string, value: string])[];
  /** Full sentences: it was not closed, it reached its bound. */
  readonly notices: readonly string[];
  /** What the file holds, as a sentence. */
  readonly holds: string;
  /** Views of their own for what it holds. */
  readonly opens: readonly RecordingAction[];
  /** Moments that can be shown, ascending; empty where nothing in it has a time. */
  readonly stepsNs: readonly number[];
  readonly edgesNs: readonly number[];
  readonly gaps: readonly Gap[];
  readonly lanes: readonly RecordedLane[];
  /** It is still being written, so that reading it again shows more. */
  readonly growing: boolean;
}

export const recordingActions = ['flameGraph', 'run', 'readAgain'] as const;
export type RecordingAction = (typeof recordingActions)[number];

/** Figures of one lane in the range that is shown; in the order of {@link RecordingPicture.lanes}. */
export interface LaneFigures {
  readonly count: number;
  readonly lost: number;
  /** Absent where it was not attached. */
  readonly rateHz?: number;
  readonly p50Ns?: number;
  readonly p90Ns?: number;
  readonly p99Ns?: number;
  readonly maxNs?: number;
  /** The maximum is at most {@link maxNs}. */
  readonly maxIsBound: boolean;
}

export interface MomentFigures {
  /** As it was asked for. */
  readonly range: ShownRange;
  /** Wall clock of the target at the range's end, ms; absent where the recording has none. */
  readonly wallClockMs?: number;
  readonly lanes: readonly LaneFigures[];
  /** Share of an older recording's latencies that is read, 0…1: percentiles are there when it is 1. */
  readonly read: number;
}

export type HostToRecording =
  /** With the figures of what was shown last, or of all: the page need not ask for them. */
  | { readonly type: 'picture'; readonly picture: RecordingPicture; readonly figures?: MomentFigures }
  | { readonly type: 'figures'; readonly figures: MomentFigures }
  | { readonly type: 'problem'; readonly message: string };

export type RecordingToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'show'; readonly range: ShownRange }
  /** `lane`: its place in {@link RecordingPicture.lanes}. */
  | { readonly type: 'openLane'; readonly lane: number; readonly action: LaneAction }
  /** With the range for a flame graph of just that; of all that was recorded without. */
  | { readonly type: 'act'; readonly action: RecordingAction; readonly range?: ShownRange }
  | { readonly type: 'problem'; readonly message: string };
