import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RefreshPace } from '../../extension/editor/refresh-pace.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a listener that asks at once is told of changes once an interval, and the last change is told', () => {
  const told: number[] = [];
  const pace = new RefreshPace(() => {
    told.push(performance.now() - start);
    pace.asked();
  }, 1000);
  const start = performance.now();
  pace.changedNow();
  for (let changes = 0; changes < 33; changes++) {
    vi.advanceTimersByTime(100);
    pace.changed();
  }
  vi.advanceTimersByTime(5000);
  expect(told).toEqual([0, 1000, 2000, 3000, 4000]);
});

test('a slow listener is not told again before it has asked, and then twice as long after it', () => {
  let told = 0;
  const pace = new RefreshPace(() => told++, 1000);
  pace.changedNow();
  for (let changes = 0; changes < 30; changes++) {
    vi.advanceTimersByTime(100);
    pace.changed();
  }
  expect(told).toBe(1);
  // after 3 s
  pace.asked();
  pace.changed();
  vi.advanceTimersByTime(5900);
  expect(told).toBe(1);
  vi.advanceTimersByTime(100);
  expect(told).toBe(2);
});

test('what is shown at all is told at once; after the end nothing is told', () => {
  let told = 0;
  const pace = new RefreshPace(() => told++, 1000);
  pace.changedNow();
  pace.changedNow();
  expect(told).toBe(2);
  pace.asked();
  pace.changed();
  pace.dispose();
  vi.advanceTimersByTime(10_000);
  expect(told).toBe(2);
});
