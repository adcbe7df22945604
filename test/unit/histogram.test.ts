import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketBounds, bucketIndex, mergeBuckets, type BucketCounts } from '../../protocol/buckets.ts';
import { toBars } from '../../protocol/histogram.ts';

const histograms = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1e10 }).map(bucketIndex), fc.integer({ min: 1, max: 1000 })), {
    maxLength: 60,
  })
  .map((pairs) => mergeBuckets(...pairs.map((pair): BucketCounts => [pair])));

test('bars hold every call, follow one another and are as few as asked for', () => {
  fc.assert(
    fc.property(histograms, fc.constantFrom('log' as const, 'linear' as const), (buckets, axis) => {
      const bars = toBars(buckets, axis, 64);
      const total = buckets.reduce((sum, [, count]) => sum + count, 0);
      expect(bars.length).toBeLessThanOrEqual(65);
      expect(bars.reduce((sum, bar) => sum + bar.count, 0)).toBeCloseTo(total, 3);
      for (let index = 1; index < bars.length; index++)
        expect(bars[index]?.lowNs).toBe(bars[index - 1]?.highNs);
    }),
  );
});

test('calls stay within a bucket of where they were', () => {
  const index = bucketIndex(100_000);
  const { lowNs, highNs } = bucketBounds(index);
  for (const axis of ['log', 'linear'] as const) {
    const filled = toBars([[index, 10]], axis, 64).filter((bar) => bar.count > 0);
    expect(filled.length).toBeGreaterThan(0);
    for (const bar of filled) {
      expect(bar.highNs).toBeGreaterThan(lowNs);
      expect(bar.lowNs).toBeLessThan(highNs);
    }
  }
});

test('an empty histogram has no bars', () => {
  expect(toBars([], 'log', 64)).toEqual([]);
});

test('linear bars have round edges', () => {
  const buckets: BucketCounts = [1_000_000, 1_900_000].map((ns) => [bucketIndex(ns), 5]);
  const bars = toBars(buckets, 'linear', 64);
  expect(bars[0]?.highNs).toBeCloseTo((bars[0]?.lowNs ?? 0) + 50_000);
  expect((bars[0]?.lowNs ?? 1) % 50_000).toBe(0);
});
