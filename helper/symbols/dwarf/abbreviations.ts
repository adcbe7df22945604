import type { LazyBytes } from '../bytes.ts';
import { malformed } from '../problems.ts';
import { forms } from './constants.ts';
import { DwarfReader } from './reader.ts';

/** One attribute of an abbreviation. `implicit` is the value of DW_FORM_implicit_const. */
export interface AttributeSpec {
  readonly attribute: number;
  readonly form: number;
  readonly implicit: number;
}

/** What DIEs of one abbreviation code look like (DWARF 5 section 7.5.3). */
export interface Abbreviation {
  readonly code: number;
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly AttributeSpec[];
}

/**
 * The table at one offset of `.debug_abbrev`. Only the entries that are asked for are kept: a unit's root asks for one,
 * anywhere in the table, and a kernel has 2,352 tables of 200 entries.
 */
export class AbbreviationTable {
  readonly offset: number;
  readonly #known = new Map<number, Abbreviation | undefined>();
  readonly #section: LazyBytes;
  readonly #path: string;

  constructor(section: LazyBytes, offset: number, path: string) {
    if (offset >= section.length)
      throw malformed(
        path,
        '.debug_abbrev',
        offset,
        'a unit names abbreviations behind the end of the section',
      );
    this.offset = offset;
    this.#section = section;
    this.#path = path;
  }

  get(code: number): Abbreviation | undefined {
    if (this.#known.has(code)) return this.#known.get(code);
    const at = findEntry(this.#section, this.offset, code);
    const abbreviation = at < 0 ? undefined : this.#read(at, code);
    this.#known.set(code, abbreviation);
    return abbreviation;
  }

  /** Reads the entry whose tag is at `at`. */
  #read(at: number, code: number): Abbreviation {
    const { bytes } = this.#section;
    const reader = new DwarfReader(bytes, at, bytes.length, this.#path, '.debug_abbrev');
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const attributes: AttributeSpec[] = [];
    for (;;) {
      const attribute = reader.uleb();
      const form = reader.uleb();
      if (attribute === 0 && form === 0) break;
      attributes.push({ attribute, form, implicit: form === forms.implicitConst ? reader.sleb() : 0 });
    }
    return { code, tag, hasChildren, attributes };
  }
}

/** Bytes read ahead of where a table is looked at; a whole table of a C unit has about 2,300. */
const AHEAD = 8192;

/**
 * The first entry of `code` in a table: where its tag is, or −1. Runs over the entries before it without keeping them; all of
 * the entry is read from the file then.
 */
function findEntry(section: LazyBytes, offset: number, wanted: number): number {
  const { bytes } = section;
  let pos = offset;
  let ready = 0;
  let found = -1;
  while (pos < bytes.length) {
    if (pos + AHEAD / 2 > ready) section.ensure(pos, (ready = pos + AHEAD));
    let code = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[pos++]!;
      code += (byte & 0x7f) * scale;
      if (!(byte >= 0x80)) break;
    }
    // Some producers leave out the final zero of the last table.
    if (code === 0) return -1;
    if (code === wanted) found = pos;
    while (bytes[pos++]! >= 0x80);
    pos++;
    for (;;) {
      // An entry has a handful of attributes; one that is longer than what was read ahead is damaged or made on purpose.
      if (pos + AHEAD / 4 > ready) section.ensure(pos, (ready = pos + AHEAD));
      const start = pos;
      const first = bytes[pos];
      while (bytes[pos++]! >= 0x80);
      const form = bytes[pos];
      while (bytes[pos++]! >= 0x80);
      if (first === undefined || (first === 0 && form === 0 && pos === start + 2)) break;
      if (form === forms.implicitConst) while (bytes[pos++]! >= 0x80);
    }
    if (found >= 0) return found;
  }
  return -1;
}
