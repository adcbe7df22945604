import type { ElfFile } from './elf.ts';
import type { Machine, Section } from './elf/header.ts';
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

/** One symbol an address, ascending. */
interface OrderedSymbols {
  readonly addresses: Float64Array;
  readonly indices: Uint32Array;
}

/** So many questions are answered by a pass over the table each; sorting vmlinux's 130,000 symbols costs 40 ms. */
const FEW = 8;

/**
 * Symbols by address, chosen as llvm-symbolizer does: `.symtab`, or `.dynsym` where that is stripped; functions, data
 * and untyped symbols (assembly has those); at one address the largest, and of equals the last; a symbol without size
 * reaches to the next one.
 */
export class SymbolLookup {
  readonly #table: SymbolTable | undefined;
  readonly #accepts: (index: number) => boolean;
  readonly #found = new Map<number, FoundSymbol>();
  #ordered: OrderedSymbols | undefined;
  #questions = 0;
  /** The STT_FILE symbols, by index: each precedes the local symbols of its file. */
  #files: Uint32Array | undefined;
  /** Indices of function symbols by address, where several are at one. */
  #aliases: ReadonlyMap<number, readonly number[]> | undefined;

  constructor(elf: ElfFile) {
    const symbols = elf.symbols();
    this.#table = symbols !== undefined && symbols.count > 1 ? symbols : elf.dynamicSymbols();
    this.#accepts =
      this.#table === undefined ? () => false : candidates(elf.sections, elf.header.machine, this.#table);
  }

  /** Memory that the order takes, in bytes. */
  get heldBytes(): number {
    return (this.#ordered?.addresses.byteLength ?? 0) + (this.#ordered?.indices.byteLength ?? 0);
  }

  /** The symbol at or before `address` that reaches it. */
  find(address: number): FoundSymbol | undefined {
    const table = this.#table;
    if (table === undefined) return undefined;
    const index =
      this.#ordered === undefined && this.#questions++ < FEW
        ? table.lastUpTo(address, this.#accepts)
        : this.#lastUpTo(address);
    if (index === undefined) return undefined;
    let symbol = this.#found.get(index);
    if (symbol === undefined) {
      const { value, sizeBytes } = table.extent(index);
      symbol = { name: table.name(index), address: value, sizeBytes, index };
      this.#found.set(index, symbol);
    }
    const { address: start, sizeBytes } = symbol;
    return sizeBytes !== 0 && start + sizeBytes <= address ? undefined : symbol;
  }

  /** Addresses around `address`, itself included, for which {@link find} answers the same; not all of them. */
  spanAt(address: number): { readonly from: number; readonly to: number } {
    if (this.#ordered === undefined) return { from: address, to: address + 1 };
    const { addresses } = this.#ordered;
    const after = this.#firstAfter(address);
    const next = addresses[after] ?? Infinity;
    if (after === 0) return { from: -Infinity, to: next };
    const start = addresses[after - 1]!;
    const symbol = this.find(address);
    if (symbol === undefined) return { from: address, to: next };
    return { from: start, to: symbol.sizeBytes === 0 ? next : Math.min(next, start + symbol.sizeBytes) };
  }

  /** Which of `names` is a symbol at `address`, beside the one that {@link find} takes: aliases, resolvers of indirect functions. */
  aliasAt(address: number, names: readonly string[]): string | undefined {
    const table = this.#table;
    if (table === undefined) return undefined;
    this.#aliases ??= functionAliases(table, this.#accepts);
    const there = (this.#aliases.get(address) ?? []).map((index) => table.name(index));
    return names.find((name) => there.includes(name));
  }

  #lastUpTo(address: number): number | undefined {
    const after = this.#firstAfter(address);
    return after === 0 ? undefined : this.#all().indices[after - 1]!;
  }

  #firstAfter(address: number): number {
    const { addresses } = this.#all();
    let low = 0;
    let high = addresses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (addresses[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #all(): OrderedSymbols {
    return (this.#ordered ??= inOrder(this.#table, this.#accepts));
  }

  /** Function symbols in the order of their addresses. */
  *functions(): Generator<FoundSymbol> {
    const table = this.#table;
    if (table === undefined) return;
    table.load();
    for (const index of this.#all().indices) {
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
    this.#files ??= fileSymbols(table);
    const next = this.#files.findIndex((index) => index > symbol.index);
    const file = this.#files[(next < 0 ? this.#files.length : next) - 1];
    if (file !== undefined && table.name(file) !== '') return table.name(file);
    return undefined;
  }
}

function functionAliases(
  table: SymbolTable,
  accepts: (index: number) => boolean,
): ReadonlyMap<number, readonly number[]> {
  const { values } = table.columns();
  const first = new Map<number, number>();
  const several = new Map<number, number[]>();
  for (let index = 1; index < table.count; index++) {
    const type = table.type(index);
    if ((type !== STT_FUNC && type !== STT_GNU_IFUNC) || !accepts(index)) continue;
    const address = values[index]!;
    const earlier = first.get(address);
    if (earlier === undefined) first.set(address, index);
    else {
      const known = several.get(address);
      if (known === undefined) several.set(address, [earlier, index]);
      else known.push(index);
    }
  }
  return several;
}

function fileSymbols(table: SymbolTable): Uint32Array {
  const found: number[] = [];
  for (let index = 0; index < table.count; index++) if (table.type(index) === STT_FILE) found.push(index);
  return Uint32Array.from(found);
}

/** Mapping symbols of ARM and RISC-V mark data in code; they name nothing. */
function isMappingSymbol(name: string): boolean {
  return /^\$[adtx](\.|$)/.test(name);
}

/** Which symbols name addresses. */
function candidates(
  sections: readonly Section[],
  machine: Machine,
  table: SymbolTable,
): (index: number) => boolean {
  const allocated = sections.map(({ flags }) => (flags & SHF_ALLOC) !== 0);
  const mapped = machine === 'aarch64' || machine === 'arm';
  return (index) => {
    const type = table.type(index);
    if (type !== STT_FUNC && type !== STT_NOTYPE && type !== STT_OBJECT && type !== STT_GNU_IFUNC)
      return false;
    const section = table.section(index);
    if (index === 0 || section === SHN_UNDEF || allocated[section] !== true) return false;
    return !(mapped && type === STT_NOTYPE && isMappingSymbol(table.name(index)));
  };
}

function inOrder(table: SymbolTable | undefined, accepts: (index: number) => boolean): OrderedSymbols {
  if (table === undefined) return { addresses: new Float64Array(0), indices: new Uint32Array(0) };
  const { count } = table;
  const { values, sizes } = table.columns();
  const accepted: number[] = [];
  for (let index = 1; index < count; index++) if (accepts(index)) accepted.push(index);
  const order = Uint32Array.from(accepted);
  order.sort((a, b) => values[a]! - values[b]! || sizes[a]! - sizes[b]! || a - b);
  let kept = 0;
  for (let at = 0; at < order.length; at++)
    if (at + 1 === order.length || values[order[at + 1]!] !== values[order[at]!]) order[kept++] = order[at]!;
  const indices = order.slice(0, kept);
  return { addresses: Float64Array.from(indices, (index) => values[index]!), indices };
}
