import type { LazyBytes } from '../bytes.ts';
import type { Section } from './header.ts';
import { TableReader } from './header.ts';

export const STB_LOCAL = 0;
export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STT_FILE = 4;
export const STT_TLS = 6;
export const STT_GNU_IFUNC = 10;
/** Section index of symbols that are defined elsewhere. */
export const SHN_UNDEF = 0;
export const SHN_ABS = 0xfff1;

export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  /** A virtual address; in ET_REL files with the laid-out section's address added. */
  readonly value: number;
  readonly sizeBytes: number;
  /** STT_…: 0 no type, 1 object, 2 function, 3 section, 4 file, 6 TLS, 10 ifunc. */
  readonly type: number;
  /** STB_…: 0 local, 1 global, 2 weak, 10 unique. */
  readonly binding: number;
  readonly section: number;
}

/** The columns of a symbol table that loops over all of it want as flat arrays. */
interface Columns {
  readonly values: Float64Array;
  readonly sizes: Float64Array;
  readonly sections: Uint16Array;
}

/** Symbols that are read at once. */
const WINDOW = 512;

/**
 * A symbol table (gABI chapter 4, "Symbol Table"), read through a window: of Node's own 15 MB of symbols and names little is
 * wanted. Columns are decoded when one is asked for; who loops over all symbols loads them first.
 */
export class SymbolTable {
  readonly count: number;
  readonly #bytes: LazyBytes;
  readonly #is64: boolean;
  readonly #entry: number;
  /** Of the symbols from {@link #first} up to {@link #end}. */
  #table: TableReader;
  #window: Uint8Array | undefined;
  #first = 0;
  #end = 0;
  readonly #strings: LazyBytes | undefined;
  readonly #relocatable: readonly Section[] | undefined;
  #columns: Columns | undefined;

