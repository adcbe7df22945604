import { attributes, forms } from './constants.ts';
import type { Die } from './die.ts';
import { DwarfReader } from './reader.ts';
import type { Unit } from './unit.ts';
import type { LazyBytes } from '../bytes.ts';

/** Addresses from `low` on, below `high`. */
export interface AddressRange {
  readonly low: number;
  readonly high: number;
}

/** Where a variable is while the program counter is in the range. `low` > `high` never occurs. */
export interface LocationRange extends AddressRange {
  /** A location expression (DWARF 5 section 2.5). */
  readonly expression: Uint8Array;
}

/** A list longer than this in one place is a damaged file: 2 million ranges are 16 MB of list. */
const LONGEST_LIST = 2_000_000;

/** DW_RLE_… and DW_LLE_… agree in 0…7 but for 5…8; see DWARF 5 sections 7.25 and 7.7.3. */
const RLE = {
  end: 0,
  basex: 1,
  startxEndx: 2,
  startxLength: 3,
  offsetPair: 4,
  base: 5,
  startEnd: 6,
  startLength: 7,
};
const LLE = {
  end: 0,
  basex: 1,
  startxEndx: 2,
  startxLength: 3,
  offsetPair: 4,
  default: 5,
  base: 6,
  startEnd: 7,
  startLength: 8,
};
/** The GNU extension of split DWARF 4 (`.debug_loc.dwo`). */
const GNU_LLE = { end: 0, base: 1, startEnd: 2, startLength: 3 };

function readerAt(section: LazyBytes, at: number, unit: Unit): DwarfReader {
  return new DwarfReader(section.all(), at, section.length, unit.file.path, section.name);
}

/** The code addresses of a DIE: DW_AT_low_pc/high_pc or DW_AT_ranges. Empty for declarations and abstract instances. */
export function rangesOf(die: Die): AddressRange[] {
  const { unit } = die;
  const ranges = die.attribute(attributes.ranges);
  if (ranges !== undefined) {
    if (ranges.kind === 'list') return readRnglist(unit, rnglistOffset(unit, ranges.index));
    if (ranges.kind !== 'offset' && ranges.kind !== 'constant') return [];
    return unit.version >= 5
      ? readRnglist(unit, ranges.value)
      : readRanges(unit, ranges.value + oldRangesBase(unit, die));
  }
  const low = die.attribute(attributes.lowPc);
  const high = die.attribute(attributes.highPc);
  if (low?.kind !== 'address' || high === undefined) return [];
  if (high.kind === 'address') return high.value > low.value ? [{ low: low.value, high: high.value }] : [];
  if (high.kind === 'constant')
    return high.value > 0 ? [{ low: low.value, high: low.value + high.value }] : [];
  return [];
}

/** DW_AT_GNU_ranges_base of a version 4 skeleton counts for its split unit's entries, not for the skeleton's own. */
function oldRangesBase(unit: Unit, die: Die): number {
  if (unit.skeleton === undefined || die.offset === unit.header.rootOffset) return 0;
  return unit.skeleton.oldRangesBase;
}

/** Entry `index` of the offset table at the unit's rnglists base. */
function rnglistOffset(unit: Unit, index: number): number {
  const section = unit.file.sections.rnglists;
  if (section === undefined)
    return unit.reader(unit.header.rootOffset).fail('a range list without .debug_rnglists');
  const base = unit.rnglistsBase;
  return base + readerAt(section, base + index * (unit.is64 ? 8 : 4), unit).offset(unit.is64);
}

/** `.debug_ranges` of versions 2 to 4 (DWARF 4 section 2.17.3). */
function readRanges(unit: Unit, offset: number): AddressRange[] {
  const file = unit.skeleton?.file ?? unit.file;
  const section = file.sections.ranges;
  if (section === undefined) return [];
  const reader = readerAt(section, offset, unit);
  const size = unit.addressSize;
  const newBase = size === 8 ? -1 : 0xffffffff;
  let base = unit.baseAddress;
  const found: AddressRange[] = [];
  for (;;) {
    const low = reader.address(size);
    const high = reader.address(size);
    if (low === 0 && high === 0) return found;
    if (low === newBase) base = high;
    else if (high > low) found.push({ low: low + base, high: high + base });
    if (found.length > LONGEST_LIST) reader.fail('a range list without end');
  }
}

/** `.debug_rnglists` (DWARF 5 section 2.17.3). */
function readRnglist(unit: Unit, offset: number): AddressRange[] {
  const section = unit.file.sections.rnglists;
  if (section === undefined) return [];
  const reader = readerAt(section, offset, unit);
  const size = unit.addressSize;
  let base = unit.baseAddress;
  const found: AddressRange[] = [];
  const add = (low: number, high: number): void => {
    if (high > low) found.push({ low, high });
    if (found.length > LONGEST_LIST) reader.fail('a range list without end');
  };
  for (;;) {
    const kind = reader.u8();
    if (kind === RLE.end) return found;
    if (kind === RLE.basex) base = unit.indexedAddress(reader.uleb());
    else if (kind === RLE.base) base = reader.address(size);
    else if (kind === RLE.offsetPair) add(base + reader.uleb(), base + reader.uleb());
    else if (kind === RLE.startxEndx)
      add(unit.indexedAddress(reader.uleb()), unit.indexedAddress(reader.uleb()));
    else if (kind === RLE.startEnd) add(reader.address(size), reader.address(size));
    else if (kind === RLE.startxLength || kind === RLE.startLength) {
      const low = kind === RLE.startLength ? reader.address(size) : unit.indexedAddress(reader.uleb());
      add(low, low + reader.uleb());
    } else reader.fail(`the unknown range list entry ${kind}`);
  }
}

