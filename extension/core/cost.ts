import { usualCosts, type CostTable } from '../../protocol/cost.ts';
import type { Measure, Subject } from '../../protocol/probe.ts';
import { usedSites } from '../../protocol/sites.ts';

/** What one hit of a probe adds to the traced program, and whether it was measured on the target. */
export interface HitCost {
  readonly hitNs: number;
  readonly calibrated: boolean;
}

/**
 * The cost of a hit by the dearest of the probe's sites; a site of unknown kind counts as the dearest kind. Without a table
 * of the target what is usual, so that a storm is recognised before the target's own figures are there.
 */
export function hitCost(
  subject: Subject,
  measures: readonly Measure[],
  table: CostTable | undefined,
): HitCost {
  const costs = (table ?? usualCosts)[measures.includes('latency') ? 'latency' : 'count'];
  const perSite = usedSites(subject, measures).sites.map((site) => costs[site.cost ?? 'mov']);
  return { hitNs: Math.max(0, ...perSite), calibrated: table !== undefined };
}
