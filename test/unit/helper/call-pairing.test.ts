import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CallPairing, type Frame } from '../../../helper/engines/time/pairing.ts';

const frame = (depthBytes: number, goroutine = 1, process = 1): Frame => ({ process, goroutine, depthBytes });
const returnedOf = (pairing: CallPairing): number =>
  pairing.latency.buckets.reduce((sum, [, count]) => sum + count, 0);

test('recursion: each depth has its own duration', () => {
  const pairing = new CallPairing();
  for (const [depth, time] of [
    [100, 0],
    [200, 10],
    [300, 20],
  ] as const)
    pairing.enter(frame(depth), time);
  pairing.exit(frame(300), 21);
  pairing.exit(frame(200), 30);
  pairing.exit(frame(100), 100);
  expect(pairing.latency).toMatchObject({ sumNs: 1 + 20 + 100, maxNs: 100 });
  expect(pairing.count).toBe(3);
  expect(pairing.lost).toEqual({ missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 });
});

test('a call that begins again when its stack has grown is one call, timed from its first beginning', () => {
  const pairing = new CallPairing();
  pairing.enter(frame(100), 0);
  pairing.restart(frame(100));
  pairing.enter(frame(100), 50);
  pairing.exit(frame(100), 60);
  expect(pairing.count).toBe(1);
  expect(pairing.latency.sumNs).toBe(60);
});

test('a loop that may jump to the entry and does not: the next call is a new one', () => {
  const pairing = new CallPairing();
  for (const start of [0, 100]) {
    pairing.enter(frame(100), start);
    pairing.restart(frame(100));
    pairing.exit(frame(100), start + 7);
  }
  expect(pairing.count).toBe(2);
  expect(pairing.latency.sumNs).toBe(14);
});

test('a call that began before anything was attached and begins again is missed, not counted', () => {
  const pairing = new CallPairing();
  pairing.restart(frame(100));
  pairing.enter(frame(100), 5);
  pairing.exit(frame(100), 9);
  expect(pairing.count).toBe(0);
  expect(pairing.lost.missedEntries).toBe(1);
});

test('calls that a panic skipped are left, those of other goroutines and processes are not', () => {
  const pairing = new CallPairing();
  pairing.enter(frame(100), 0);
  pairing.enter(frame(300), 1);
  pairing.enter(frame(300, 2), 1);
  pairing.enter(frame(300, 1, 2), 1);
  pairing.exit(frame(100), 50);
  expect(pairing.lost.abandonedCalls).toBe(1);
  pairing.exit(frame(300, 2), 3);
  pairing.exit(frame(300, 1, 2), 4);
  expect(pairing.latency.sumNs).toBe(50 + 2 + 3);
  // the same frame, again and again
  for (let turn = 0; turn < 3; turn++) pairing.enter(frame(400), turn);
  expect(pairing.lost.abandonedCalls).toBe(3);
});

test('after a loss no open call is timed, for its end may be another call’s', () => {
  const pairing = new CallPairing();
  pairing.enter(frame(100), 0);
  pairing.lose(12);
  pairing.exit(frame(100), 1000);
  expect(returnedOf(pairing)).toBe(0);
  expect(pairing.lost).toMatchObject({ missedEntries: 1, droppedByEngine: 12 });
  pairing.enter(frame(100), 2000);
  pairing.exit(frame(100), 2005);
  expect(pairing.latency.sumNs).toBe(5);
});

test('calls of a process that is gone are left', () => {
  const pairing = new CallPairing();
  pairing.enter(frame(100, 1, 7), 0);
  pairing.enter(frame(100, 1, 8), 0);
  pairing.forget((process) => process === 7);
  expect(pairing.lost.abandonedCalls).toBe(1);
  pairing.exit(frame(100, 1, 8), 3);
  expect(returnedOf(pairing)).toBe(1);
});

test('whatever happens, each call that began returned, was left, or is open', () => {
  const event = fc.tuple(
    fc.constantFrom('enter', 'exit', 'restart'),
    fc.integer({ min: 1, max: 4 }),
    fc.integer({ min: 1, max: 2 }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const pairing = new CallPairing();
      for (const [time, [kind, depth, goroutine]] of events.entries())
        if (kind === 'restart') pairing.restart(frame(depth, goroutine));
        else pairing[kind === 'enter' ? 'enter' : 'exit'](frame(depth, goroutine), time);
      const known = returnedOf(pairing) + pairing.lost.abandonedCalls;
      expect(known).toBeLessThanOrEqual(pairing.count);
      // what is still open is left when its process ends, and then nothing is missing
      pairing.forget(() => true);
      expect(returnedOf(pairing) + pairing.lost.abandonedCalls).toBe(pairing.count);
    }),
  );
});
