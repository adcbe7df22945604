import { formatDuration, formatShare, formatCount } from './format.ts';

/**
 * Kinds of a probed instruction, by what the kernel does with it: skips a nop, emulates a push and an endbr64 (or not, which
 * is why it is measured), single-steps a mov and most others.
 */
export const costClasses = ['nop', 'push', 'endbr64', 'mov'] as const;
export type CostClass = (typeof costClasses)[number];

/** Nanoseconds that one hit adds to the traced program, by the first instruction of the function. */
export type HitCosts = Readonly<Record<CostClass, number>>;

/** What hits cost on a target, each measured there; see `helper/kernel/calibration`. */
export interface CostTable {
  /** A hit that is counted. */
  readonly count: HitCosts;
  /** A call whose duration is measured: entry and return. */
  readonly latency: HitCosts;
}

/**
 * What hits cost on the machines that were measured: what a hit is taken for until the target's own figures are there. Real ones
 * are up to 6 times less (a single step on bare metal) or 2 times more, so only what is far above a budget is judged by it.
 */
export const usualCosts: CostTable = {
  count: { nop: 1000, push: 1500, endbr64: 17_000, mov: 17_000 },
  latency: { nop: 2000, push: 3000, endbr64: 20_000, mov: 20_000 },
};

/** Share of one core (1 = all of it) that a probe takes from the traced program; not bounded by 1. */
export function shareOfCore(hitNs: number, rateHz: number): number {
  return (hitNs * rateHz) / 1e9;
}

/** `≈ 24 µs × 4,300/s ≈ 10 % of a core`; without a rate only what a hit costs. */
export function costLabel(hitNs: number, rateHz?: number): string {
  const hit = `≈ ${formatDuration(hitNs)}`;
  if (rateHz === undefined) return `${hit} a hit`;
  return `${hit} × ${formatCount(rateHz)}/s ≈ ${formatShare(shareOfCore(hitNs, rateHz))} of a core`;
}
