import { expect, test } from 'vitest';
import { cheaperWays } from '../../../extension/core/cheaper.ts';
import { hitCost } from '../../../extension/core/cost.ts';
import { usualCosts, type CostClass, type CostTable } from '../../../protocol/cost.ts';
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

test('Go: an entry and a return are paid for, and C’s compiler flags are not offered', () => {
  const site = (vaddr: number, kind: 'entry' | 'return', cost: 'push' | 'mov') => ({
    kind,
    vaddr,
    fileOffsetBytes: vaddr,
    cost,
  });
  const inGo = {
    kind: 'function',
    function: 'main.f',
    sites: [site(0, 'entry', 'mov')],
    refused: [],
    bounds: {
      entries: [site(4, 'entry', 'push')],
      restarts: [],
      exits: [site(12, 'return', 'mov')],
      refused: [],
    },
  } as const;
  const { hitNs } = hitCost(inGo, ['latency'], usualCosts);
  expect(hitNs).toBe(usualCosts.count.push + usualCosts.count.mov);
  expect(hitCost(inGo, ['count'], usualCosts).hitNs).toBe(usualCosts.count.push);
  const { ways } = cheaperWays(inGo, ['latency'], usualCosts);
  expect(ways).toMatchObject([{ label: 'Count only', measures: ['count'] }]);
  expect(cheaperWays(inGo, ['count'], usualCosts).ways).toEqual([]);
});
