import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ThreadProcesses } from '../../helper/logpoints/thread-processes.ts';

it('knows the process and the name of a thread, and neither of one that is gone', () => {
  const threads = new ThreadProcesses();
  expect(threads.pidOf(process.pid)).toBe(process.pid);
  expect(threads.nameOf(process.pid)).toBe(readFileSync('/proc/self/comm', 'utf8').trimEnd());
  const gone = 2 ** 22 + 1;
  expect([threads.pidOf(gone), threads.nameOf(gone)]).toEqual([undefined, undefined]);
});
