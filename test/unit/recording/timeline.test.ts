// Figures of any part of a recording, held against a slow obvious implementation that adds up what each interval counted.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { recordedProbes } from '../../../extension/core/recording/replay.ts';
import { edgesOf, gapsOf, stepAt, type Step } from '../../../extension/core/recording/steps.ts';
import { RecordingTimeline } from '../../../extension/core/recording/timeline.ts';
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';
import { bucketBounds, mergeBuckets, type BucketCounts } from '../../../protocol/buckets.ts';
import type { ProbeSpec } from '../../../protocol/probe.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-timeline-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
let files = 0;

/** What one number of a probe counted in one interval: durations of calls in ns; undefined where it was not attached. */
type Calls = readonly number[] | undefined;
/** By interval, then by the probe's number. */
interface History {
  readonly lengthsNs: readonly number[];
  readonly calls: readonly (readonly Calls[])[];
}

/** Probe 1 and 3 are one that was paused and resumed. */
const NAMES = ['serve', 'parse', 'serve', 'store'];
const spec = (index: number): ProbeSpec => ({
  ...{ id: index + 1, binary: '/bin/shop', measures: ['latency'] },
  subject: { kind: 'function', function: NAMES[index]!, sites: [], refused: [] },
});
const bucketOf = (ns: number): BucketCounts => [[ns < 64 ? ns : 64 + Math.floor(Math.log2(ns / 64)) * 32, 1]];

/** Each number is attached for one stretch of intervals. */
const histories: fc.Arbitrary<History> = fc.integer({ min: 1, max: 24 }).chain((intervals) =>
  fc
    .tuple(
      fc.array(fc.integer({ min: 1, max: 5e9 }), { minLength: intervals, maxLength: intervals }),
      ...NAMES.map(() =>
        fc.record({
          first: fc.integer({ min: 0, max: intervals - 1 }),
          length: fc.integer({ min: 1, max: intervals }),
          calls: fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 6 }), {
            minLength: intervals,
            maxLength: intervals,
          }),
        }),
      ),
    )
    .map(([lengthsNs, ...probes]) => ({
      lengthsNs,
      calls: lengthsNs.map((_, interval) =>
        probes.map(({ first, length, calls }) =>
          interval >= first && interval < first + length ? calls[interval]! : undefined,
        ),
      ),
    })),
);

/** Records a history by the real writer; returns the times of its intervals. */
function record(path: string, { lengthsNs, calls }: History, rowsApart: number): number[] {
  const writer = new RecordingWriter(path, {}, { maxBytes: 0, rowsApart });
  NAMES.forEach((name, index) => writer.addProbe(spec(index), name));
  const totals = NAMES.map(() => ({ count: 0, sumNs: 0, maxNs: 0, buckets: [] as BucketCounts }));
  let monotonicNs = 1e12;
  const times = lengthsNs.map((lengthNs, interval) => {
    if (interval > 0) monotonicNs += lengthNs;
    const attached = NAMES.map((_, index) => index).filter((index) => calls[interval]![index] !== undefined);
    for (const index of attached)
      for (const ns of calls[interval]![index]!) {
        const own = totals[index]!;
        own.count++;
        own.sumNs += ns;
        own.maxNs = Math.max(own.maxNs, ns);
        own.buckets = mergeBuckets(own.buckets, bucketOf(ns));
      }
    writer.addSnapshot({
      ...{ session: 's', sequence: interval, monotonicNs, wallClockMs: monotonicNs / 1e6, final: false },
      probes: attached.map((index) => {
        const { count, ...latency } = totals[index]!;
        return {
          ...{ probe: index + 1, count, latency: { ...latency } },
          lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: count >> 2 },
        };
      }),
    });
    return monotonicNs - 1e12;
  });
  writer.finish();
  return times;
}

/** As if no time line existed: all calls of a name in the intervals of a part. */
function slowly({ calls }: History, name: string, from: number, to: number): number[] {
  return calls
    .slice(from, to)
    .flatMap((byProbe) => byProbe.flatMap((own, index) => (NAMES[index] === name ? (own ?? []) : [])));
}

