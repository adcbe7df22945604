// The page of a recording, worked out without a page: where the scrubber goes, what is drawn, what the table says.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RecordedLane } from '../../../protocol/recording-panel.ts';
import {
  absences,
  advanced,
  brushed,
  busiest,
  captionOf,
  cellsOf,
  indexAt,
  keyed,
  moved,
  outlineOf,
  positionText,
  ratesOf,
  shownOf,
  stepped,
  toggled,
  type Playback,
} from '../../../webview/recording/model.ts';

const SECOND = 1e9;
const steps = [0, 1, 2, 3, 4, 5].map((second) => second * SECOND);
const at = (seconds: number, more: Partial<Playback> = {}): Playback => ({
  ...{ positionNs: seconds * SECOND, playing: false, speed: 1 },
  ...more,
});
const press = (playback: Playback, key: string, shiftKey = false) =>
  keyed(playback, { key, shiftKey }, steps);

test('arrows go interval by interval, pages ten of them, Home and End to the ends; nothing leaves the recording', () => {
  expect(press(at(2), 'ArrowRight')).toEqual(at(3));
  expect(press(at(2), 'ArrowLeft')).toEqual(at(1));
  expect(press(at(2.5), 'ArrowLeft')).toEqual(at(2));
  expect(press(at(2.5), 'ArrowRight')).toEqual(at(3));
  expect(press(at(5), 'ArrowRight')).toEqual(at(5));
  expect(press(at(0), 'ArrowLeft')).toEqual(at(0));
  expect(press(at(1), 'PageDown')).toEqual(at(5));
  expect(press(at(4), 'PageUp')).toEqual(at(0));
  expect(press(at(3), 'Home')).toEqual(at(0));
  expect(press(at(3), 'End')).toEqual(at(5));
  expect(press(at(3), 'a')).toBeUndefined();
});

test('Shift and arrows make a range that grows and shrinks at the scrubber; Escape gives it up', () => {
  const one = press(at(2), 'ArrowRight', true)!;
  expect(one).toEqual(at(3, { range: { fromNs: 2 * SECOND, toNs: 3 * SECOND } }));
  const two = press(one, 'ArrowRight', true)!;
  expect(two.range).toEqual({ fromNs: 2 * SECOND, toNs: 4 * SECOND });
  expect(press(press(two, 'ArrowLeft', true)!, 'ArrowLeft', true)).toEqual(at(2));
  expect(press(at(2), 'ArrowLeft', true)!.range).toEqual({ fromNs: SECOND, toNs: 2 * SECOND });
  expect(press(two, 'Escape')).toEqual(at(4));
  expect(press(at(4), 'Escape')).toBeUndefined();
});

test('it plays from where it is, from the start at its end, and stops at its end', () => {
  const playing = press(at(2), ' ')!;
  expect(playing).toEqual(at(2, { playing: true }));
  expect(press(playing, ' ')).toEqual(at(2));
  expect(toggled(at(5), 5 * SECOND)).toEqual(at(0, { playing: true }));
  expect(toggled(at(4, { range: { fromNs: 0, toNs: 4 * SECOND } }), 5 * SECOND)).toEqual(
    at(4, { playing: true }),
  );
  expect(advanced(at(2, { playing: true, speed: 10 }), 100, 5 * SECOND)).toEqual(
    at(3, { playing: true, speed: 10 }),
  );
  expect(advanced(at(4.9, { playing: true }), 200, 5 * SECOND)).toEqual(at(5));
  expect(moved(at(1, { playing: true, speed: 2 }), 3 * SECOND)).toEqual(at(3, { speed: 2 }));
});

