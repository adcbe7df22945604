import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, expect, test } from 'vitest';
import { ProfileBuilder } from '../../../profile/builder.ts';
import { exportFolded } from '../../../profile/export/folded.ts';
import { queryRecording } from '../../../extension/core/recording/query.ts';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';
import type { Snapshot } from '../../../protocol/snapshot.ts';
import type { Stack } from '../../../protocol/source.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-recording-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const path = (name: string) => join(folder, `${name}.probescope`);
const stack = (...names: string[]): Stack =>
  names.map((name) => ({ function: name, module: '/bin/shop', file: '/src/shop.c', line: 7 }));
const noLoss = { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 };
const folded = (recording: Recording) =>
  [...exportFolded(recording.profile())].join('').trim().split('\n').sort();

function snapshot(sequence: number, count: number): Snapshot {
  return {
    session: 's',
    sequence,
    monotonicNs: 1e9 * (100 + sequence),
    wallClockMs: 0,
    final: false,
    probes: [
      {
        probe: 1,
        count,
        lost: noLoss,
        latency: { buckets: [[40, count]], sumNs: count * 80, maxNs: 90 },
        callers: [
          { stack: stack('leaf', 'main'), count: count - 1 },
          { stack: stack('other', 'main'), count: 1 },
        ],
      },
    ],
  };
}

test('a session is recorded interval by interval and read back', () => {
  const writer = new RecordingWriter(path('session'), { target: 'local', kernel: '6.18' });
  writer.addProbe(
    {
      id: 1,
      binary: '/bin/shop',
      subject: { kind: 'usdt', provider: 'p', name: 'n', sites: [] },
      measures: ['count'],
    },
    'shop:n',
  );
  writer.addScript('main.bt', 'BEGIN {}');
  writer.addSnapshot(snapshot(0, 3));
  writer.addSnapshot(snapshot(1, 10));
  writer.finish();
  const recording = new Recording(path('session'));
  expect(recording.notices()).toEqual([]);
  expect(recording.meta().get('target')).toBe('local');
  expect(folded(recording)).toEqual(['main;leaf 9', 'main;other 1']);
  expect([...recording.profile().samples!.timeNs]).toEqual([0, 0, 1e9]);
  const query = (sql: string) => queryRecording(recording, sql).rows;
  expect(
    query('SELECT time_ns, b.count FROM buckets b JOIN intervals i ON i.id = interval ORDER BY 1'),
  ).toEqual([
    [0, 3],
    [1e9, 7],
  ]);
  expect(query('SELECT max(count), max(sum_ns) FROM totals')).toEqual([[10, 800]]);
  expect(query("SELECT self, total FROM functions WHERE function = 'main'")).toEqual([[0, 10]]);
  expect(() => query('DELETE FROM meta')).toThrow(/readonly/);
  expect(() => query('SELECT nothing')).toThrow(/SQLite refuses the query/);
  expect(() => query('SELECT 1; SELECT 2')).toThrow(/several statements/);
  expect(query("SELECT ';' /* ; */; -- and that is all")).toEqual([[';']]);
  recording.close();
  expect(existsSync(`${path('session')}-wal`)).toBe(false);
});

test('an imported profile has rows when a query asks for them', () => {
  const builder = new ProfileBuilder('imported', 'samples');
  builder.add(builder.stack(['main', 'a'].map((name) => builder.frame({ name }))), 5);
  const writer = new RecordingWriter(path('imported'), {});
  writer.addEncodedProfile(builder.build());
  writer.finish();
  const recording = new Recording(path('imported'));
  expect(queryRecording(recording, 'SELECT sum(weight), count(*) FROM samples').rows).toEqual([[5, 1]]);
  expect(
    queryRecording(
      recording,
      'SELECT text FROM samples JOIN stacks ON stacks.id = stack JOIN frames ON frames.id = frame JOIN strings ON strings.id = name',
    ).rows,
  ).toEqual([['a']]);
  recording.close();
});

test('two windows read while one writes', () => {
  const writer = new RecordingWriter(path('shared'), {});
  writer.addSnapshot(snapshot(0, 3));
  writer.commit();
  const [one, two] = [new Recording(path('shared')), new Recording(path('shared'))];
  writer.addSnapshot(snapshot(1, 4));
  writer.commit();
  expect(folded(one)).toEqual(folded(two));
  expect(one.notices().join()).toContain('still being written');
  writer.finish();
  expect(folded(one)).toEqual(['main;leaf 3', 'main;other 1']);
  one.close();
  two.close();
  const after = new Recording(path('shared'));
  expect(folded(after)).toEqual(['main;leaf 3', 'main;other 1']);
  after.close();
});

test('SIGKILL while writing: it reopens, lacks at most the last second, and says so', async () => {
  const file = path('killed');
  const script = resolve(import.meta.dirname, 'write-until-killed.ts');
  const child = spawn(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', script, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let written = 0;
  await new Promise<void>((done) => {
    child.stdout.on('data', (chunk: Buffer) => {
      written = Number(chunk.toString().trim().split('\n').at(-1));
      if (written >= 3) child.kill('SIGKILL');
    });
    child.on('exit', () => {
      done();
    });
  });
  const recording = new Recording(file);
  expect(recording.notices().join()).toMatch(/was not closed.*last commit at \d{4}-.*at most the second/);
  const [[seconds]] = queryRecording(recording, 'SELECT max(sequence) FROM intervals').rows as [[number]];
  expect(seconds).toBeGreaterThanOrEqual(written - 1);
  expect(folded(recording).length).toBe(2);
  recording.close();
});

test('the size bound stops recording with a notice; what is there stays readable', () => {
  const reasons: string[] = [];
  const writer = new RecordingWriter(
    path('bounded'),
    {},
    { maxBytes: 450_000, onStop: (reason) => reasons.push(reason) },
  );
  for (let i = 0; i < 100; i++) {
    writer.addEvent(undefined, i, undefined, { text: 'x'.repeat(20_000) });
    writer.commit();
  }
  expect(reasons).toHaveLength(1);
  expect(reasons[0]).toContain('has reached its bound');
  writer.finish();
  const recording = new Recording(path('bounded'));
  expect(recording.notices().join()).toContain('has reached its bound');
  expect(Number(queryRecording(recording, 'SELECT count(*) FROM events').rows[0]![0])).toBeGreaterThan(3);
  recording.close();
});

test('files that are no recordings, each with its own reason', () => {
  writeFileSync(path('text'), 'a;b 1\n'.repeat(100));
  expect(() => new Recording(path('text'))).toThrow(/does not begin as an SQLite file/);
  writeFileSync(path('empty'), '');
  expect(() => new Recording(path('empty'))).toThrow(/is cut off: it has 0 bytes/);
  expect(() => new Recording(path('missing'))).toThrow(/cannot be read/);
  const foreign = new DatabaseSync(path('foreign'));
  foreign.exec('CREATE TABLE meta (key, value)');
  foreign.close();
  expect(() => new Recording(path('foreign'))).toThrow(/SQLite file of another program/);
  copyFileSync(path('session'), path('newer'));
  const newer = new DatabaseSync(path('newer'));
  newer.exec('PRAGMA user_version = 99');
  newer.close();
  expect(() => new Recording(path('newer'))).toThrow(/newer Probescope: its schema is version 99/);
  copyFileSync(path('session'), path('cut'));
  truncateSync(path('cut'), readFileSync(path('session')).length / 2);
  expect(() => {
    const recording = new Recording(path('cut'));
    recording.profile();
  }).toThrow(/damaged|malformed/);
  expect(() => new RecordingWriter(path('session'), {})).toThrow(/already exists/);
});