  constructor(
    bytes: LazyBytes,
    is64: boolean,
    strings: LazyBytes | undefined,
    relocatable: readonly Section[] | undefined,
  ) {
    this.#bytes = bytes;
    this.#is64 = is64;
    this.#entry = is64 ? 24 : 16;
    this.count = Math.floor(bytes.length / this.#entry);
    this.#table = new TableReader(new Uint8Array(0), is64);
    this.#strings = strings;
    this.#relocatable = relocatable;
  }

  /** Virtual addresses; in ET_REL files with the laid-out section's address added. */
  get values(): Float64Array {
    return (this.#columns ??= this.#decode()).values;
  }

  get sizes(): Float64Array {
    return (this.#columns ??= this.#decode()).sizes;
  }

  get sections(): Uint16Array {
    return (this.#columns ??= this.#decode()).sections;
  }

  /** Memory that the decoded columns take, in bytes; the table's own bytes are the section's. */
  get heldBytes(): number {
    return this.#columns === undefined ? 0 : this.count * (8 + 8 + 2);
  }

  /** The columns for one pass, which keeps them no longer. */
  columns(): Columns {
    return this.#columns ?? this.#decode();
  }

  /** Where a symbol's bytes begin in {@link #table}. */
  #at(index: number): number {
    if (index < this.#first || index >= this.#end) this.#read(index);
    return (index - this.#first) * this.#entry;
  }

  #read(index: number): void {
    const first = this.#bytes.isWhole ? 0 : Math.floor(index / WINDOW) * WINDOW;
    const end = this.#bytes.isWhole ? this.count : Math.min(this.count, first + WINDOW);
    if (index < first || index >= end) throw new RangeError(`There is no symbol ${index}.`);
    if (this.#bytes.isWhole) this.#table = new TableReader(this.#bytes.bytes, this.#is64);
    else {
      // one buffer for all that pass by: V8 is in no hurry to free a hundred of them
      if (this.#window === undefined) {
        this.#window = new Uint8Array(WINDOW * this.#entry);
        this.#table = new TableReader(this.#window, this.#is64);
      }
      this.#bytes.readInto(first * this.#entry, (end - first) * this.#entry, this.#window);
    }
    this.#first = first;
    this.#end = end;
  }

  #decode(): Columns {
    const { count } = this;
    const is64 = this.#is64;
    const values = new Float64Array(count);
    const sizes = new Float64Array(count);
    const sections = new Uint16Array(count);
    for (let index = 0; index < count; index++) {
      const at = this.#at(index);
      const table = this.#table;
      sections[index] = table.u16(at + (is64 ? 6 : 14));
      values[index] = is64 ? table.address64(at + 8) : table.u32(at + 4);
      sizes[index] = is64 ? table.size64(at + 16) : table.u32(at + 8);
    }
    if (this.#relocatable !== undefined) addSectionAddresses(values, sections, this.#relocatable);
    return { values, sizes, sections };
  }

  /**
   * The accepted symbol that starts last at or before `address`; of several there the largest, of equals the last.
   * Undefined when there is none. One pass over the bytes: cheaper than sorting for a handful of questions.
   */
  lastUpTo(address: number, accepts: (index: number) => boolean): number | undefined {
    const { count } = this;
    if (!this.#is64 || this.#relocatable !== undefined) return this.#lastOfColumns(address, accepts);
    let best: number | undefined;
    let bestValue = -Infinity;
    let bestSize = 0;
    for (let index = 0; index < count; index++) {
      const at = this.#at(index);
      const table = this.#table;
      const value = table.address64(at + 8);
      if (value > address || value < bestValue) continue;
      const size = table.size64(at + 16);
      if ((value === bestValue && size < bestSize) || !accepts(index)) continue;
      best = index;
      bestValue = value;
      bestSize = size;
    }
    return best;
  }

  #lastOfColumns(address: number, accepts: (index: number) => boolean): number | undefined {
    const { values, sizes } = this;
    let best: number | undefined;
    for (let index = 0; index < this.count; index++) {
      const value = values[index]!;
      if (value > address || !accepts(index)) continue;
      const known = best === undefined ? -Infinity : values[best]!;
      if (value > known || (value === known && sizes[index]! >= sizes[best!]!)) best = index;
    }
    return best;
  }

  type(index: number): number {
    return this.#info(index) & 15;
  }

  binding(index: number): number {
    return this.#info(index) >> 4;
  }

  #info(index: number): number {
    const at = this.#at(index);
    return this.#table.view.getUint8(at + (this.#is64 ? 4 : 12));
  }

  /** Where a symbol starts and how far it reaches, without decoding the others. */
  extent(index: number): { value: number; sizeBytes: number } {
    if (this.#columns !== undefined || this.#relocatable !== undefined || !this.#is64)
      return { value: this.values[index]!, sizeBytes: this.sizes[index]! };
    const at = this.#at(index);
    return { value: this.#table.address64(at + 8), sizeBytes: this.#table.size64(at + 16) };
  }

  /** The index of the section that a symbol belongs to, without decoding the others. */
  section(index: number): number {
    const at = this.#at(index);
    return this.#table.u16(at + (this.#is64 ? 6 : 14));
  }

  name(index: number): string {
    const at = this.#at(index);
    return this.#strings?.passingString(this.#table.u32(at)) ?? '';
  }

  at(index: number): ElfSymbol {
    return {
      index,
      name: this.name(index),
      value: this.values[index]!,
      sizeBytes: this.sizes[index]!,
      type: this.type(index),
      binding: this.binding(index),
      section: this.sections[index]!,
    };
  }

  /** Reads everything at once, for loops over the whole table. */
  load(): void {
    this.#bytes.all();
    this.#strings?.all();
  }

  *[Symbol.iterator](): Iterator<ElfSymbol> {
    this.load();
    for (let index = 0; index < this.count; index++) yield this.at(index);
  }
}

function addSectionAddresses(values: Float64Array, indices: Uint16Array, sections: readonly Section[]): void {
  for (let index = 0; index < values.length; index++) {
    const section = sections[indices[index]!];
    if (section !== undefined && indices[index]! < SHN_ABS) values[index] = values[index]! + section.address;
  }
}
