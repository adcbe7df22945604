import { percentile, type BucketCounts } from '../../protocol/buckets.ts';
import type { Comparison } from '../../protocol/latency.ts';
import type { LatencyTotals } from '../../protocol/snapshot.ts';
import { mannWhitney } from './two-sample.ts';

/** Figures to hold others against. */
export interface Baseline {
  /** A file's name, or `until 14:05:10`. */
  readonly label: string;
  readonly latency: LatencyTotals;
  /** It is the same probe's earlier part: what it holds is taken off the figures of now. */
  readonly ownUntilNow: boolean;
}

const fractions = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
  ['p99.9', 0.999],
] as const;

/** The figures of now beside a baseline's. */
export function compareLatency(baseline: Baseline, now: LatencyTotals): Comparison {
  const before = baseline.latency;
  const after = baseline.ownUntilNow ? since(now, before) : now;
  const [callsBefore, callsAfter] = [callsOf(before.buckets), callsOf(after.buckets)];
  const test = mannWhitney(before.buckets, after.buckets);
  const at = ({ buckets, maxNs }: LatencyTotals, fraction: number): number =>
    Math.min(maxNs || Infinity, percentile(buckets, fraction) ?? 0);
  return {
    baseline: baseline.label,
    rows: [
      ...fractions.map(([label, fraction]) => ({
        label,
        beforeNs: at(before, fraction),
        afterNs: at(after, fraction),
      })),
      {
        label: 'mean',
        beforeNs: before.sumNs / Math.max(1, callsBefore),
        afterNs: after.sumNs / Math.max(1, callsAfter),
      },
    ],
    before,
    callsBefore,
    callsAfter,
    ...(test === undefined ? {} : { test }),
  };
}

/** What came after. The longest call of it is only known to lie in its last bucket. */
function since(now: LatencyTotals, before: LatencyTotals): LatencyTotals {
  const old = new Map(before.buckets);
  const buckets = now.buckets
    .map(([index, count]) => [index, count - (old.get(index) ?? 0)] as const)
    .filter(([, count]) => count > 0);
  return { buckets, sumNs: Math.max(0, now.sumNs - before.sumNs), maxNs: now.maxNs };
}

const callsOf = (buckets: BucketCounts): number => buckets.reduce((sum, [, count]) => sum + count, 0);
