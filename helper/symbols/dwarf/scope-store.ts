/** Bits of {@link ScopeStore.flags}. */
export const INLINED_SCOPE = 1;
/** The origin is in the DWZ supplementary file. */
export const ORIGIN_ELSEWHERE = 2;
export const HAS_ORIGIN = 4;
export const DECLARATION = 8;
/** DW_AT_inline is there: an abstract instance. */
export const ABSTRACT = 16;
/** The origin is a DW_AT_specification. */
export const SPECIFIES = 32;
/** Where a name is: two bits at {@link NAME_SHIFT} and two at {@link LINKAGE_SHIFT}. */
export const NAME_SHIFT = 8;
export const LINKAGE_SHIFT = 11;
export const NAME_NONE = 0;
export const NAME_IN_STR = 1;
export const NAME_IN_INFO = 2;
export const NAME_IN_LINE_STR = 3;
export const NAME_IN_SUPPLEMENT = 4;
export const NAME_MASK = 7;

/** No parent. */
export const NONE = 0xffffffff;

/**
 * The functions of one `.debug_info` in flat arrays: every subprogram (bodies, abstract instances, declarations) and
 * every inlined copy, in the order of their DIEs. Ranges are kept beside, in the same order, each with its scope.
 */
export class ScopeStore {
  count = 0;
  rangeCount = 0;
  dies: Uint32Array;
  parents: Uint32Array;
  flags: Uint16Array;
  names: Uint32Array;
  linkageNames: Uint32Array;
  origins: Uint32Array;
  /** Of inlined copies the call's place, of subprograms the declaration's. */
  files: Uint32Array;
  lines: Uint32Array;
  columns: Uint16Array;
  firstRanges: Uint32Array;
  rangeLows: Float64Array;
  rangeHighs: Float64Array;
  rangeScopes: Uint32Array;

  constructor(scopes: number, ranges: number) {
    this.dies = new Uint32Array(scopes);
    this.parents = new Uint32Array(scopes);
    this.flags = new Uint16Array(scopes);
    this.names = new Uint32Array(scopes);
    this.linkageNames = new Uint32Array(scopes);
    this.origins = new Uint32Array(scopes);
    this.files = new Uint32Array(scopes);
    this.lines = new Uint32Array(scopes);
    this.columns = new Uint16Array(scopes);
    this.firstRanges = new Uint32Array(scopes + 1);
    this.rangeLows = new Float64Array(ranges);
    this.rangeHighs = new Float64Array(ranges);
    this.rangeScopes = new Uint32Array(ranges);
  }

  get capacity(): number {
    return this.dies.length;
  }

  get heldBytes(): number {
    return this.count * (8 * 4 + 2 * 2) + this.rangeCount * (8 + 8 + 4);
  }

  growScopes(minimum: number): void {
    const size = Math.max(minimum, this.capacity * 2, 256);
    const grow32 = (old: Uint32Array, length: number): Uint32Array<ArrayBuffer> => {
      const grown = new Uint32Array(length);
      grown.set(old);
      return grown;
    };
    const grow16 = (old: Uint16Array): Uint16Array<ArrayBuffer> => {
      const grown = new Uint16Array(size);
      grown.set(old);
      return grown;
    };
    this.dies = grow32(this.dies, size);
    this.parents = grow32(this.parents, size);
    this.flags = grow16(this.flags);
    this.names = grow32(this.names, size);
    this.linkageNames = grow32(this.linkageNames, size);
    this.origins = grow32(this.origins, size);
    this.files = grow32(this.files, size);
    this.lines = grow32(this.lines, size);
    this.columns = grow16(this.columns);
    this.firstRanges = grow32(this.firstRanges, size + 1);
  }

  addRange(scope: number, low: number, high: number): void {
    // Ranges of dropped code start at −1 (or −2) and seem to go through 0.
    if (!(low < high) || (low < 0 && high >= 0)) return;
    if (this.rangeCount === this.rangeLows.length) this.#growRanges();
    this.rangeLows[this.rangeCount] = low;
    this.rangeHighs[this.rangeCount] = high;
    this.rangeScopes[this.rangeCount] = scope;
    this.rangeCount++;
  }

  #growRanges(): void {
    const size = Math.max(256, this.rangeLows.length * 2);
    const lows = new Float64Array(size);
    lows.set(this.rangeLows);
    this.rangeLows = lows;
    const highs = new Float64Array(size);
    highs.set(this.rangeHighs);
    this.rangeHighs = highs;
    const scopes = new Uint32Array(size);
    scopes.set(this.rangeScopes);
    this.rangeScopes = scopes;
  }
}

/** The part of a {@link ScopeStore} that belongs to one unit. */
export interface UnitScopes {
  readonly first: number;
  readonly end: number;
  readonly firstRange: number;
  readonly endRange: number;
}

/** The scope of the DIE at `offset`: scopes stand in the order of their DIEs. */
export function scopeOfDie(store: ScopeStore, scopes: UnitScopes, offset: number): number | undefined {
  const { dies } = store;
  let low = scopes.first;
  let high = scopes.end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (dies[middle]! < offset) low = middle + 1;
    else high = middle;
  }
  return low < scopes.end && dies[low] === offset ? low : undefined;
}
