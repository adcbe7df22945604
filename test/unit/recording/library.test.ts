// What the Recordings view stands on: names and tags in the file, summaries, the trash, and what is kept.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import {
  describeRecording,
  oneLine,
  tagsOf,
  tidyTags,
  namesOf,
} from '../../../extension/core/recording/description.ts';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { outlived, RecordingStorage } from '../../../extension/core/recording/storage.ts';
import { summarise, type RecordingSummary } from '../../../extension/core/recording/summary.ts';
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';
import { descriptionOf, matches, titleOf } from '../../../extension/recordings/texts.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-library-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const path = (name: string) => join(folder, `${name}.probescope`);

function recorded(name: string, meta: Record<string, string> = {}): string {
  const writer = new RecordingWriter(path(name), { title: name, kind: 'trace', target: 'local', ...meta });
  writer.finish();
  return path(name);
}

test('500 hostile names and tags go into the file and come back as one line each, and nothing else changes', async () => {
  const file = recorded('hostile');
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom(
      `'; DROP TABLE meta; --`,
      '"],"state":"recording',
      '$(trash) ![x](command:probescope.deleteRecording)',
      '<img src=x onerror=alert(1)>',
      '\u202egnp.exe',
      '\u0000\u0007\u001b[31m',
      '../../etc/passwd',
      '\ud800',
      'a,b',
      '   ',
    ),
  );
  await fc.assert(
    fc.asyncProperty(hostile, fc.array(hostile, { maxLength: 40 }), async (name, tags) => {
      await describeRecording(file, { name, tags });
      const { facts } = summarise(file);
      expect(facts?.name).toBe(oneLine(name) === '' ? 'hostile' : oneLine(name));
      expect(facts?.tags).toEqual(tidyTags(tags));
      expect(facts?.state).toBe('ended');
      for (const text of [facts?.name ?? '', ...(facts?.tags ?? [])]) {
        expect(text).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u);
        expect([...text].length).toBeLessThanOrEqual(200);
      }
      expect(facts?.tags.every((tag) => !tag.includes(','))).toBe(true);
      // tidy is tidy: what is offered again and chosen again stays the same tag
      expect(tidyTags(facts?.tags ?? [])).toEqual(facts?.tags);
    }),
    { numRuns: 500 },
  );
  expect(existsSync(`${file}-journal`)).toBe(false);
}, 60_000);

test('tags that are no list of texts count as none', () => {
  for (const tags of ['', '{', '{"a":1}', '"text"', '[1,null,"kept"]'])
    expect(tagsOf(new Map([['tags', tags]]))).toEqual(tags.includes('kept') ? ['kept'] : []);
});

test('a recording is named and tagged while this process writes it', async () => {
  const writer = new RecordingWriter(path('live'), { title: 'live' });
  writer.addEvent(undefined, 0, undefined, { text: 'a' });
  await describeRecording(path('live'), { name: 'Before the change', tags: ['slow'] });
  expect(summarise(path('live')).facts).toMatchObject({
    name: 'Before the change',
    tags: ['slow'],
    state: 'writing',
  });
  writer.finish();
  expect(summarise(path('live')).facts).toMatchObject({ name: 'Before the change', state: 'ended' });
});

test('a summary tells what kind it is, how long it took and what is wrong', () => {
  const now = Date.now();
  expect(summarise(recorded('run', { kind: 'script run' })).facts?.kind).toBe('run');
  expect(summarise(recorded('profile', { kind: 'profile', duration_ns: '2500000000' })).facts).toMatchObject({
    kind: 'profile',
    durationMs: 2500,
    target: 'local',
  });
  writeFileSync(path('damaged'), 'no recording');
  const damaged = summarise(path('damaged'));
  expect(damaged.problem?.message).toContain('does not begin as an SQLite file');
  expect(titleOf(damaged)).toBe('damaged.probescope');
  expect(descriptionOf(damaged, now)).toMatch(/^damaged · /);
  expect(summarise(path('missing')).problem?.code).toBe('file-unreadable');
  const writer = new RecordingWriter(path('silent'), { title: 'silent' });
  writer.commit();
  const inAMinute = now + 60_000;
  expect(summarise(path('silent'), inAMinute).facts?.state).toBe('writing');
  writer.finish();
});

test('the filter finds by name, tag, kind and target, all words of it', async () => {
  const file = recorded('find me');
  await describeRecording(file, { tags: ['slow path', 'v2'] });
  const summary = summarise(file);
  for (const filter of ['find', 'ME find', '#slow', 'trace', 'local #v2'])
    expect(matches(summary, filter)).toBe(true);
  for (const filter of ['profile', '#fast', 'find nothing']) expect(matches(summary, filter)).toBe(false);
});

