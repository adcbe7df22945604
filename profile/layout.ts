import type { NodeTable } from '../protocol/profile.ts';

/** A tree ready to be drawn: preorder columns, one element a node, positions in the profile's unit. */
export interface Layout {
  readonly frame: Uint32Array;
  readonly depth: Uint16Array;
  /** Index after the node's last descendant: where to go on when a subtree is skipped. */
  readonly end: Uint32Array;
  /** Left edge; `x + total` is the right edge. f64, because f32 would end zooming at a share of 1e-7. */
  readonly x: Float64Array;
  readonly total: Float64Array;
  /** Weight that ends in the node itself. */
  readonly self: Float64Array;
  readonly deepest: number;
  /** Siblings descend by total, so that what follows a node below a pixel is below a pixel as well. */
  readonly sorted: boolean;
  /** In a comparison: how much more each node weighs than in the baseline. */
  readonly delta?: Float64Array;
  /** The part of {@link delta} that is the node's own. */
  readonly deltaSelf?: Float64Array;
}

/** Lays out a preorder tree: children side by side from the parent's left edge, own weight to the right of them. One pass. */
export function layOut(nodes: NodeTable, sorted: boolean): Layout {
  const { frame, depth, self } = nodes;
  const count = depth.length;
  const x = new Float64Array(count);
  const total = new Float64Array(count);
  const end = new Uint32Array(count);
  let deepest = 0;
  let open = new Uint32Array(256);
  let top = -1;
  let cursor = 0;
  for (let i = 0; i < count; i++) {
    const d = depth[i]!;
    while (top >= d) {
      const node = open[top]!;
      cursor += self[node]!;
      total[node] = cursor - x[node]!;
      end[node] = i;
      top--;
    }
    if (d > deepest) {
      deepest = d;
      if (d >= open.length) {
        const larger = new Uint32Array(open.length * 2);
        larger.set(open);
        open = larger;
      }
    }
    x[i] = cursor;
    open[d] = i;
    top = d;
  }
  while (top >= 0) {
    const node = open[top]!;
    cursor += self[node]!;
    total[node] = cursor - x[node]!;
    end[node] = count;
    top--;
  }
  return { frame, depth, end, x, total, self, deepest, sorted };
}

/** The parent of a node, -1 for the root: the nearest node before it that is one level up. Steps over the siblings before. */
export function parentOf(layout: Layout, node: number): number {
  if (node === 0) return -1;
  const wanted = layout.depth[node]! - 1;
  let i = node - 1;
  while (layout.depth[i]! !== wanted) i--;
  return i;
}

/** The node and its ancestors, root first. From the root down, so that it costs the siblings on the way and not the subtree. */
export function pathTo(layout: Layout, node: number): number[] {
  const path = [0];
  let at = 0;
  while (at !== node) {
    let child = at + 1;
    while (layout.end[child]! <= node) child = layout.end[child]!;
    path.push(child);
    at = child;
  }
  return path;
}
