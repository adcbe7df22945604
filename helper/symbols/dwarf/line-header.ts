import type { LazyBytes } from '../bytes.ts';
import { unsupported } from '../problems.ts';
import { forms } from './constants.ts';
import { DwarfReader } from './reader.ts';
import type { DwarfSections } from './sections.ts';

/** The fixed part of a line program's header (DWARF 5 section 6.2.4). */
export interface LineHeader {
  readonly offset: number;
  readonly version: number;
  readonly is64: boolean;
  readonly addressSize: number;
  readonly minimumInstructionLength: number;
  readonly defaultIsStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operand counts of the standard opcodes; index 0 is unused. */
  readonly operandCounts: Uint8Array;
  /** Where the directory and file tables start. */
  readonly tablesOffset: number;
  /** Where the opcodes start and end. */
  readonly programOffset: number;
  readonly end: number;
}

/**
 * Reads a header without its tables, whose bytes are there then: `header_length` leads over them. `addressSize` is the unit's,
 * for versions before 5.
 */
export function readLineHeader(
  section: LazyBytes,
  offset: number,
  addressSize: number,
  path: string,
): LineHeader {
  section.ensure(offset, offset + 64);
  const reader = new DwarfReader(section.bytes, offset, section.length, path, section.name);
  if (offset >= section.length) reader.fail('a unit names a line program behind the end of the section');
  const { length, is64 } = reader.initialLength();
  const end = reader.at + length;
  if (end > section.length) reader.fail('a line program that ends outside its section');
  const version = reader.u16();
  if (version < 2 || version > 5) throw unsupported(path, `line programs of version ${version}`);
  let size = addressSize;
  if (version >= 5) {
    size = reader.u8();
    reader.u8();
  }
  const headerLength = reader.offset(is64);
  const programOffset = reader.at + headerLength;
  if (programOffset > end) reader.fail('a line program header longer than its program');
  section.ensure(offset, programOffset);
  const minimumInstructionLength = reader.u8();
  if (version >= 4) reader.u8();
  const defaultIsStatement = reader.u8() !== 0;
  const lineBase = reader.i8();
  const lineRange = reader.u8();
  const opcodeBase = reader.u8();
  const operandCounts = new Uint8Array(256);
  for (let opcode = 1; opcode < opcodeBase; opcode++) operandCounts[opcode] = reader.u8();
  return {
    offset,
    version,
    is64,
    addressSize: size,
    minimumInstructionLength,
    defaultIsStatement,
    lineBase,
    lineRange,
    opcodeBase,
    operandCounts,
    tablesOffset: reader.at,
    programOffset,
    end,
  };
}

/** Where a name of the tables is: in `.debug_line` itself, `.debug_line_str`, `.debug_str`. */
const IN_LINE = 0;
const IN_LINE_STR = 1;
const IN_STR = 2;

/** A row that names a file that the header has not. */
const NO_NAME = -1;

/** The directory and file tables of one line program; names stay offsets until they are asked for. */
export class FileTables {
  readonly version: number;
  readonly directoryCount: number;
  /** Files are numbered from {@link firstFile} to `firstFile + fileCount − 1`. */
  readonly fileCount: number;
  readonly #sections: DwarfSections;
  readonly #directories: NameTable;
  readonly #files: NameTable;
  readonly #paths: (string | undefined)[] = [];
  readonly #compDir: string;

  constructor(
    sections: DwarfSections,
    version: number,
    compDir: string,
    directories: NameTable,
    files: NameTable,
  ) {
    this.#sections = sections;
    this.version = version;
    this.#compDir = compDir;
    this.directoryCount = directories.names.length;
    this.fileCount = files.names.length;
    this.#directories = directories;
    this.#files = files;
  }

  /** Version 5 counts files from 0, older ones from 1. */
  get firstFile(): number {
    return this.version >= 5 ? 0 : 1;
  }

