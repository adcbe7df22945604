import { expect, test } from 'vitest';
import { choiceItems, decide } from '../../extension/commands/binary-choice.ts';
import type { BinaryCandidate } from '../../protocol/helper.ts';
import type { ProcessInfo } from '../../protocol/target.ts';

const process = (pid: number): ProcessInfo => ({
  pid,
  command: 'server',
  commandLine: `./server --id ${pid}`,
  user: 'www',
  startedAtMs: 0,
});
const candidate = (binary: string, ...pids: number[]): BinaryCandidate => ({
  binary,
  processes: pids.map(process),
  fileInBinary: '/src/server.c',
  match: 'path',
  stale: false,
  mixed: false,
});

test('nothing fits', () => {
  expect(decide([], undefined)).toEqual({ kind: 'none' });
});

test('the only binary is taken, running or not, with all its processes', () => {
  for (const only of [candidate('/a'), candidate('/a', 1), candidate('/a', 1, 2)]) {
    const decision = decide([only], undefined);
    expect(decision).toMatchObject({ kind: 'use', candidate: only });
    expect(decision).not.toHaveProperty('pid');
  }
});

test('of two binaries the one that runs is taken; two that run, or none, are a question', () => {
  expect(decide([candidate('/a'), candidate('/b', 7)], undefined)).toMatchObject({
    kind: 'use',
    candidate: { binary: '/b' },
  });
  expect(decide([candidate('/a', 6), candidate('/b', 7)], undefined)).toEqual({
    kind: 'ask',
  });
  expect(decide([candidate('/a'), candidate('/b')], undefined)).toEqual({ kind: 'ask' });
});

test('a binary that names this very file goes before those of other checkouts', () => {
  const here = candidate('/here');
  const other = { ...candidate('/other', 5), fileInBinary: '/other/src/server.c', match: 'suffix' as const };
  expect(decide([other, here], undefined)).toMatchObject({ kind: 'use', candidate: here });
  const mapped = { ...here, match: 'mapped' as const };
  expect(decide([other, mapped], undefined)).toMatchObject({ candidate: mapped });
  expect(decide([other], undefined)).toMatchObject({ candidate: other });
});

test('what was chosen before is taken while it fits', () => {
  const both = [candidate('/a', 6), candidate('/b', 7, 8)];
  expect(decide(both, { binary: '/b' })).toMatchObject({
    kind: 'use',
    candidate: { binary: '/b' },
  });
  expect(decide(both, { binary: '/b', pid: 8 })).toMatchObject({ kind: 'use', pid: 8 });
  expect(decide(both, { binary: '/b', pid: 9 })).toEqual({ kind: 'ask' });
  expect(decide(both, { binary: '/gone' })).toEqual({ kind: 'ask' });
});

test('the quick pick has a line for each binary, and for each process where there are several', () => {
  const items = choiceItems([candidate('/x/a'), candidate('/x/b', 7, 8)]);
  expect(items.map(({ label, description }) => `${label} ${description}`)).toEqual([
    '$(file-binary) a not running',
    '$(file-binary) b all 2 processes',
    '$(server-process) b: only process 7 www',
    '$(server-process) b: only process 8 www',
  ]);
});

test('what does not fit the binary is said in the pick, and from which path it was built', () => {
  const details = (change: Partial<BinaryCandidate>) =>
    choiceItems([{ ...candidate('/x/a'), ...change }]).map(({ detail }) => detail);
  expect(details({})).toEqual(['/x/a']);
  expect(details({ stale: true })).toEqual([
    '$(warning) the source is newer than the binary: rebuild it · /x/a',
  ]);
  expect(details({ mixed: true, stale: true, match: 'content', fileInBinary: '/build/server.c' })).toEqual([
    '$(warning) the binary was built from several versions of this file: rebuild all of it · /x/a · built from /build/server.c',
  ]);
});
