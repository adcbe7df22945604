import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { IntervalReader } from '../../../helper/sources/perf-stat/intervals.ts';
import type { CounterInterval } from '../../../protocol/events.ts';

const recorded = readFileSync(
  join(import.meta.dirname, '../../fixtures/kernel/perf/stat-interval-6.1.txt'),
  'utf8',
);
/** The lines of each interval, as perf writes them: all at once. */
const bursts = recorded
  .split(/(?=\{"interval" : )/)
  .filter((line) => line.startsWith('{'))
  .reduce<string[]>((made, line) => {
    const stamp = /^\{"interval" : ([\d.]+)/.exec(line)?.[0] ?? '';
    if (made.at(-1)?.startsWith(stamp) === true) made.push((made.pop() ?? '') + line);
    else made.push(line);
    return made;
  }, []);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function reader() {
  const seen: CounterInterval[] = [];
  const made = new IntervalReader({ stream: 's', events: [], intervalMs: 100 }, (one) => seen.push(one));
  return { seen, made };
}

it('tells an interval soon after its last line, without waiting for the next one', () => {
  const { seen, made } = reader();
  expect(bursts.length).toBeGreaterThan(1);
  made.feed(bursts[0] ?? '');
  vi.advanceTimersByTime(60);
  expect(seen).toHaveLength(1);
  expect(seen[0]?.counters.map(({ event, state }) => [event, state])).toEqual([
    ['cycles', 'not-supported'],
    ['page-faults', 'counted'],
    ['context-switches', 'counted'],
    ['cpu-clock', 'counted'],
  ]);
});

it('makes the same intervals of any pieces', () => {
  const whole = reader();
  whole.made.feed(bursts.join(''));
  whole.made.end();
  expect(whole.seen).toHaveLength(bursts.length);
  const cut = reader();
  for (const piece of bursts.join('').match(/[^]{1,37}/g) ?? []) cut.made.feed(piece);
  cut.made.end();
  expect(cut.seen).toEqual(whole.seen);
});

it('waits for the other half of a line that was cut', () => {
  const { seen, made } = reader();
  const text = bursts[0] ?? '';
  made.feed(text.slice(0, -30));
  vi.advanceTimersByTime(60);
  expect(seen).toEqual([]);
  made.feed(text.slice(-30));
  vi.advanceTimersByTime(60);
  expect(seen[0]?.counters).toHaveLength(4);
});
