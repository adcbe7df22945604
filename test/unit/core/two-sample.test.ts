import { expect, test } from 'vitest';
import { mannWhitney } from '../../../extension/core/two-sample.ts';
import type { BucketCounts } from '../../../protocol/buckets.ts';

/** Answers of SciPy 1.17.1: `mannwhitneyu(after, before, method='asymptotic', alternative='two-sided')`; `slower` is U / (m n). */
const answers: readonly { before: BucketCounts; after: BucketCounts; p: number; slower: number }[] = [
  {
    // the example of SciPy's own documentation: ages at the diagnosis of diabetes
    before: [
      [16, 1],
      [19, 1],
      [22, 1],
      [24, 1],
      [29, 1],
    ],
    after: [
      [11, 1],
      [12, 1],
      [17, 1],
      [20, 1],
    ],
    p: 0.11134688653314041,
    slower: 0.15,
  },
  {
    before: [
      [5, 10],
      [6, 20],
      [7, 5],
    ],
    after: [
      [5, 5],
      [6, 18],
      [7, 14],
      [9, 2],
    ],
    p: 0.007310382588907227,
    slower: 0.6666666666666666,
  },
  {
    before: [
      [100, 500],
      [101, 300],
      [120, 20],
    ],
    after: [
      [100, 480],
      [101, 320],
      [120, 25],
    ],
    p: 0.2259687747830651,
    slower: 0.5147819660014782,
  },
  {
    before: [[200, 1000]],
    after: [
      [200, 900],
      [201, 100],
    ],
    p: 1.0994160038880178e-24,
    slower: 0.55,
  },
  { before: [[1, 3]], after: [[2, 4]], p: 0.024744672046398936, slower: 1 },
  {
    before: [
      [300, 800],
      [310, 150],
      [400, 50],
    ],
    after: [
      [310, 700],
      [320, 250],
      [420, 50],
    ],
    p: 2.1123312726570304e-245,
    slower: 0.9,
  },
];

test.each(answers)('agrees with SciPy: p = $p', ({ before, after, p, slower }) => {
  const test = mannWhitney(before, after);
  expect(test?.slower).toBeCloseTo(slower, 12);
  expect(Math.abs(test!.pValue - p) / p).toBeLessThan(1e-6);
  // which of them is the baseline changes the direction and nothing else
  const other = mannWhitney(after, before);
  expect(other?.pValue).toBeCloseTo(test!.pValue, 12);
  expect(other?.slower).toBeCloseTo(1 - slower, 12);
});

test('says nothing where nothing can be said', () => {
  expect(mannWhitney([], [[1, 5]])).toBeUndefined();
  expect(mannWhitney([[1, 5]], [])).toBeUndefined();
  expect(mannWhitney([[1, 5]], [[1, 9]])).toBeUndefined();
});
