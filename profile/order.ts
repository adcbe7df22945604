import type { NodeTable } from '../protocol/profile.ts';

/** A call tree by parents: node 0 is the root, `parent[i] < i`. */
export interface ParentTree {
  readonly count: number;
  readonly parent: Int32Array;
  readonly frame: Uint32Array;
  readonly self: Float64Array;
}

export interface OrderedTree {
  readonly nodes: NodeTable;
  /** Where each node of the input went. */
  readonly position: Uint32Array;
}

/**
 * Puts a tree into preorder with the heaviest child first. Linear but for the sorting of siblings, and without recursion:
 * sizes come from the back, positions from the front.
 */
export function leftHeavy(tree: ParentTree): OrderedTree {
  const { count, parent, frame, self } = tree;
  const total = self.slice(0, count);
  const size = new Uint32Array(count).fill(1);
  const children = new Uint32Array(count);
  for (let i = count - 1; i > 0; i--) {
    const p = parent[i]!;
    total[p]! += total[i]!;
    size[p]! += size[i]!;
    children[p]!++;
  }
  const { first, list } = childLists(tree, children);
  const position = new Uint32Array(count);
  const outFrame = new Uint32Array(count);
  const outDepth = new Uint16Array(count);
  const outSelf = new Float64Array(count);
  outFrame[0] = frame[0]!;
  outSelf[0] = self[0]!;
  for (let i = 0; i < count; i++) {
    const fanOut = children[i]!;
    if (fanOut === 0) continue;
    const from = first[i]!;
    if (fanOut > 1) sortByWeight(list, from, from + fanOut, total, frame);
    const place = position[i]!;
    const depth = outDepth[place]! + 1;
    let next = place + 1;
    for (let k = from; k < from + fanOut; k++) {
      const child = list[k]!;
      position[child] = next;
      outFrame[next] = frame[child]!;
      outDepth[next] = depth;
      outSelf[next] = self[child]!;
      next += size[child]!;
    }
  }
  return { nodes: { frame: outFrame, depth: outDepth, self: outSelf }, position };
}

/** Children of each node, consecutive in `list` from `first[node]`. */
function childLists(tree: ParentTree, children: Uint32Array): { first: Uint32Array; list: Uint32Array } {
  const { count, parent } = tree;
  const first = new Uint32Array(count + 1);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    first[i] = sum;
    sum += children[i]!;
  }
  const next = first.slice();
  const list = new Uint32Array(sum);
  for (let i = 1; i < count; i++) list[next[parent[i]!]!++] = i;
  return { first, list };
}

/** Sorts `list[from … to]` by descending total, equal totals by ascending frame. */
function sortByWeight(
  list: Uint32Array,
  from: number,
  to: number,
  total: Float64Array,
  frame: Uint32Array,
): void {
  if (to - from > 24) {
    list.subarray(from, to).sort((a, b) => total[b]! - total[a]! || frame[a]! - frame[b]!);
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const node = list[i]!;
    const weight = total[node]!;
    const key = frame[node]!;
    let k = i - 1;
    while (k >= from) {
      const other = list[k]!;
      const otherWeight = total[other]!;
      if (otherWeight > weight || (otherWeight === weight && frame[other]! < key)) break;
      list[k + 1] = other;
      k--;
    }
    list[k + 1] = node;
  }
}

/** The parent of each node of a preorder table; -1 for the root. */
export function parentsOf(depth: Uint16Array): Int32Array {
  const parent = new Int32Array(depth.length);
  let deepest = 0;
  for (let i = 0; i < depth.length; i++) if (depth[i]! > deepest) deepest = depth[i]!;
  const open = new Int32Array(deepest + 2);
  open[0] = -1;
  for (let i = 0; i < depth.length; i++) {
    const d = depth[i]!;
    parent[i] = open[d]!;
    open[d + 1] = i;
  }
  return parent;
}
