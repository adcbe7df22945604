import type { Abbreviation, AbbreviationTable } from './abbreviations.ts';
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

/** The abbreviations of a unit, compiled for the walk; all arrays are indexed by code. */
export interface CompiledAbbreviations {
  readonly kinds: Uint8Array;
  readonly hasChildren: Uint8Array;
  /** Bytes of all attributes together, or −1 when they vary. */
  readonly fixedSizes: Int32Array;
  readonly opStarts: Int32Array;
  readonly ops: Int32Array;
  /** Triples slot, form, implicit constant of functions, ended by the next code's start. */
  readonly specStarts: Int32Array;
  readonly specs: Int32Array;
  /** For SKIP_SUBTREE: distance of DW_AT_sibling's four bytes from the end of the code. */
  readonly siblingAt: Int32Array;
}

/** Compiles for units with this address size, offset size and (C or not) language. */
export function compileAbbreviations(
  table: AbbreviationTable,
  addressSize: number,
  is64: boolean,
  version: number,
  isC: boolean,
): CompiledAbbreviations {
  const count = table.denseLength;
  const kinds = new Uint8Array(count);
  const hasChildren = new Uint8Array(count);
  const fixedSizes = new Int32Array(count);
  const opStarts = new Int32Array(count);
  const specStarts = new Int32Array(count + 1);
  const siblingAt = new Int32Array(count).fill(-1);
  const ops: number[] = [];
  const specs: number[] = [];
  const sizeOf = (form: number): number => sizeOfForm(form, addressSize, is64, version);
  for (let code = 0; code < count; code++) {
    opStarts[code] = ops.length;
    specStarts[code] = specs.length;
    const abbreviation = table.get(code);
    if (abbreviation === undefined) continue;
    const { tag } = abbreviation;
    hasChildren[code] = abbreviation.hasChildren ? 1 : 0;
    kinds[code] = tag === tags.subprogram ? SUBPROGRAM : tag === tags.inlinedSubroutine ? INLINED : PLAIN;
    fixedSizes[code] = compileOps(abbreviation, ops, sizeOf);
    if (tag === tags.subprogram) addSpecs(abbreviation, subprogramSlots, specs);
    else if (tag === tags.inlinedSubroutine) addSpecs(abbreviation, inlinedSlots, specs);
    else if (abbreviation.hasChildren && (functionless.has(tag) || (isC && functionlessInC.has(tag)))) {
      const at = siblingDistance(abbreviation, sizeOf);
      siblingAt[code] = at;
      if (at >= 0) kinds[code] = SKIP_SUBTREE;
    }
  }
  specStarts[count] = specs.length;
  return {
    kinds,
    hasChildren,
    fixedSizes,
    opStarts,
    ops: Int32Array.from(ops),
    specStarts,
    specs: Int32Array.from(specs),
    siblingAt,
  };
}

/** Appends the skip-ops, neighbours of fixed size merged into one. Returns the whole size, or −1 when it varies. */
function compileOps(abbreviation: Abbreviation, ops: number[], sizeOf: (form: number) => number): number {
  let pending = 0;
  let varies = false;
  for (const { form } of abbreviation.attributes) {
    const size = sizeOf(form);
    if (size >= 0) pending += size;
    else {
      varies = true;
      if (pending > 0) ops.push(pending);
      pending = 0;
      ops.push(size);
    }
  }
  if (pending > 0) ops.push(pending);
  ops.push(0);
  return varies ? -1 : pending;
}

function addSpecs(
  abbreviation: Abbreviation,
  known: Readonly<Record<number, number>>,
  specs: number[],
): void {
  for (const { attribute, form, implicit } of abbreviation.attributes)
    specs.push(known[attribute] ?? slots.ignored, form, implicit);
}

/** Where DW_AT_sibling (as DW_FORM_ref4) starts when only values of fixed size precede it, else −1. */
function siblingDistance(abbreviation: Abbreviation, sizeOf: (form: number) => number): number {
  let at = 0;
  for (const { attribute, form } of abbreviation.attributes) {
    if (attribute === attributes.sibling) return form === forms.ref4 ? at : -1;
    const size = sizeOf(form);
    if (size < 0) return -1;
    at += size;
  }
  return -1;
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
