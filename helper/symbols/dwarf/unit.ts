import type { AbbreviationTable } from './abbreviations.ts';
import type { Language } from './constants.ts';
import { attributes, languageOf, unitTypes } from './constants.ts';
import { Die } from './die.ts';
import type { DwarfFile } from './file.ts';
import type { LazyBytes } from '../bytes.ts';
import { DwarfReader } from './reader.ts';

/** Where a unit's parts of the shared sections start, in a `.dwp` package (DWARF 5 section 7.3.5.3). */
export interface Contributions {
  readonly abbrev: number;
  readonly line: number;
  readonly strOffsets: number;
  readonly loclists: number;
  readonly rnglists: number;
}

export interface UnitHeader {
  /** Offset of the unit's length field in its section. */
  readonly offset: number;
  /** Offset of the root DIE. */
  readonly rootOffset: number;
  /** Offset behind the unit. */
  readonly end: number;
  readonly version: number;
  readonly addressSize: number;
  /** 64-bit DWARF: section offsets of 8 bytes. */
  readonly is64: boolean;
  /** DW_UT_…; version 4 units say compile, or type in `.debug_types`. */
  readonly type: number;
  readonly abbrevOffset: number;
  readonly dwoId?: string;
  readonly typeSignature?: string;
  /** Offset of the type's DIE from the unit's start. */
  readonly typeOffset?: number;
}

/** One unit of `.debug_info` (DWARF 5 section 7.5.1): its header, its root's attributes, and the bases its forms count from. */
export class Unit {
  readonly file: DwarfFile;
  readonly header: UnitHeader;
  readonly section: LazyBytes;
  readonly contributions: Contributions | undefined;
  /** The skeleton in the linked file to which this split unit belongs: it has the addresses and the line table. */
  readonly skeleton: Unit | undefined;
  #root: Die | undefined;
  #abbreviations: AbbreviationTable | undefined;
  #loaded = false;
  #bases: { str: number; addr: number; rnglists: number; loclists: number } | undefined;

  constructor(
    file: DwarfFile,
    section: LazyBytes,
    header: UnitHeader,
    contributions?: Contributions,
    skeleton?: Unit,
  ) {
    this.file = file;
    this.section = section;
    this.header = header;
    this.contributions = contributions;
    this.skeleton = skeleton;
  }

  get offset(): number {
    return this.header.offset;
  }

  get end(): number {
    return this.header.end;
  }

  get version(): number {
    return this.header.version;
  }

  get addressSize(): number {
    return this.header.addressSize;
  }

  get is64(): boolean {
    return this.header.is64;
  }

  get isSkeleton(): boolean {
    return this.header.type === unitTypes.skeleton || this.dwoName !== undefined;
  }

  get isTypeUnit(): boolean {
    return this.header.type === unitTypes.type || this.header.type === unitTypes.splitType;
  }

