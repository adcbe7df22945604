import type { ElfFile } from './elf.ts';
import { STT_FUNC, STT_GNU_IFUNC, type SymbolTable } from './elf/symbol-table.ts';
import { decoderOf } from './instructions/decode.ts';

export interface IfuncTarget {
  readonly name: string;
  readonly address: number;
}

/** A resolver has some 50 to 300 bytes. */
const LONGEST_RESOLVER = 4096;

/**
 * The implementations among which the resolver of an indirect function (STT_GNU_IFUNC) chooses, or undefined when the
 * symbol is none. They are what the resolver's `lea` instructions name, and symbols that multiversioning called
 * `name.VARIANT`.
 */
export function ifuncTargets(
  elf: ElfFile,
  symbol: string,
  resolver: number,
): readonly IfuncTarget[] | undefined {
  const tables = [elf.symbols(), elf.dynamicSymbols()].filter((table) => table !== undefined);
  const indirect = tables.some((table) => hasIfunc(table, symbol, resolver));
  if (!indirect) return undefined;
  const functions = new Map<number, string>();
  for (const table of tables)
    for (const { name, value, type, section } of table)
      if (type === STT_FUNC && section !== 0 && !functions.has(value)) functions.set(value, name);
  const found = new Map<number, string>();
  for (const target of leaTargets(elf, resolver)) {
    const name = functions.get(target);
    if (name !== undefined) found.set(target, name);
  }
  for (const [address, name] of functions)
    if (name.startsWith(`${symbol}.`) && !name.endsWith('.resolver')) found.set(address, name);
  return [...found].map(([address, name]) => ({ address, name }));
}

function hasIfunc(table: SymbolTable, name: string, address: number): boolean {
  for (let index = 0; index < table.count; index++)
    if (table.type(index) === STT_GNU_IFUNC && table.values[index] === address && table.name(index) === name)
      return true;
  return false;
}

function* leaTargets(elf: ElfFile, resolver: number): Generator<number> {
  const decode = decoderOf(elf.header.machine);
  const bytes = elf.bytesAt(resolver, LONGEST_RESOLVER);
  for (let at = 0; decode !== undefined && at < bytes.length;) {
    const instruction = decode(bytes, at, resolver + at);
    if (instruction === undefined || instruction.class === 'invalid') return;
    if (instruction.class === 'move' && instruction.target !== undefined) yield instruction.target;
    at += instruction.lengthBytes;
    // Resolvers end with a return; code behind it is another function's.
    if (instruction.class === 'return' && (bytes[at] === 0xcc || bytes[at] === 0x90 || bytes[at] === 0x66))
      return;
  }
}
