/** Writes the calibration program's ELF file: two segments, symbols, one USDT note. Source: System V ABI, chapter 4. */

/** Where the program's parts are loaded. */
export const BASE = 0x400000;
export const TEXT_OFFSET = 0x1000;
export const BUFFER = 0x600000;
/** The USDT probe that the program carries, at its first function. */
export const USDT_PROVIDER = 'probescope';
export const USDT_NAME = 'calibration';

/**
 * A USDT probe at an address (`.note.stapsdt`, sys/sdt.h): the doctor tries whether such probes attach. The base is that of
 * `.stapsdt.base`, which tells how far the file was moved; it was not.
 */
function stapsdtNote(address: number, base: number, provider: string, name: string): Buffer {
  const words = Buffer.from(`${provider}\0${name}\0\0`, 'latin1');
  const note = Buffer.alloc(align(12 + 8 + 24 + words.length, 4));
  note.writeUInt32LE(8, 0); // "stapsdt\0"
  note.writeUInt32LE(24 + words.length, 4);
  note.writeUInt32LE(3, 8);
  note.write('stapsdt\0', 12, 'latin1');
  [address, base, 0].forEach((value, index) => note.writeBigUInt64LE(BigInt(value), 20 + 8 * index));
  words.copy(note, 44);
  return note;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags?: number;
  readonly address?: number;
  readonly data: Buffer;
  readonly alignment: number;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

/**
 * A static executable of one text segment, loaded at {@link BASE} + {@link TEXT_OFFSET}, and one zero-filled page at
 * {@link BUFFER}.
 */
export function elfFile(
  machine: number,
  text: Buffer,
  entry: number,
  symbols: readonly { name: string; address: number; size: number }[],
): Buffer {
  const strtab = Buffer.from(['', ...symbols.map((symbol) => symbol.name), ''].join('\0'), 'latin1');
  const symtab = Buffer.alloc(24 * (symbols.length + 1));
  symbols.forEach((symbol, index) => {
    const at = 24 * (index + 1);
    symtab.writeUInt32LE(strtab.indexOf(`\0${symbol.name}\0`, 0, 'latin1') + 1, at);
    symtab.writeUInt8(0x12, at + 4); // STB_GLOBAL, STT_FUNC
    symtab.writeUInt16LE(1, at + 6);
    symtab.writeBigUInt64LE(BigInt(symbol.address), at + 8);
    symtab.writeBigUInt64LE(BigInt(symbol.size), at + 16);
  });
  const textAddress = BASE + TEXT_OFFSET;
  const probed = symbols[0]?.address ?? entry;
  const sections: Section[] = [
    { name: '', type: 0, data: Buffer.alloc(0), alignment: 1 },
    { name: '.text', type: 1, flags: 6, address: textAddress, data: text, alignment: 16 },
    { name: '.symtab', type: 2, data: symtab, alignment: 8, link: 3, info: 1, entrySize: 24 },
    { name: '.strtab', type: 3, data: strtab, alignment: 1 },
    { name: '.stapsdt.base', type: 1, flags: 2, address: textAddress, data: Buffer.alloc(1), alignment: 1 },
    {
      name: '.note.stapsdt',
      type: 7,
      data: stapsdtNote(probed, textAddress, USDT_PROVIDER, USDT_NAME),
      alignment: 4,
    },
  ];
  const names = [...sections.map((section) => section.name), '.shstrtab'];
  sections.push({
    name: '.shstrtab',
    type: 3,
    data: Buffer.from(`${names.join('\0')}\0`, 'latin1'),
    alignment: 1,
  });
  const nameOffsets = names.map(
    (_, index) => names.slice(0, index).join('\0').length + (index === 0 ? 0 : 1),
  );

  let end = TEXT_OFFSET;
  const offsets = sections.map((section) => {
    if (section.type === 0) return 0;
    const offset = align(end, section.alignment);
    end = offset + section.data.length;
    return offset;
  });
  const headers = align(end, 8);
  const file = Buffer.alloc(headers + 64 * sections.length);

  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(file); // ELF64, little endian
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(entry), 24);
  file.writeBigUInt64LE(64n, 32); // program headers
  file.writeBigUInt64LE(BigInt(headers), 40);
  [64, 56, 2, 64, sections.length, sections.length - 1].forEach((value, index) =>
    file.writeUInt16LE(value, 52 + 2 * index),
  );

  const segment = (index: number, flags: number, fields: readonly number[]) => {
    const at = 64 + 56 * index;
    file.writeUInt32LE(1, at); // PT_LOAD
    file.writeUInt32LE(flags, at + 4);
    fields.forEach((value, field) => file.writeBigUInt64LE(BigInt(value), at + 8 + 8 * field));
  };
  // offset, virtual and physical address, size in the file and in memory, alignment
  segment(0, 5, [TEXT_OFFSET, textAddress, textAddress, text.length, text.length, 0x1000]);
  segment(1, 6, [0, BUFFER, BUFFER, 0, 0x1000, 0x1000]);

  sections.forEach((section, index) => {
    const at = headers + 64 * index;
    const offset = offsets[index] ?? 0;
    file.writeUInt32LE(nameOffsets[index] ?? 0, at);
    file.writeUInt32LE(section.type, at + 4);
    [section.flags ?? 0, section.address ?? 0, offset, section.data.length].forEach((value, field) =>
      file.writeBigUInt64LE(BigInt(value), at + 8 + 8 * field),
    );
    file.writeUInt32LE(section.link ?? 0, at + 40);
    file.writeUInt32LE(section.info ?? 0, at + 44);
    file.writeBigUInt64LE(BigInt(section.type === 0 ? 0 : section.alignment), at + 48);
    file.writeBigUInt64LE(BigInt(section.entrySize ?? 0), at + 56);
    section.data.copy(file, offset);
  });
  return file;
}

const align = (value: number, to: number): number => Math.ceil(value / to) * to;
