import { expect, test } from 'vitest';
import { cheaperWays } from '../../../extension/core/cheaper.ts';
import type { CostClass, CostTable } from '../../../protocol/cost.ts';
import type { FunctionSubject } from '../../../protocol/probe.ts';

/** As calibrated on a virtual machine. */
const table: CostTable = {
  count: { nop: 480, push: 500, endbr64: 16_800, mov: 16_800 },
  latency: { nop: 1500, push: 1600, endbr64: 18_000, mov: 18_000 },
};
const subject = (...costs: CostClass[]): FunctionSubject => ({
  kind: 'function',
  function: 'db::query(int)',
  sites: costs.map((cost) => ({ kind: 'entry', vaddr: 1, fileOffsetBytes: 1, cost })),
  refused: [],
});

test('a function behind endbr64 is told of the nop, of its neighbour and of USDT, the cheapest first', () => {
  const { now, ways } = cheaperWays(subject('endbr64'), ['count'], table, 4300);
  expect(now).toBe(
    '≈ 17 µs × 4,300/s ≈ 7.2 % of a core: the function begins with endbr64, which this kernel executes in a single step out of line.',
  );
  expect(ways.map(({ copy }) => copy)).toEqual([
    '-fpatchable-function-entry=5',
    '__attribute__((patchable_function_entry(5)))',
    '#include <sys/sdt.h>\nDTRACE_PROBE(myprogram, db_query_int_);',
    '-fcf-protection=none',
  ]);
});

test('what is as cheap as it gets has no way left', () => {
  expect(cheaperWays(subject('nop'), ['count'], table).ways).toEqual([]);
});

test('a latency can become a count, and the dearest site decides', () => {
  const { now, ways } = cheaperWays(subject('nop', 'push'), ['latency'], table);
  expect(now).toMatch(/^≈ 1.6 µs a hit/);
  expect(ways.find(({ measures }) => measures !== undefined)).toMatchObject({ measures: ['count'] });
});
