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
  readonly #bytes: Uint8Array;
  readonly #path: string;

  constructor(bytes: Uint8Array, offset: number, path: string) {
    if (offset >= bytes.length)
      throw malformed(
        path,
        '.debug_abbrev',
        offset,
        'a unit names abbreviations behind the end of the section',
      );
    this.offset = offset;
    this.#bytes = bytes;
    this.#path = path;
  }

  get(code: number): Abbreviation | undefined {
    if (this.#known.has(code)) return this.#known.get(code);
    const at = findEntry(this.#bytes, this.offset, code);
    const abbreviation = at < 0 ? undefined : this.#read(at, code);
    this.#known.set(code, abbreviation);
    return abbreviation;
  }

  /** Reads the entry whose tag is at `at`. */
  #read(at: number, code: number): Abbreviation {
    const reader = new DwarfReader(this.#bytes, at, this.#bytes.length, this.#path, '.debug_abbrev');
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

/** The first entry of `code` in a table: where its tag is, or −1. Runs over the entries before it without keeping them. */
function findEntry(bytes: Uint8Array, offset: number, wanted: number): number {
  let pos = offset;
  while (pos < bytes.length) {
    let code = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[pos++]!;
      code += (byte & 0x7f) * scale;
      if (!(byte >= 0x80)) break;
    }
    // Some producers leave out the final zero of the last table.
    if (code === 0) return -1;
    if (code === wanted) return pos;
    while (bytes[pos++]! >= 0x80);
    pos++;
    for (;;) {
      const start = pos;
      const first = bytes[pos];
      while (bytes[pos++]! >= 0x80);
      const form = bytes[pos];
      while (bytes[pos++]! >= 0x80);
      if (first === undefined || (first === 0 && form === 0 && pos === start + 2)) break;
      if (form === forms.implicitConst) while (bytes[pos++]! >= 0x80);
    }
  }
  return -1;
}
