import type { CallState } from '../protocol/calls.ts';

/** How a thread's state is called as a frame: what it did below the function. */
export const stateFrames: Readonly<Record<CallState, string>> = {
  running: '[running]',
  runnable: '[waiting for a CPU]',
  blocked: '[blocked]',
  io: '[waiting for I/O]',
};
