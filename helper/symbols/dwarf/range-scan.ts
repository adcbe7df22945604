import type { LazyBytes } from '../bytes.ts';
import { malformed } from '../problems.ts';
import type { ScopeStore } from './scope-store.ts';
import type { Unit } from './unit.ts';

/** Entries of one list at which it is taken for damage. */
const LONGEST_LIST = 2_000_000;

/** The section is read from the file this far ahead; an entry is a byte and two numbers of at most ten. */
const AHEAD_BYTES = 1024;
const ENTRY_BYTES = 24;

/**
 * Reads range lists straight into a {@link ScopeStore}: the same formats as `lists.ts`, without an object a range, for
 * the 300,000 inlined copies of a kernel.
 */
export class RangeScanner {
  readonly #unit: Unit;
  readonly #store: ScopeStore;
  #base: number | undefined;

  constructor(unit: Unit, store: ScopeStore) {
    this.#unit = unit;
    this.#store = store;
  }

  /** `value` is a section offset, or an index of the unit's list table. */
  scan(scope: number, value: number, indexed: boolean): void {
    const unit = this.#unit;
    this.#base ??= unit.baseAddress;
    if (unit.version < 5) {
      this.#scanOld(scope, value + (unit.skeleton?.oldRangesBase ?? 0));
      return;
    }
    const section = unit.file.sections.rnglists;
    if (section === undefined) return;
    if (!indexed) {
      this.#scanNew(scope, section, value);
      return;
    }
    const base = unit.rnglistsBase;
    const at = base + value * (unit.is64 ? 8 : 4);
    section.ensure(at, at + 4);
    this.#scanNew(scope, section, base + read32(section.bytes, at));
  }

  #fail(section: string, at: number): never {
    throw malformed(this.#unit.file.path, section, at, 'a range list without end, or of an unknown kind');
  }

  /** `.debug_ranges`, DWARF 4 section 2.17.3. */
  #scanOld(scope: number, offset: number): void {
    const unit = this.#unit;
    const section = (unit.skeleton?.file ?? unit.file).sections.ranges;
    if (section === undefined) return;
    const bytes = section.all();
    const wide = unit.addressSize === 8;
    const step = wide ? 16 : 8;
    let base = this.#base!;
    const end = Math.min(bytes.length, offset + LONGEST_LIST * step);
    for (let at = offset; at + step <= end; at += step) {
      const low = wide ? read64(bytes, at) : read32(bytes, at);
      const high = wide ? read64(bytes, at + 8) : read32(bytes, at + 4);
      if (low === 0 && high === 0) return;
      if (low === (wide ? -1 : 0xffffffff)) base = high;
      else this.#store.addRange(scope, low + base, high + base);
    }
    this.#fail('.debug_ranges', offset);
  }

  /** `.debug_rnglists`, DWARF 5 section 7.25. */
  #scanNew(scope: number, section: LazyBytes, offset: number): void {
    const unit = this.#unit;
    const { bytes } = section;
    let ready = section.isWhole ? Infinity : 0;
    const store = this.#store;
    const wide = unit.addressSize === 8;
    let base = this.#base!;
    let pos = offset;
    const leb = (): number => {
      let byte = bytes[pos++]!;
      if (byte < 0x80) return byte;
      let value = byte & 0x7f;
      let scale = 128;
      while (byte >= 0x80) {
        byte = bytes[pos++]!;
        value += (byte & 0x7f) * scale;
        scale *= 128;
      }
      return value;
    };
    const address = (): number => {
      const value = wide ? read64(bytes, pos) : read32(bytes, pos);
      pos += wide ? 8 : 4;
      return value;
    };
    for (let entries = 0; entries < LONGEST_LIST && pos < bytes.length; entries++) {
      if (pos + ENTRY_BYTES > ready) section.ensure(pos, (ready = pos + AHEAD_BYTES));
      const kind = bytes[pos++]!;
      let low: number;
      switch (kind) {
        case 0:
          return;
        case 1:
          base = unit.indexedAddress(leb());
          break;
        case 2:
          low = unit.indexedAddress(leb());
          store.addRange(scope, low, unit.indexedAddress(leb()));
          break;
        case 3:
          low = unit.indexedAddress(leb());
          store.addRange(scope, low, low + leb());
          break;
        case 4:
          low = base + leb();
          store.addRange(scope, low, base + leb());
          break;
        case 5:
          base = address();
          break;
        case 6:
          low = address();
          store.addRange(scope, low, address());
          break;
        case 7:
          low = address();
          store.addRange(scope, low, low + leb());
          break;
        default:
          this.#fail('.debug_rnglists', pos - 1);
      }
    }
    this.#fail('.debug_rnglists', offset);
  }
}

function read32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** As an address: signed. */
function read64(bytes: Uint8Array, at: number): number {
  return (read32(bytes, at + 4) | 0) * 4294967296 + read32(bytes, at);
}
