import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HistoryPoint } from '../../../extension/core/aggregate.ts';
import { compareLatency } from '../../../extension/core/comparison.ts';
import { heatmapOf, selectionOf, subsecondHeatmap } from '../../../extension/core/heatmap.ts';
import { bucketIndex, mergeBuckets, type BucketCounts } from '../../../protocol/buckets.ts';

const buckets = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 1000 })), { maxLength: 12 })
  .map((pairs): BucketCounts => mergeBuckets(pairs));
const history = fc
  .array(fc.tuple(buckets, fc.integer({ min: 1, max: 5 })), { minLength: 2, maxLength: 300 })
  .map((points) => {
    let ns = 1e12;
    return points.map(([counts, quarters]): HistoryPoint => {
      ns += quarters * 25e7;
      return {
        monotonicNs: ns,
        wallClockMs: 1.7e12 + ns / 1e6,
        durationNs: quarters * 25e7,
        count: total(counts),
        buckets: counts,
        sumNs: 0,
      };
    });
  });
const total = (counts: BucketCounts): number => counts.reduce((sum, [, count]) => sum + count, 0);

describe('heatmap', () => {
  test('holds every call once, in the column of its interval', () => {
    fc.assert(
      fc.property(history, (points) => {
        const map = heatmapOf(points);
        const calls = points.reduce((sum, point) => sum + total(point.buckets), 0);
        if (map === undefined) return expect(calls).toBe(0);
        const rows = map.rowNs.length - 1;
        const columns = map.timeNs.length - 1;
        expect(map.counts.length).toBe(rows * columns);
        expect(map.counts.reduce((a, b) => a + b, 0)).toBeCloseTo(calls, 3);
        for (let column = 0; column < columns; column++) {
          const [from, to] = [map.timeNs[column]!, map.timeNs[column + 1]!];
          const expected = points
            .filter(({ monotonicNs, durationNs }) => {
              const middle = monotonicNs - durationNs / 2;
              return middle >= from - 1 && middle < to - 1;
            })
            .reduce((sum, point) => sum + total(point.buckets), 0);
          const found = map.counts.slice(column * rows, (column + 1) * rows).reduce((a, b) => a + b, 0);
          // an interval whose middle is on an edge may go to either side
          const edges = points.filter(({ monotonicNs, durationNs }) =>
            [from, to].some((edge) => Math.abs(monotonicNs - durationNs / 2 - edge) <= 2),
          );
          if (edges.length === 0) expect(found).toBeCloseTo(expected, 3);
        }
      }),
      { seed: 20, numRuns: 200 },
    );
  });

  test('by the place in the second', () => {
    // at .000 and at .510 of three seconds, and once at .999
    const starts = [5, 6, 7].flatMap((second) => [second * 1e9, second * 1e9 + 51e7]);
    const map = subsecondHeatmap([...starts, 6.999e9], 0)!;
    expect(map.timeNs).toEqual([5e9, 6e9, 7e9, 8e9]);
    const at = (column: number, row: number): number => map.counts[column * 50 + row]!;
    for (const column of [0, 1, 2]) expect([at(column, 0), at(column, 25)]).toEqual([1, 1]);
    expect(at(1, 49)).toBe(1);
    expect(map.counts.reduce((a, b) => a + b, 0)).toBe(7);
    expect(subsecondHeatmap([], 0)).toBeUndefined();
  });
});

test('a selection counts what lies in it', () => {
  const point = (ns: number, counts: BucketCounts): HistoryPoint => ({
    monotonicNs: ns,
    wallClockMs: 0,
    durationNs: 1e9,
    count: 0,
    buckets: counts,
    sumNs: 0,
  });
  const fast = bucketIndex(1000);
  const slow = bucketIndex(1e6);
  const points = [
    point(1e9, [[fast, 10]]),
    point(2e9, [
      [fast, 20],
      [slow, 5],
    ]),
    point(3e9, [[slow, 7]]),
  ];
  const all: BucketCounts = [
    [fast, 30],
    [slow, 12],
  ];
  expect(selectionOf({}, points, all)).toMatchObject({ calls: 42, share: 1 });
  expect(selectionOf({ fromNs: 1e9, toNs: 2e9 }, points, all)).toMatchObject({ calls: 25 });
  const chosen = selectionOf({ fromNs: 1e9, toNs: 3e9, lowNs: 5e5 }, points, all);
  expect(chosen.calls).toBe(12);
  expect(Math.abs(chosen.p50Ns! - 1e6)).toBeLessThan(0.0313 * 1e6);
  expect(selectionOf({ lowNs: 5e9 }, points, all)).toEqual({ range: { lowNs: 5e9 }, calls: 0, share: 0 });
});

test('a baseline of the same probe is taken off what it has now', () => {
  const fast = bucketIndex(1000);
  const slow = bucketIndex(2000);
  const before = { buckets: [[fast, 100]] as BucketCounts, sumNs: 1e5, maxNs: 1010 };
  const now = {
    buckets: [
      [fast, 110],
      [slow, 90],
    ] as BucketCounts,
    sumNs: 2.9e5,
    maxNs: 2010,
  };
  const own = compareLatency({ label: 'until noon', latency: before, ownUntilNow: true }, now);
  expect(own).toMatchObject({ callsBefore: 100, callsAfter: 100 });
  expect(own.rows.find(({ label }) => label === 'mean')).toEqual({
    label: 'mean',
    beforeNs: 1000,
    afterNs: 1900,
  });
  expect(own.test?.slower).toBeCloseTo(0.95);
  expect(own.test!.pValue).toBeLessThan(1e-10);
  const other = compareLatency({ label: 'a file', latency: before, ownUntilNow: false }, now);
  expect(other).toMatchObject({ callsBefore: 100, callsAfter: 200 });
});
