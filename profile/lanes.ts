import type { SampleTable } from '../protocol/profile.ts';
import type { Layout } from './layout.ts';
import type { MappedTree, WeightedTree } from './recast.ts';
import { grown } from './strings.ts';
import { CallTrie } from './trie.ts';

/** Which samples count, by index, thread after thread and in order of time within each. */
function byThread(
  samples: SampleTable,
  chosen: (sample: number) => boolean,
  threadCount: number,
): Uint32Array[] {
  const sizes = new Uint32Array(threadCount);
  const count = samples.node.length;
  for (let i = 0; i < count; i++) if (chosen(i)) sizes[samples.thread[i]!]!++;
  const lanes = Array.from(sizes, (size) => new Uint32Array(size));
  sizes.fill(0);
  for (let i = 0; i < count; i++) {
    const thread = samples.thread[i]!;
    if (chosen(i)) lanes[thread]![sizes[thread]!++] = i;
  }
  return lanes;
}

/** The tree with a child of the root for each thread. Thread `t` gets the frame `laneFrame + t`. */
export function withLanes(
  mapped: MappedTree,
  samples: SampleTable,
  chosen: (sample: number) => boolean,
  threadCount: number,
  laneFrame: number,
): WeightedTree {
  const { parent, frame } = mapped.tree;
  const trie = new CallTrie();
  // node of the current lane for each node of the tree; the stamp tells whether it is this lane's
  const place = new Int32Array(mapped.tree.count);
  const stamp = new Int32Array(mapped.tree.count).fill(-1);
  const missing: number[] = [];
  byThread(samples, chosen, threadCount).forEach((lane, thread) => {
    if (lane.length === 0) return;
    place[0] = trie.child(0, laneFrame + thread);
    stamp[0] = thread;
    for (const sample of lane) {
      let node = mapped.nodeMap[samples.node[sample]!]!;
      if (node < 0) continue;
      missing.length = 0;
      while (stamp[node] !== thread) {
        missing.push(node);
        node = parent[node]!;
      }
      let at = place[node]!;
      for (let i = missing.length - 1; i >= 0; i--) {
        node = missing[i]!;
        at = trie.child(at, frame[node]!);
        place[node] = at;
        stamp[node] = thread;
      }
      trie.self[at]! += samples.weight[sample]!;
    }
  });
  return trie;
}

/**
 * Samples in order of time, thread after thread; neighbours share the frames they have in common. The x axis adds up
 * weights, so that widths mean the same as in the other arrangements.
 */
export function timeOrdered(
  mapped: MappedTree,
  samples: SampleTable,
  chosen: (sample: number) => boolean,
  threadCount: number,
  laneFrame: number | undefined,
): Layout {
  const { parent, frame } = mapped.tree;
  const out = new LayoutWriter();
  /** Open nodes of the tree, outermost first; level 0 is the root, then the lane when there are lanes. */
  const path: number[] = [];
  out.open(0, 0);
  const base = laneFrame === undefined ? 1 : 2;
  byThread(samples, chosen, threadCount).forEach((lane, thread) => {
    out.closeTo(1);
    if (lane.length === 0) return;
    if (laneFrame !== undefined) out.open(laneFrame + thread, 1);
    let open: number[] = [];
    let last = -1;
    for (const sample of lane) {
      const node = mapped.nodeMap[samples.node[sample]!]!;
      if (node < 0) continue;
      if (node !== last) {
        path.length = 0;
        for (let at = node; at > 0; at = parent[at]!) path.push(at);
        path.reverse();
        let common = 0;
        while (common < open.length && common < path.length && open[common] === path[common]) common++;
        out.closeTo(base + common);
        for (let i = common; i < path.length; i++) out.open(frame[path[i]!]!, base + i);
        open = path.slice();
        last = node;
      }
      out.advance(samples.weight[sample]!);
    }
  });
  return out.finish();
}

/** Writes a layout node by node: {@link open}, {@link advance}, {@link closeTo}. */
class LayoutWriter {
  #cursor = 0;
  #count = 0;
  #frame = new Uint32Array(1024);
  #depth = new Uint16Array(1024);
  #end = new Uint32Array(1024);
  #x = new Float64Array(1024);
  #total = new Float64Array(1024);
  #self = new Float64Array(1024);
  #open: number[] = [];
  #deepest = 0;

  open(frame: number, depth: number): void {
    const i = this.#count++;
    if (i === this.#frame.length) {
      this.#frame = grown(this.#frame, i + 1);
      this.#depth = grown(this.#depth, i + 1);
      this.#end = grown(this.#end, i + 1);
      this.#x = grown(this.#x, i + 1);
      this.#total = grown(this.#total, i + 1);
      this.#self = grown(this.#self, i + 1);
    }
    this.#frame[i] = frame;
    this.#depth[i] = depth;
    this.#x[i] = this.#cursor;
    this.#open.push(i);
    if (depth > this.#deepest) this.#deepest = depth;
  }

  /** Adds weight to the innermost open node. */
  advance(weight: number): void {
    this.#cursor += weight;
    this.#self[this.#open.at(-1)!]! += weight;
  }

  /** Closes all open nodes at `depth` and deeper. */
  closeTo(depth: number): void {
    while (this.#open.length > depth) {
      const node = this.#open.pop()!;
      this.#total[node] = this.#cursor - this.#x[node]!;
      this.#end[node] = this.#count;
    }
  }

  finish(): Layout {
    this.closeTo(0);
    const count = this.#count;
    return {
      frame: this.#frame.slice(0, count),
      depth: this.#depth.slice(0, count),
      end: this.#end.slice(0, count),
      x: this.#x.slice(0, count),
      total: this.#total.slice(0, count),
      self: this.#self.slice(0, count),
      deepest: this.#deepest,
      sorted: false,
    };
  }
}
