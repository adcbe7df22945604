import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatCount,
  formatDuration,
  formatPosition,
  formatRate,
  formatShare,
} from '../../protocol/format.ts';

test.each([
  [0, '0 ns'],
  [7, '7 ns'],
  [999, '999 ns'],
  [999.7, '1.0 µs'],
  [1000, '1.0 µs'],
  [1049, '1.0 µs'],
  [9_949, '9.9 µs'],
  [9_960, '10 µs'],
  [23_400, '23 µs'],
  [153_000, '153 µs'],
  [999_400, '999 µs'],
  [999_600, '1.0 ms'],
  [1_234_000, '1.2 ms'],
  [2.5e9, '2.5 s'],
  [119e9, '119 s'],
  [125e9, '2 min 5 s'],
  [7_500e9, '2 h 5 min'],
  [NaN, '–'],
  [-1, '–'],
])('formatDuration(%d) is %s', (durationNs, text) => {
  expect(formatDuration(durationNs)).toBe(text);
});

test('tables have three digits', () => {
  expect(formatDuration(1_234_000, 3)).toBe('1.23 ms');
  expect(formatDuration(23_456, 3)).toBe('23.5 µs');
  expect(formatDuration(99_960, 3)).toBe('100 µs');
});

test.each([
  [0, '0 /s'],
  [0.001, '< 0.01 /s'],
  [0.25, '0.25 /s'],
  [1, '1 /s'],
  [1.25, '1.3 /s'],
  [120, '120 /s'],
  [4_321, '4.3 k/s'],
  [250_000, '250 k/s'],
  [1.25e6, '1.3 M/s'],
])('formatRate(%d) is %s', (rateHz, text) => {
  expect(formatRate(rateHz)).toBe(text);
});

test('counts keep all their digits', () => {
  expect(formatCount(0)).toBe('0');
  expect(formatCount(999)).toBe('999');
  expect(formatCount(12345)).toBe('12,345');
  expect(formatCount(9007199254740991)).toBe('9,007,199,254,740,991');
});

test('shares are never rounded to all or nothing', () => {
  expect(formatShare(0)).toBe('0 %');
  expect(formatShare(1)).toBe('100 %');
  expect(formatShare(0.99999)).toBe('> 99.99 %');
  expect(formatShare(1e-6)).toBe('< 0.01 %');
  expect(formatShare(0.123)).toBe('12 %');
  expect(formatShare(0.0123)).toBe('1.2 %');
});

test('a written duration is within 5 % of the value', () => {
  const factors: Record<string, number> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };
  fc.assert(
    fc.property(fc.double({ min: 1, max: 119e9, noNaN: true }), (durationNs) => {
      const [text = '', unit = ''] = formatDuration(durationNs).split(' ');
      const read = Number(text) * (factors[unit] ?? NaN);
      expect(Math.abs(read - durationNs)).toBeLessThanOrEqual(0.051 * durationNs);
    }),
  );
});

test.each([
  [0, '0:00.0'],
  [59.99e9, '0:59.9'],
  [60e9, '1:00.0'],
  [754.26e9, '12:34.2'],
  [3_599.99e9, '59:59.9'],
  [3_725e9, '1:02:05.0'],
  [-1, '–'],
  [NaN, '–'],
])('formatPosition(%d) is %s', (ns, text) => {
  expect(formatPosition(ns)).toBe(text);
});
