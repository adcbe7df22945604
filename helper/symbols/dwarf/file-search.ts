import type { LazyBytes } from '../bytes.ts';
import { forms } from './constants.ts';
import type { LineHeader } from './line-header.ts';
import { appendPath, isAbsolute, readFileTables, readLineHeader } from './line-header.ts';
import type { DwarfSections } from './sections.ts';

/** A file of a line program's table. */
export interface NamedFile {
  /** Its number in the program's own counting. */
  readonly number: number;
  /** Directory and name as they are written: relative ones count from the unit's compilation directory. */
  readonly path: string;
}

/** A base name that is looked for; `ignoreCase`: in any spelling of its ASCII letters. */
export interface WantedName {
  readonly baseName: string;
  readonly ignoreCase: boolean;
}

/** A line program whose file table has files of the wanted base name. */
export interface NamingProgram {
  readonly offset: number;
  readonly files: readonly NamedFile[];
}

/** Offsets of a string section at which a text starts that is the wanted name or a path that ends in it. */
class NamePlaces {
  /** 1 at such an offset; untouched pages cost no memory. */
  readonly marks: Uint8Array;
  readonly isEmpty: boolean;

  constructor(section: LazyBytes | undefined, { baseName, ignoreCase }: WantedName) {
    this.marks = new Uint8Array(section?.length ?? 0);
    let isEmpty = true;
    if (section !== undefined) {
      const bytes = section.all();
      const plain = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      // Latin 1 keeps each byte a character, and so all offsets; letters beyond ASCII are left to be spelled right.
      const buffer = ignoreCase ? Buffer.from(plain.toString('latin1').toLowerCase(), 'latin1') : plain;
      const wanted = Buffer.from(`${ignoreCase ? baseName.toLowerCase() : baseName}\0`);
      for (let at = buffer.indexOf(wanted); at >= 0; at = buffer.indexOf(wanted, at + 1)) {
        isEmpty = false;
        // Linkers share tails of strings, so that a name may start anywhere in a longer one.
        const start = at > 0 && bytes[at - 1] === SLASH ? buffer.lastIndexOf(0, at - 1) + 1 : at;
        this.marks.fill(1, start, at + 1);
      }
    }
    this.isEmpty = isEmpty;
  }
}

const SLASH = 47;

/** The section is looked at through a window that stays in the processor's cache: only headers are of interest, one in 7 KB. */
const WINDOW_BYTES = 1 << 17;

/** Bytes of a section from `from` on, below `to`. */
class Window {
  readonly #section: LazyBytes;
  bytes: Uint8Array;
  from = 0;
  to: number;

  constructor(section: LazyBytes) {
    this.#section = section;
    const { isWhole, length, bytes } = section;
    this.bytes = isWhole ? bytes : new Uint8Array(Math.min(length, WINDOW_BYTES));
    this.to = isWhole ? length : 0;
  }

  get sectionEnd(): number {
    return this.#section.length;
  }

  /** False when the range is longer than the window. */
  holds(start: number, end: number): boolean {
    if (start >= this.from && end <= this.to) return true;
    if (end - start > this.bytes.length) return false;
    this.from = start;
    this.to = Math.min(this.#section.length, start + this.bytes.length);
    this.#section.readInto(start, this.to - start, this.bytes);
    return end <= this.to;
  }
}

/**
 * Finds the line programs that name a file, without building any table: numbers are compared instead of names. vmlinux has
 * 2,352 programs with a million entries; this runs over them in some 15 ms where decoding the names takes seconds.
 */
export function* programsNaming(
  sections: DwarfSections,
  path: string,
  wanted: WantedName,
): Generator<NamingProgram> {
  const { line } = sections;
  if (line === undefined) return;
  const window = new Window(line);
  const places = new StringPlaces(sections, wanted);
  for (let offset = 0; offset + 4 < line.length;) {
    const shape = quickShape(window, offset);
    let files = shape && scanQuickly(window, shape, places, sections);
    let end = shape?.end;
    if (files === undefined || end === undefined) {
      const header = readLineHeader(line, offset, 8, path);
      end = header.end;
      files = scanSlowly(header, sections, path, wanted);
    }
    if (files.length > 0) yield { offset, files };
    offset = end;
  }
}

/** Of the two string sections that tables refer to. A compiler uses one of them for names of files: the other is not read. */
class StringPlaces {
  readonly #sections: DwarfSections;
  readonly #wanted: WantedName;
  #inLineStr: NamePlaces | undefined;
  #inStr: NamePlaces | undefined;

  constructor(sections: DwarfSections, wanted: WantedName) {
    this.#sections = sections;
    this.#wanted = wanted;
  }

