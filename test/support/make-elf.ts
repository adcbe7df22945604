/** Hand-made ELF files: what no compiler writes, byte by byte. */

/** A section of such a file; its bytes are what the test is about. */
export interface MadeSection {
  readonly name: string;
  readonly bytes: readonly number[] | Uint8Array;
  /** SHT_PROGBITS when absent. */
  readonly type?: number;
  readonly flags?: number;
  readonly address?: number;
}

/** Little-endian number of `size` bytes. */
export function le(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, at) => Math.floor(value / 256 ** at) % 256);
}

export const text = (value: string): number[] => [...Buffer.from(value), 0];

export const u16 = (value: number): number[] => le(value, 2);
export const u32 = (value: number): number[] => le(value, 4);
export const u64 = (value: number): number[] => le(value, 8);

export function uleb(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...uleb(Math.floor(value / 128))];
}

const ELF_HEADER = 64;
const SECTION_HEADER = 64;
const PROGBITS = 1;
const STRTAB = 3;
export const SHF_COMPRESSED = 0x800;
/** SHF_ALLOC and SHF_EXECINSTR. */
export const CODE = 6;

/** An x86-64 executable with these sections, and nothing else that could be wrong with it. */
export function makeElf(made: readonly MadeSection[]): Uint8Array {
  const names = ['', ...made.map(({ name }) => name), '.shstrtab'];
  const strings = names.flatMap(text);
  const nameAt = (index: number): number =>
    names.slice(0, index).reduce((sum, name) => sum + Buffer.byteLength(name) + 1, 0);
  const sections: MadeSection[] = [...made, { name: '.shstrtab', bytes: strings, type: STRTAB }];
  let offset = ELF_HEADER;
  const headers = [new Array<number>(SECTION_HEADER).fill(0)];
  for (const [index, { bytes, type = PROGBITS, flags = 0, address = 0 }] of sections.entries()) {
    headers.push([
      ...u32(nameAt(index + 1)),
      ...u32(type),
      ...u64(flags),
      ...u64(address),
      ...u64(offset),
      ...u64(bytes.length),
      ...u32(0),
      ...u32(0),
      ...u64(1),
      ...u64(0),
    ]);
    offset += bytes.length;
  }
  const header = [
    ...[0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0],
    ...u64(0),
    ...u16(2),
    ...u16(62),
    ...u32(1),
    ...u64(0x1000),
    ...u64(0),
    ...u64(offset),
    ...u32(0),
    ...u16(ELF_HEADER),
    ...u16(0),
    ...u16(0),
    ...u16(SECTION_HEADER),
    ...u16(headers.length),
    ...u16(headers.length - 1),
  ];
  return Buffer.concat([
    Buffer.from(header),
    ...sections.map(({ bytes }) => Buffer.from(bytes)),
    Buffer.from(headers.flat()),
  ]);
}

/** A DWARF 5 compile unit around the DIEs' bytes, whose first is at offset 12 (`0xc`) of the unit. */
export function makeUnit(dies: readonly number[], abbreviations = 0): number[] {
  const body = [...u16(5), 1, 8, ...u32(abbreviations), ...dies];
  return [...u32(body.length), ...body];
}

/** One abbreviation: code, tag, whether it has children, and pairs of attribute and form. */
export function abbreviation(
  code: number,
  tag: number,
  hasChildren: boolean,
  ...pairs: readonly (readonly [attribute: number, form: number])[]
): number[] {
  return [
    ...uleb(code),
    ...uleb(tag),
    hasChildren ? 1 : 0,
    ...pairs.flatMap(([attribute, form]) => [...uleb(attribute), ...uleb(form)]),
    0,
    0,
  ];
}
