import { expect, test } from 'vitest';
import { ProbeAggregate } from '../../extension/core/aggregate.ts';
import { bucketIndex } from '../../protocol/buckets.ts';
import type { ProbeTotals } from '../../protocol/snapshot.ts';

const lost = { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 };
const totals = (count: number, ns: number): ProbeTotals => ({
  probe: 1,
  count,
  lost: { ...lost, missedEntries: 1 },
  latency: { buckets: [[bucketIndex(ns), count]], sumNs: ns * count, maxNs: ns },
  callers: [{ stack: [{ function: 'f' }, { function: 'main' }], count }],
});

test('rates come from cumulative totals, and a late snapshot changes nothing', () => {
  const aggregate = new ProbeAggregate();
  aggregate.add(totals(10, 1000), 1e9, 1);
  expect(aggregate.figures.rateHz).toBeUndefined();
  aggregate.add(totals(30, 1000), 1.5e9, 2);
  expect(aggregate.figures.rateHz).toBe(40);
  aggregate.add(totals(20, 1000), 1.2e9, 3);
  expect(aggregate.figures).toMatchObject({ count: 30, returned: 30, rateHz: 40, maxNs: 1000, meanNs: 1000 });
  expect(aggregate.history.map((point) => point.count)).toEqual([20]);
});

test('a pause keeps the totals and the next session adds to them', () => {
  const aggregate = new ProbeAggregate();
  aggregate.add(totals(10, 1000), 1e9, 1);
  aggregate.pause();
  expect(aggregate.figures).toMatchObject({ count: 10, returned: 10 });
  aggregate.add(totals(5, 4000), 5e9, 2);
  expect(aggregate.figures).toMatchObject({ count: 15, returned: 15, maxNs: 4000, meanNs: 2000 });
  expect(aggregate.totals.lost.missedEntries).toBe(2);
  expect(aggregate.callers).toEqual([{ stack: [{ function: 'f' }, { function: 'main' }], count: 15 }]);
  aggregate.pause();
  aggregate.pause();
  expect(aggregate.figures.count).toBe(15);
});

test('percentiles never exceed the exact maximum', () => {
  const aggregate = new ProbeAggregate();
  aggregate.add(totals(100, 100_000), 1e9, 1);
  const { p50Ns = 0, p99Ns = 0, maxNs = 0 } = aggregate.figures;
  expect(p99Ns).toBeLessThanOrEqual(maxNs);
  expect(Math.abs(p50Ns - 100_000)).toBeLessThan(3_000);
});
