import { expect, test } from 'vitest';
import { compareTraces } from '../../../extension/core/recording/compare.ts';
import type { RecordedProbe } from '../../../extension/core/recording/replay.ts';
import { comparisonPage, difference, verdict } from '../../../extension/recordings/comparison-page.ts';
import { bucketIndex } from '../../../protocol/buckets.ts';

function probe(name: string, count: number, ns?: number, binary = '/bin/shop'): RecordedProbe {
  return {
    spec: { id: 1, binary, measures: ['latency'], subject: { kind: 'function', function: name } },
    totals: {
      probe: 1,
      count,
      lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 },
      ...(ns === undefined
        ? {}
        : { latency: { buckets: [[bucketIndex(ns), count]], sumNs: ns * count, maxNs: ns } }),
    },
    timeNs: 0,
    wallClockMs: 0,
  } as unknown as RecordedProbe;
}

test('probes are paired by name and base name of the binary; what only one has stands alone', () => {
  const compared = compareTraces(
    'before',
    [probe('a', 10, 1e6), probe('b', 5)],
    [probe('a', 20, 2e6, '/opt/new/shop'), probe('c', 1)],
  );
  expect(compared.map(({ name, countBefore, countAfter }) => [name, countBefore, countAfter])).toEqual([
    ['a', 10, 20],
    ['b', 5, undefined],
    ['c', undefined, 1],
  ]);
  const [a] = compared;
  const mean = a?.latency?.rows.find(({ label }) => label === 'mean');
  expect(mean).toMatchObject({ beforeNs: 1e6, afterNs: 2e6 });
  expect(a?.latency?.test?.slower).toBe(1);
});

test.each([
  [100, 112, '+12 %'],
  [100, 105, '+5.0 %'],
  [100, 50, '−50 %'],
  [100, 1500, '× 15'],
  [100, 100, '±0 %'],
  [0, 5, '–'],
  [undefined, 5, '–'],
])('the difference from %s to %s is %s', (before, after, text) => {
  expect(difference(before, after)).toBe(text);
});

test('a verdict names the test and what it cannot tell', () => {
  expect(verdict(undefined, undefined, 1)).toContain('before does not hold');
  expect(verdict(undefined, 1, 1)).toContain('not measured in both');
  const comparison = {
    baseline: '',
    rows: [],
    before: { buckets: [], sumNs: 0, maxNs: 0 },
    callsBefore: 1,
    callsAfter: 1,
  };
  expect(verdict(comparison, 1, 1)).toContain('no test');
  const test = { name: 'Mann–Whitney U', pValue: 0.3, slower: 0.52 } as const;
  expect(verdict({ ...comparison, test }, 1, 1)).toMatch(/Mann–Whitney U.*p = 0\.3000.*may be chance/);
});

test('names are text in the page, whoever chose them', () => {
  const evil = '<script>alert(1)</script>';
  const page = comparisonPage(
    { name: evil, facts: evil },
    { name: evil, facts: evil },
    compareTraces(evil, [probe(evil, 1, 5)], [probe(evil, 1, 5)]),
    { cspSource: 'https://host', style: 'https://host/x.css' },
  );
  expect(page).not.toContain('<script');
  expect(page).toContain("default-src 'none'; style-src https://host");
});
