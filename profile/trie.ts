import { grown } from './strings.ts';

/**
 * A call tree that grows: node 0 is the root, a node's parent is always before it. Children are found by an open
 * addressing table keyed by (parent, frame), which beats maps and child lists by a factor of four on random stacks.
 */
export class CallTrie {
  count = 1;
  parent: Int32Array;
  frame: Uint32Array;
  self: Float64Array;
  #slots: Int32Array;
  #limit: number;

  /** `expectedNodes` saves rehashing when it is known. */
  constructor(expectedNodes = 1024) {
    const capacity = Math.max(1024, expectedNodes + 1);
    this.parent = new Int32Array(capacity);
    this.frame = new Uint32Array(capacity);
    this.self = new Float64Array(capacity);
    this.parent[0] = -1;
    let slots = 2048;
    while (slots * 0.6 < capacity) slots *= 2;
    this.#slots = new Int32Array(slots);
    this.#limit = Math.floor(slots * 0.6);
  }

  /** The child of `parent` for `frame`, made when there is none. */
  child(parent: number, frame: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const parents = this.parent;
    const frames = this.frame;
    let hash = Math.imul(parent, 0x9e3779b1) ^ Math.imul(frame, 0x85ebca6b);
    hash ^= hash >>> 15;
    let slot = hash & mask;
    for (let node = slots[slot]!; node !== 0; node = slots[slot]!) {
      if (parents[node] === parent && frames[node] === frame) return node;
      slot = (slot + 1) & mask;
    }
    const node = this.count;
    if (node === parents.length) this.#grow();
    this.parent[node] = parent;
    this.frame[node] = frame;
    slots[slot] = node;
    this.count = node + 1;
    if (this.count > this.#limit) this.#rehash();
    return node;
  }

  #grow(): void {
    const needed = this.count + 1;
    this.parent = grown(this.parent, needed);
    this.frame = grown(this.frame, needed);
    this.self = grown(this.self, needed);
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    const { parent, frame, count } = this;
    for (let node = 1; node < count; node++) {
      let hash = Math.imul(parent[node]!, 0x9e3779b1) ^ Math.imul(frame[node]!, 0x85ebca6b);
      hash ^= hash >>> 15;
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = node;
    }
    this.#slots = slots;
    this.#limit = Math.floor(slots.length * 0.6);
  }
}