/**
 * Where a DIE's DW_AT_location (or another attribute of that class, DW_AT_frame_base for one) holds. A single expression
 * holds everywhere (−∞ … ∞); an absent attribute gives an empty list: optimised out.
 */
export function locationsOf(die: Die, attribute: number = attributes.location): LocationRange[] {
  const { unit } = die;
  const spec = die.abbreviation.attributes.find((candidate) => candidate.attribute === attribute);
  const value = die.attribute(attribute);
  if (spec === undefined || value === undefined) return [];
  if (value.kind === 'block') return [{ low: -Infinity, high: Infinity, expression: value.bytes }];
  if (value.kind === 'list') return readLoclist(unit, loclistOffset(unit, value.index));
  const isOffset =
    spec.form === forms.secOffset ||
    (unit.version < 4 && (spec.form === forms.data4 || spec.form === forms.data8));
  if (!isOffset || (value.kind !== 'offset' && value.kind !== 'constant')) return [];
  return unit.version >= 5
    ? readLoclist(unit, value.value)
    : readLoc(unit, value.value + (unit.contributions?.loclists ?? 0));
}

function loclistOffset(unit: Unit, index: number): number {
  const section = unit.file.sections.loclists;
  if (section === undefined)
    return unit.reader(unit.header.rootOffset).fail('a location list without .debug_loclists');
  const base = unit.loclistsBase;
  return base + readerAt(section, base + index * (unit.is64 ? 8 : 4), unit).offset(unit.is64);
}

/** `.debug_loc` (DWARF 4 section 2.6.2), and GNU's form of it in split files. */
function readLoc(unit: Unit, offset: number): LocationRange[] {
  const section = unit.file.sections.loc;
  if (section === undefined) return [];
  const reader = readerAt(section, offset, unit);
  const size = unit.addressSize;
  const newBase = size === 8 ? -1 : 0xffffffff;
  let base = unit.baseAddress;
  const found: LocationRange[] = [];
  const gnu = unit.skeleton !== undefined;
  while (found.length < LONGEST_LIST) {
    let low: number;
    let high: number;
    if (gnu) {
      const kind = reader.u8();
      if (kind === GNU_LLE.end) return found;
      if (kind === GNU_LLE.base) {
        base = unit.indexedAddress(reader.uleb());
        continue;
      }
      if (kind !== GNU_LLE.startEnd && kind !== GNU_LLE.startLength)
        reader.fail(`the unknown location list entry ${kind}`);
      low = unit.indexedAddress(reader.uleb());
      high = kind === GNU_LLE.startEnd ? unit.indexedAddress(reader.uleb()) : low + reader.u32();
    } else {
      low = reader.address(size);
      high = reader.address(size);
      if (low === 0 && high === 0) return found;
      if (low === newBase) {
        base = high;
        continue;
      }
      low += base;
      high += base;
    }
    const expression = reader.block(reader.u16());
    if (high > low) found.push({ low, high, expression });
  }
  return reader.fail('a location list without end');
}

/** `.debug_loclists` (DWARF 5 section 2.6.2). */
function readLoclist(unit: Unit, offset: number): LocationRange[] {
  const section = unit.file.sections.loclists;
  if (section === undefined) return [];
  const reader = readerAt(section, offset, unit);
  const size = unit.addressSize;
  let base = unit.baseAddress;
  const found: LocationRange[] = [];
  while (found.length < LONGEST_LIST) {
    const kind = reader.u8();
    let low = -Infinity;
    let high = Infinity;
    if (kind === LLE.end) return found;
    if (kind === LLE.basex) {
      base = unit.indexedAddress(reader.uleb());
      continue;
    }
    if (kind === LLE.base) {
      base = reader.address(size);
      continue;
    }
    // GCC's DW_LLE_view_pair: two view numbers before the entry they belong to.
    if (kind === 9) {
      reader.uleb();
      reader.uleb();
      continue;
    }
    if (kind === LLE.offsetPair) {
      low = base + reader.uleb();
      high = base + reader.uleb();
    } else if (kind === LLE.startxEndx) {
      low = unit.indexedAddress(reader.uleb());
      high = unit.indexedAddress(reader.uleb());
    } else if (kind === LLE.startEnd) {
      low = reader.address(size);
      high = reader.address(size);
    } else if (kind === LLE.startxLength || kind === LLE.startLength) {
      low = kind === LLE.startLength ? reader.address(size) : unit.indexedAddress(reader.uleb());
      high = low + reader.uleb();
    } else if (kind !== LLE.default) reader.fail(`the unknown location list entry ${kind}`);
    const expression = reader.block(reader.uleb());
    if (high > low) found.push({ low, high, expression });
  }
  return reader.fail('a location list without end');
}
