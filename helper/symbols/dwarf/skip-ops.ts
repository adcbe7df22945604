import type { LazyBytes } from '../bytes.ts';
import { malformed } from '../problems.ts';
import { attributes, forms, tags } from './constants.ts';

/** What the walk does with a DIE. */
export const UNKNOWN = 0;
/** Skip its attributes. */
export const PLAIN = 1;
/** Its subtree holds no function and DW_AT_sibling tells where it ends. */
export const SKIP_SUBTREE = 2;
export const SUBPROGRAM = 3;
export const INLINED = 4;

/** Skip-ops: a positive number skips that many bytes, 0 ends, these skip what the bytes themselves measure. */
export const OP_LEB = -1;
export const OP_STRING = -2;
export const OP_BLOCK1 = -3;
export const OP_BLOCK2 = -4;
export const OP_BLOCK4 = -5;
export const OP_BLOCK = -6;
export const OP_INDIRECT = -7;
/** An unknown form: its length is not known, so the unit cannot be read on. */
export const OP_UNKNOWN = -8;

/** Slots in which the walk leaves the attributes of functions. */
export const slots = {
  ignored: 0,
  name: 1,
  linkageName: 2,
  lowPc: 3,
  highPc: 4,
  ranges: 5,
  abstractOrigin: 6,
  specification: 7,
  file: 8,
  line: 9,
  column: 10,
  declaration: 11,
  inline: 12,
  sibling: 13,
} as const;
export const SLOT_COUNT = 14;

const subprogramSlots: Readonly<Record<number, number>> = {
  [attributes.name]: slots.name,
  [attributes.linkageName]: slots.linkageName,
  [attributes.mipsLinkageName]: slots.linkageName,
  [attributes.lowPc]: slots.lowPc,
  [attributes.highPc]: slots.highPc,
  [attributes.ranges]: slots.ranges,
  [attributes.abstractOrigin]: slots.abstractOrigin,
  [attributes.specification]: slots.specification,
  [attributes.declFile]: slots.file,
  [attributes.declLine]: slots.line,
  [attributes.declColumn]: slots.column,
  [attributes.declaration]: slots.declaration,
  [attributes.inline]: slots.inline,
  [attributes.sibling]: slots.sibling,
};

const inlinedSlots: Readonly<Record<number, number>> = {
  [attributes.lowPc]: slots.lowPc,
  [attributes.highPc]: slots.highPc,
  [attributes.ranges]: slots.ranges,
  [attributes.abstractOrigin]: slots.abstractOrigin,
  [attributes.callFile]: slots.file,
  [attributes.callLine]: slots.line,
  [attributes.callColumn]: slots.column,
};

/** Tags whose subtrees never hold functions, in any language. */
const functionless: ReadonlySet<number> = new Set([
  tags.enumerationType,
  tags.subroutineType,
  tags.arrayType,
  tags.callSite,
  tags.gnuCallSite,
]);
/** Those that hold none in C; in C++ and Rust code hides in local classes. */
const functionlessInC: ReadonlySet<number> = new Set([tags.structureType, tags.unionType]);

/** The abbreviations of a unit, compiled for the walk; the arrays are indexed by code where nothing else is said. */
export interface CompiledAbbreviations {
  /** One above the largest code; the arrays may be longer. */
  readonly codes: number;
  readonly kinds: Uint8Array;
  readonly hasChildren: Uint8Array;
  /** Bytes of all attributes together, or −1 when they vary. */
  readonly fixedSizes: Int32Array;
  readonly opStarts: Int32Array;
  readonly ops: Int32Array;
  /** Triples slot, form, implicit constant of functions. */
  readonly specStarts: Int32Array;
  readonly specEnds: Int32Array;
  readonly specs: Int32Array;
  /** For SKIP_SUBTREE: distance of DW_AT_sibling's four bytes from the end of the code. */
  readonly siblingAt: Int32Array;
}

/** What the sizes of forms depend on, and whether local classes can be. */
export interface UnitShape {
  readonly addressSize: number;
  readonly is64: boolean;
  readonly version: number;
  readonly isC: boolean;
}

/** The section is read from the file this far ahead; five numbers of at most ten bytes are read between two looks. */
const AHEAD_BYTES = 8192;
const STEP_BYTES = 64;

/** Codes are small in practice; larger ones would only cost memory. */
const MOST_CODES = 1 << 20;

/**
 * Compiles abbreviation tables straight from their bytes into arrays it uses again and again: 2,352 tables of 200 entries
 * are read in 50 ms that way, and took 800 ms of garbage collection as objects.
 */
