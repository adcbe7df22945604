import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultBudgets, Governor, type ProbeLoad } from '../../../extension/core/governor.ts';
import { costLabel, shareOfCore } from '../../../protocol/cost.ts';

const probe = (key: string, hitsHz: number, rest: Partial<ProbeLoad> = {}): ProbeLoad => ({
  ...{
    key,
    label: key,
    hitsHz,
    hitNs: 1000,
    calibrated: true,
    eventsHz: 0,
    attachedForMs: 1000,
    pinned: false,
  },
  ...rest,
});
const load = (...probes: ProbeLoad[]) => ({ probes, mapBytes: 0 });

test('a probe within its budget is left alone, for ever', () => {
  const governor = new Governor();
  for (let i = 0; i < 10; i++) expect(governor.look(load(probe('calm', 10_000)))).toEqual([]);
});

test('a storm is stopped by the first look, a burst only when it lasts', () => {
  const governor = new Governor();
  expect(governor.look(load(probe('storm', 2_000_000)))).toMatchObject([
    { key: 'storm', exceeded: 'share-of-probe', action: 'pause' },
  ]);
  expect(governor.look(load(probe('burst', 60_000)))).toEqual([]);
  expect(governor.look(load(probe('burst', 40_000)))).toEqual([]);
  expect(governor.look(load(probe('burst', 60_000)))).toEqual([]);
  expect(governor.look(load(probe('burst', 60_000)))).toMatchObject([
    { key: 'burst', exceeded: 'share-of-probe' },
  ]);
});

test('a cost that was not measured here is believed only far above the budget', () => {
  const governor = new Governor();
  const guess = { calibrated: false, hitNs: 17_000 };
  for (let i = 0; i < 5; i++) expect(governor.look(load(probe('maybe', 12_000, guess)))).toEqual([]);
  expect(governor.look(load(probe('storm', 28_000, guess)))).toMatchObject([
    { key: 'storm', message: 'storm takes 48 % of a core (about 17 µs × 28,000/s); the budget is 5 %.' },
  ]);
});

test('the message has the figures and the budget', () => {
  const [verdict] = new Governor().look(load(probe('db_query', 10_000, { hitNs: 24_000 })));
  expect(verdict?.message).toBe('db_query takes 24 % of a core (24 µs × 10,000/s); the budget is 5 %.');
});

test('above the budget of the target the dearest go until the rest fits', () => {
  const governor = new Governor();
  const probes = [probe('a', 30_000), probe('b', 20_000), probe('c', 10_000)];
  governor.look(load(...probes));
  expect(governor.look(load(...probes)).map(({ key, exceeded }) => [key, exceeded])).toEqual([
    ['a', 'share-of-target'],
  ]);
});

test('every probe expires unless it is pinned', () => {
  const old = { attachedForMs: defaultBudgets.durationMs };
  const governor = new Governor();
  expect(
    governor.look(load(probe('old', 1, old), probe('pinned', 1, { ...old, pinned: true }))),
  ).toMatchObject([{ key: 'old', exceeded: 'duration', action: 'pause' }]);
});

test('too many events are sampled, one in as many as it takes', () => {
  expect(new Governor().look(load(probe('log', 0, { eventsHz: 100_001 })))).toMatchObject([
    { action: 'sample', everyNth: 6 },
  ]);
});

test('whatever the load, what remains after two looks fits the budgets', () => {
  const loads = fc.array(fc.record({ hitsHz: fc.nat(3_000_000), hitNs: fc.nat(40_000) }), { maxLength: 20 });
  fc.assert(
    fc.property(loads, (rates) => {
      const governor = new Governor();
      const probes = rates.map((rate, index) => probe(String(index), rate.hitsHz, rate));
      const gone = new Set(governor.look(load(...probes)).map((verdict) => verdict.key));
      const second = probes.filter((p) => !gone.has(p.key));
      for (const verdict of governor.look(load(...second))) gone.add(verdict.key);
      const rest = probes
        .filter((p) => !gone.has(p.key))
        .reduce((sum, p) => sum + shareOfCore(p.hitNs, p.hitsHz), 0);
      expect(rest).toBeLessThanOrEqual(defaultBudgets.sharePerTarget + 1e-9);
    }),
  );
});

test('the cost label', () => {
  expect(costLabel(24_000, 4_300)).toBe('≈ 24 µs × 4,300/s ≈ 10 % of a core');
  expect(costLabel(950)).toBe('≈ 950 ns a hit');
});
