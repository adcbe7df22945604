// Recordings when the disk fills up or two processes want one file: the real writer on a real file system, in processes of their own.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeRecording } from '../../extension/core/recording/description.ts';
import { Recording } from '../../extension/core/recording/reader.ts';
import { recordedProbes } from '../../extension/core/recording/replay.ts';
import { summarise } from '../../extension/core/recording/summary.ts';
import { RecordingTimeline } from '../../extension/core/recording/timeline.ts';
import { RecordingWriter } from '../../extension/core/recording/writer.ts';
import { missingForLab, run } from '../lab/run.ts';

let folder: string;
const children: ChildProcess[] = [];
const mounts: string[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'probescope-recording-trouble-'));
});
beforeEach(() => () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => {
  for (const path of mounts) spawnSync('umount', [path]);
  rmSync(folder, { recursive: true, force: true });
});

/** A file system of so many bytes. */
function smallDisk(name: string, size: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path);
  mounts.push(path);
  return path;
}

type Told =
  | { readonly written: number }
  | { readonly committed: number }
  | { readonly stopped: string; readonly cause: string }
  | { readonly ended: true }
  | { readonly refused: string };

/** The writer in a process of its own; what it tells, in order. */
class Writing {
  readonly told: Told[] = [];
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  #waiting: (() => void)[] = [];