test('what was deleted comes back whole, beside what has taken its place', () => {
  const storage = new RecordingStorage(join(folder, 'storage'));
  const file = storage.newPath('trace', 'a/b: "c"');
  expect(storage.holds(file)).toBe(true);
  const writer = new RecordingWriter(file, { title: 'mine' });
  writer.finish();
  expect(storage.paths()).toEqual([file]);
  storage.trash(file);
  expect(storage.paths()).toEqual([]);
  const [trashed] = storage.trashed();
  writeFileSync(file, 'another');
  const back = storage.restore(trashed!);
  expect(back).toMatch(/ \(2\)\.probescope$/);
  expect(summarise(back).facts?.name).toBe('mine');
  expect(storage.trashed()).toEqual([]);
  expect(() => storage.trash(join(folder, 'nothing.probescope'))).toThrow(/cannot be deleted/);
  expect(readdirSync(join(storage.root, 'trash'))).toEqual([]);
});

test('the log of a recording that was not closed goes with it and comes back', () => {
  const storage = new RecordingStorage(join(folder, 'unclosed'));
  const writer = new RecordingWriter(storage.newPath('run', 'killed'), { title: 'killed' });
  writer.addEvent(undefined, 1, undefined, { text: 'kept in the log' });
  writer.commit();
  expect(existsSync(`${writer.path}-wal`)).toBe(true);
  const trashed = storage.trash(writer.path);
  const back = storage.restore(trashed);
  const recording = new Recording(back);
  expect(recording.database.prepare('SELECT count(*) AS n FROM events').get()).toEqual({ n: 1 });
  recording.close();
  writer.finish();
});

const DAY = 86_400_000;
const summary = (name: string, daysOld: number, megabytes: number, more = {}): RecordingSummary => ({
  path: name,
  bytes: megabytes * 1e6,
  changedMs: 0,
  facts: {
    ...{ kind: 'trace', name, named: false, tags: [], createdMs: 100 * DAY - daysOld * DAY },
    ...{ target: '', state: 'ended', probes: [] },
    ...more,
  },
});

test('retention takes the oldest first and never what has a name or a tag, is written, or cannot be read', () => {
  const all = [
    summary('old', 40, 10),
    summary('old but tagged', 40, 10, { tags: ['keep'] }),
    summary('old but named', 40, 10, { named: true }),
    summary('old but being written', 40, 10, { state: 'writing' }),
    summary('young', 1, 10),
    summary('younger', 0, 10),
    { path: 'damaged', bytes: 10e6, changedMs: 0, problem: { code: 'malformed-file', message: '' } } as const,
  ];
  const gone = (days: number, megabytes: number) =>
    outlived(all, { days, megabytes }, 100 * DAY).map(({ path: name }) => name);
  expect(gone(0, 0)).toEqual([]);
  expect(gone(30, 0)).toEqual(['old']);
  expect(gone(0, 65)).toEqual(['old']);
  expect(gone(0, 55)).toEqual(['old', 'young']);
  expect(gone(0, 1)).toEqual(['old', 'young', 'younger']);
});

test('retention removes from its own folder only, and says what went and why', () => {
  const storage = new RecordingStorage(join(folder, 'retired'));
  const mine = storage.newPath('profile', 'mine');
  new RecordingWriter(mine, { created_ms: 1 }).finish();
  const other = recorded('of the workspace', { created_ms: '1' });
  expect(storage.retire({ days: 30, megabytes: 0 })).toEqual([
    expect.stringMatching(
      /mine\.probescope was removed: it is older than 30 days \(probescope\.recordings\.keepDays\)/,
    ),
  ]);
  expect(existsSync(mine)).toBe(false);
  expect(existsSync(other)).toBe(true);
  // nor what somebody deleted today; after a week it goes
  storage.trash(other);
  expect(storage.retire({ days: 1, megabytes: 1 })).toEqual([]);
  expect(storage.retire({ days: 0, megabytes: 0 }, Date.now() + 8 * DAY)).toHaveLength(1);
  expect(storage.trashed()).toEqual([]);
});

test('two recordings of one name are told apart by their files', () => {
  const of = (title: string, path: string) => ({ meta: new Map([['title', title]]), path });
  expect(namesOf(of('./shop', '/a/one.probescope'), of('./shop', '/a/two.probescope'))).toEqual([
    './shop (one.probescope)',
    './shop (two.probescope)',
  ]);
  expect(namesOf(of('before', '/a/one.probescope'), of('after', '/a/two.probescope'))).toEqual([
    'before',
    'after',
  ]);
});
