import type { LazyBytes } from '../bytes.ts';
import type { ElfFile } from '../elf.ts';
import { unsupported } from '../problems.ts';
import { AbbreviationTable } from './abbreviations.ts';
import { unitTypes } from './constants.ts';
import { Die } from './die.ts';
import { DwarfReader } from './reader.ts';
import type { DwarfSections } from './sections.ts';
import { dwarfSections } from './sections.ts';
import type { Contributions, UnitHeader } from './unit.ts';
import { Unit } from './unit.ts';
import type { AttributeValue } from './values.ts';

/** Finds the split unit of a skeleton: `split.ts` knows where `.dwo` and `.dwp` files lie. */
export type SplitResolver = (skeleton: Unit) => Unit | undefined;

/** DWARF of one ELF file: a linked binary or debug file, a DWZ supplementary file, a `.dwo` or a `.dwp`. */
export class DwarfFile {
  readonly path: string;
  readonly elf: ElfFile;
  readonly sections: DwarfSections;
  /** The DWZ file that `.gnu_debugaltlink` or DWARF 5's `.debug_sup` names, once it is found. */
  supplementary: DwarfFile | undefined;
  splitResolver: SplitResolver | undefined;
  readonly #abbreviations = new Map<number, AbbreviationTable>();
  readonly #unitsByOffset = new Map<number, Unit>();
  readonly #splitUnits = new Map<Unit, Unit | undefined>();
  #units: Unit[] | undefined;
  #typeUnits: Map<string, Unit> | undefined;

  constructor(elf: ElfFile, sections: DwarfSections) {
    this.elf = elf;
    this.path = elf.path;
    this.sections = sections;
  }

  /** Undefined when the file has no debug information. */
  static of(elf: ElfFile, split = false): DwarfFile | undefined {
    const sections = dwarfSections(elf, split);
    return sections === undefined ? undefined : new DwarfFile(elf, sections);
  }

