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

/** Codes are dense in practice; a hostile file may name any number, hence the map beside the array. */
export class AbbreviationTable {
  readonly #dense: (Abbreviation | undefined)[] = [];
  readonly #sparse = new Map<number, Abbreviation>();

  constructor(abbreviations: readonly Abbreviation[]) {
    for (const abbreviation of abbreviations) {
      if (abbreviation.code < 65_536) this.#dense[abbreviation.code] = abbreviation;
      else this.#sparse.set(abbreviation.code, abbreviation);
    }
  }

  get(code: number): Abbreviation | undefined {
    return this.#dense[code] ?? this.#sparse.get(code);
  }

  /** One above the largest dense code. */
  get denseLength(): number {
    return this.#dense.length;
  }
}

/** Reads the table at `offset` of `.debug_abbrev`. */
export function readAbbreviations(bytes: Uint8Array, offset: number, path: string): AbbreviationTable {
  if (offset >= bytes.length)
    throw malformed(
      path,
      '.debug_abbrev',
      offset,
      'a unit names abbreviations behind the end of the section',
    );
  const reader = new DwarfReader(bytes, offset, bytes.length, path, '.debug_abbrev');
  const abbreviations: Abbreviation[] = [];
  for (;;) {
    const code = reader.uleb();
    if (code === 0) break;
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const attributes: AttributeSpec[] = [];
    for (;;) {
      const attribute = reader.uleb();
      const form = reader.uleb();
      if (attribute === 0 && form === 0) break;
      attributes.push({ attribute, form, implicit: form === forms.implicitConst ? reader.sleb() : 0 });
    }
    abbreviations.push({ code, tag, hasChildren, attributes });
    // Some producers leave out the final zero of the last table.
    if (reader.at >= reader.end) break;
  }
  return new AbbreviationTable(abbreviations);
}