  constructor(path: string, ...options: readonly string[]) {
    const script = resolve(import.meta.dirname, 'support/record-seconds.ts');
    this.process = spawn(
      process.execPath,
      ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', script, path, ...options],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    children.push(this.process);
    createInterface(this.process.stdout!).on('line', (line) => {
      this.told.push(JSON.parse(line) as Told);
      for (const wake of this.#waiting.splice(0)) wake();
    });
    this.exited = new Promise((done) => {
      this.process.on('exit', () => {
        done();
      });
    });
  }

  /** Waits until it has told something of this kind. */
  async until<K extends string>(key: K, enough: (value: Told) => boolean = () => true): Promise<Told> {
    for (;;) {
      const found = this.told.find((told) => key in told && enough(told));
      if (found !== undefined) return found;
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  /** The last interval whose commit had succeeded. */
  get committed(): number {
    return Math.max(0, ...this.told.map((told) => ('committed' in told ? told.committed : 0)));
  }

  say(text: string): void {
    this.process.stdin!.write(`${text}\n`);
  }
}

interface ReadBack {
  readonly intervals: number;
  readonly calls: number;
  readonly sound: boolean;
  readonly notices: string;
}

/** Opens the file anew and reads everything of it that a page would show. */
function readBack(path: string): ReadBack {
  const recording = new Recording(path);
  try {
    const { last } = recording.database.prepare('SELECT max(id) AS last FROM intervals').get() as {
      last: number;
    };
    const { integrity_check: check } = recording.database.prepare('PRAGMA integrity_check').get() as {
      integrity_check: string;
    };
    const timeline = new RecordingTimeline(recording);
    const [lane] = timeline.lanes;
    const { count, latency } = timeline.figures(lane!, { from: 0, to: timeline.last });
    expect(latency!.buckets.reduce((sum, [, calls]) => sum + calls, 0)).toBe(count);
    expect(recordedProbes(recording)[0]!.totals.count).toBe(count);
    return { intervals: last, calls: count, sound: check === 'ok', notices: recording.notices().join(' ') };
  } finally {
    recording.close();
  }
}

const missing = missingForLab('mount', 'umount');

test('a disk that fills up: recording stops once with the reason, and what was committed is there', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const disk = smallDisk('full', '3m');
  const path = join(disk, 'trace.probescope');
  const writing = new Writing(path, 'fast');
  expect(await writing.until('stopped')).toMatchObject({
    cause: 'disk',
    stopped: expect.stringMatching(
      /trace\.probescope cannot be written: database or disk is full\..* is kept\.$/,
    ) as string,
  });
  writing.say('finish');
  await writing.until('ended');
  await writing.exited;
  expect(writing.told.filter((told) => 'stopped' in told)).toHaveLength(1);
  const read = readBack(path);
  expect(read.sound).toBe(true);
  expect(writing.committed).toBeGreaterThan(5);
  expect(read.intervals).toBeGreaterThanOrEqual(writing.committed);
  expect(read.calls).toBe(read.intervals * 10);
  // its last word may have found no room; then the file says that it was not closed
  expect(read.notices).toMatch(/disk is full|was not closed.*at most the second after it is missing/);
  const { facts, problem } = summarise(path);
  expect(problem).toBeUndefined();
  expect(facts!.stopped !== undefined || facts!.state !== 'ended').toBe(true);
});

test('room is made after the disk was full: the recording is closed with the reason in it', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const disk = smallDisk('freed', '4m');
  const ballast = join(disk, 'ballast');
  writeFileSync(ballast, Buffer.alloc(1 << 20));
  const path = join(disk, 'trace.probescope');
  const writing = new Writing(path, 'fast');
  await writing.until('stopped');
  rmSync(ballast);
  writing.say('finish');
  await writing.until('ended');
  await writing.exited;
  const read = readBack(path);
  expect(read.sound).toBe(true);
  expect(read.intervals).toBeGreaterThanOrEqual(writing.committed);
  expect(read.notices).toMatch(/^\S*trace\.probescope cannot be written: database or disk is full\./);
  expect(summarise(path).facts).toMatchObject({ state: 'ended' });
});

test('killed on the full disk: it reopens from its log and says what is missing', async (ctx) => {
  if (missing !== undefined) return ctx.skip(missing);
  const disk = smallDisk('killed', '3m');
  const path = join(disk, 'trace.probescope');
  const writing = new Writing(path, 'fast');
  await writing.until('stopped');
  writing.process.kill('SIGKILL');
  await writing.exited;
  const read = readBack(path);
  expect(read.sound).toBe(true);
  expect(read.intervals).toBeGreaterThanOrEqual(writing.committed);
  expect(read.notices).toMatch(
    /was not closed.*last commit at \d{4}-.*at most the second after it is missing/,
  );
});

test('a second writer of the same file is refused with a next step, and the first goes on', async () => {
  const path = join(folder, 'shared.probescope');
  const first = new Writing(path);
  await first.until('committed');
  const second = new Writing(path);
  expect(await second.until('refused')).toMatchObject({
    refused: expect.stringMatching(
      /shared\.probescope cannot be written: .*already exists.*Choose another name or folder; recordings are never written over\./,
    ) as string,
  });
  await second.exited;
  expect(() => new RecordingWriter(path, {})).toThrow(/already exists/);
  const before = first.committed;
  await first.until('committed', (told) => 'committed' in told && told.committed > before + 1);
  first.say('finish');
  await first.until('ended');
  await first.exited;
  const read = readBack(path);
  expect(read).toMatchObject({ sound: true, notices: '' });
  expect(read.calls).toBe(read.intervals * 10);
  expect(read.intervals).toBeGreaterThanOrEqual(first.committed);
});

test('two windows on one file: names and tags written by one, intervals by the other; both are kept', async () => {
  const path = join(folder, 'described.probescope');
  const writing = new Writing(path);
  await writing.until('committed');
  const reader = new Recording(path);
  for (const tags of [['one'], ['one', 'two'], ['three']])
    await describeRecording(path, { name: 'Described', tags });
  const before = writing.committed;
  await writing.until('committed', (told) => 'committed' in told && told.committed > before + 1);
  expect(reader.meta().get('name')).toBe('Described');
  writing.say('finish');
  await writing.until('ended');
  await writing.exited;
  reader.close();
  expect(writing.told.some((told) => 'stopped' in told)).toBe(false);
  const read = readBack(path);
  expect(read).toMatchObject({ sound: true, notices: '' });
  expect(read.intervals).toBeGreaterThanOrEqual(writing.committed);
  expect(summarise(path).facts).toMatchObject({ name: 'Described', tags: ['three'], state: 'ended' });
});

test('a window that holds the file for a moment is waited for; one that keeps it stops the recording with the reason', async () => {
  const path = join(folder, 'held.probescope');
  const writing = new Writing(path);
  await writing.until('committed');
  const other = new DatabaseSync(path);
  other.exec('PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE');
  await new Promise((done) => setTimeout(done, 1500));
  other.exec('ROLLBACK');
  const before = writing.committed;
  await writing.until('committed', (told) => 'committed' in told && told.committed > before + 1);
  other.exec('BEGIN IMMEDIATE');
  expect(await writing.until('stopped')).toMatchObject({
    stopped: expect.stringMatching(/held\.probescope cannot be written: database is locked\./) as string,
  });
  other.exec('ROLLBACK');
  other.close();
  writing.say('finish');
  await writing.until('ended');
  await writing.exited;
  const read = readBack(path);
  expect(read.sound).toBe(true);
  expect(read.intervals).toBeGreaterThanOrEqual(writing.committed);
  expect(read.notices).toMatch(/database is locked/);
  expect(statSync(path).size).toBeGreaterThan(0);
});
