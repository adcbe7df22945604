// What the page of a recording is given: rows and figures of probes and of profiles, and what stands in its head.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { firstView } from '../../../extension/core/recording/first-view.ts';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { RecordedCallers } from '../../../extension/core/recording/recorded-callers.ts';
import { recordedProbes } from '../../../extension/core/recording/replay.ts';
import { ReplayedProfile } from '../../../extension/core/recording/replayed.ts';
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';
import { ProbeRegistry } from '../../../extension/core/registry.ts';
import { ProfileBuilder } from '../../../profile/builder.ts';
import { viewOf } from '../../../extension/probes/view-of.ts';
import { lensText, overlayText } from '../../../extension/editor/labels.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-replayed-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const shipped = join(import.meta.dirname, '../../../media/demo/shop.probescope');

test('the shipped recording: rows, facts, figures that end where the totals do', () => {
  const recording = new Recording(shipped);
  const { picture, probes } = firstView(recording);
  expect(picture.title).toBe('trace of the demo program');
  expect(picture.facts.map(([label]) => label)).toEqual([
    ...['When', 'Duration', 'Host', 'Kernel', 'Command line'],
  ]);
  expect(picture.holds).toBe('It holds 6 probes over 32 intervals, 6 flame graphs of callers.');
  expect(picture).toMatchObject({ opens: [], growing: false, unit: 'calls', gaps: [] });
  expect(picture.lanes[3]).toMatchObject({
    title: 'db_query',
    place: 'db.c:33',
    opens: ['source', 'latency', 'callers'],
  });
  probes.read = 1;
  const whole = probes.figures({ toNs: picture.stepsNs.at(-1)! });
  expect(whole.map(({ count }) => count)).toEqual(
    recordedProbes(recording).map(({ totals }) => totals.count),
  );
  expect(whole[3]!.p50Ns).toBeGreaterThan(150_000);
  expect(whole[3]!.rateHz! * 29.97).toBeCloseTo(whole[3]!.count, -2);
  // what an older file says before its latencies are read
  probes.read = 0.5;
  expect(probes.figures({ toNs: picture.stepsNs.at(-1)! })[3]).not.toHaveProperty('p50Ns');
  recording.close();
});

test('a rate counts the calls of the time that it is a rate over: what the first interval has began before it', () => {
  const path = join(folder, 'rate.probescope');
  const writer = new RecordingWriter(path, { title: 'rate' });
  const subject = { kind: 'usdt', provider: 'shop', name: 'p', sites: [] } as const;
  writer.addProbe({ id: 1, binary: '/bin/shop', measures: ['count'], subject }, 'shop:p');
  [100, 110, 120].forEach((count, second) => {
    writer.addSnapshot({
      ...{ session: 's', sequence: second, monotonicNs: second * 1e9, wallClockMs: second * 1000 },
      final: second === 2,
      probes: [{ probe: 1, count, lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 } }],
    });
  });
  writer.finish();
  const recording = new Recording(path);
  const { probes } = firstView(recording);
  expect(probes.figures({ toNs: 2e9 })[0]).toMatchObject({ count: 120, rateHz: 10 });
  expect(probes.figures({ fromNs: 1e9, toNs: 2e9 })[0]).toMatchObject({ count: 10, rateHz: 10 });
  expect(probes.figures({ toNs: 0 })[0]).toMatchObject({ count: 100 });
  expect(probes.figures({ toNs: 0 })[0]).not.toHaveProperty('rateHz');
  recording.close();
});

test('callers of a part are those whose counts grew in it', () => {
  const recording = new Recording(shipped);
  const callers = new RecordedCallers(recording);
  const count = (fromNs?: number, toNs?: number): number =>
    callers.of([4], fromNs, toNs).reduce((sum, each) => sum + each.count, 0);
  expect(count(-1, 10e9) + count(10e9)).toBe(count());
  expect(count(10e9, 20e9)).toBeGreaterThan(0);
  expect(count(40e9)).toBe(0);
  recording.close();
});

