import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeTotals } from '../../../extension/core/fleet-session.ts';
import { bucketIndex, percentile, type BucketCounts } from '../../../protocol/buckets.ts';
import type { ProbeTotals } from '../../../protocol/snapshot.ts';

const lost = { missedEntries: 1, abandonedCalls: 0, droppedByEngine: 2 };

function measured(durations: readonly number[]): ProbeTotals {
  const counts = new Map<number, number>();
  for (const ns of durations) counts.set(bucketIndex(ns), (counts.get(bucketIndex(ns)) ?? 0) + 1);
  const buckets: BucketCounts = [...counts].sort(([a], [b]) => a - b);
  const sumNs = durations.reduce((sum, ns) => sum + ns, 0);
  return {
    ...{ probe: 1, count: durations.length, lost },
    latency: { buckets, sumNs, maxNs: Math.max(0, ...durations) },
  };
}

test('histograms of several targets add up to the one of all their calls', () => {
  const durations = fc.array(fc.nat(5_000_000), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(durations, { minLength: 2, maxLength: 6 }), (targets) => {
      const merged = targets.map(measured).reduce(mergeTotals);
      const whole = measured(targets.flat());
      expect(merged.latency).toEqual(whole.latency);
      expect(merged.count).toBe(whole.count);
      expect(merged.lost.droppedByEngine).toBe(2 * targets.length);
      for (const fraction of [0.5, 0.99])
        expect(percentile(merged.latency!.buckets, fraction)).toBe(
          percentile(whole.latency!.buckets, fraction),
        );
    }),
  );
});

test('stacks are added by their functions and lines, wherever the binary lies', () => {
  const from = (module: string, count: number): ProbeTotals => ({
    ...{ probe: 1, count, lost },
    callers: [{ stack: [{ function: 'main', file: 'a.c', line: 3, module }], count }],
  });
  const { callers } = mergeTotals(from('/srv/a', 2), from('/proc/7/root/srv/a', 3));
  expect(callers?.map(({ count }) => count)).toEqual([5]);
});