export class AbbreviationCompiler {
  #kinds = new Uint8Array(1024);
  #hasChildren = new Uint8Array(1024);
  #fixedSizes = new Int32Array(1024);
  #opStarts = new Int32Array(1024);
  #specStarts = new Int32Array(1024);
  #specEnds = new Int32Array(1024);
  #siblingAt = new Int32Array(1024);
  #ops = new Int32Array(8192);
  #specs = new Int32Array(8192);
  #opCount = 0;
  #specCount = 0;
  #codes = 0;

  /** The result is valid until the next call. */
  compile(section: LazyBytes, offset: number, shape: UnitShape, path: string): CompiledAbbreviations {
    this.#kinds.fill(UNKNOWN, 0, this.#codes);
    this.#opCount = 0;
    this.#specCount = 0;
    this.#codes = 0;
    const stopped = this.#read(section, offset, shape);
    if (stopped < 0 || stopped > section.length)
      throw malformed(
        path,
        '.debug_abbrev',
        Math.abs(stopped),
        'an abbreviation that is cut off, or of a code too large',
      );
    return {
      codes: this.#codes,
      kinds: this.#kinds,
      hasChildren: this.#hasChildren,
      fixedSizes: this.#fixedSizes,
      opStarts: this.#opStarts,
      ops: this.#ops,
      specStarts: this.#specStarts,
      specEnds: this.#specEnds,
      specs: this.#specs,
      siblingAt: this.#siblingAt,
    };
  }