test('samples of a profile by thread and range, as adding them up one by one does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 1e6 }), fc.nat(11), fc.integer({ min: 1, max: 9 })), {
        minLength: 1,
        maxLength: 80,
      }),
      fc.array(fc.tuple(fc.nat(240), fc.nat(240)), { minLength: 1, maxLength: 6 }),
      (samples, ranges) => {
        samples.sort((a, b) => a[0] - b[0]);
        const builder = new ProfileBuilder('some', 'samples');
        const node = builder.stack([builder.frame({ name: 'main' })]);
        const threads = Array.from({ length: 12 }, (_, tid) =>
          builder.thread({ pid: 1, tid, name: `thread ${tid}` }),
        );
        for (const [timeNs, thread, weight] of samples)
          builder.sample(node, weight, timeNs, threads[thread]!);
        const replayed = new ReplayedProfile(builder.build());
        const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
        const all = total(samples.map(([, , weight]) => weight));
        expect(total(replayed.lanes().flatMap(({ counts }) => counts))).toBe(all);
        const endNs = replayed.stepsNs.at(-1)!;
        for (const [a, b] of ranges) {
          const [fromNs, toNs] = [replayed.stepsNs[Math.min(a, b)]!, replayed.stepsNs[Math.max(a, b)]!];
          const slowly = samples.filter(([timeNs]) => timeNs >= fromNs && (timeNs < toNs || toNs === endNs));
          expect(total(replayed.figures({ fromNs, toNs }).map(({ count }) => count))).toBe(
            total(slowly.map(([, , weight]) => weight)),
          );
        }
        expect(replayed.lanes().length).toBeLessThanOrEqual(8);
      },
    ),
  );
});

test('a profile without times has no time line, and its page says what it holds', () => {
  const builder = new ProfileBuilder('imported', 'samples');
  builder.add(builder.stack([builder.frame({ name: 'main' })]), 5);
  expect(new ReplayedProfile(builder.build())).toMatchObject({ stepsNs: [], edgesNs: [] });
  const path = join(folder, 'imported.probescope');
  const writer = new RecordingWriter(path, { title: 'imported', git_commit: 'abc123', note: 'by hand' });
  writer.addEncodedProfile(builder.build());
  writer.addLost(0, 'perf', 12, '');
  const growing = new Recording(path);
  expect(firstView(growing).picture.growing).toBe(true);
  growing.close();
  writer.finish();
  const recording = new Recording(path);
  const { picture } = firstView(recording);
  expect(picture).toMatchObject({
    ...{ holds: 'It holds 1 profile.', opens: ['flameGraph'], lanes: [], stepsNs: [], growing: false },
  });
  expect(picture.facts).toContainEqual(['Git commit', 'abc123']);
  expect(picture.facts).toContainEqual(['Lost', '12 events']);
  expect(picture.more).toContainEqual(['note', 'by hand']);
  recording.close();
});

test('the code shows a moment and says which; what is removed, or attached here, is left alone', () => {
  const registry = new ProbeRegistry({ connect: () => Promise.reject(new Error('no')), intervalMs: 250 });
  const lost = { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 };
  const totals = (count: number) => ({
    ...{ probe: 1, count, lost },
    latency: { buckets: [[500, count]] as const, sumNs: count * 1000, maxNs: 2000 },
  });
  const spec = {
    ...{ id: 1, binary: '/bin/shop', measures: ['latency'] as const },
    subject: { kind: 'function', function: 'serve', sites: [], refused: [] } as const,
  };
  const origin = 'recorded on lab';
  registry.showRecorded([
    { ...{ key: 'a', spec, origin }, totals: totals(10) },
    { ...{ key: 'b', spec, origin }, totals: totals(20) },
  ]);
  const changed: (readonly string[])[] = [];
  registry.onDidChange((keys) => changed.push(keys));
  const view = () => {
    const { state, figures, origin: from, moment } = viewOf(registry.find('a')!, undefined, undefined);
    return [overlayText(state, figures, false, from, moment), lensText(state, figures, from, moment)];
  };
  const [overlay, lens] = view();
  expect(overlay).toMatch(/^p50 .* · recorded on lab$/);
  expect(lens).toMatch(/n 10 \(recorded\)$/);
  void registry.remove(['b']);
  registry.replay([
    { key: 'a', totals: totals(3), moment: 'as of 0:01.0 of 0:02.0' },
    { key: 'b', totals: totals(4) },
  ]);
  expect(changed.at(-1)).toEqual(['a']);
  expect(registry.find('b')).toBeUndefined();
  expect(view()[0]).toMatch(/ · as of 0:01\.0 of 0:02\.0, recorded on lab$/);
  expect(view()[1]).toMatch(/n 3 \(recorded, as of 0:01\.0 of 0:02\.0\)$/);
  registry.replay([{ key: 'a', totals: { probe: 1, count: 0, lost }, moment: 'as of 0:00.0 of 0:02.0' }]);
  expect(view()[0]).toBe('no call · as of 0:00.0 of 0:02.0, recorded on lab');
  registry.replay([{ key: 'a', totals: totals(10) }]);
  expect(view()).toEqual([overlay, lens]);
  expect(registry.stored).toEqual([]);
  registry.dispose();
});
