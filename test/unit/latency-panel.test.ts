import { expect, test } from 'vitest';
import { bucketIndex, mergeBuckets, type BucketCounts } from '../../protocol/buckets.ts';
import type { LatencyPicture } from '../../protocol/latency.ts';
import {
  barRows,
  describeBar,
  describeLost,
  formatRange,
  latencyModel,
} from '../../webview/latency/model.ts';

const noLoss = { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 };
const picture = (durations: readonly number[]): LatencyPicture => ({
  title: 'handle_request',
  binary: '/srv/shop',
  state: 'running',
  notices: [],
  count: durations.length,
  rateHz: 12,
  lost: noLoss,
  hasCallers: false,
  latency: {
    buckets: mergeBuckets(...durations.map((ns): BucketCounts => [[bucketIndex(ns), 1]])),
    sumNs: durations.reduce((sum, ns) => sum + ns, 0),
    maxNs: Math.max(0, ...durations),
  },
});
const thousand = Array.from({ length: 1000 }, (_, index) => 100_000 + index * 1000);

test('marks ascend, and the bars hold every call', () => {
  for (const axis of ['log', 'linear'] as const) {
    const { bars, marks, total } = latencyModel(picture(thousand), axis);
    expect(total).toBe(1000);
    expect(bars.reduce((sum, bar) => sum + bar.count, 0)).toBeCloseTo(1000, 6);
    const durations = marks.map((mark) => mark.durationNs);
    expect(durations).toEqual([...durations].sort((a, b) => a - b));
    expect(durations.at(-1)).toBe(1_099_000);
  }
});

test('the table ends at all calls', () => {
  const rows = barRows(latencyModel(picture(thousand), 'log'));
  expect(rows.at(-1)?.['below']).toBe('100 %');
});

test('a probe without calls says so and invents no figure', () => {
  const model = latencyModel(picture([]), 'log');
  expect(model.bars).toEqual([]);
  expect(model.marks).toEqual([]);
  expect(model.summary).toBe('No call of handle_request has been measured yet.');
  expect(model.figures.find(({ label }) => label === 'p50')?.text).toBe('–');
});

test('bars and ranges are told in words', () => {
  expect(formatRange({ lowNs: 64_000, highNs: 68_000, count: 0 })).toBe('64.0–68.0 µs');
  expect(formatRange({ lowNs: 900_000, highNs: 1_100_000, count: 0 })).toBe('900 µs – 1.10 ms');
  expect(describeBar({ lowNs: 64_000, highNs: 68_000, count: 1 }, 4)).toBe('64.0–68.0 µs: 1 call (25 %)');
});

test('what is lost is told by its cause', () => {
  expect(describeLost(noLoss)).toBeUndefined();
  expect(describeLost({ ...noLoss, droppedByEngine: 1200 })).toBe(
    'Not in these figures: 1,200 events dropped by bpftrace (a map or buffer was full).',
  );
});