  #read(section: LazyBytes, offset: number, shape: UnitShape): number {
    const { addressSize, is64, version, isC } = shape;
    const { bytes } = section;
    const end = bytes.length;
    let ready = section.isWhole ? Infinity : 0;
    let pos = offset;
    while (pos < end) {
      if (pos + STEP_BYTES > ready) section.ensure(pos, (ready = pos + AHEAD_BYTES));
      let code = bytes[pos++]!;
      if (code >= 0x80) {
        code &= 0x7f;
        for (let scale = 128; ; scale *= 128) {
          const byte = bytes[pos++]!;
          code += (byte & 0x7f) * scale;
          if (!(byte >= 0x80)) break;
        }
      }
      if (code === 0) return pos;
      if (!(code < MOST_CODES)) return -pos;
      let tag = bytes[pos++]!;
      if (tag >= 0x80) {
        tag &= 0x7f;
        for (let scale = 128; ; scale *= 128) {
          const byte = bytes[pos++]!;
          tag += (byte & 0x7f) * scale;
          if (!(byte >= 0x80)) break;
        }
      }
      const children = bytes[pos++]!;
      if (code >= this.#kinds.length) this.#growCodes(code);
      // Of two entries with one code the first counts.
      const known = this.#kinds[code] !== UNKNOWN;
      const isFunction = tag === tags.subprogram || tag === tags.inlinedSubroutine;
      const slotsByAttribute = tag === tags.subprogram ? subprogramSlots : inlinedSlots;
      const firstOp = this.#opCount;
      const firstSpec = this.#specCount;
      let pending = 0;
      let varies = false;
      let sibling = -1;
      for (;;) {
        if (pos + STEP_BYTES > ready) section.ensure(pos, (ready = pos + AHEAD_BYTES));
        let attribute = bytes[pos++]!;
        if (attribute >= 0x80) {
          attribute &= 0x7f;
          for (let scale = 128; ; scale *= 128) {
            const byte = bytes[pos++]!;
            attribute += (byte & 0x7f) * scale;
            if (!(byte >= 0x80)) break;
          }
        }
        let form = bytes[pos++]!;
        if (form >= 0x80) {
          form &= 0x7f;
          for (let scale = 128; ; scale *= 128) {
            const byte = bytes[pos++]!;
            form += (byte & 0x7f) * scale;
            if (!(byte >= 0x80)) break;
          }
        }
        if (attribute === 0 && form === 0) break;
        if (!(pos < end)) return -end;
        let implicit = 0;
        if (form === forms.implicitConst) {
          let scale = 1;
          for (;;) {
            const byte = bytes[pos++]!;
            implicit += (byte & 0x7f) * scale;
            scale *= 128;
            if (!(byte >= 0x80)) {
              if ((byte & 0x40) !== 0) implicit -= scale;
              break;
            }
          }
        }
        if (attribute === attributes.sibling && form === forms.ref4 && !varies) sibling = pending;
        if (isFunction) this.#addSpec(slotsByAttribute[attribute] ?? slots.ignored, form, implicit);
        const size = sizeOfForm(form, addressSize, is64, version);
        if (size >= 0) pending += size;
        else {
          if (pending > 0) this.#addOp(pending);
          pending = 0;
          varies = true;
          this.#addOp(size);
        }
      }
      if (known) continue;
      if (pending > 0) this.#addOp(pending);
      this.#addOp(0);
      this.#opStarts[code] = firstOp;
      this.#fixedSizes[code] = varies ? -1 : pending;
      this.#specStarts[code] = firstSpec;
      this.#specEnds[code] = this.#specCount;
      this.#hasChildren[code] = children !== 0 ? 1 : 0;
      this.#siblingAt[code] = sibling;
      const skippable =
        children !== 0 && sibling >= 0 && (functionless.has(tag) || (isC && functionlessInC.has(tag)));
      this.#kinds[code] =
        tag === tags.subprogram
          ? SUBPROGRAM
          : tag === tags.inlinedSubroutine
            ? INLINED
            : skippable
              ? SKIP_SUBTREE
              : PLAIN;
      if (code >= this.#codes) this.#codes = code + 1;
    }
    return pos;
  }

  #addOp(op: number): void {
    if (this.#opCount === this.#ops.length) this.#ops = grown(this.#ops, this.#ops.length * 2);
    this.#ops[this.#opCount++] = op;
  }

  #addSpec(slot: number, form: number, implicit: number): void {
    if (this.#specCount + 3 > this.#specs.length) this.#specs = grown(this.#specs, this.#specs.length * 2);
    this.#specs[this.#specCount++] = slot;
    this.#specs[this.#specCount++] = form;
    this.#specs[this.#specCount++] = implicit;
  }

  #growCodes(code: number): void {
    const size = Math.max(code + 1, this.#kinds.length * 2);
    const bytes = (old: Uint8Array): Uint8Array<ArrayBuffer> => {
      const larger = new Uint8Array(size);
      larger.set(old);
      return larger;
    };
    this.#kinds = bytes(this.#kinds);
    this.#hasChildren = bytes(this.#hasChildren);
    this.#fixedSizes = grown(this.#fixedSizes, size);
    this.#opStarts = grown(this.#opStarts, size);
    this.#specStarts = grown(this.#specStarts, size);
    this.#specEnds = grown(this.#specEnds, size);
    this.#siblingAt = grown(this.#siblingAt, size);
  }
}

function grown(old: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(size);
  larger.set(old);
  return larger;
}

/** Bytes of a form's value, or an OP_… for those that vary. */
export function sizeOfForm(form: number, addressSize: number, is64: boolean, version: number): number {
  switch (form) {
    case forms.flagPresent:
    case forms.implicitConst:
      return 0;
    case forms.data1:
    case forms.ref1:
    case forms.flag:
    case forms.strx1:
    case forms.addrx1:
      return 1;
    case forms.data2:
    case forms.ref2:
    case forms.strx2:
    case forms.addrx2:
      return 2;
    case forms.strx3:
    case forms.addrx3:
      return 3;
    case forms.data4:
    case forms.ref4:
    case forms.strx4:
    case forms.addrx4:
    case forms.refSup4:
      return 4;
    case forms.data8:
    case forms.ref8:
    case forms.refSig8:
    case forms.refSup8:
      return 8;
    case forms.data16:
      return 16;
    case forms.addr:
      return addressSize;
    case forms.refAddr:
      return version === 2 ? addressSize : is64 ? 8 : 4;
    case forms.strp:
    case forms.lineStrp:
    case forms.secOffset:
    case forms.strpSup:
    case forms.gnuRefAlt:
    case forms.gnuStrpAlt:
      return is64 ? 8 : 4;
    case forms.udata:
    case forms.sdata:
    case forms.refUdata:
    case forms.strx:
    case forms.addrx:
    case forms.loclistx:
    case forms.rnglistx:
    case forms.gnuAddrIndex:
    case forms.gnuStrIndex:
      return OP_LEB;
    case forms.string:
      return OP_STRING;
    case forms.block1:
      return OP_BLOCK1;
    case forms.block2:
      return OP_BLOCK2;
    case forms.block4:
      return OP_BLOCK4;
    case forms.block:
    case forms.exprloc:
      return OP_BLOCK;
    case forms.indirect:
      return OP_INDIRECT;
    default:
      return OP_UNKNOWN;
  }
}
