import { expect, test } from 'vitest';
import {
  allThreads,
  ofProcess,
  ofThread,
  threadGroups,
  threadsOf,
  valueOf,
} from '../../../webview/flame/threads.ts';

const threads = [
  { pid: 7, tid: 9, name: 'worker' },
  { pid: 7, tid: 7, name: 'shop' },
  { pid: 8, tid: 8, name: 'db' },
];

test('threads stand under their process, which is called as its first thread', () => {
  expect(threadGroups(threads)).toEqual([
    { pid: 7, name: 'shop', threads: [0, 1] },
    { pid: 8, name: 'db', threads: [2] },
  ]);
});

test('what is chosen is what is shown as chosen', () => {
  const groups = threadGroups(threads);
  for (const value of [allThreads, ofProcess(7), ofThread(0), ofThread(2)])
    expect(valueOf(threadsOf(value, groups), groups)).toBe(value);
  expect(threadsOf(ofProcess(7), groups)).toEqual([0, 1]);
  // by somebody else: no value of the list
  expect(valueOf([0, 2], groups)).toBeUndefined();
});