  get abbreviations(): AbbreviationTable {
    return (this.#abbreviations ??= this.file.abbreviationsAt(
      this.header.abbrevOffset + (this.contributions?.abbrev ?? 0),
    ));
  }

  /** A reader at `offset` of the unit's section. Reads the whole unit from the file. */
  reader(offset: number): DwarfReader {
    this.load();
    return this.readerOfEntry(offset, 0);
  }

  /** A reader at `offset`, for which `bytes` bytes are read from the file, unless they were before. */
  readerOfEntry(offset: number, bytes: number): DwarfReader {
    if (!this.#loaded) this.section.ensure(offset, Math.min(this.end, offset + bytes));
    return new DwarfReader(this.section.bytes, offset, this.end, this.file.path, this.section.name);
  }

  /** Makes all bytes of the unit valid. */
  load(): void {
    if (this.#loaded) return;
    this.#loaded = true;
    this.section.ensure(this.offset, this.end);
  }

  root(): Die {
    if (this.#root === undefined) {
      const die = Die.at(this, this.header.rootOffset);
      if (die === undefined) return this.reader(this.header.rootOffset).fail('a unit without a root entry');
      this.#root = die;
    }
    return this.#root;
  }

  /** The split unit's compile unit that this skeleton stands for, when its file is there; otherwise itself. */
  full(): Unit {
    return this.file.splitUnitOf(this) ?? this;
  }

  get name(): string | undefined {
    return this.root().string(attributes.name);
  }

  get compDir(): string {
    return this.root().string(attributes.compDir) ?? this.skeleton?.compDir ?? '';
  }

  get producer(): string | undefined {
    return this.root().string(attributes.producer);
  }

  get language(): Language {
    return languageOf(this.root().number(attributes.language) ?? 0);
  }

  /** DW_AT_dwo_name of a skeleton. */
  get dwoName(): string | undefined {
    return this.root().string(attributes.dwoName) ?? this.root().string(attributes.gnuDwoName);
  }

  /** Ties a skeleton to its split unit: in the header from version 5 on, an attribute before. */
  get dwoId(): string | undefined {
    if (this.header.dwoId !== undefined) return this.header.dwoId;
    const value = this.root().attribute(attributes.gnuDwoId);
    return value?.kind === 'constant'
      ? BigInt.asUintN(64, value.big ?? BigInt(value.value))
          .toString(16)
          .padStart(16, '0')
      : undefined;
  }

  /** DW_AT_low_pc: what offsets in range and location lists start from, unless a list says otherwise. */
  get baseAddress(): number {
    return this.root().number(attributes.lowPc) ?? this.skeleton?.baseAddress ?? 0;
  }

  /** DW_AT_GNU_ranges_base of a version 4 skeleton: counts for its split unit's entries, not for its own. */
  get oldRangesBase(): number {
    return this.root().number(attributes.gnuRangesBase) ?? 0;
  }

  /** Offset of the line program in `.debug_line` of the linked file (the skeleton's for split units). */
  get lineOffset(): number | undefined {
    const value = (this.skeleton ?? this).root().attribute(attributes.stmtList);
    return value?.kind === 'offset' || value?.kind === 'constant' ? value.value : undefined;
  }

  /** Bases of the indexed forms. Absent ones count from behind the header of the first contribution. */
  get #indexBases(): { str: number; addr: number; rnglists: number; loclists: number } {
    if (this.#bases !== undefined) return this.#bases;
    const header = this.is64 ? 16 : 8;
    const listHeader = this.is64 ? 20 : 12;
    const split = this.skeleton !== undefined;
    const base = (attribute: number): number | undefined => {
      const value =
        this.#root?.attribute(attribute) ?? Die.at(this, this.header.rootOffset)?.attribute(attribute);
      return value?.kind === 'offset' || value?.kind === 'constant' ? value.value : undefined;
    };
    const { contributions, version } = this;
    this.#bases = {
      str: base(attributes.strOffsetsBase) ?? (contributions?.strOffsets ?? 0) + (version >= 5 ? header : 0),
      addr:
        this.skeleton?.addressBase ??
        base(attributes.addrBase) ??
        base(attributes.gnuAddrBase) ??
        (version >= 5 ? header : 0),
      rnglists:
        base(attributes.rnglistsBase) ??
        (contributions?.rnglists ?? 0) + (split || version >= 5 ? listHeader : 0),
      loclists:
        base(attributes.loclistsBase) ??
        (contributions?.loclists ?? 0) + (split || version >= 5 ? listHeader : 0),
    };
    return this.#bases;
  }

  get addressBase(): number {
    return this.#indexBases.addr;
  }

  get rnglistsBase(): number {
    return this.#indexBases.rnglists;
  }

  get loclistsBase(): number {
    return this.#indexBases.loclists;
  }

  get stringOffsetsBase(): number {
    return this.#indexBases.str;
  }

  /** DW_FORM_addrx: entry `index` of `.debug_addr`. */
  indexedAddress(index: number): number {
    const file = this.skeleton?.file ?? this.file;
    const section = file.sections.addr;
    const at = this.addressBase + index * this.addressSize;
    if (section === undefined)
      return this.reader(this.header.rootOffset).fail('an indexed address without .debug_addr');
    section.ensure(at, at + 8);
    return new DwarfReader(section.bytes, at, section.length, file.path, '.debug_addr').address(
      this.addressSize,
    );
  }

  /** DW_FORM_strx: entry `index` of `.debug_str_offsets`, as text. */
  indexedString(index: number): string | undefined {
    const at = this.indexedStringOffset(index);
    return at === undefined ? undefined : this.file.sections.str?.string(at);
  }

  /** Offset in `.debug_str` of the string with this index. */
  indexedStringOffset(index: number): number | undefined {
    const section = this.file.sections.strOffsets;
    if (section === undefined) return undefined;
    const size = this.is64 ? 8 : 4;
    const at = this.stringOffsetsBase + index * size;
    section.ensure(at, at + size);
    return new DwarfReader(section.bytes, at, section.length, this.file.path, '.debug_str_offsets').offset(
      this.is64,
    );
  }
}
