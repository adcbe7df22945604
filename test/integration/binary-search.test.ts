// The helper's search for binaries: in a process that leaves the helper free, ends when nobody waits, and goes when it is idle.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { HelperConnection } from '../../extension/core/connection.ts';
import { startHelper } from '../../extension/core/targets/start-helper.ts';
import type { Target } from '../../extension/core/targets/target.ts';
import type { SearchProgress } from '../../protocol/helper.ts';
import { programOfManyFiles } from '../support/many-files.ts';

const bundle = resolve(import.meta.dirname, '../../dist/helper.js');
const folder = mkdtempSync(join(tmpdir(), 'probescope-search-'));
const [large, small] = [join(folder, 'large'), join(folder, 'small')];
const largeProgram = join(large, 'program');
const cacheFolder = join(folder, 'cache/probescope/source-files');
const target: Target = {
  kind: 'command',
  name: 'here',
  template: ['env', `XDG_CACHE_HOME=${folder}/cache`, '{}'],
};
let helper: HelperConnection;

beforeAll(() => {
  mkdirSync(large);
  mkdirSync(small);
  writeFileSync(largeProgram, programOfManyFiles('wanted.c', 60, 50_000));
  writeFileSync(join(small, 'program'), programOfManyFiles('wanted.c', 1, 3));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(async () => {
  // as on another host: by the bootstrap, with a cache of its own
  helper = await HelperConnection.open(await startHelper(target, { bundle, log: () => undefined }), 'test');
});
afterEach(() => {
  helper.dispose();
  rmSync(join(folder, 'cache'), { recursive: true, force: true });
});

const entries = (): string[] => {
  try {
    return readdirSync(cacheFolder).sort();
  } catch {
    return [];
  }
};
const inode = (entry: string): string => `${entry} ${statSync(join(cacheFolder, entry)).ino}`;
const below = (): string[] =>
  readFileSync(`/proc/${helper.helperPid}/task/${helper.helperPid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean);

/** The folder's binaries, without those that happen to run here. */
async function found(folders: string[], signal?: AbortSignal): Promise<string[]> {
  const query = { file: '/made/wanted.c', folders, search: 'one' };
  const { candidates } = await helper.call('findBinaries', query, signal);
  return candidates.map(({ binary }) => binary).filter((binary) => binary.startsWith(folder));
}

/** Resolves when the search reads the large program. */
function largeBegan(): Promise<SearchProgress> {
  return new Promise((begin) => {
    const subscription = helper.onSearchProgress((progress) => {
      if (progress.binary !== largeProgram) return;
      subscription.dispose();
      begin(progress);
    });
  });
}

test('the helper answers others while it reads the line tables of a large binary', async () => {
  let done = false;
  const began = largeBegan();
  const search = found([large]).finally(() => (done = true));
  const { done: before, total } = await began;
  expect(before).toBeLessThan(total);
  let answers = 0;
  while (!done) {
    await helper.call('ping', { endAfterSilenceMs: 60_000 });
    answers++;
  }
  expect(await search).toEqual([largeProgram]);
  // one that reads and answers by turns has time for one of them at most, before it begins or when it has the result
  expect(answers).toBeGreaterThan(5);
});

test('a cancelled search ends before it has read all, and the next one is answered', async () => {
  const cancel = new AbortController();
  const began = largeBegan();
  const search = found([large], cancel.signal);
  await began;
  cancel.abort();
  await expect(search).rejects.toMatchObject({ code: 'cancelled' });
  expect(await found([small])).toEqual([join(small, 'program')]);
  // what was read to the end is kept, and the large program is not among it
  const { size, ino } = statSync(largeProgram);
  const ofLarge = new RegExp(`-${ino}-\\d+-${size}\\.`);
  expect(entries()).not.toEqual([]);
  expect(entries().filter((entry) => ofLarge.test(entry))).toEqual([]);
  expect(await found([large])).toEqual([largeProgram]);
  expect(entries().filter((entry) => ofLarge.test(entry))).toHaveLength(1);
});

test('what was read once is taken from the cache, by the next helper too', async () => {
  expect(await found([large])).toEqual([largeProgram]);
  const before = entries().map(inode);
  expect(before.length).toBeGreaterThan(0);
  helper.dispose();
  helper = await HelperConnection.open(await startHelper(target, { bundle, log: () => undefined }), 'test');
  expect(await found([large])).toEqual([largeProgram]);
  // written anew, they would be other files
  expect(entries().map(inode)).toEqual(before);
});

test('the process is there while there is something to search, and gone after', async () => {
  expect(below()).toEqual([]);
  expect(await found([small])).toEqual([join(small, 'program')]);
  expect(below()).toHaveLength(1);
  await expect.poll(below, { timeout: 20_000, interval: 500 }).toEqual([]);
  expect(await found([small])).toEqual([join(small, 'program')]);
  expect(below()).toHaveLength(1);
});

test('the process goes with a helper that is killed', async () => {
  expect(await found([small])).toEqual([join(small, 'program')]);
  const [searching] = below();
  process.kill(helper.helperPid, 'SIGKILL');
  await expect
    .poll(() => existsSync(`/proc/${searching}/exe`), { timeout: 20_000, interval: 200 })
    .toBe(false);
});

test('of two searches the cancelled one does not take the other with it', async () => {
  const cancel = new AbortController();
  const began = largeBegan();
  const given = found([large], cancel.signal);
  const wanted = found([small]);
  await began;
  cancel.abort();
  await expect(given).rejects.toMatchObject({ code: 'cancelled' });
  expect(await wanted).toEqual([join(small, 'program')]);
});
