import { abbreviation, CODE, makeElf, makeUnit, text, u16, u32, u64, uleb } from './make-elf.ts';

const DW_TAG_COMPILE_UNIT = 0x11;
const DW_AT = { name: 0x03, stmtList: 0x10, lowPc: 0x11, highPc: 0x12, compDir: 0x1b };
const DW_FORM = { addr: 0x01, data8: 0x07, string: 0x08, secOffset: 0x17, udata: 0x0f, lineStrp: 0x1f };
const BASE = 0x401000;

/** Bytes of a section put together by the piece: spreading a million numbers would overflow the stack. */
const joined = (pieces: readonly (readonly number[])[]): Uint8Array =>
  Buffer.concat(pieces.map((piece) => Buffer.from(piece)));

/**
 * A program of `units` units, each of whose line tables names `file` of `/made` among `filesPerUnit` others. Its tables take as long to
 * read as those of the largest real programs, without a compiler.
 */
export function programOfManyFiles(file: string, units: number, filesPerUnit: number): Uint8Array {
  const names = ['/made', file, ...Array.from({ length: 100 }, (_, index) => `other-${index}.h`)];
  const offsets: number[] = [];
  let end = 0;
  for (const name of names) {
    offsets.push(end);
    end += Buffer.byteLength(name) + 1;
  }
  const [directory = 0, wanted = 0, ...others] = offsets;
  const entry = (name: number): number[] => [...u32(name), 0];
  const cycle = Array.from({ length: filesPerUnit }, (_, index) => entry(others[index % others.length] ?? 0));
  const tables = joined([
    [1, 1, DW_FORM.lineStrp, 1, ...u32(directory)],
    [2, 1, DW_FORM.lineStrp, 2, DW_FORM.udata, ...uleb(filesPerUnit + 1)],
    entry(wanted),
    ...cycle,
  ]);
  // minimum instruction length, operations, default is_stmt, line base and range, and 13 opcodes with their operands
  const fixed = [1, 1, 1, 0xfb, 14, 13, ...[0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]];
  const program = Buffer.concat([
    Buffer.from([...u16(5), 8, 0, ...u32(fixed.length + tables.length), ...fixed]),
    tables,
  ]);
  const lineUnit = Buffer.concat([Buffer.from(u32(program.length)), program]);
  const abbreviations = [
    ...abbreviation(
      1,
      DW_TAG_COMPILE_UNIT,
      false,
      [DW_AT.name, DW_FORM.string],
      [DW_AT.compDir, DW_FORM.string],
      [DW_AT.stmtList, DW_FORM.secOffset],
      [DW_AT.lowPc, DW_FORM.addr],
      [DW_AT.highPc, DW_FORM.data8],
    ),
    0,
  ];
  const root = (unit: number): number[] => [
    1,
    ...text(file),
    ...text('/made'),
    ...u32(unit * lineUnit.length),
    ...u64(BASE + 16 * unit),
    ...u64(16),
  ];
  const each = Array.from({ length: units }, (_, unit) => unit);
  return makeElf([
    { name: '.text', bytes: new Uint8Array(16 * units).fill(0x90), flags: CODE, address: BASE },
    { name: '.debug_info', bytes: joined(each.map((unit) => makeUnit(root(unit)))) },
    { name: '.debug_abbrev', bytes: abbreviations },
    { name: '.debug_line', bytes: Buffer.concat(each.map(() => lineUnit)) },
    { name: '.debug_line_str', bytes: joined(names.map(text)) },
  ]);
}
