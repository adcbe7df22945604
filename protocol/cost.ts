import { formatDuration, formatShare, formatCount } from './format.ts';

/** What one hit of a probe adds to the traced program, and how it is known. */
export interface HitCost {
  readonly hitNs: number;
  /** Calibrated: measured on this target with the same kind of instruction. Assumed: the dearest kind measured there. */
  readonly basis: 'calibrated' | 'assumed';
  /** The kind of the probed instruction: `nop`, `push`, `endbr64`, `mov`. */
  readonly instruction: string;
}

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
