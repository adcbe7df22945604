import type { NodeTable } from '../protocol/profile.ts';
import { leftHeavy } from './order.ts';
import type { ParentTree } from './order.ts';
import { layOut } from './layout.ts';
import type { Layout } from './layout.ts';
import { grown } from './strings.ts';
import { CallTrie } from './trie.ts';

/** A frame is left out of the tree; its weight goes to the caller. */
export const LEFT_OUT = -1;

export interface Recast {
  /** New frame of each frame, or {@link LEFT_OUT}. */
  readonly frameMap: Int32Array;
  /** Merges a frame with a caller of the same new frame. */
  readonly collapse: boolean;
  /** Keeps what is below the outermost frame of this new id, which becomes a child of the root. */
  readonly focus?: number;
  /** Keeps only stacks with a marked frame (by old frame). */
  readonly wanted?: Uint8Array;
}

/** A rebuilt tree, and where each node of the old one went (-1: outside the focus). */
export interface MappedTree {
  readonly tree: WeightedTree;
  readonly nodeMap: Int32Array;
}

/** A tree with a second weight a node: the difference to the baseline, where two profiles are compared. */
export interface WeightedTree extends ParentTree {
  readonly delta?: Float64Array;
}

/** Rebuilds a tree with other frames: merging, hiding, focusing and filtering in one linear pass. */
export function recast(
  nodes: Pick<NodeTable, 'frame' | 'depth'>,
  self: Float64Array,
  how: Recast,
  deltaSelf?: Float64Array,
): WeightedTree {
  return pruned(recastMapped(nodes, self, how, deltaSelf).tree);
}

/** As {@link recast}, with empty subtrees kept and the map of nodes: for samples that follow. Unwanted stacks map to -1. */
export function recastMapped(
  nodes: Pick<NodeTable, 'frame' | 'depth'>,
  self: Float64Array,
  how: Recast,
  deltaSelf?: Float64Array,
): MappedTree {
  const { frame, depth } = nodes;
  const { frameMap, collapse, focus, wanted } = how;
  const trie = new CallTrie();
  let delta = deltaSelf === undefined ? undefined : new Float64Array(1024);
  let target = new Int32Array(256);
  let found = new Uint8Array(256);
  const nodeMap = new Int32Array(depth.length);
  target[0] = focus === undefined ? 0 : -1;
  found[0] = wanted === undefined ? 1 : 0;
  for (let i = 0; i < depth.length; i++) {
    const d = depth[i]!;
    if (d >= target.length) {
      target = grown(target, d + 1);
      found = grown(found, d + 1);
    }
    if (d > 0) {
      const f = frame[i]!;
      found[d] = found[d - 1]! | (wanted === undefined ? 1 : wanted[f]!);
      let node = target[d - 1]!;
      const mapped = frameMap[f]!;
      if (node < 0) {
        if (mapped === focus) node = trie.child(0, mapped);
      } else if (mapped !== LEFT_OUT && !(collapse && node > 0 && trie.frame[node] === mapped))
        node = trie.child(node, mapped);
      target[d] = node;
    }
    const weight = self[i]!;
    const node = found[d] === 0 ? -1 : target[d]!;
    nodeMap[i] = node;
    if (node < 0) continue;
    if (weight !== 0) trie.self[node]! += weight;
    if (delta !== undefined) {
      if (trie.count > delta.length) delta = grown(delta, trie.parent.length);
      delta[node]! += deltaSelf![i]!;
    }
  }
  if (delta !== undefined && delta.length < trie.count) delta = grown(delta, trie.count);
  const { count, parent } = trie;
  const tree = {
    count,
    parent,
    frame: trie.frame,
    self: trie.self,
    ...(delta === undefined ? {} : { delta }),
  };
  return { tree, nodeMap };
}