  get inLineStr(): NamePlaces {
    return (this.#inLineStr ??= new NamePlaces(this.#sections.lineStr, this.#wanted));
  }

  get inStr(): NamePlaces {
    return (this.#inStr ??= new NamePlaces(this.#sections.str, this.#wanted));
  }
}

/** Where the tables of a program are, in section offsets. */
interface QuickShape {
  readonly tables: number;
  readonly tablesEnd: number;
  readonly end: number;
}

/** The header of a 32-bit version 5 program (DWARF 5 section 6.2.4); undefined for any other, and for damaged ones. */
function quickShape(window: Window, offset: number): QuickShape | undefined {
  if (!window.holds(offset, offset + 18)) return undefined;
  const at = offset - window.from;
  const { bytes } = window;
  const length = read32(bytes, at);
  const end = offset + 4 + length;
  const tablesEnd = offset + 12 + read32(bytes, at + 8);
  if (
    length >= 0xfffffff0 ||
    end > window.sectionEnd ||
    (bytes[at + 4]! | (bytes[at + 5]! << 8)) !== 5 ||
    tablesEnd > end
  )
    return undefined;
  return window.holds(offset, end) || window.holds(offset, tablesEnd)
    ? { tables: offset + 17 + bytes[offset + 17 - window.from]!, tablesEnd, end }
    : undefined;
}

function read32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/**
 * The usual shape of version 5 tables: names as 4-byte offsets first, then the directory, perhaps an MD5. Undefined for any other.
 */
function scanQuickly(
  window: Window,
  { tables, tablesEnd }: QuickShape,
  names: StringPlaces,
  sections: DwarfSections,
): NamedFile[] | undefined {
  const { bytes } = window;
  const end = tablesEnd - window.from;
  let pos = tables - window.from;
  // One format pair for directories: DW_LNCT_path as DW_FORM_line_strp or DW_FORM_strp.
  const stringForm = (form: number | undefined): boolean => form === forms.lineStrp || form === forms.strp;
  if (bytes[pos] !== 1 || bytes[pos + 1] !== 1 || !stringForm(bytes[pos + 2])) return undefined;
  const directoryStrings = bytes[pos + 2] === forms.lineStrp ? sections.lineStr : sections.str;
  pos += 3;
  let directories = 0;
  for (let scale = 1; pos < end; scale *= 128) {
    const byte = bytes[pos++]!;
    directories += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  const directoriesAt = pos;
  pos += 4 * directories;
  if (!(pos < end)) return undefined;
  const pairs = bytes[pos]!;
  if (pairs < 1 || pairs > 3 || bytes[pos + 1] !== 1 || !stringForm(bytes[pos + 2])) return undefined;
  const isLineStr = bytes[pos + 2] === forms.lineStrp;
  const places = isLineStr ? names.inLineStr : names.inStr;
  const strings = isLineStr ? sections.lineStr : sections.str;
  if (pairs >= 2 && (bytes[pos + 3] !== 2 || bytes[pos + 4] !== forms.udata)) return undefined;
  if (pairs === 3 && (bytes[pos + 5] !== 5 || bytes[pos + 6] !== forms.data16)) return undefined;
  pos += 1 + 2 * pairs;
  let count = 0;
  for (let scale = 1; pos < end; scale *= 128) {
    const byte = bytes[pos++]!;
    count += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  const found: NamedFile[] = [];
  if (places.isEmpty) return found;
  const { marks } = places;
  const hasDirectory = pairs >= 2;
  const tail = pairs === 3 ? 16 : 0;
  // A million turns in vmlinux, most of them before this loop is compiled: no calls, locals only.
  for (let file = 0; file < count && pos < end; file++) {
    const name =
      (bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24)) >>> 0;
    pos += 4;
    const directoryAt = pos;
    if (hasDirectory) while (bytes[pos++]! >= 0x80);
    pos += tail;
    if (marks[name] !== 1) continue;
    const directory = hasDirectory ? readUleb(bytes, directoryAt) : 0;
    const own = strings?.string(name) ?? '';
    const folder =
      directory < directories ? directoryStrings?.string(read32(bytes, directoriesAt + 4 * directory)) : '';
    found.push({ number: file, path: isAbsolute(own) ? own : appendPath(folder ?? '', own) });
  }
  return found;
}

function readUleb(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++]!;
    value += (byte & 0x7f) * scale;
    if (!(byte >= 0x80)) return value;
  }
}

function scanSlowly(
  header: LineHeader,
  sections: DwarfSections,
  path: string,
  { baseName, ignoreCase }: WantedName,
): NamedFile[] {
  const tables = readFileTables(header, sections, '', path, () => undefined);
  const plain = (name: string): string => (ignoreCase ? name.toLowerCase() : name);
  const wanted = plain(baseName);
  const found: NamedFile[] = [];
  for (let file = tables.firstFile; file < tables.firstFile + tables.fileCount; file++) {
    const name = tables.fileName(file);
    if (plain(name) === wanted || plain(name).endsWith(`/${wanted}`))
      found.push({ number: file, path: tables.path(file) ?? name });
  }
  return found;
}
