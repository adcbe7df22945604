import { grown } from './strings.ts';

/**
 * A call tree that grows: node 0 is the root, a node's parent is always before it. A node's first child is found by the node
 * itself, its other children by an open addressing table keyed by (parent, frame): most nodes have one child, so that the table
 * is small and a stack is walked along memory that lies together.
 */
export class CallTrie {
  count = 1;
  parent: Int32Array;
  frame: Uint32Array;
  self: Float64Array;
  /** The first child of each node, 0 when it has none. */
  #first: Int32Array;
  /** All other children. */
  #slots: Int32Array;
  #inTable = 0;

  /** `expectedNodes` saves growing when it is known. */
  constructor(expectedNodes = 1024) {
    const capacity = Math.max(1024, expectedNodes + 1);
    this.parent = new Int32Array(capacity);
    this.frame = new Uint32Array(capacity);
    this.self = new Float64Array(capacity);
    this.#first = new Int32Array(capacity);
    this.parent[0] = -1;
    this.#slots = new Int32Array(1024);
  }

  /** The child of `parent` for `frame`, made when there is none. */
  child(parent: number, frame: number): number {
    const first = this.#first[parent]!;
    if (first === 0) return (this.#first[parent] = this.#append(parent, frame));
    const frames = this.frame;
    if (frames[first] === frame) return first;
    const slots = this.#slots;
    const mask = slots.length - 1;
    const parents = this.parent;
    let slot = hashOf(parent, frame) & mask;
    for (let node = slots[slot]!; node !== 0; node = slots[slot]!) {
      if (frames[node] === frame && parents[node] === parent) return node;
      slot = (slot + 1) & mask;
    }
    const node = this.#append(parent, frame);
    slots[slot] = node;
    if (++this.#inTable * 2 > slots.length) this.#rehash();
    return node;
  }

  #append(parent: number, frame: number): number {
    const node = this.count;
    if (node === this.parent.length) this.#grow();
    this.parent[node] = parent;
    this.frame[node] = frame;
    this.count = node + 1;
    return node;
  }

  #grow(): void {
    const needed = this.count + 1;
    this.parent = grown(this.parent, needed);
    this.frame = grown(this.frame, needed);
    this.self = grown(this.self, needed);
    this.#first = grown(this.#first, needed);
  }

  #rehash(): void {
    const before = this.#slots;
    const slots = new Int32Array(before.length * 2);
    const mask = slots.length - 1;
    for (const node of before) {
      if (node === 0) continue;
      let slot = hashOf(this.parent[node]!, this.frame[node]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = node;
    }
    this.#slots = slots;
  }
}

function hashOf(parent: number, frame: number): number {
  const hash = Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca6b);
  return hash ^ (hash >>> 15);
}
