import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseStat, ratiosOf } from '../../../helper/sources/perf-stat/decode.ts';
import type { CounterInterval, CounterReading } from '../../../protocol/events.ts';
import type { SyscallSummary } from '../../../protocol/syscalls.ts';
import {
  CounterTable,
  MOST_POINTS,
  tableText,
  totalText,
  valueText,
} from '../../../webview/counters/model.ts';
import { linesOf, summaryText, tableText as syscallText } from '../../../webview/syscalls/model.ts';

const recorded = parseStat(
  readFileSync(join(import.meta.dirname, '../../fixtures/kernel/perf/stat-interval-6.1.txt'), 'utf8'),
);

function interval(atSeconds: number, counters: readonly CounterReading[]): CounterInterval {
  return { stream: 's', atSeconds, intervalSeconds: 2, counters, ratios: ratiosOf(counters) };
}

const counted = (event: string, value: number, runningFraction = 1, unit = ''): CounterReading => ({
  ...{ event, value, unit, runningFraction },
  state: 'counted',
});

describe('the table of counters', () => {
  it('shows rates a second, CPU time as CPUs, totals, and ratios with their formula below', () => {
    const table = new CounterTable();
    const first = [
      counted('task-clock', 1500, 1, 'msec'),
      counted('instructions', 9000),
      counted('cycles', 6000),
    ];
    table.add(interval(2, first));
    table.add(interval(4, [counted('task-clock', 500, 1, 'msec'), counted('instructions', 1000)]));
    const [clock, instructions, cycles, ratio] = table.rows;
    expect(clock?.points.map(({ value }) => valueText(value, clock.unit))).toEqual([
      '0.75 CPUs',
      '0.25 CPUs',
    ]);
    expect(clock && totalText(clock)).toBe('2.00 s');
    expect(instructions?.points.map(({ value }) => value)).toEqual([4500, 500]);
    expect(instructions && totalText(instructions)).toBe('10,000');
    expect(ratio).toMatchObject({ name: 'instructions per cycle', formula: 'instructions ÷ cycles' });
    // what was not counted leaves a gap, never a zero
    expect(ratio?.points.map(({ value }) => value)).toEqual([1.5, null]);
    expect(cycles?.points.map(({ value }) => value)).toEqual([3000, null]);
    expect(tableText(table)).toContain('instructions per cycle\t–\t–\tinstructions ÷ cycles\n');
  });

  it('says what is not supported and what shared its hardware', () => {
    const table = new CounterTable();
    for (const { atSeconds, counters } of recorded) table.add(interval(atSeconds, counters));
    expect(table.rows[0]).toMatchObject({
      ...{ name: 'cycles', supported: false },
      state: 'not supported by this CPU or virtual machine',
    });
    expect(table.rows[0]?.points.every(({ value }) => value === null)).toBe(true);
    table.add(interval(9, [counted('cache-misses', 10, 0.45)]));
    expect(table.rows.at(-1)?.state).toBe('scaled up: shared its hardware, counted 45.0 % of the time');
  });

  it('keeps an hour of seconds', () => {
    const table = new CounterTable();
    for (let second = 1; second <= MOST_POINTS + 10; second++)
      table.add(interval(second, [counted('page-faults', second)]));
    expect(table.rows[0]?.points).toHaveLength(MOST_POINTS);
  });
});

describe('the table of system calls', () => {
  const one = (name: string, calls: number, totalNs: number) => ({
    ...{ name, calls, totalNs, maxNs: totalNs, open: 0 },
    buckets: calls === 0 ? [] : ([[40, calls]] as const),
    errors: name === 'openat' ? [{ name: 'ENOENT', count: 2 }] : [],
  });
  const summary: SyscallSummary = {
    ...{ stream: 's', elapsedMs: 5000, missedEntries: 0, missingDurations: 3, final: false },
    syscalls: [one('read', 10, 3000), one('openat', 5, 1000), { ...one('futex', 0, 0), open: 2 }],
  };

  it('is sorted by any column, equal ones by name', () => {
    const names = (key: Parameters<typeof linesOf>[1], descending: boolean) =>
      linesOf(summary, key, descending).map(({ name }) => name);
    expect(names('totalNs', true)).toEqual(['read', 'openat', 'futex']);
    expect(names('failed', true)).toEqual(['openat', 'futex', 'read']);
    expect(names('name', false)).toEqual(['futex', 'openat', 'read']);
    expect(linesOf(summary, 'share', true)[0]).toMatchObject({ share: 0.75, meanNs: 300 });
  });

  it('is copied with errors by name, and without figures where nothing returned', () => {
    const text = syscallText(linesOf(summary, 'totalNs', true));
    expect(text).toMatch(/^openat\t5\t25 %\t.*\t2 ENOENT$/m);
    expect(text).toMatch(/^futex\t0\t0 %\t–\t–\t–\t–\t–\t2\t$/m);
  });

  it('says what is missing from percentiles only at the end', () => {
    expect(summaryText(summary)).toBe('15 calls of 3 system calls in 5.0 s');
    expect(summaryText({ ...summary, final: true })).toContain('3 are missing from the percentiles');
  });
});
