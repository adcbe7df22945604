import type { BucketCounts } from '../../../protocol/buckets.ts';
import { mergeBuckets } from '../../../protocol/buckets.ts';
import type { ProbeId } from '../../../protocol/probe.ts';
import type { CallerTotals, LostCounts, ProbeTotals } from '../../../protocol/snapshot.ts';
import { decodeStackKey, type MapValue } from './decode.ts';
import type { Printout } from './engine.ts';
import type { Plan } from './generate.ts';

/** A call stack as addresses of a process, innermost first. */
export interface RawStack {
  readonly pid: number;
  readonly addresses: readonly string[];
  readonly count: number;
}

/** One probe's share of a printout. Stacks are absent from printouts without them. */
export interface RawTotals {
  readonly count: number;
  readonly lost: LostCounts;
  readonly latency: { readonly buckets: BucketCounts; readonly sumNs: number; readonly maxNs: number };
  readonly stacks?: readonly RawStack[];
}

const noEntries: ReadonlyMap<string, MapValue> = new Map();

/** Sorts a printout's figures by probe. */
export function readPrintout(printout: Printout, plan: Plan): Map<ProbeId, RawTotals> {
  const map = (name: string): ReadonlyMap<string, MapValue> => printout.maps.get(name) ?? noEntries;
  const perProbe = (name: string, join: (a: number, b: number) => number): Map<ProbeId, number> => {
    const result = new Map<ProbeId, number>();
    for (const [key, [value = 0]] of map(name)) {
      const probe = plan.probeOf.get(Number(key));
      if (probe === undefined) continue;
      const known = result.get(probe);
      result.set(probe, known === undefined ? value : join(known, value));
    }
    return result;
  };
  const add = (a: number, b: number): number => a + b;
  const [counts, sums, abandoned, missed, noRoom] = ['@c', '@d', '@a', '@q', '@f'].map((name) =>
    perProbe(name, add),
  );
  const returned = perProbe('@r', add);
  const longest = perProbe('@m', Math.max);
  const buckets = bucketsPerProbe(map('@b'), plan);
  const stacks = printout.withStacks ? stacksPerProbe([...map('@k'), ...map('@kk')], plan) : undefined;
  const result = new Map<ProbeId, RawTotals>();
  for (const probe of new Set(plan.probeOf.values())) {
    const own = buckets.get(probe) ?? [];
    const inBuckets = own.reduce((sum, [, count]) => sum + count, 0);
    result.set(probe, {
      count: counts?.get(probe) ?? 0,
      lost: {
        missedEntries: missed?.get(probe) ?? 0,
        abandonedCalls: abandoned?.get(probe) ?? 0,
        // Returns that are in no bucket found the map of buckets full.
        droppedByEngine: (noRoom?.get(probe) ?? 0) + Math.max(0, (returned.get(probe) ?? 0) - inBuckets),
      },
      latency: { buckets: own, sumNs: sums?.get(probe) ?? 0, maxNs: longest.get(probe) ?? 0 },
      ...(stacks === undefined ? {} : { stacks: stacks.get(probe) ?? [] }),
    });
  }
  return result;
}

function bucketsPerProbe(map: ReadonlyMap<string, MapValue>, plan: Plan): Map<ProbeId, BucketCounts> {
  const sums = new Map<ProbeId, Map<number, number>>();
  for (const [key, [count = 0]] of map) {
    const comma = key.indexOf(',');
    const probe = plan.probeOf.get(Number(key.slice(0, comma)));
    if (probe === undefined) continue;
    const index = Number(key.slice(comma + 1));
    let own = sums.get(probe);
    if (own === undefined) sums.set(probe, (own = new Map<number, number>()));
    own.set(index, (own.get(index) ?? 0) + count);
  }
  return new Map<ProbeId, BucketCounts>(
    [...sums].map(([probe, own]) => [probe, [...own].sort((a, b) => a[0] - b[0])]),
  );
}

function stacksPerProbe(map: Iterable<readonly [string, MapValue]>, plan: Plan): Map<ProbeId, RawStack[]> {
  const result = new Map<ProbeId, RawStack[]>();
  for (const [key, [count = 0]] of map) {
    const stack = decodeStackKey(key);
    const probe = stack === undefined ? undefined : plan.probeOf.get(stack.code);
    if (stack === undefined || probe === undefined) continue;
    const own = result.get(probe) ?? [];
    own.push({ pid: stack.pid, addresses: stack.addresses, count });
    result.set(probe, own);
  }
  return result;
}

/** Calls that were open when the gate closed and began before `beforeNs`: whoever comes after cannot time them. */
export function openCalls(printout: Printout, plan: Plan, beforeNs: number): Map<ProbeId, number> {
  const result = new Map<ProbeId, number>();
  for (const [startNs = 0, code = 0] of printout.maps.get('@s')?.values() ?? []) {
    const probe = plan.probeOf.get(code);
    if (probe === undefined || startNs === 0 || startNs >= beforeNs) continue;
    result.set(probe, (result.get(probe) ?? 0) + 1);
  }
  return result;
}

export const noTotals: ProbeTotals = {
  probe: 0,
  count: 0,
  lost: { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 },
};

/** Sum of two totals of one probe: of an earlier engine and of the one that runs. */
export function addTotals(a: ProbeTotals, b: ProbeTotals): ProbeTotals {
  const latency =
    a.latency === undefined || b.latency === undefined
      ? (a.latency ?? b.latency)
      : {
          buckets: mergeBuckets(a.latency.buckets, b.latency.buckets),
          sumNs: a.latency.sumNs + b.latency.sumNs,
          maxNs: Math.max(a.latency.maxNs, b.latency.maxNs),
        };
  const callers =
    a.callers === undefined || b.callers === undefined
      ? (a.callers ?? b.callers)
      : addCallers([...a.callers, ...b.callers]);
  return {
    probe: b.probe,
    count: a.count + b.count,
    lost: {
      missedEntries: a.lost.missedEntries + b.lost.missedEntries,
      abandonedCalls: a.lost.abandonedCalls + b.lost.abandonedCalls,
      droppedByEngine: a.lost.droppedByEngine + b.lost.droppedByEngine,
    },
    ...(latency === undefined ? {} : { latency }),
    ...(callers === undefined ? {} : { callers }),
  };
}

/** Adds up equal stacks; the most frequent first. */
export function addCallers(callers: readonly CallerTotals[]): CallerTotals[] {
  const sums = new Map<string, CallerTotals>();
  for (const caller of callers) {
    const key = JSON.stringify(caller.stack);
    const known = sums.get(key);
    sums.set(key, known === undefined ? caller : { stack: caller.stack, count: known.count + caller.count });
  }
  return [...sums.values()].sort((a, b) => b.count - a.count);
}
