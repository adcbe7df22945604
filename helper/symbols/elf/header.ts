import type { ByteSource } from '../bytes.ts';
import { malformed, notElf, unsupported } from '../problems.ts';

/** ELF constants used here, by their names in the System V gABI. */
export const ET_REL = 1;
export const SHT_SYMTAB = 2;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;
export const SHF_COMPRESSED = 0x800;
export const PT_LOAD = 1;
export const PT_NOTE = 4;

export type Machine = 'x86-64' | 'aarch64' | 'x86' | 'arm' | 'riscv' | 's390x' | 'ppc64' | 'other';

export interface ElfHeader {
  readonly is64: boolean;
  readonly machine: Machine;
  readonly machineCode: number;
  /** ET_REL 1, ET_EXEC 2, ET_DYN 3, ET_CORE 4. */
  readonly type: number;
  readonly entry: number;
}

export interface Section {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** In ET_REL files: as laid out by {@link layOutRelocatable}, not the file's zero. */
  readonly address: number;
  readonly offset: number;
  /** In the file; a compressed section is larger when inflated. */
  readonly sizeBytes: number;
  readonly link: number;
  readonly info: number;
  readonly alignment: number;
  readonly entrySizeBytes: number;
}

export interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly fileSizeBytes: number;
  readonly memorySizeBytes: number;
}

const machines: Readonly<Record<number, Machine>> = {
  3: 'x86',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x86-64',
  183: 'aarch64',
  243: 'riscv',
};

/** Little-endian reads of one ELF table; 64-bit values as {@link ../address.ts} says. */
export class TableReader {
  readonly view: DataView;
  readonly is64: boolean;

  constructor(bytes: Uint8Array, is64: boolean) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.is64 = is64;
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  /** An unsigned size or file offset; beyond 2^53 inexact, and refused later by its bounds. */
  size64(at: number): number {
    return this.view.getUint32(at + 4, true) * 4294967296 + this.view.getUint32(at, true);
  }

  /** An address: signed 64 bits. */
  address64(at: number): number {
    return this.view.getInt32(at + 4, true) * 4294967296 + this.view.getUint32(at, true);
  }
}

export interface RawTables {
  readonly header: ElfHeader;
  readonly sections: Section[];
  readonly segments: Segment[];
}

function readBytes(source: ByteSource, what: string, offset: number, length: number): Uint8Array {
  if (!(offset >= 0 && length >= 0 && offset + length <= source.sizeBytes))
    throw malformed(
      source.path,
      what,
      offset,
      `the file of ${source.sizeBytes} bytes ends before its ${what}`,
    );
  const bytes = new Uint8Array(length);
  source.read(offset, length, bytes, 0);
  return bytes;
}

/** Reads the ELF header, section headers and program headers (gABI chapters 4 and 5). */
export function readTables(source: ByteSource): RawTables {
  if (source.sizeBytes < 52) throw notElf(source.path);
  const ident = readBytes(source, 'ELF header', 0, 52);
  if (ident[0] !== 0x7f || ident[1] !== 0x45 || ident[2] !== 0x4c || ident[3] !== 0x46)
    throw notElf(source.path);
  const is64 = ident[4] === 2;
  if (ident[5] === 2) {
    const code = (ident[18]! << 8) | ident[19]!;
    throw unsupported(source.path, `a big-endian ELF file (${machines[code] ?? `machine ${code}`})`);
  }
  if (ident[5] !== 1 || (ident[4] !== 1 && ident[4] !== 2))
    throw malformed(source.path, 'ELF header', 4, 'its class or byte order is neither of the defined ones');
  const raw = new TableReader(readBytes(source, 'ELF header', 0, is64 ? 64 : 52), is64);
  const machineCode = raw.u16(18);
  const header: ElfHeader = {
    is64,
    machine: machines[machineCode] ?? 'other',
    machineCode,
    type: raw.u16(16),
    entry: is64 ? raw.address64(24) : raw.u32(24),
  };
  return { header, sections: readSections(source, raw), segments: readSegments(source, raw) };
}

