import { expect, test } from 'vitest';
import { BinarySearches, type SearchingHelper } from '../../../extension/core/binary-searches.ts';
import { Emitter } from '../../../extension/core/emitter.ts';
import type { BinaryCandidate, SearchProgress, SourceQuery } from '../../../protocol/helper.ts';

const candidate: BinaryCandidate = {
  binary: '/p/program',
  processes: [],
  fileInBinary: '/p/a.c',
  match: 'path',
  stale: false,
  mixed: false,
};

/** A helper whose searches are answered by the test. */
function searching() {
  const progress = new Emitter<SearchProgress & { readonly search: string }>();
  const calls: { query: SourceQuery; answer: () => void; aborted: boolean }[] = [];
  const helper: SearchingHelper = {
    onSearchProgress: progress.on,
    call: (_, query, cancelled) =>
      new Promise((resolve, reject) => {
        const call = {
          query,
          answer: () => {
            resolve({ candidates: [candidate] });
          },
          aborted: false,
        };
        cancelled?.addEventListener('abort', () => {
          call.aborted = true;
          reject(new Error('aborted'));
        });
        calls.push(call);
      }),
  };
  const searches = new BinarySearches(
    () => Promise.resolve(helper),
    () => ({ folders: ['/p'] }),
  );
  return { searches, calls, progress };
}

/** Lets what was asked reach the helper. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('all who ask for a file share one search, and each hears of its progress', async () => {
  const { searches, calls, progress } = searching();
  const heard: string[] = [];
  const one = searches.find('/p/a.c', { progress: ({ done }) => heard.push(`one ${done}`) });
  const two = searches.find('/p/a.c', { progress: ({ done }) => heard.push(`two ${done}`) });
  const other = searches.find('/p/b.c');
  await settle();
  expect(calls.map(({ query }) => query.file)).toEqual(['/p/a.c', '/p/b.c']);
  const [first] = calls;
  progress.fire({ search: first?.query.search ?? '', done: 1, total: 2, binary: '/p/program' });
  progress.fire({ search: 'of another window', done: 7, total: 9, binary: '/p/program' });
  for (const { answer } of calls) answer();
  expect(await one).toEqual([candidate]);
  expect(await two).toEqual([candidate]);
  expect(await other).toEqual([candidate]);
  expect(heard).toEqual(['one 1', 'two 1']);
  // fresh for a moment
  expect(await searches.find('/p/a.c')).toEqual([candidate]);
  expect(calls).toHaveLength(2);
});

test('one who gives up is answered at once, and the search ends with the last who waited', async () => {
  const { searches, calls } = searching();
  const [first, second] = [new AbortController(), new AbortController()];
  const ahead = searches.find('/p/a.c').catch((error: unknown) => error);
  const one = searches.find('/p/a.c', { signal: first.signal });
  const two = searches.find('/p/a.c', { signal: second.signal });
  await settle();
  first.abort();
  await expect(one).rejects.toMatchObject({ code: 'cancelled' });
  expect(calls[0]?.aborted).toBe(false);
  second.abort();
  await expect(two).rejects.toMatchObject({ code: 'cancelled' });
  expect(calls[0]?.aborted).toBe(true);
  // who only wanted it ready does not keep it alive
  expect(await ahead).toBeInstanceOf(Error);
  void searches.find('/p/a.c');
  await settle();
  expect(calls).toHaveLength(2);
});

test('a signal that came before is no search that runs', async () => {
  const { searches, calls } = searching();
  await expect(searches.find('/p/a.c', { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'cancelled',
  });
  expect(calls.every(({ aborted }) => aborted)).toBe(true);
});
