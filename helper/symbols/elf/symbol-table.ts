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

/** A symbol table as flat arrays; names are decoded when asked for (vmlinux has 200,000 of them). */
export class SymbolTable {
  readonly count: number;
  readonly values: Float64Array;
  readonly sizes: Float64Array;
  readonly infos: Uint8Array;
  readonly sections: Uint16Array;
  readonly #names: Uint32Array;
  readonly #strings: LazyBytes | undefined;

  constructor(
    bytes: Uint8Array,
    is64: boolean,
    strings: LazyBytes | undefined,
    relocatable: readonly Section[] | undefined,
  ) {
    const entry = is64 ? 24 : 16;
    const count = Math.floor(bytes.length / entry);
    const table = new TableReader(bytes, is64);
    this.count = count;
    this.values = new Float64Array(count);
    this.sizes = new Float64Array(count);
    this.infos = new Uint8Array(count);
    this.sections = new Uint16Array(count);
    this.#names = new Uint32Array(count);
    this.#strings = strings;
    for (let index = 0; index < count; index++) {
      const at = index * entry;
      this.#names[index] = table.u32(at);
      this.infos[index] = bytes[at + (is64 ? 4 : 12)]!;
      this.sections[index] = table.u16(at + (is64 ? 6 : 14));
      this.values[index] = is64 ? table.address64(at + 8) : table.u32(at + 4);
      this.sizes[index] = is64 ? table.size64(at + 16) : table.u32(at + 8);
    }
    if (relocatable !== undefined) this.#addSectionAddresses(relocatable);
  }

  #addSectionAddresses(sections: readonly Section[]): void {
    for (let index = 0; index < this.count; index++) {
      const section = sections[this.sections[index]!];
      if (section !== undefined && this.sections[index]! < SHN_ABS)
        this.values[index] = this.values[index]! + section.address;
    }
  }

  type(index: number): number {
    return this.infos[index]! & 15;
  }

  binding(index: number): number {
    return this.infos[index]! >> 4;
  }

  name(index: number): string {
    return this.#strings?.string(this.#names[index]!) ?? '';
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

  /** Reads all names at once, for loops over the whole table. */
  loadNames(): void {
    this.#strings?.all();
  }

  *[Symbol.iterator](): Iterator<ElfSymbol> {
    this.loadNames();
    for (let index = 0; index < this.count; index++) yield this.at(index);
  }
}
