import type { Comparison } from './compare.ts';
import { groupFrames } from './groups.ts';
import { textAt } from './strings.ts';
import { totalsOf } from './totals.ts';

export interface FunctionChange {
  readonly function: string;
  readonly module: string;
  readonly selfBefore: number;
  readonly selfAfter: number;
  readonly totalBefore: number;
  readonly totalAfter: number;
  /** Change of the share of the whole (normalised) or of the weight, of its own and with its callees. */
  readonly selfChange: number;
  readonly totalChange: number;
}

/** Functions by how much their own weight changed, the largest change first whichever its sign. */
export function functionChanges(comparison: Comparison, normalised: boolean): FunctionChange[] {
  const { profile, beforeSelf, beforeTotal, afterTotal } = comparison;
  const groups = groupFrames(profile, 'function');
  const after = totalsOf(profile.nodes, groups.ofFrame, groups.name.length);
  const before = totalsOf({ ...profile.nodes, self: beforeSelf }, groups.ofFrame, groups.name.length);
  const [perBefore, perAfter] = normalised ? [1 / (beforeTotal || 1), 1 / (afterTotal || 1)] : [1, 1];
  return groups.name
    .map((name, group) => ({
      function: name,
      module: textAt(profile.strings, profile.frames.module[groups.frame[group]!]!),
      selfBefore: before.self[group]!,
      selfAfter: after.self[group]!,
      totalBefore: before.total[group]!,
      totalAfter: after.total[group]!,
      selfChange: after.self[group]! * perAfter - before.self[group]! * perBefore,
      totalChange: after.total[group]! * perAfter - before.total[group]! * perBefore,
    }))
    .slice(1)
    .sort(
      (a, b) =>
        Math.abs(b.selfChange) - Math.abs(a.selfChange) || Math.abs(b.totalChange) - Math.abs(a.totalChange),
    );
}
