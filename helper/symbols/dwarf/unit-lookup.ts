import type { DwarfFile } from './file.ts';
import { rangesOf } from './lists.ts';
import type { Unit } from './unit.ts';
import { unitTypes } from './constants.ts';

/** Flat `low, high, unit offset` triples. */
class RangeList {
  readonly lows: number[] = [];
  readonly highs: number[] = [];
  readonly units: number[] = [];

  add(low: number, high: number, unit: number): void {
    if (!(low < high) || (low < 0 && high >= 0)) return;
    this.lows.push(low);
    this.highs.push(high);
    this.units.push(unit);
  }
}

/** Disjoint ranges in ascending order. */
interface FlatRanges {
  readonly lows: Float64Array;
  readonly highs: Float64Array;
  readonly units: Float64Array;
}

/** So many questions are answered by a pass over `.debug_aranges` each; cutting its ranges into disjoint ones takes 25 ms. */
const FEW = 8;

/**
 * Which unit holds an address: by `.debug_aranges` where it answers (gcc writes it; reading it takes a millisecond), else by
 * the ranges of the units' roots, since clang and Go write none and one file may be of several compilers.
 */
export class UnitLookup {
  readonly #file: DwarfFile;
  readonly #listed = new RangeList();
  readonly #listedUnits = new Set<number>();
  #questions = 0;
  #quick: FlatRanges | undefined;
  #complete: FlatRanges | undefined;

  constructor(file: DwarfFile) {
    this.#file = file;
  }

  /** The unit at `address`, or undefined. Where units overlap, the one that comes first in the file, as in LLVM. */
  find(address: number): Unit | undefined {
    if (this.#complete === undefined) {
      const offset =
        this.#quick === undefined && this.#questions++ < FEW
          ? this.#scanAranges(address)
          : search((this.#quick ??= this.#readAranges()), address);
      if (offset !== undefined) return this.#file.unitAt(offset);
    }
    const offset = search(this.complete(), address);
    return offset === undefined ? undefined : this.#file.unitAt(offset);
  }

  /** More questions follow than are worth a pass each. */
  expectMany(): void {
    this.#questions = FEW;
  }

  /** Builds the map over all units. */
  complete(): FlatRanges {
    if (this.#complete !== undefined) return this.#complete;
    this.#quick ??= this.#readAranges();
    for (const unit of this.#file.units) {
      if (this.#listedUnits.has(unit.offset) || unit.isTypeUnit || unit.header.type === unitTypes.partial)
        continue;
      for (const { low, high } of rangesOf(unit.root())) this.#listed.add(low, high, unit.offset);
    }
    return (this.#complete = flatten(this.#listed));
  }

  #readAranges(): FlatRanges {
    const list = this.#listed;
    const { aranges } = this.#file.sections;
    if (aranges !== undefined)
      readAranges(aranges.all(), (low, high, unit) => {
        this.#listedUnits.add(unit);
        if (low !== high) list.add(low, high, unit);
      });
    return flatten(list);
  }

  /** As the look-up in {@link #readAranges}'s result, by one pass over the section. */
  #scanAranges(address: number): number | undefined {
    const { aranges } = this.#file.sections;
    let found: number | undefined;
    if (aranges !== undefined)
      readAranges(aranges.all(), (low, high, unit) => {
        if (address < low || address >= high || (low < 0 && high >= 0)) return;
        if (found === undefined || unit < found) found = unit;
      });
    return found;
  }
}

/**
 * Reads `.debug_aranges` (DWARF 5 section 6.1.2): each range with its unit; a set also tells its unit by one empty range, since
 * it may have no other. A damaged section is as good as none: what follows the damage is left out.
 */
function readAranges(bytes: Uint8Array, visit: (low: number, high: number, unit: number) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u64 = (at: number): number => view.getInt32(at + 4, true) * 4294967296 + view.getUint32(at, true);
  for (let start = 0; start + 12 <= bytes.length;) {
    const short = view.getUint32(start, true);
    const is64 = short === 0xffffffff;
    if (!is64 && short >= 0xfffffff0) return;
    const body = start + (is64 ? 12 : 4);
    const end = body + (is64 ? u64(start + 4) : short);
    if (!(end <= bytes.length) || end < body + (is64 ? 12 : 8)) return;
    const unit = is64 ? u64(body + 2) : view.getUint32(body + 2, true);
    const size = bytes[body + (is64 ? 10 : 6)]!;
    if (size !== 8 && size !== 4) return;
    visit(0, 0, unit);
    // Tuples are aligned to their own size, from the set's start.
    const header = body + (is64 ? 12 : 8) - start;
    for (let at = start + Math.ceil(header / (2 * size)) * 2 * size; at + 2 * size <= end; at += 2 * size) {
      const low = size === 8 ? u64(at) : view.getUint32(at, true);
      const span = size === 8 ? u64(at + 8) : view.getUint32(at + 4, true);
      if (low === 0 && span === 0) break;
      visit(low, low + span, unit);
    }
    start = end;
  }
}

function search({ lows, highs, units }: FlatRanges, address: number): number | undefined {
  let low = 0;
  let high = lows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lows[middle]! <= address) low = middle + 1;
    else high = middle;
  }
  return low > 0 && address < highs[low - 1]! ? units[low - 1] : undefined;
}

/** Cuts overlapping ranges into disjoint ones (a sweep over their ends), joined where a unit goes on. */
function flatten({ lows, highs, units }: RangeList): FlatRanges {
  const count = lows.length;
  const ends = new Float64Array(2 * count);
  for (let index = 0; index < count; index++) {
    ends[2 * index] = lows[index]!;
    ends[2 * index + 1] = highs[index]!;
  }
  const order = sortedOrder(ends);
  const open = new OpenUnits();
  const found = new RangeList();
  let previous = -Infinity;
  for (const end of order) {
    const address = ends[end]!;
    const unit = units[end >> 1]!;
    if (previous < address && open.size > 0) {
      const last = found.lows.length - 1;
      if (last >= 0 && found.highs[last] === previous && open.has(found.units[last]!))
        found.highs[last] = address;
      else found.add(previous, address, open.least());
    }
    if ((end & 1) === 0) open.add(unit);
    else open.remove(unit);
    previous = address;
  }
  return {
    lows: Float64Array.from(found.lows),
    highs: Float64Array.from(found.highs),
    units: Float64Array.from(found.units),
  };
}

/** Indices of `values` in ascending order; ends come before starts at one address only by their place in the file. */
function sortedOrder(values: Float64Array): Uint32Array {
  const order = new Uint32Array(values.length);
  for (let index = 0; index < order.length; index++) order[index] = index;
  return order.sort((a, b) => values[a]! - values[b]! || a - b);
}

/** A multiset of unit offsets that knows its least member: a heap with lazy removal. */
class OpenUnits {
  size = 0;
  readonly #counts = new Map<number, number>();
  readonly #heap: number[] = [];

  has(unit: number): boolean {
    return this.#counts.has(unit);
  }

  add(unit: number): void {
    this.size++;
    const count = this.#counts.get(unit) ?? 0;
    this.#counts.set(unit, count + 1);
    if (count > 0) return;
    const heap = this.#heap;
    let at = heap.push(unit) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (heap[parent]! <= unit) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = unit;
  }

  remove(unit: number): void {
    const count = this.#counts.get(unit);
    if (count === undefined) return;
    this.size--;
    if (count === 1) this.#counts.delete(unit);
    else this.#counts.set(unit, count - 1);
  }

  least(): number {
    while (this.#heap.length > 1 && !this.#counts.has(this.#heap[0]!)) this.#pop();
    return this.#heap[0]!;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= last) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
