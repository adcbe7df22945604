import { expect, test } from 'vitest';
import { countPrologues } from '../../helper/engines/perf/call-graph.ts';

const code = (text: string) => Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));

test('functions that save the frame pointer and set one up are told from those that only save a register', () => {
  // ret · push %rbp · mov %rsp,%rbp … after padding, after endbr64, and at the very start
  expect(countPrologues(code('55 48 89 e5 5d c3 55 48 89 e5 c3 f3 0f 1e fa 55 48 89 e5'))).toEqual({
    pushes: 3,
    frames: 3,
  });
  // push %rbp · push %rbx; and a 55 inside an instruction, which begins nothing
  expect(countPrologues(code('c3 55 53 48 83 ec 08 90 55 41 54 8b 55 48'))).toEqual({ pushes: 2, frames: 0 });
  expect(countPrologues(new Uint8Array(0))).toEqual({ pushes: 0, frames: 0 });
});