  /** All units of `.debug_info` in order; only their headers are read. */
  get units(): readonly Unit[] {
    if (this.#units !== undefined) return this.#units;
    const units: Unit[] = [];
    for (let at = 0; at < this.sections.info.length;) {
      const unit = this.unitAt(at);
      units.push(unit);
      at = unit.end;
    }
    return (this.#units = units);
  }

  /** The unit whose header is at `offset` of `.debug_info`. */
  unitAt(offset: number): Unit {
    let unit = this.#unitsByOffset.get(offset);
    if (unit === undefined) {
      unit = new Unit(this, this.sections.info, this.readHeader(this.sections.info, offset));
      this.#unitsByOffset.set(offset, unit);
    }
    return unit;
  }

  /** Makes a split unit known, so that references inside it find it. */
  adopt(unit: Unit): void {
    this.#unitsByOffset.set(unit.offset, unit);
  }

  abbreviationsAt(offset: number): AbbreviationTable {
    let table = this.#abbreviations.get(offset);
    if (table === undefined) {
      table = new AbbreviationTable(this.sections.abbrev, offset, this.path);
      this.#abbreviations.set(offset, table);
    }
    return table;
  }

  /** Reads a unit header (DWARF 5 section 7.5.1.1; version 4 and older in 7.5.1 of theirs). */
  readHeader(section: LazyBytes, offset: number): UnitHeader {
    section.ensure(offset, offset + 48);
    const reader = new DwarfReader(section.bytes, offset, section.length, this.path, section.name);
    const { length, is64 } = reader.initialLength();
    const end = reader.at + length;
    if (end > section.length || length < 7) reader.fail('a unit that ends outside its section');
    const version = reader.u16();
    if (version < 2 || version > 5)
      throw unsupported(this.path, `DWARF version ${version} (unit at 0x${offset.toString(16)})`);
    const inTypes = section === this.sections.types;
    let type: number = inTypes ? unitTypes.type : unitTypes.compile;
    let addressSize: number;
    let abbrevOffset: number;
    if (version >= 5) {
      type = reader.u8();
      addressSize = reader.u8();
      abbrevOffset = reader.offset(is64);
    } else {
      abbrevOffset = reader.offset(is64);
      addressSize = reader.u8();
    }
    if (addressSize !== 8 && addressSize !== 4) reader.fail(`a unit with addresses of ${addressSize} bytes`);
    const hex = (value: bigint): string => value.toString(16).padStart(16, '0');
    const common = { offset, end, version, addressSize, is64, type, abbrevOffset };
    if (type === unitTypes.skeleton || type === unitTypes.splitCompile) {
      const dwoId = hex(reader.big64());
      return { ...common, dwoId, rootOffset: reader.at };
    }
    if (type === unitTypes.type || type === unitTypes.splitType) {
      const typeSignature = hex(reader.big64());
      const typeOffset = reader.offset(is64);
      return { ...common, typeSignature, typeOffset, rootOffset: reader.at };
    }
    return { ...common, rootOffset: reader.at };
  }

  /** The unit that holds `offset` of `.debug_info`, or undefined. */
  unitContaining(offset: number): Unit | undefined {
    const { units } = this;
    let low = 0;
    let high = units.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (units[middle]!.offset <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = units[low - 1];
    return unit !== undefined && offset < unit.end ? this.#adopted(unit) : undefined;
  }

  #adopted(unit: Unit): Unit {
    return this.#unitsByOffset.get(unit.offset) ?? unit;
  }

  /** The DIE at an offset of `.debug_info`; undefined when the offset is in no unit's entries. */
  dieAt(offset: number): Die | undefined {
    const unit = this.unitContaining(offset);
    return unit === undefined || offset < unit.header.rootOffset ? undefined : Die.at(unit, offset);
  }

  /** Follows a reference out of `from`. Undefined when it leads nowhere, or its supplementary file is not there. */
  resolve(value: AttributeValue, from: Unit): Die | undefined {
    if (value.kind === 'signature') return this.typeBySignature(value.signature);
    if (value.kind !== 'reference') return undefined;
    if (value.supplementary) return this.supplementary?.dieAt(value.offset);
    if (value.offset >= from.header.rootOffset && value.offset < from.end) return Die.at(from, value.offset);
    return this.dieAt(value.offset);
  }

  /** The type that a type unit defines (DW_FORM_ref_sig8). */
  typeBySignature(signature: string): Die | undefined {
    this.#typeUnits ??= this.#collectTypeUnits();
    const unit = this.#typeUnits.get(signature);
    const offset = unit?.header.typeOffset;
    return unit === undefined || offset === undefined ? undefined : Die.at(unit, unit.offset + offset);
  }

  /** Type units by signature, from `.debug_info` (version 5) and `.debug_types` (version 4). */
  #collectTypeUnits(): Map<string, Unit> {
    const found = new Map<string, Unit>();
    for (const unit of this.units)
      if (unit.header.typeSignature !== undefined && !found.has(unit.header.typeSignature))
        found.set(unit.header.typeSignature, unit);
    const { types } = this.sections;
    for (let at = 0; types !== undefined && at < types.length;) {
      const unit = new Unit(this, types, this.readHeader(types, at));
      if (unit.header.typeSignature !== undefined) found.set(unit.header.typeSignature, unit);
      at = unit.end;
    }
    return found;
  }

  /** The full unit of a skeleton, or undefined for others and when its file is missing. */
  splitUnitOf(unit: Unit): Unit | undefined {
    if (this.#splitUnits.has(unit)) return this.#splitUnits.get(unit);
    const full = unit.isSkeleton ? this.splitResolver?.(unit) : undefined;
    this.#splitUnits.set(unit, full);
    return full;
  }

  /** A unit of a split file, bound to its skeleton. */
  splitUnit(offset: number, skeleton: Unit, contributions?: Contributions): Unit {
    const header = this.readHeader(this.sections.info, offset);
    const unit = new Unit(this, this.sections.info, header, contributions, skeleton);
    this.adopt(unit);
    return unit;
  }
}
