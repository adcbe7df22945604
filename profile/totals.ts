import type { Profile } from '../protocol/profile.ts';
import { layOut, type Layout } from './layout.ts';

export interface Totals {
  /** Weight of the stacks that end in the group. */
  readonly self: Float64Array;
  /** Weight of the stacks that hold the group at all, each stack once, recursion or not. */
  readonly total: Float64Array;
}

/** Own and inclusive weight of each group of frames; `groupOfFrame[frame]` is its group. */
export function totalsOf(nodes: Profile['nodes'], groupOfFrame: Uint32Array, groupCount: number): Totals {
  return totalsOfLayout(layOut(nodes, true), (frame) => groupOfFrame[frame]!, groupCount);
}

/** The same of a tree that is laid out. */
export function totalsOfLayout(
  layout: Pick<Layout, 'frame' | 'depth' | 'self' | 'total' | 'deepest'>,
  groupOf: (frame: number) => number,
  groupCount: number,
): Totals {
  const { frame, depth } = layout;
  const self = new Float64Array(groupCount);
  const total = new Float64Array(groupCount);
  /** How many open nodes belong to each group. */
  const active = new Uint32Array(groupCount);
  const open = new Uint32Array(layout.deepest + 1);
  let top = 0;
  for (let i = 1; i < frame.length; i++) {
    const d = depth[i]!;
    while (top >= d) active[open[top--]!]!--;
    const group = groupOf(frame[i]!);
    self[group]! += layout.self[i]!;
    if (active[group]!++ === 0) total[group]! += layout.total[i]!;
    top = d;
    open[d] = group;
  }
  return { self, total };
}
