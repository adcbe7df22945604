// The editor's probes are recorded once a second, and no call is missing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { recordedProbes } from '../../../extension/core/recording/replay.ts';
import { TraceRecorder } from '../../../extension/core/recording/trace-recorder.ts';
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';
import type { ProbeSpec } from '../../../protocol/probe.ts';
import type { Snapshot } from '../../../protocol/snapshot.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-trace-recorder-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const spec = (id: number): ProbeSpec => ({
  ...{ id, binary: '/bin/shop', measures: ['latency'] },
  subject: { kind: 'usdt', provider: 'shop', name: `p${id}`, sites: [] },
});
const lost = { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 };

/** Four snapshots a second. */
function snapshot(quarter: number, counts: Readonly<Record<number, number>>, final = false): Snapshot {
  return {
    ...{
      session: 's',
      sequence: quarter,
      monotonicNs: 5e9 + quarter * 0.25e9,
      wallClockMs: quarter * 250,
      final,
    },
    target: 'local',
    probes: Object.entries(counts).map(([probe, count]) => ({
      ...{ probe: Number(probe), count, lost },
      latency: { buckets: [[40, count]], sumNs: count * 80, maxNs: 90 },
    })),
  };
}

function recorder(name: string) {
  const problems: unknown[] = [];
  const ended: string[] = [];
  const described: string[] = [];
  let opened = 0;
  const recording = new TraceRecorder({
    open: (meta) => {
      opened++;
      return Promise.resolve(new RecordingWriter(join(folder, `${name} ${opened}`), meta));
    },
    onProblem: (thrown) => problems.push(thrown),
    onEnded: (path) => ended.push(path),
    describe: (session, writer) => {
      described.push(session);
      return writer.path.endsWith('undescribed 1') ? Promise.reject(new Error('gone')) : Promise.resolve();
    },
  });
  return { recording, problems, ended, described, opened: () => opened };
}
const settled = () => new Promise((done) => setImmediate(done));

test('a second is written once, and the last snapshot tells the totals', async () => {
  const { recording, ended, problems } = recorder('totals');
  for (let quarter = 0; quarter <= 18; quarter++) {
    recording.add(snapshot(quarter, { 1: quarter * 10 }), [spec(1)]);
    await settled();
  }
  recording.end();
  expect(problems).toEqual([]);
  const read = new Recording(ended[0]!);
  expect(read.meta().get('title')).toBe('shop:p1');
  expect(recordedProbes(read)[0]?.totals).toMatchObject({ count: 180, latency: { buckets: [[40, 180]] } });
  const { n } = read.database.prepare('SELECT count(*) AS n FROM intervals').get() as { n: number };
  // 4.25 s from the first count on: its start, four seconds, and the end
  expect(n).toBe(6);
  read.close();
});

test('a probe that leaves between two seconds has its last totals recorded', async () => {
  const { recording, ended } = recorder('leaving');
  recording.add(snapshot(0, { 1: 1, 2: 1 }), [spec(1), spec(2)]);
  await settled();
  recording.add(snapshot(1, { 1: 5, 2: 7 }), [spec(1), spec(2)]);
  recording.add(snapshot(2, { 1: 6 }), [spec(1)]);
  recording.end();
  const read = new Recording(ended[0]!);
  expect(recordedProbes(read).map(({ totals }) => totals.count)).toEqual([6, 7]);
  read.close();
});

test('nothing counted, nothing recorded; detached while the file is being made, it is ended well', async () => {
  const { recording, ended, opened } = recorder('short');
  recording.add(snapshot(0, { 1: 0 }), [spec(1)]);
  recording.end();
  await settled();
  expect(opened()).toBe(0);
  recording.add(snapshot(1, { 1: 3 }), [spec(1)]);
  recording.add(snapshot(2, { 1: 4 }, true), [spec(1)]);
  recording.end();
  await settled();
  expect(ended).toHaveLength(1);
  const read = new Recording(ended[0]!);
  expect(recordedProbes(read)[0]?.totals.count).toBe(4);
  expect(read.notices()).toEqual([]);
  read.close();
  // and the next time is a recording of its own
  recording.add(snapshot(9, { 1: 1 }), [spec(1)]);
  await settled();
  recording.end();
  expect(ended).toHaveLength(2);
});

test('how it is measured is asked for at the start and whenever the probes have changed, and may fail', async () => {
  const { recording, ended, described, problems } = recorder('undescribed');
  recording.add(snapshot(0, { 1: 1 }), [spec(1)]);
  await settled();
  expect(described).toEqual(['s']);
  for (let quarter = 1; quarter <= 8; quarter++) recording.add(snapshot(quarter, { 1: quarter }), [spec(1)]);
  expect(described).toHaveLength(1);
  for (let quarter = 9; quarter <= 16; quarter++)
    recording.add(snapshot(quarter, { 1: quarter, 2: 1 }), [spec(1), spec(2)]);
  expect(described).toHaveLength(2);
  await settled();
  expect(problems).toHaveLength(2);
  recording.end();
  const read = new Recording(ended[0]!);
  expect(recordedProbes(read).map(({ totals }) => totals.count)).toEqual([16, 1]);
  read.close();
});