/** Without the subtrees that weigh nothing: what a filter left behind. */
function pruned(tree: WeightedTree): WeightedTree {
  const { count, parent, frame, self, delta } = tree;
  const live = new Uint8Array(count);
  live[0] = 1;
  let kept = 1;
  for (let i = count - 1; i > 0; i--) {
    if (live[i] === 0 && self[i] === 0 && (delta === undefined || delta[i] === 0)) continue;
    live[i] = 1;
    live[parent[i]!] = 1;
    kept++;
  }
  if (kept === count) return tree;
  const place = new Int32Array(count);
  const out = {
    count: kept,
    parent: new Int32Array(kept),
    frame: new Uint32Array(kept),
    self: new Float64Array(kept),
    ...(delta === undefined ? {} : { delta: new Float64Array(kept) }),
  };
  let next = 0;
  for (let i = 0; i < count; i++) {
    if (live[i] === 0) continue;
    place[i] = next;
    out.parent[next] = i === 0 ? -1 : place[parent[i]!]!;
    out.frame[next] = frame[i]!;
    out.self[next] = self[i]!;
    if (out.delta !== undefined) out.delta[next] = delta![i]!;
    next++;
  }
  return out;
}

/** Leaves become roots: each frame with the callers that led to it. */
export function inverted(tree: WeightedTree): WeightedTree {
  const { count, parent, frame, self, delta } = tree;
  const trie = new CallTrie(count);
  const out = new DeltaColumn(delta !== undefined);
  for (let i = 1; i < count; i++) {
    const weight = self[i]!;
    const change = delta === undefined ? 0 : delta[i]!;
    if (weight === 0 && change === 0) continue;
    let node = 0;
    for (let at = i; at > 0; at = parent[at]!) node = trie.child(node, frame[at]!);
    trie.self[node]! += weight;
    out.add(node, change);
  }
  trie.self[0] = self[0]!;
  return { count: trie.count, parent: trie.parent, frame: trie.frame, self: trie.self, ...out.of(trie) };
}

/** The callers of a frame: its outermost occurrence in each stack with the path above it, nearest caller first. */
export function callersOf(tree: WeightedTree, wanted: number): WeightedTree {
  const { count, parent, frame, self, delta } = tree;
  const total = self.slice(0, count);
  const change = delta?.slice(0, count);
  // 1: the frame is at or above this node
  const inside = new Uint8Array(count);
  for (let i = 1; i < count; i++) inside[i] = inside[parent[i]!]! | (frame[i] === wanted ? 1 : 0);
  for (let i = count - 1; i > 0; i--) {
    const p = parent[i]!;
    total[p]! += total[i]!;
    if (change !== undefined) change[p]! += change[i]!;
  }
  const trie = new CallTrie();
  const out = new DeltaColumn(delta !== undefined);
  for (let i = 1; i < count; i++) {
    if (frame[i] !== wanted || inside[parent[i]!] === 1) continue;
    let node = 0;
    for (let at = i; at > 0; at = parent[at]!) node = trie.child(node, frame[at]!);
    trie.self[node]! += total[i]!;
    out.add(node, change === undefined ? 0 : change[i]!);
  }
  return { count: trie.count, parent: trie.parent, frame: trie.frame, self: trie.self, ...out.of(trie) };
}

/** The delta of a trie that grows. */
class DeltaColumn {
  #values: Float64Array | undefined;
  constructor(wanted: boolean) {
    this.#values = wanted ? new Float64Array(1024) : undefined;
  }
  add(node: number, change: number): void {
    if (this.#values === undefined) return;
    if (node >= this.#values.length) this.#values = grown(this.#values, node + 1);
    this.#values[node]! += change;
  }
  of(trie: CallTrie): { delta?: Float64Array } {
    if (this.#values === undefined) return {};
    return { delta: this.#values.length < trie.count ? grown(this.#values, trie.count) : this.#values };
  }
}

/** A tree as a picture, heaviest first. */
export function layOutTree(tree: WeightedTree): Layout {
  const { nodes, position } = leftHeavy(tree);
  const layout = layOut(nodes, true);
  if (tree.delta === undefined) return layout;
  const sums = tree.delta.slice(0, tree.count);
  for (let i = tree.count - 1; i > 0; i--) sums[tree.parent[i]!]! += sums[i]!;
  const delta = new Float64Array(tree.count);
  const deltaSelf = new Float64Array(tree.count);
  for (let i = 0; i < tree.count; i++) {
    delta[position[i]!] = sums[i]!;
    deltaSelf[position[i]!] = tree.delta[i]!;
  }
  return { ...layout, delta, deltaSelf };
}