test('what is shown ends with an interval that had ended, and a drawn range is held to intervals', () => {
  expect(shownOf(at(2.9), steps)).toEqual({ toNs: 2 * SECOND });
  expect(brushed(at(0), 1.2 * SECOND, 3.9 * SECOND, steps)).toEqual(
    at(3, { range: { fromNs: SECOND, toNs: 3 * SECOND } }),
  );
  expect(brushed(at(0), 1.2 * SECOND, 1.9 * SECOND, steps)).toEqual(at(1));
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(1000), { minLength: 1 }).map((times) => times.sort((a, b) => a - b)),
      fc.nat(1000),
      fc.integer({ min: -12, max: 12 }),
      (times, ns, by) => {
        expect(indexAt(times, ns)).toBe(times.filter((time) => time <= ns).length - 1);
        const next = stepped(times, ns, by);
        expect(times).toContain(next);
        if (by > 0 && ns <= times.at(-1)!)
          expect(next).toBeGreaterThanOrEqual(Math.min(ns + 1, times.at(-1)!));
        if (by < 0 && ns >= times[0]!) expect(next).toBeLessThanOrEqual(Math.max(ns, times[0]!));
      },
    ),
  );
});

const lane = (counts: readonly number[], attached = counts.map(() => true)): RecordedLane => ({
  ...{ title: 'serve', opens: [], counts, attached },
});

test('rates of columns; unknown where it was not attached or nothing was read', () => {
  const edges = [0, 1, 2, 12, 13].map((second) => second * SECOND);
  const gap = [{ fromNs: 2 * SECOND, toNs: 12 * SECOND }];
  expect(ratesOf(lane([5, 10, 70, 3], [true, true, true, false]), edges, gap)).toEqual([
    5,
    10,
    undefined,
    undefined,
  ]);
  expect(outlineOf([5, undefined, 3], [0, 1, 9, 10])).toEqual([
    ...[{ timeNs: 0, rate: 5 }, { timeNs: 1, rate: 5 }, { timeNs: 1 }],
    ...[
      { timeNs: 9, rate: 3 },
      { timeNs: 10, rate: 3 },
    ],
  ]);
  expect(absences(lane([0, 0, 0, 1], [false, false, true, false]), edges)).toEqual([
    [0, 2 * SECOND],
    [12 * SECOND, 13 * SECOND],
  ]);
  expect(busiest([lane([1, 1]), lane([5, 0]), lane([0, 2])])).toEqual([1, 0, 2]);
});

test('cells of a row, exact about what is not known', () => {
  const figures = { count: 1234, lost: 2, rateHz: 61.7, maxIsBound: false };
  const latency = { p50Ns: 23_000, p90Ns: 99_000, p99Ns: 1.2e6, maxNs: 4e6 };
  expect(cellsOf({ ...figures, ...latency }, 'calls', 1)).toEqual([
    ...['1,234', '62 /s', '23.0 µs', '99.0 µs', '1.20 ms', '4.00 ms', '2'],
  ]);
  expect(cellsOf({ ...figures, ...latency, maxIsBound: true }, 'calls', 1)[5]).toBe('≤ 4.00 ms');
  expect(cellsOf(figures, 'calls', 0.4).slice(2, 6)).toEqual(['…', '…', '…', '…']);
  expect(cellsOf(figures, 'calls', 1).slice(2, 6)).toEqual(['–', '–', '–', '–']);
  expect(cellsOf({ count: 2.5e9, lost: 0, rateHz: 5e8, maxIsBound: false }, 'nanoseconds', 1)).toEqual([
    '2.50 s',
    '500 ms/s',
  ]);
});

test('in words: where the scrubber is, and what the figures are of', () => {
  const end = 3725 * SECOND;
  const range = { fromNs: 5 * SECOND, toNs: 12.34 * SECOND };
  expect(positionText(at(62.09), end)).toBe('1:02.0 of 1:02:05.0');
  expect(positionText(at(12.34, { range }), end)).toBe('0:05.0 to 0:12.3 (7.3 s) of 1:02:05.0');
  expect(captionOf(at(12.34, { range }), end)).toBe('Figures of the range from 0:05.0 to 0:12.3');
  expect(captionOf(at(3725), end)).toBe('Figures of the whole recording');
  expect(captionOf(at(4), end)).toBe('Figures from the start up to 0:04.0');
});
