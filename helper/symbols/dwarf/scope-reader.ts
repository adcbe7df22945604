import { malformed } from '../problems.ts';
import { forms } from './constants.ts';
import { RangeScanner } from './range-scan.ts';
import type { ScopeStore } from './scope-store.ts';
import {
  ABSTRACT,
  DECLARATION,
  HAS_ORIGIN,
  INLINED_SCOPE,
  LINKAGE_SHIFT,
  NAME_IN_INFO,
  NAME_IN_LINE_STR,
  NAME_IN_STR,
  NAME_IN_SUPPLEMENT,
  NAME_NONE,
  NAME_SHIFT,
  ORIGIN_ELSEWHERE,
  SPECIFIES,
} from './scope-store.ts';
import type { CompiledAbbreviations } from './skip-ops.ts';
import { INLINED, SLOT_COUNT, slots } from './skip-ops.ts';
import type { Unit } from './unit.ts';
import { skipValue } from './values.ts';

/** Decodes the attributes of subprograms and inlined subroutines of one unit into a {@link ScopeStore}. */
export class ScopeReader {
  readonly #unit: Unit;
  readonly #bytes: Uint8Array;
  readonly #bias: number;
  readonly #compiled: CompiledAbbreviations;
  readonly #store: ScopeStore;
  readonly #ranges: RangeScanner;
  readonly #values = new Float64Array(SLOT_COUNT);
  readonly #forms = new Int32Array(SLOT_COUNT);

  constructor(
    unit: Unit,
    bytes: Uint8Array,
    bias: number,
    compiled: CompiledAbbreviations,
    store: ScopeStore,
  ) {
    this.#unit = unit;
    this.#bytes = bytes;
    this.#bias = bias;
    this.#compiled = compiled;
    this.#store = store;
    this.#ranges = new RangeScanner(unit, store);
  }

  /** Reads the DIE whose attributes start at `pos`. Returns the position behind it, negated when behind its subtree too. */
  read(pos: number, dieAt: number, code: number, kind: number, parent: number): number {
    const after = this.#decode(pos, code);
    const values = this.#values;
    const found = this.#forms;
    const store = this.#store;
    const scope = store.count;
    if (scope + 1 >= store.capacity) store.growScopes(scope + 2);
    store.count = scope + 1;
    store.dies[scope] = dieAt + this.#bias;
    store.parents[scope] = parent;
    store.firstRanges[scope] = store.rangeCount;
    store.files[scope] = values[slots.file]!;
    store.lines[scope] = values[slots.line]!;
    store.columns[scope] = values[slots.column]!;
    let flags = kind === INLINED ? INLINED_SCOPE : 0;
    if (found[slots.abstractOrigin] !== 0) flags |= this.#origin(scope, slots.abstractOrigin);
    else if (found[slots.specification] !== 0) flags |= this.#origin(scope, slots.specification) | SPECIFIES;
    if (values[slots.declaration] !== 0) flags |= DECLARATION;
    if (found[slots.inline] !== 0 && values[slots.inline] !== 0) flags |= ABSTRACT;
    flags |= this.#name(slots.name, store.names, scope) << NAME_SHIFT;
    flags |= this.#name(slots.linkageName, store.linkageNames, scope) << LINKAGE_SHIFT;
    store.flags[scope] = flags;
    this.#addRanges(scope);
    const sibling = (flags & DECLARATION) === 0 ? 0 : this.siblingAfter(after);
    return sibling > 0 ? -sibling : after;
  }

  /** Takes the function that was read last back when it holds none of the addresses, and says whether. Nothing below it may have been read. */
  leaveOut(addresses: readonly number[]): boolean {
    const store = this.#store;
    const { rangeLows, rangeHighs, rangeCount } = store;
    const scope = store.count - 1;
    const first = store.firstRanges[scope]!;
    for (let range = first; range < rangeCount; range++)
      for (const address of addresses)
        if (address >= rangeLows[range]! && address < rangeHighs[range]!) return false;
    store.count = scope;
    store.rangeCount = first;
    return true;
  }

