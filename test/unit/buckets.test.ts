import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bucketBounds,
  bucketIndex,
  mergeBuckets,
  percentile,
  type BucketCounts,
} from '../../protocol/buckets.ts';

const durations = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 52 }).map((e) => 2 ** e),
);

test('a value lies in the bounds of its bucket, which is at most 1/32 wide', () => {
  fc.assert(
    fc.property(durations, (value) => {
      const { lowNs, highNs } = bucketBounds(bucketIndex(value));
      expect(lowNs).toBeLessThanOrEqual(value);
      expect(highNs).toBeGreaterThan(value);
      expect(highNs - lowNs).toBeLessThanOrEqual(Math.max(1, lowNs / 32));
    }),
  );
});

test('buckets follow one another without gap', () => {
  for (let index = 0; index < 1500; index++)
    expect(bucketBounds(index + 1).lowNs).toBe(bucketBounds(index).highNs);
});

test('percentiles are within 3 % of the exact ones', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 100, max: 1e9 }), { minLength: 1, maxLength: 500 }),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (values, fraction) => {
        const histogram = mergeBuckets(...values.map((value): BucketCounts => [[bucketIndex(value), 1]]));
        const exact = values.sort((a, b) => a - b)[Math.max(0, Math.ceil(fraction * values.length) - 1)]!;
        const estimate = percentile(histogram, fraction)!;
        expect(Math.abs(estimate - exact)).toBeLessThanOrEqual(0.032 * exact);
      },
    ),
  );
});

test('an empty histogram has no percentile', () => {
  expect(percentile([], 0.5)).toBeUndefined();
});
