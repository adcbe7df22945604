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
}

export type HostToLatency = { readonly type: 'picture'; readonly picture: LatencyPicture };

export const latencyActions = ['pause', 'resume', 'openSource', 'openFlameGraph'] as const;
export type LatencyAction = (typeof latencyActions)[number];

export type LatencyToHost =
  /** The script runs and wants its picture; sent again whenever the view was reloaded. */
  | { readonly type: 'ready' }
  | { readonly type: 'action'; readonly action: LatencyAction }
  /** The view failed; the host writes it to the log. */
  | { readonly type: 'problem'; readonly message: string };
