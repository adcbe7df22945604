import type { DwarfFile } from './file.ts';
import { rangesOf } from './lists.ts';
import { DwarfReader } from './reader.ts';
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

/**
 * Which unit holds an address: by `.debug_aranges` where it answers (gcc writes it; reading it takes a millisecond), else by
 * the ranges of the units' roots, since clang and Go write none and one file may be of several compilers.
 */
export class UnitLookup {
  readonly #file: DwarfFile;
  readonly #listed = new RangeList();
  readonly #listedUnits = new Set<number>();
  #quick: FlatRanges | undefined;
  #complete: FlatRanges | undefined;

  constructor(file: DwarfFile) {
    this.#file = file;
  }

  /** The unit at `address`, or undefined. Where units overlap, the one that comes first in the file, as in LLVM. */
  find(address: number): Unit | undefined {
    if (this.#complete === undefined) {
      this.#quick ??= this.#readAranges();
      const offset = search(this.#quick, address);
      if (offset !== undefined) return this.#file.unitAt(offset);
    }
    const offset = search(this.complete(), address);
    return offset === undefined ? undefined : this.#file.unitAt(offset);
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

  /** `.debug_aranges` (DWARF 5 section 6.1.2). A damaged one is as good as none. */
  #readAranges(): FlatRanges {
    const section = this.#file.sections.aranges;
    const list = this.#listed;
    if (section === undefined) return flatten(list);
    const bytes = section.all();
    const reader = new DwarfReader(bytes, 0, bytes.length, this.#file.path, '.debug_aranges');
    while (reader.at + 12 <= bytes.length) {
      const start = reader.at;
      const { length, is64 } = reader.initialLength();
      const end = reader.at + length;
      if (end > bytes.length || length < 8) break;
      reader.u16();
      const unit = reader.offset(is64);
      const size = reader.u8();
      reader.u8();
      if (size !== 8 && size !== 4) break;
      this.#listedUnits.add(unit);
      // Tuples are aligned to their own size, from the set's start.
      reader.at = start + Math.ceil((reader.at - start) / (2 * size)) * 2 * size;
      while (reader.at + 2 * size <= end) {
        const low = reader.address(size);
        const span = reader.address(size);
        if (low === 0 && span === 0) break;
        list.add(low, low + span, unit);
      }
      reader.at = end;
    }
    return flatten(list);
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