  #text({ names, kind }: NameTable, at: number): string {
    const name = names[at];
    if (name === undefined || name === NO_NAME) return '';
    const { line, lineStr, str } = this.#sections;
    const section = kind === IN_LINE ? line : kind === IN_LINE_STR ? lineStr : str;
    return section?.string(name) ?? '';
  }

  /** A directory as it is written; 0 is the compilation directory. */
  directory(index: number): string {
    const at = this.version >= 5 ? index : index - 1;
    if (at < 0) return this.#compDir;
    return this.#text(this.#directories, at);
  }

  /** A file's own name as it is written, without its directory. */
  fileName(file: number): string {
    const at = file - this.firstFile;
    return this.#text(this.#files, at);
  }

  /**
   * The path of a file as llvm-symbolizer prints it: directories and the compilation directory joined in front of relative
   * names, nothing normalised. Undefined when the table has no such file.
   */
  path(file: number): string | undefined {
    const at = file - this.firstFile;
    if (!(at >= 0 && at < this.fileCount)) return undefined;
    return (this.#paths[at] ??= this.#join(at));
  }

  #join(at: number): string {
    const name = this.#text(this.#files, at);
    return isAbsolute(name) ? name : appendPath(this.#directoryPath(this.#files.directories[at] ?? 0), name);
  }

  #directoryPath(index: number): string {
    const v5 = this.version >= 5;
    const directory = v5
      ? this.#text(this.#directories, index)
      : index > 0
        ? this.#text(this.#directories, index - 1)
        : '';
    const withCompDir = (!v5 || index !== 0) && this.#compDir !== '' && !isAbsolute(directory);
    return appendPath(withCompDir ? this.#compDir : '', directory);
  }

  /** The number of a file's directory in this table. */
  directoryOf(file: number): number {
    return this.#files.directories[file - this.firstFile] ?? 0;
  }

  /** The path of a file's directory, whatever its own name is. */
  directoryPathOf(file: number): string {
    return this.#directoryPath(this.directoryOf(file));
  }

  /** A number for where a file's own name is written, the same in all tables that share its text; undefined where it stands in its table. */
  nameKey(file: number): number | undefined {
    const at = file - this.firstFile;
    const { names, kind } = this.#files;
    return kind === IN_LINE ? undefined : (names[at] ?? 0) * 4 + kind;
  }

  /** The content hash that DWARF 5 may carry for a file: its 16 bytes, where they stand. */
  md5Bytes(file: number): Uint8Array | undefined {
    const at = this.#files.md5s[file - this.firstFile];
    const bytes = this.#sections.line?.bytes;
    return at === undefined || at < 0 ? undefined : bytes?.subarray(at, at + 16);
  }

  /** The same in lower-case hexadecimal. */
  md5(file: number): string | undefined {
    const bytes = this.md5Bytes(file);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
  }
}

/** Absolute here or on Windows: cross-compiled binaries carry the latter. */
export function isAbsolute(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path) || path.startsWith('\\\\');
}

/** Joins as LLVM's sys::path::append: exactly one slash between, empty parts left out. */
export function appendPath(path: string, part: string): string {
  if (part === '') return path;
  if (path === '') return part;
  if (path.endsWith('/')) return path + part.replace(/^\/+/, '');
  return part.startsWith('/') ? path + part : `${path}/${part}`;
}

/** Entries as columns; `kind` tells where all names are. Columns that a table has not are empty. */
interface NameTable {
  readonly names: ArrayLike<number>;
  readonly kind: number;
  readonly directories: ArrayLike<number>;
  /** Where the hashes stand. */
  readonly md5s: ArrayLike<number>;
}

/** A table with more entries is a damaged file: the largest real ones have some 60,000. */
const MOST_FILES = 4_000_000;