function readSegments(source: ByteSource, raw: TableReader): Segment[] {
  const { is64 } = raw;
  const offset = is64 ? raw.size64(32) : raw.u32(28);
  const entry = raw.u16(is64 ? 54 : 42);
  const count = raw.u16(is64 ? 56 : 44);
  if (count === 0 || offset === 0) return [];
  if (entry < (is64 ? 56 : 32))
    throw malformed(source.path, 'program headers', offset, `entries of ${entry} bytes are too small`);
  const table = new TableReader(readBytes(source, 'program headers', offset, count * entry), is64);
  return Array.from({ length: count }, (_, index) => {
    const at = index * entry;
    return is64
      ? {
          type: table.u32(at),
          flags: table.u32(at + 4),
          offset: table.size64(at + 8),
          vaddr: table.address64(at + 16),
          fileSizeBytes: table.size64(at + 32),
          memorySizeBytes: table.size64(at + 40),
        }
      : {
          type: table.u32(at),
          offset: table.u32(at + 4),
          vaddr: table.u32(at + 8),
          fileSizeBytes: table.u32(at + 16),
          memorySizeBytes: table.u32(at + 20),
          flags: table.u32(at + 24),
        };
  });
}

function readSections(source: ByteSource, raw: TableReader): Section[] {
  const { is64 } = raw;
  const offset = is64 ? raw.size64(40) : raw.u32(32);
  const entry = raw.u16(is64 ? 58 : 46);
  let count = raw.u16(is64 ? 60 : 48);
  let names = raw.u16(is64 ? 62 : 50);
  if (offset === 0) return [];
  if (entry < (is64 ? 64 : 40))
    throw malformed(source.path, 'section headers', offset, `entries of ${entry} bytes are too small`);
  // Files with 0xff00 sections or more keep the real counts in section 0.
  const first = new TableReader(readBytes(source, 'section headers', offset, entry), is64);
  if (count === 0) count = is64 ? first.size64(32) : first.u32(20);
  if (names === 0xffff) names = first.u32(is64 ? 40 : 24);
  const table = new TableReader(readBytes(source, 'section headers', offset, count * entry), is64);
  const sections: Section[] = [];
  for (let index = 0; index < count; index++) sections.push(sectionAt(table, index, index * entry));
  return withNames(source, sections, names, table, entry);
}

function sectionAt(table: TableReader, index: number, at: number): Section {
  const { is64 } = table;
  return {
    index,
    name: '',
    type: table.u32(at + 4),
    flags: is64 ? table.size64(at + 8) : table.u32(at + 8),
    address: is64 ? table.address64(at + 16) : table.u32(at + 12),
    offset: is64 ? table.size64(at + 24) : table.u32(at + 16),
    sizeBytes: is64 ? table.size64(at + 32) : table.u32(at + 20),
    link: table.u32(at + (is64 ? 40 : 24)),
    info: table.u32(at + (is64 ? 44 : 28)),
    alignment: is64 ? table.size64(at + 48) : table.u32(at + 32),
    entrySizeBytes: is64 ? table.size64(at + 56) : table.u32(at + 36),
  };
}

function withNames(
  source: ByteSource,
  sections: Section[],
  namesIndex: number,
  table: TableReader,
  entry: number,
): Section[] {
  const names = sections[namesIndex];
  if (names === undefined || names.type === SHT_NOBITS) return sections;
  const bytes = readBytes(source, 'section names', names.offset, names.sizeBytes);
  return sections.map((section) => {
    const at = table.u32(section.index * entry);
    const end = bytes.indexOf(0, at);
    const name =
      at < bytes.length ? Buffer.from(bytes.subarray(at, end < 0 ? undefined : end)).toString() : '';
    return { ...section, name };
  });
}

/**
 * Gives each allocated section of an ET_REL file (a `.ko`, a `.o`) an address of its own: `.text` from 0 on, the others
 * behind it in file order. They all say 0, so that without this every address of such a file would be ambiguous.
 */
export function layOutRelocatable(sections: readonly Section[]): Section[] {
  const addresses = new Map<number, number>();
  let next = 0;
  const isText = (section: Section): boolean => section.name === '.text';
  for (const section of [...sections.filter(isText), ...sections.filter((section) => !isText(section))]) {
    if ((section.flags & SHF_ALLOC) === 0) continue;
    const alignment = Math.max(1, Math.min(section.alignment, 4096));
    next = Math.ceil(next / alignment) * alignment;
    addresses.set(section.index, next);
    next += section.sizeBytes;
  }
  return sections.map((section) => ({
    ...section,
    address: addresses.get(section.index) ?? section.address,
  }));
}
