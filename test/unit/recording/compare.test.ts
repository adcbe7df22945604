// Two recordings side by side: matched by what they are of, with figures that the recordings' own tables give.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { compareRuns, compareTraces } from '../../../extension/core/recording/compare.ts';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';
import { scriptMeta } from '../../../extension/core/scripts/recorder.ts';
import { bucketIndex } from '../../../protocol/buckets.ts';
import type { ScriptMap } from '../../../protocol/script.ts';
import { changeOf, inOrder, linesOf, verdictOf } from '../../../webview/comparison/model.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-compare-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A trace of two seconds, with so many calls of each latency for each probe. */
function trace(name: string, probes: Readonly<Record<string, readonly number[]>>): Recording {
  const path = join(folder, name);
  const writer = new RecordingWriter(path, { title: name });
  const names = Object.keys(probes);
  names.forEach((probe, id) => {
    writer.addProbe(
      {
        ...{ id, binary: `/builds/${name}/shop`, measures: ['latency'] },
        subject: { kind: 'usdt', provider: 'shop', name: probe, sites: [] },
      },
      probe,
    );
  });
  for (const [sequence, part] of [0.5, 1].entries())
    writer.addSnapshot({
      ...{ session: 's', sequence, monotonicNs: 1e9 + sequence * 2e9, wallClockMs: 0, final: sequence === 1 },
      probes: names.map((probe, id) => {
        const seen = probes[probe]!.slice(0, Math.ceil(probes[probe]!.length * part));
        const buckets = new Map<number, number>();
        for (const ns of seen) buckets.set(bucketIndex(ns), (buckets.get(bucketIndex(ns)) ?? 0) + 1);
        return {
          ...{ probe: id, count: seen.length },
          lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 },
          latency: {
            buckets: [...buckets].sort(([a], [b]) => a - b),
            sumNs: seen.reduce((sum, ns) => sum + ns, 0),
            maxNs: Math.max(...seen),
          },
        };
      }),
    });
  writer.finish();
  return new Recording(path);
}
const calls = (ns: number, count = 200): number[] =>
  Array.from({ length: count }, (_, index) => ns * (1 + (index % 7) / 10));

test('probes are matched by name although the binary moved; figures, difference and a named test', () => {
  const before = trace('before', { query: calls(100_000), same: calls(5000), gone: calls(1000) });
  const after = trace('after', { same: calls(5000), query: calls(300_000, 400), added: calls(1000) });
  const { probes, before: side } = compareTraces(before, after);
  expect(side).toMatchObject({ name: 'before', durationNs: 2e9 });
  const [query, same, ...alone] = inOrder(probes);
  expect(query).toMatchObject({
    name: 'shop:query',
    before: { count: 200, rateHz: 100 },
    after: { count: 400 },
  });
  expect(query!.after!.p50Ns! / query!.before!.p50Ns!).toBeCloseTo(3, 0);
  expect(query!.test).toMatchObject({ name: 'Mann–Whitney U' });
  expect(verdictOf(query!)).toMatchObject({ direction: 'slower' });
  expect(verdictOf(query!).text).toMatch(
    /100 % of all pairs.*Mann–Whitney U test on buckets, two-sided: p < 0\.0001/,
  );
  expect(linesOf(query!).map(({ label, change }) => `${label}: ${change}`)).toEqual([
    'calls: +200 (2.00 ×)',
    'rate: +100 /s (2.00 ×)',
    expect.stringMatching(/^p50: \+2\d\d µs \((2\.9|3\.0)\d ×\)$/),
    expect.stringMatching(/^p90: \+/),
    expect.stringMatching(/^p99: \+/),
  ]);
  expect(verdictOf(same!)).toMatchObject({ direction: 'same' });
  expect(verdictOf(same!).text).toContain('chance alone');
  expect(alone.map((probe) => verdictOf(probe).text).sort()).toEqual([
    'Only in the first recording.',
    'Only in the second recording.',
  ]);
  before.close();
  after.close();
});

test('a probe that was paused and resumed has two numbers and is one', () => {
  const before = trace('once', { query: calls(1000, 300) });
  const after = trace('twice', { query: calls(1000, 100), other: calls(1000, 200) });
  const database = new DatabaseSync(after.path);
  database.exec(`UPDATE probes SET spec = replace(spec, '"other"', '"query"')`);
  database.close();
  const { probes } = compareTraces(before, after);
  expect(probes.map(({ name, before: a, after: b }) => [name, a?.count, b?.count])).toEqual([
    ['shop:query', 300, 300],
  ]);
  before.close();
  after.close();
});

function run(name: string, maps: readonly ScriptMap[]): Recording {
  const path = join(folder, name);
  const script = { name: 'a.bt', uri: '', script: '', args: [], unsafe: false };
  const writer = new RecordingWriter(path, scriptMeta(script));
  for (const map of maps) writer.addScriptMap(1e9, map);
  writer.finish();
  return new Recording(path);
}
const values = (counts: Readonly<Record<string, number>>): ScriptMap => ({
  ...{ kind: 'values', name: '@calls', keyed: true, keys: Object.keys(counts) },
  ...{ texts: Object.values(counts).map(String), numbers: Object.values(counts), total: 2 },
});
const hist = (...counts: readonly number[]): ScriptMap => ({
  ...{ kind: 'hist', name: '@size', keyed: false, total: 1 },
  series: [
    { key: '', buckets: counts.map((count, at) => ({ low: 2 ** at, high: 2 ** (at + 1) - 1, count })) },
  ],
});

test('maps of two runs key by key, the largest difference first; histograms by their ranks', () => {
  const before = run('run before', [values({ read: 5, write: 100 }), hist(100, 10, 1)]);
  const after = run('run after', [values({ read: 50, write: 101, close: 1 }), hist(1, 10, 100)]);
  const [calls, size] = compareRuns(before, after).maps;
  expect(calls).toMatchObject({
    ...{ name: '@calls', omitted: 0 },
    entries: [{ key: 'read', before: 5, after: 50 }, expect.anything(), expect.anything()],
  });
  expect(size?.entries[0]?.test?.slower).toBeGreaterThan(0.8);
  expect(size?.entries[0]?.test?.pValue).toBeLessThan(0.01);
  before.close();
  after.close();
});

test('a change says its sign in words', () => {
  const format = (value: number): string => String(value);
  expect(changeOf(10, 20, format)).toEqual({ change: '+10 (2.00 ×)', direction: 'more' });
  expect(changeOf(20, 10, format)).toEqual({ change: '−10 (0.500 ×)', direction: 'less' });
  expect(changeOf(100, 102, format, 0.031)).toEqual({ change: '+2 (about the same)', direction: 'same' });
  expect(changeOf(0, 3, format)).toEqual({ change: '+3', direction: 'more' });
  expect(changeOf(7, 7, format)).toEqual({ change: 'the same', direction: 'same' });
  expect(changeOf(undefined, 7, format)).toEqual({ change: '–', direction: 'none' });
});