/** Reads the directory and file tables (DWARF 5 section 6.2.4.1; version 4 section 6.2.4). */
export function readFileTables(
  header: LineHeader,
  sections: DwarfSections,
  compDir: string,
  path: string,
  stringOffset: (index: number) => number | undefined,
): FileTables {
  const { line } = sections;
  const bytes = line?.bytes ?? new Uint8Array(0);
  const reader = new DwarfReader(bytes, header.tablesOffset, header.programOffset, path, '.debug_line');
  const read = header.version >= 5 ? () => readTable(reader, header.is64, stringOffset) : undefined;
  if (read !== undefined) return new FileTables(sections, header.version, compDir, read(), read());
  const directoryNames: number[] = [];
  while (reader.at < reader.end && reader.bytes[reader.at] !== 0) directoryNames.push(inlineName(reader));
  if (reader.at < reader.end) reader.u8();
  const fileNames: number[] = [];
  const directories: number[] = [];
  while (reader.at < reader.end && reader.bytes[reader.at] !== 0) {
    fileNames.push(inlineName(reader));
    directories.push(reader.uleb());
    reader.uleb();
    reader.uleb();
  }
  return new FileTables(
    sections,
    header.version,
    compDir,
    { names: directoryNames, kind: IN_LINE, directories: [], md5s: [] },
    { names: fileNames, kind: IN_LINE, directories, md5s: [] },
  );
}

function inlineName(reader: DwarfReader): number {
  const { at } = reader;
  const end = reader.bytes.indexOf(0, at);
  if (end < 0 || end >= reader.end) reader.fail('a file name without end');
  reader.at = end + 1;
  return at;
}

/** DW_LNCT_path, directory_index, MD5. */
const LNCT = { path: 1, directoryIndex: 2, md5: 5 };

/** A field of a table's entries. */
interface EntryFormat {
  readonly content: number;
  readonly form: number;
}

function readTable(
  reader: DwarfReader,
  is64: boolean,
  stringOffset: (index: number) => number | undefined,
): NameTable {
  const format: EntryFormat[] = [];
  for (let count = reader.u8(); count > 0; count--)
    format.push({ content: reader.uleb(), form: reader.uleb() });
  const count = reader.uleb();
  if (count > 0 && format.length === 0) reader.fail('a file table whose entries have no format');
  if (count > MOST_FILES || count > reader.end - reader.at) reader.fail(`a table of ${count} files`);
  const column = (content: number): Float64Array =>
    new Float64Array(format.some((field) => field.content === content) ? count : 0);
  const names = new Float64Array(count).fill(NO_NAME);
  const directories = column(LNCT.directoryIndex);
  const md5s = column(LNCT.md5).fill(-1);
  let kind = IN_LINE;
  for (const { content, form } of format)
    if (content === LNCT.path)
      kind = form === forms.string ? IN_LINE : form === forms.lineStrp ? IN_LINE_STR : IN_STR;
  for (let entry = 0; entry < count; entry++)
    for (let field = 0; field < format.length; field++) {
      const { content, form } = format[field]!;
      const { at } = reader;
      const value = readForm(reader, is64, form, stringOffset);
      if (content === LNCT.path) names[entry] = value;
      else if (content === LNCT.directoryIndex) directories[entry] = value;
      else if (content === LNCT.md5 && form === forms.data16) md5s[entry] = at;
    }
  return { names, kind, directories, md5s };
}

function readForm(
  reader: DwarfReader,
  is64: boolean,
  form: number,
  stringOffset: (index: number) => number | undefined,
): number {
  switch (form) {
    case forms.string:
      return inlineName(reader);
    case forms.lineStrp:
    case forms.strp:
    case forms.secOffset:
      return reader.offset(is64);
    case forms.udata:
      return reader.uleb();
    case forms.data1:
      return reader.u8();
    case forms.data2:
      return reader.u16();
    case forms.data4:
      return reader.u32();
    case forms.data8:
      return reader.u64();
    case forms.data16:
      reader.skip(16);
      return 0;
    case forms.block:
      reader.skip(reader.uleb());
      return 0;
    case forms.strx:
      return stringOffset(reader.uleb()) ?? NO_NAME;
    case forms.strx1:
      return stringOffset(reader.u8()) ?? NO_NAME;
    case forms.strx2:
      return stringOffset(reader.u16()) ?? NO_NAME;
    case forms.strx3:
      return stringOffset(reader.u24()) ?? NO_NAME;
    case forms.strx4:
      return stringOffset(reader.u32()) ?? NO_NAME;
    default:
      return reader.fail(`the form 0x${form.toString(16)} in a file table`);
  }
}