  /** Where the sibling of the function that was read last is; 0 when it tells of none behind `after`. */
  siblingAfter(after: number): number {
    if (this.#forms[slots.sibling] === 0) return 0;
    const sibling = this.#values[slots.sibling]! - this.#bias;
    return sibling > after && sibling <= this.#unit.end - this.#bias ? sibling : 0;
  }

  #addRanges(scope: number): void {
    const values = this.#values;
    const found = this.#forms;
    const ranges = found[slots.ranges]!;
    if (ranges !== 0) {
      this.#ranges.scan(scope, values[slots.ranges]!, ranges === forms.rnglistx);
      return;
    }
    const highForm = found[slots.highPc]!;
    if (found[slots.lowPc] === 0 || highForm === 0) return;
    const low = values[slots.lowPc]!;
    const high = values[slots.highPc]!;
    this.#store.addRange(scope, low, isAddress(highForm) ? high : low + high);
  }

  #origin(scope: number, slot: number): number {
    const form = this.#forms[slot]!;
    if (form === forms.refSig8) return 0;
    this.#store.origins[scope] = this.#values[slot]!;
    const elsewhere = form === forms.gnuRefAlt || form === forms.refSup4 || form === forms.refSup8;
    return elsewhere ? HAS_ORIGIN | ORIGIN_ELSEWHERE : HAS_ORIGIN;
  }

  #name(slot: number, into: Uint32Array, scope: number): number {
    const form = this.#forms[slot]!;
    if (form === 0) return NAME_NONE;
    into[scope] = this.#values[slot]!;
    switch (form) {
      case forms.string:
        return NAME_IN_INFO;
      case forms.lineStrp:
        return NAME_IN_LINE_STR;
      case forms.gnuStrpAlt:
      case forms.strpSup:
        return NAME_IN_SUPPLEMENT;
      default:
        return NAME_IN_STR;
    }
  }

  #decode(start: number, code: number): number {
    const { specStarts, specEnds, specs } = this.#compiled;
    const values = this.#values;
    const found = this.#forms;
    const bytes = this.#bytes;
    found.fill(0);
    values.fill(0);
    const end = specEnds[code]!;
    let pos = start;
    for (let at = specStarts[code]!; at < end; at += 3) {
      const slot = specs[at]!;
      const form = specs[at + 1]!;
      let value = 0;
      switch (form) {
        case forms.data1:
        case forms.flag:
        case forms.ref1:
          value = bytes[pos++]!;
          break;
        case forms.data2:
        case forms.ref2:
          value = bytes[pos]! | (bytes[pos + 1]! << 8);
          pos += 2;
          break;
        case forms.data4:
        case forms.ref4:
          value =
            (bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24)) >>> 0;
          pos += 4;
          break;
        case forms.flagPresent:
          value = 1;
          break;
        case forms.implicitConst:
          value = specs[at + 2]!;
          break;
        case forms.udata: {
          let scale = 1;
          for (;;) {
            const byte = bytes[pos++]!;
            value += (byte & 0x7f) * scale;
            if (!(byte >= 0x80)) break;
            scale *= 128;
          }
          break;
        }
        case forms.string:
          value = pos + this.#bias;
          while (bytes[pos] !== 0 && pos < bytes.length) pos++;
          pos++;
          break;
        default:
          pos = this.#decodeRare(pos, form);
          value = this.#rare;
      }
      if (slot !== slots.ignored) {
        // References inside the unit count from its start.
        values[slot] = form >= forms.ref1 && form <= forms.ref4 ? value + this.#unit.offset : value;
        found[slot] = form;
      }
    }
    return pos;
  }

  #rare = 0;

  /** The forms that need the unit's tables or sizes. */
  #decodeRare(pos: number, form: number): number {
    const unit = this.#unit;
    switch (form) {
      case forms.addr:
        if (unit.addressSize === 4) return this.#sized(pos, 4);
        this.#rare = (read32(this.#bytes, pos + 4) | 0) * 4294967296 + read32(this.#bytes, pos);
        return pos + 8;
      case forms.strp:
      case forms.lineStrp:
      case forms.secOffset:
      case forms.strpSup:
      case forms.gnuStrpAlt:
      case forms.gnuRefAlt:
        return this.#sized(pos, unit.is64 ? 8 : 4);
      case forms.refAddr:
        return this.#sized(pos, unit.version === 2 ? unit.addressSize : unit.is64 ? 8 : 4);
      case forms.refSup4:
        return this.#sized(pos, 4);
      case forms.data8:
      case forms.ref8:
      case forms.refSup8:
      case forms.refSig8: {
        const next = this.#sized(pos, 8);
        if (form === forms.ref8) this.#rare += unit.offset;
        return next;
      }
      case forms.addrx1:
      case forms.strx1:
        return this.#indexed(form, this.#sized(pos, 1));
      case forms.addrx2:
      case forms.strx2:
        return this.#indexed(form, this.#sized(pos, 2));
      case forms.addrx3:
      case forms.strx3:
        return this.#indexed(form, this.#sized(pos, 3));
      case forms.addrx4:
      case forms.strx4:
        return this.#indexed(form, this.#sized(pos, 4));
      default:
        return this.#decodeRarest(pos, form);
    }
  }

  #sized(pos: number, size: number): number {
    const bytes = this.#bytes;
    let value = 0;
    if (size === 4) value = read32(bytes, pos);
    else for (let byte = size - 1; byte >= 0; byte--) value = value * 256 + bytes[pos + byte]!;
    this.#rare = value;
    return pos + size;
  }

  #decodeRarest(pos: number, form: number): number {
    const unit = this.#unit;
    const bytes = this.#bytes;
    const isBlock = form === forms.exprloc || form === forms.block;
    if (
      isAddress(form) ||
      isIndexedString(form) ||
      isBlock ||
      form === forms.rnglistx ||
      form === forms.refUdata
    ) {
      let value = 0;
      let scale = 1;
      let at = pos;
      for (;;) {
        const byte = bytes[at++]!;
        value += (byte & 0x7f) * scale;
        if (!(byte >= 0x80)) break;
        scale *= 128;
      }
      this.#rare = form === forms.refUdata ? value + unit.offset : value;
      return isBlock ? at + value : this.#indexed(form, at);
    }
    // Other blocks, signed numbers, DW_FORM_indirect: no function attribute of interest has them. The whole unit is read for them.
    const reader = unit.reader(pos + this.#bias);
    this.#rare = 0;
    skipValue(reader, form, unit);
    return reader.at - this.#bias;
  }

  #indexed(form: number, next: number): number {
    const fail = (what: string): never => {
      throw malformed(this.#unit.file.path, this.#unit.section.name, next + this.#bias, what);
    };
    // behind the unit's bytes there is no index to look up
    if (Number.isNaN(this.#rare)) fail('it is cut off in the middle of a value');
    if (isAddress(form)) this.#rare = this.#unit.indexedAddress(this.#rare);
    else if (isIndexedString(form)) {
      const offset = this.#unit.indexedStringOffset(this.#rare);
      this.#rare = offset ?? fail('an indexed string without its table');
    }
    return next;
  }
}

function isAddress(form: number): boolean {
  return (
    form === forms.addr ||
    form === forms.addrx ||
    form === forms.gnuAddrIndex ||
    (form >= forms.addrx1 && form <= forms.addrx4)
  );
}

function isIndexedString(form: number): boolean {
  return form === forms.strx || form === forms.gnuStrIndex || (form >= forms.strx1 && form <= forms.strx4);
}

function read32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
