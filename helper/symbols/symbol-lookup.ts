import type { ElfFile } from './elf.ts';
import { SHF_ALLOC } from './elf/header.ts';
import type { SymbolTable } from './elf/symbol-table.ts';
import {
  SHN_UNDEF,
  STB_LOCAL,
  STT_FILE,
  STT_FUNC,
  STT_GNU_IFUNC,
  STT_NOTYPE,
  STT_OBJECT,
} from './elf/symbol-table.ts';

export interface FoundSymbol {
  readonly name: string;
  readonly address: number;
  readonly sizeBytes: number;
  readonly index: number;
}

/**
 * Symbols by address, chosen as llvm-symbolizer does: `.symtab`, or `.dynsym` where that is stripped; functions, data
 * and untyped symbols (assembly has those); at one address the largest, and of equals the last; a symbol without size
 * reaches to the next one.
 */
export class SymbolLookup {
  readonly #table: SymbolTable | undefined;
  readonly #addresses: Float64Array;
  readonly #indices: Uint32Array;
  readonly #names = new Map<number, string>();
  /** The STT_FILE symbols, by index: each precedes the local symbols of its file. */
  #files: Uint32Array | undefined;

  constructor(elf: ElfFile) {
    const symbols = elf.symbols();
    this.#table = symbols !== undefined && symbols.count > 1 ? symbols : elf.dynamicSymbols();
    const chosen = this.#table === undefined ? new Uint32Array(0) : choose(elf, this.#table);
    this.#indices = chosen;
    const { values } = this.#table ?? { values: new Float64Array(0) };
    this.#addresses = Float64Array.from(chosen, (index) => values[index]!);
  }

  /** The symbol at or before `address` that reaches it. */
  find(address: number): FoundSymbol | undefined {
    let low = 0;
    let high = this.#addresses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#addresses[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    const table = this.#table;
    if (low === 0 || table === undefined) return undefined;
    const index = this.#indices[low - 1]!;
    const sizeBytes = table.sizes[index]!;
    const start = this.#addresses[low - 1]!;
    if (sizeBytes !== 0 && start + sizeBytes <= address) return undefined;
    let name = this.#names.get(index);
    if (name === undefined) this.#names.set(index, (name = table.name(index)));
    return { name, address: start, sizeBytes, index };
  }

  /** Function symbols in the order of their addresses. */
  *functions(): Generator<FoundSymbol> {
    const table = this.#table;
    if (table === undefined) return;
    for (const index of this.#indices) {
      const type = table.type(index);
      if (type === STT_FUNC || type === STT_GNU_IFUNC)
        yield {
          name: table.name(index),
          address: table.values[index]!,
          sizeBytes: table.sizes[index]!,
          index,
        };
    }
  }

  /** The source file that the STT_FILE symbol before a local symbol names; only its base name is known. */
  fileOf(symbol: FoundSymbol): string | undefined {
    const table = this.#table;
    if (table === undefined || table.binding(symbol.index) !== STB_LOCAL) return undefined;
    this.#files ??= Uint32Array.from(
      Array.from({ length: table.count }, (_, index) => index).filter(
        (index) => table.type(index) === STT_FILE,
      ),
    );
    const next = this.#files.findIndex((index) => index > symbol.index);
    const file = this.#files[(next < 0 ? this.#files.length : next) - 1];
    if (file !== undefined && table.name(file) !== '') return table.name(file);
    return undefined;
  }
}

/** Mapping symbols of ARM and RISC-V mark data in code; they name nothing. */
function isMappingSymbol(name: string): boolean {
  return /^\$[adtx](\.|$)/.test(name);
}

function choose(elf: ElfFile, table: SymbolTable): Uint32Array {
  const { values, sizes, sections, count } = table;
  const allocated = elf.sections.map(({ flags }) => (flags & SHF_ALLOC) !== 0);
  const mapped = elf.header.machine === 'aarch64' || elf.header.machine === 'arm';
  const candidates: number[] = [];
  for (let index = 1; index < count; index++) {
    const type = table.type(index);
    if (type !== STT_FUNC && type !== STT_NOTYPE && type !== STT_OBJECT && type !== STT_GNU_IFUNC) continue;
    const section = sections[index]!;
    if (section === SHN_UNDEF || allocated[section] !== true) continue;
    if (mapped && type === STT_NOTYPE && isMappingSymbol(table.name(index))) continue;
    candidates.push(index);
  }
  const order = Uint32Array.from(candidates);
  order.sort((a, b) => values[a]! - values[b]! || sizes[a]! - sizes[b]! || a - b);
  let kept = 0;
  for (let at = 0; at < order.length; at++)
    if (at + 1 === order.length || values[order[at + 1]!] !== values[order[at]!]) order[kept++] = order[at]!;
  return order.slice(0, kept);
}
