import type { ElfFile } from './elf.ts';
import { SHF_EXECINSTR } from './elf/header.ts';
import { STT_FUNC, STT_GNU_IFUNC, type SymbolTable } from './elf/symbol-table.ts';
import { decoderOf } from './instructions/decode.ts';

export interface IfuncTarget {
  /** Absent in a stripped file. */
  readonly name?: string;
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
  const sizeBytes = tables
    .map((table) => sizeOfIfunc(table, symbol, resolver))
    .find((size) => size !== undefined);
  if (sizeBytes === undefined) return undefined;
  const functions = new Map<number, string>();
  for (const table of tables)
    for (const { name, value, type, section } of table)
      if (type === STT_FUNC && section !== 0 && !functions.has(value)) functions.set(value, name);
  // a library that was stripped names its exported functions only: what a resolver takes the address of is code there too
  const isStripped = elf.symbols() === undefined;
  const found = new Map<number, string | undefined>();
  for (const target of leaTargets(elf, resolver, sizeBytes)) {
    const name = functions.get(target);
    if (name !== undefined || (isStripped && isCode(elf, target))) found.set(target, name);
  }
  for (const [address, name] of functions)
    if (name.startsWith(`${symbol}.`) && !name.endsWith('.resolver')) found.set(address, name);
  return [...found].map(([address, name]) => ({ address, ...(name === undefined ? {} : { name }) }));
}

function isCode(elf: ElfFile, address: number): boolean {
  return elf.sections.some(
    (section) =>
      (section.flags & SHF_EXECINSTR) !== 0 &&
      section.address <= address &&
      address < section.address + section.sizeBytes,
  );
}

/** Bytes of the resolver as its symbol tells them, 0 where it does not; undefined where no such indirect function is. */
function sizeOfIfunc(table: SymbolTable, name: string, address: number): number | undefined {
  for (let index = 0; index < table.count; index++)
    if (table.type(index) === STT_GNU_IFUNC && table.values[index] === address && table.name(index) === name)
      return table.sizes[index]!;
  return undefined;
}

function* leaTargets(elf: ElfFile, resolver: number, sizeBytes: number): Generator<number> {
  const decode = decoderOf(elf.header.machine);
  const bytes = elf.bytesAt(resolver, Math.min(LONGEST_RESOLVER, sizeBytes || LONGEST_RESOLVER));
  for (let at = 0; decode !== undefined && at < bytes.length;) {
    const instruction = decode(bytes, at, resolver + at);
    if (instruction === undefined || instruction.class === 'invalid') return;
    if (instruction.class === 'move' && instruction.target !== undefined) yield instruction.target;
    at += instruction.lengthBytes;
    // without a size: resolvers end with a return, and code behind padding is another function's
    const isPadding = bytes[at] === 0xcc || bytes[at] === 0x90 || bytes[at] === 0x66;
    if (sizeBytes === 0 && instruction.class === 'return' && isPadding) return;
  }
}

/** Why a resolver is not probed in place of its function. */
export function resolverReason(symbol: string, targets: readonly IfuncTarget[]): string {
  const picks =
    targets.length < 2 ? 'picks an implementation' : `picks one of ${targets.length} implementations`;
  return `${symbol} is a resolver: it runs once, when the program is loaded, and ${picks}.`;
}