/** Takes the tables of version 3 away: the file of an earlier Probescope. */
function makeOlder(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('DROP TABLE cumulative; DROP INDEX totals_by_probe; PRAGMA user_version = 2');
  database.close();
}

test.each([
  ['stored often', 3, false],
  ['stored at the end only', 1e9, false],
  ['of an earlier version', 3, true],
])('figures of a part are those of its intervals, with cumulative buckets %s', (_, rowsApart, older) => {
  fc.assert(
    fc.property(
      histories,
      fc.array(fc.tuple(fc.nat(24), fc.nat(24)), { minLength: 1, maxLength: 8 }),
      (history, parts) => {
        const path = join(folder, `${++files}.probescope`);
        const times = record(path, history, rowsApart);
        if (older) makeOlder(path);
        const recording = new Recording(path);
        try {
          const timeline = new RecordingTimeline(recording);
          expect(timeline.steps.map(({ timeNs }) => timeNs)).toEqual(times);
          const n = times.length;
          for (const [a, b] of parts) {
            const [from, to] = [Math.min(a % (n + 1), b % (n + 1)), Math.max(a % (n + 1), b % (n + 1))];
            for (const lane of timeline.lanes) {
              const name = lane.name.slice(lane.name.lastIndexOf(' ') + 1);
              const calls = slowly(history, name, from, to);
              const figures = timeline.figures(lane, { from, to });
              expect(figures.count).toBe(calls.length);
              expect(figures.latency?.buckets ?? []).toEqual(mergeBuckets(...calls.map(bucketOf)));
              expect(figures.latency?.sumNs ?? 0).toBe(calls.reduce((sum, ns) => sum + ns, 0));
              const max = Math.max(0, ...calls);
              const { maxNs = 0 } = figures.latency ?? {};
              if (figures.maxIsBound) {
                expect(maxNs).toBeGreaterThanOrEqual(max);
                expect(maxNs).toBeLessThanOrEqual(
                  calls.length === 0 ? 0 : bucketBounds(bucketOf(max)[0]![0]).highNs,
                );
              } else expect(maxNs).toBe(max);
            }
          }
        } finally {
          recording.close();
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('the history of a part is what each of its last intervals added', () => {
  fc.assert(
    fc.property(histories, fc.nat(24), fc.nat(24), (history, a, b) => {
      const path = join(folder, `${++files}.probescope`);
      const times = record(path, history, 7);
      const recording = new Recording(path);
      try {
        const timeline = new RecordingTimeline(recording);
        const n = times.length;
        const [from, to] = [Math.min(a % (n + 1), b % (n + 1)), Math.max(a % (n + 1), b % (n + 1))];
        for (const lane of timeline.lanes) {
          const name = lane.name.slice(lane.name.lastIndexOf(' ') + 1);
          // the first interval has no known beginning
          for (const point of timeline.history(lane, { from, to }, 5)) {
            const interval = times.indexOf(point.monotonicNs);
            expect(interval).toBeGreaterThanOrEqual(Math.max(1, from, to - 5));
            const calls = slowly(history, name, interval, interval + 1);
            expect(point).toMatchObject({
              ...{ count: calls.length, sumNs: calls.reduce((sum, ns) => sum + ns, 0) },
              durationNs: times[interval]! - times[interval - 1]!,
              buckets: mergeBuckets(...calls.map(bucketOf)),
            });
          }
          if (from === 0 && to === n && n <= 5)
            expect(timeline.history(lane, { from, to }).reduce((sum, { count }) => sum + count, 0)).toBe(
              slowly(history, name, 1, n).length,
            );
        }
      } finally {
        recording.close();
      }
    }),
    { numRuns: 60 },
  );
});

test('columns hold every call after the first interval, and tell where a probe was not attached', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const path = join(folder, `${++files}.probescope`);
      record(path, history, 1e9);
      const recording = new Recording(path);
      try {
        const timeline = new RecordingTimeline(recording);
        const columns = timeline.columns();
        timeline.lanes.forEach((lane, at) => {
          const name = lane.name.slice(lane.name.lastIndexOf(' ') + 1);
          const { counts, attached } = columns[at]!;
          timeline.edges.slice(1).forEach((edge, column) => {
            const [from, to] = [timeline.edges[column]! + 1, edge + 1];
            expect(counts[column]).toBe(slowly(history, name, from, to).length);
            expect(attached[column]).toBe(
              history.calls
                .slice(from, to)
                .some((own) => own.some((calls, index) => NAMES[index] === name && calls !== undefined)),
            );
          });
        });
      } finally {
        recording.close();
      }
    }),
    { numRuns: 60 },
  );
});

test('an older recording is read part by part, and answers the same meanwhile and afterwards', async () => {
  const path = join(folder, 'older.probescope');
  const intervals = 300;
  const history: History = {
    lengthsNs: Array.from({ length: intervals }, () => 1e9),
    calls: Array.from({ length: intervals }, (_, i) => [[i % 60, 7], [3], undefined, undefined]),
  };
  record(path, history, 50);
  const [stored, read] = [new Recording(path), new Recording(path)];
  const expected = new RecordingTimeline(stored);
  const wanted = [300, 17, 150, 299].map((to) => expected.figures(expected.lanes[0]!, { from: 5, to }));
  stored.close();
  read.close();
  makeOlder(path);
  const older = new Recording(path);
  const timeline = new RecordingTimeline(older);
  expect([expected.buckets.isIndexed, timeline.buckets.isIndexed]).toEqual([true, false]);
  const shares: number[] = [];
  const reading = timeline.buckets.read(timeline.last, (share) => shares.push(share));
  expect(timeline.figures(timeline.lanes[0]!, { from: 5, to: 300 })).toEqual(wanted[0]);
  await reading;
  expect(shares.at(-1)).toBe(1);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect([300, 17, 150, 299].map((to) => timeline.figures(timeline.lanes[0]!, { from: 5, to }))).toEqual(
    wanted,
  );
  older.close();
});

test('the last totals of a recording are the same with and without stored buckets', () => {
  const path = join(folder, 'totals.probescope');
  record(
    path,
    {
      lengthsNs: [1e9, 1e9],
      calls: [
        [[5], [9], undefined, undefined],
        [[6], undefined, undefined, undefined],
      ],
    },
    1,
  );
  const read = (): unknown => {
    const recording = new Recording(path);
    const probes = recordedProbes(recording).map(({ spec: { id }, totals }) => ({ id, ...totals }));
    recording.close();
    return probes;
  };
  const before = read();
  expect(before).toMatchObject([
    {
      id: 1,
      count: 2,
      latency: {
        buckets: [
          [5, 1],
          [6, 1],
        ],
        sumNs: 11,
        maxNs: 6,
      },
    },
    { id: 2, count: 1 },
  ]);
  makeOlder(path);
  expect(read()).toEqual(before);
});

test('buckets that cannot be read are told as such', () => {
  const path = join(folder, 'damaged.probescope');
  record(path, { lengthsNs: [1e9], calls: [[[5], [9], undefined, undefined]] }, 1);
  const database = new DatabaseSync(path);
  database.exec(`UPDATE cumulative SET data = '[[1,"many"]]'`);
  database.close();
  const recording = new Recording(path);
  expect(() => recordedProbes(recording)).toThrow(/buckets that cannot be read \(table cumulative\)/);
  recording.close();
});

test('a long interval is a gap with an edge at both ends; columns stay few', () => {
  const seconds = [0, 1, 2, 3, 4, 30, 31, 32];
  const steps = seconds.map((second, index): Step => ({
    ...{ interval: index + 1, timeNs: second * 1e9, wallClockMs: 0 },
  }));
  expect(gapsOf(steps)).toEqual([5]);
  expect(edgesOf(steps, [5], 2)).toEqual([0, 4, 5, 7]);
  expect(edgesOf([], [])).toEqual([]);
  expect([-1, 0, 0.5e9, 29e9, 99e9].map((ns) => stepAt(steps, ns))).toEqual([-1, 0, 0, 4, 7]);
  const many = Array.from({ length: 5000 }, (_, i): Step => ({
    ...{ interval: i + 1, timeNs: i, wallClockMs: 0 },
  }));
  expect(edgesOf(many, gapsOf(many)).length).toBeLessThanOrEqual(302);
});
