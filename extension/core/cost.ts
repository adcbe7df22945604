import { usualCosts, type CostTable, type HitCosts } from '../../protocol/cost.ts';
import type { Measure, Site, Subject } from '../../protocol/probe.ts';
import { usedSites } from '../../protocol/sites.ts';

/** What one hit of a probe adds to the traced program, and whether it was measured on the target. */
export interface HitCost {
  readonly hitNs: number;
  readonly calibrated: boolean;
}

/**
 * The cost of a call by the dearest of the probe's sites (of its beginnings and of its ends, where both are probed); a site of unknown kind counts as the dearest kind. Without a table
 * of the target what is usual, so that a storm is recognised before the target's own figures are there.
 */
export function hitCost(
  subject: Subject,
  measures: readonly Measure[],
  table: CostTable | undefined,
): HitCost {
  return {
    hitNs: hitNs(subject, measures, table ?? usualCosts),
    calibrated: table !== undefined && subject.kind !== 'kernel-function',
  };
}

/** What a call of the kernel's costs in each way, in the order of magnitude: recognises a storm, and is never shown. */
const usualKernelNs = { fentry: 300, kprobe: 1000 } as const;

function hitNs(subject: Subject, measures: readonly Measure[], table: CostTable): number {
  const dearest = (sites: readonly Site[], costs: HitCosts): number =>
    Math.max(0, ...sites.map((site) => costs[site.cost ?? 'mov']));
  // what a program's instructions cost says nothing of the kernel's
  if (subject.kind === 'kernel-function') return usualKernelNs[subject.attach];
  const bounds = subject.kind === 'function' ? subject.bounds : undefined;
  if (!measures.includes('latency')) return dearest(usedSites(subject, measures).sites, table.count);
  // A probe at a return instruction is a probe like that at the entry.
  if (bounds !== undefined) return dearest(bounds.entries, table.count) + dearest(bounds.exits, table.count);
  return dearest(usedSites(subject, measures).sites, table.latency);
}
