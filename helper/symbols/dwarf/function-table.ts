import type { ScopeStore, UnitScopes } from './scope-store.ts';
import { INLINED_SCOPE, NONE } from './scope-store.ts';

/**
 * The bodies of one unit ordered by address. A body's block is the run of range entries that belongs to it and to what is
 * inlined into it, in DIE order, so that the innermost scope of an address is the last entry of the block that holds it.
 */
export class FunctionTable {
  readonly #store: ScopeStore;
  readonly #lows: Float64Array;
  /** `high, reach, block's start, block's end` of each, in one array: each array that a look-up touches is a fetch from memory. */
  readonly #others: Float64Array;

  constructor(store: ScopeStore, scopes: UnitScopes) {
    this.#store = store;
    const { rangeLows, rangeHighs } = store;
    const { ranges, starts, ends } = collectBodies(store, scopes);
    const order = new Uint32Array(ranges.length).map((_, index) => index);
    let sorted = true;
    for (let index = 1; index < order.length; index++)
      if (rangeLows[ranges[index]!]! < rangeLows[ranges[index - 1]!]!) sorted = false;
    if (!sorted) order.sort((a, b) => rangeLows[ranges[a]!]! - rangeLows[ranges[b]!]! || a - b);
    this.#lows = new Float64Array(order.length);
    this.#others = new Float64Array(order.length * 4);
    // The highest end of this entry and all before: how far back an overlapping body can be.
    let reach = -Infinity;
    for (let index = 0; index < order.length; index++) {
      const body = order[index]!;
      const high = rangeHighs[ranges[body]!]!;
      reach = Math.max(reach, high);
      this.#lows[index] = rangeLows[ranges[body]!]!;
      const at = index * 4;
      this.#others[at] = high;
      this.#others[at + 1] = reach;
      this.#others[at + 2] = starts[body]!;
      this.#others[at + 3] = ends[body]!;
    }
  }

  /** The innermost scope (an index of the store) whose ranges hold `address`, or undefined. */
  scopeAt(address: number): number | undefined {
    const lows = this.#lows;
    const others = this.#others;
    let low = 0;
    let high = lows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lows[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    for (let at = (low - 1) * 4; at >= 0 && others[at + 1]! > address; at -= 4)
      if (address < others[at]!) return this.#innermost(others[at + 2]!, others[at + 3]!, address);
    return undefined;
  }

  #innermost(start: number, end: number, address: number): number {
    const { rangeLows, rangeHighs, rangeScopes } = this.#store;
    let at = end - 1;
    while (at > start && !(rangeLows[at]! <= address && address < rangeHighs[at]!)) at--;
    return rangeScopes[at]!;
  }
}

function collectBodies(
  store: ScopeStore,
  scopes: UnitScopes,
): { ranges: number[]; starts: number[]; ends: number[] } {
  const { parents, flags, firstRanges } = store;
  const ranges: number[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  // Bodies that are still open, and where their entries in `ends` wait for the block's end.
  const open: number[] = [];
  const openFrom: number[] = [];
  const close = (rangeEnd: number): void => {
    open.pop();
    const from = openFrom.pop()!;
    for (let at = from; at < ends.length && ends[at] === NONE; at++) ends[at] = rangeEnd;
  };
  for (let scope = scopes.first; scope < scopes.end; scope++) {
    const parent = parents[scope]!;
    const first = firstRanges[scope]!;
    // In preorder a scope is below an open one exactly when its parent does not come before that.
    while (open.length > 0 && (parent === NONE || parent < open[open.length - 1]!)) close(first);
    if ((flags[scope]! & INLINED_SCOPE) !== 0) continue;
    const end = scope + 1 < scopes.end ? firstRanges[scope + 1]! : scopes.endRange;
    if (end === first) continue;
    open.push(scope);
    openFrom.push(ends.length);
    for (let range = first; range < end; range++) {
      ranges.push(range);
      starts.push(first);
      ends.push(NONE);
    }
  }
  while (open.length > 0) close(scopes.endRange);
  return { ranges, starts, ends };
}
