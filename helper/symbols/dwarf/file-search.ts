import type { LazyBytes } from '../bytes.ts';
import { forms } from './constants.ts';
import type { LineHeader } from './line-header.ts';
import { readFileTables, readLineHeader } from './line-header.ts';
import type { DwarfSections } from './sections.ts';

/** A line program whose file table has files of the wanted base name. */
export interface NamingProgram {
  readonly header: LineHeader;
  /** Their numbers in the program's own counting. */
  readonly files: readonly number[];
}

/** Offsets of a string section at which a text starts that is the wanted name or a path that ends in it. */
class NamePlaces {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #slash: boolean[] = [];

  constructor(section: LazyBytes | undefined, name: string) {
    if (section === undefined) return;
    const bytes = section.all();
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const wanted = Buffer.from(`${name}\0`);
    for (let at = buffer.indexOf(wanted); at >= 0; at = buffer.indexOf(wanted, at + 1)) {
      this.#starts.push(at === 0 ? 0 : buffer.lastIndexOf(0, at - 1) + 1);
      this.#ends.push(at);
      this.#slash.push(at > 0 && bytes[at - 1] === 47);
    }
  }

  /** Linkers share tails of strings, so that a name may start anywhere in a longer one. */
  has(offset: number): boolean {
    for (let index = 0; index < this.#starts.length; index++)
      if (offset >= this.#starts[index]! && offset <= this.#ends[index]!)
        if (offset === this.#ends[index]! || this.#slash[index]!) return true;
    return false;
  }

  get isEmpty(): boolean {
    return this.#starts.length === 0;
  }
}

/**
 * Finds the line programs that name a file, without building any table: numbers are compared instead of names. vmlinux has
 * 2,352 programs with a million entries; this runs over them in some 20 ms where decoding the names takes seconds.
 */
export function* programsNaming(
  sections: DwarfSections,
  path: string,
  baseName: string,
): Generator<NamingProgram> {
  const { line } = sections;
  if (line === undefined) return;
  const bytes = line.all();
  const inLineStr = new NamePlaces(sections.lineStr, baseName);
  const inStr = new NamePlaces(sections.str, baseName);
  for (let offset = 0; offset + 4 < bytes.length;) {
    const header = readLineHeader(line, offset, 8, path);
    const files =
      scanQuickly(bytes, header, inLineStr, inStr) ?? scanSlowly(header, sections, path, baseName);
    if (files.length > 0) yield { header, files };
    offset = header.end;
  }
}

/**
 * The usual shape of version 5 tables: names as 4-byte offsets first, then the directory, perhaps an MD5. Undefined for any other.
 */
function scanQuickly(
  bytes: Uint8Array,
  header: LineHeader,
  inLineStr: NamePlaces,
  inStr: NamePlaces,
): number[] | undefined {
  if (header.version < 5 || header.is64) return undefined;
  const end = header.programOffset;
  let pos = header.tablesOffset;
  // One format pair for directories: DW_LNCT_path as DW_FORM_line_strp or DW_FORM_strp.
  const stringForm = (form: number | undefined): boolean => form === forms.lineStrp || form === forms.strp;
  if (bytes[pos] !== 1 || bytes[pos + 1] !== 1 || !stringForm(bytes[pos + 2])) return undefined;
  pos += 3;
  let directories = 0;
  for (let scale = 1; pos < end; scale *= 128) {
    const byte = bytes[pos++]!;
    directories += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  pos += 4 * directories;
  const pairs = bytes[pos]!;
  if (pairs < 1 || pairs > 3 || bytes[pos + 1] !== 1 || !stringForm(bytes[pos + 2])) return undefined;
  const places = bytes[pos + 2] === forms.lineStrp ? inLineStr : inStr;
  if (pairs >= 2 && (bytes[pos + 3] !== 2 || bytes[pos + 4] !== forms.udata)) return undefined;
  if (pairs === 3 && (bytes[pos + 5] !== 5 || bytes[pos + 6] !== forms.data16)) return undefined;
  pos += 1 + 2 * pairs;
  let count = 0;
  for (let scale = 1; pos < end; scale *= 128) {
    const byte = bytes[pos++]!;
    count += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  const found: number[] = [];
  if (places.isEmpty) return found;
  const tail = pairs === 3 ? 16 : 0;
  for (let file = 0; file < count && pos < end; file++) {
    const name =
      (bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24)) >>> 0;
    pos += 4;
    if (pairs >= 2) while (bytes[pos++]! >= 0x80);
    pos += tail;
    if (places.has(name)) found.push(file);
  }
  return found;
}

function scanSlowly(header: LineHeader, sections: DwarfSections, path: string, baseName: string): number[] {
  const tables = readFileTables(header, sections, '', path, () => undefined);
  const found: number[] = [];
  for (let file = tables.firstFile; file < tables.firstFile + tables.fileCount; file++) {
    const name = tables.fileName(file);
    if (name === baseName || name.endsWith(`/${baseName}`)) found.push(file);
  }
  return found;
}
