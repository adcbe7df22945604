import { expect, test } from 'vitest';
import { heatOfLatency, heatOfRate } from '../../extension/editor/heat.ts';
import { shiftLine } from '../../extension/editor/line-shift.ts';
import {
  describeDistribution,
  figuresText,
  lensText,
  overlayText,
  statusText,
  type Figures,
} from '../../extension/editor/labels.ts';
import { histogramSvg, pictureColours } from '../../extension/editor/histogram-picture.ts';
import { bucketIndex, mergeBuckets, type BucketCounts } from '../../protocol/buckets.ts';

const noLoss = { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 };
const latencyOf = (...durations: number[]) => ({
  buckets: mergeBuckets(...durations.map((ns): BucketCounts => [[bucketIndex(ns), 1]])),
  sumNs: durations.reduce((sum, ns) => sum + ns, 0),
  maxNs: Math.max(...durations),
});
const hundred = Array.from({ length: 100 }, (_, index) => (index < 98 ? 23_000 : 1_200_000));
const figures: Figures = { count: 100, rateHz: 4321, lost: noLoss, latency: latencyOf(...hundred) };

test('the overlay says percentiles and rate, and what it is while there are none', () => {
  expect(overlayText('running', figures, false)).toBe('p50 23 µs · p99 1.2 ms · 4.3 k/s');
  expect(overlayText('running', undefined, false)).toBe('attached, no call yet');
  expect(overlayText('running', { ...figures, count: 0 }, false)).toBe('attached, no call yet');
  expect(overlayText('starting', undefined, false)).toBe('attaching…');
  expect(overlayText('paused', figures, false)).toBe('p50 23 µs · p99 1.2 ms · paused');
  expect(overlayText('paused', undefined, false)).toBe('paused');
  expect(overlayText('running', figures, true)).toContain('source is newer than the binary');
});

test('counts, stacks and losses are told', () => {
  expect(figuresText({ count: 1, rateHz: 0.5, lost: noLoss })).toBe('1 call · 0.5 /s');
  expect(figuresText({ count: 12345, rateHz: 80, lost: { ...noLoss, droppedByEngine: 7 }, stacks: 3 })).toBe(
    '12,345 calls · 3 stacks · 80 /s · 7 lost',
  );
});

test('the lens says percentiles and how many calls they rest on', () => {
  expect(lensText('running', figures)).toBe('p50 23 µs · p99 1.2 ms · n 100');
  expect(lensText('paused', { count: 5, lost: noLoss })).toBe('n 5 (paused)');
});

test('the status bar counts probes and events', () => {
  expect(statusText(3, 0, 4321)).toBe('3 probes · 4.3 k events/s');
  expect(statusText(1, 2, 12)).toBe('1 probe · 12 events/s');
  expect(statusText(0, 2, undefined)).toBe('2 paused');
});

test('a percentile is never above the maximum that was measured', () => {
  expect(figuresText({ count: 1, lost: noLoss, latency: latencyOf(99_000) })).toBe('p50 99 µs · p99 99 µs');
});

test('the distribution in words names the fullest ranges', () => {
  expect(describeDistribution(figures.latency!)).toMatch(/^Of 100 calls 98 % took 19.5 µs to 23.2 µs, /);
  expect(describeDistribution({ buckets: [], sumNs: 0, maxNs: 0 })).toBe('No call has been measured yet.');
});

test('the picture is well-formed and holds the axis ends and marks', () => {
  const svg = histogramSvg(
    figures.latency!.buckets,
    [{ label: 'p50', durationNs: 23_000 }],
    pictureColours.dark,
  );
  expect(svg.match(/<(\w+)/g)?.length).toBeGreaterThan(5);
  expect(svg).toContain('>p50<');
  expect(svg).not.toContain('NaN');
  expect(histogramSvg([], [], pictureColours.light)).not.toContain('NaN');
});

test('heat rises with the share of time, from 1 to 8', () => {
  expect(heatOfLatency(0, 1e6)).toBe(1);
  expect(heatOfLatency(1, 10_000)).toBe(2);
  expect(heatOfLatency(1000, 1e6)).toBe(8);
  const levels = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9].map((busyNs) => heatOfLatency(1, busyNs));
  expect(levels).toEqual([...levels].sort((a, b) => a - b));
  expect(heatOfRate(0)).toBe(1);
  expect(heatOfRate(1e6)).toBe(8);
  expect(heatOfLatency(NaN, 1)).toBe(1);
});

const change = (start: [number, number], end: number, text: string) => ({
  range: { start: { line: start[0], character: start[1] }, end: { line: end } },
  text,
});

test('lines move with what is typed above them', () => {
  expect(shiftLine(10, change([3, 5], 3, '\n'))).toBe(11);
  expect(shiftLine(10, change([3, 0], 5, ''))).toBe(8);
  expect(shiftLine(10, change([12, 0], 12, '\n\n'))).toBe(10);
  expect(shiftLine(10, change([10, 0], 10, '\n'))).toBe(11);
  expect(shiftLine(10, change([10, 4], 10, '\n'))).toBe(10);
  expect(shiftLine(10, change([8, 0], 12, 'x'))).toBe(8);
  expect(shiftLine(10, change([3, 0], 4, 'a\r\nb\r\n'))).toBe(11);
});
