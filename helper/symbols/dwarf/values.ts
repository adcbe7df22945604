import { forms } from './constants.ts';
import type { DwarfReader } from './reader.ts';
import type { Unit } from './unit.ts';

/** A decoded attribute value, by the class of DWARF 5 section 7.5.5. */
export type AttributeValue =
  | { readonly kind: 'address'; readonly value: number }
  /** `big` carries what does not fit 2^53; `signed` tells that the form itself was signed. */
  | { readonly kind: 'constant'; readonly value: number; readonly big?: bigint; readonly signed: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'flag'; readonly value: boolean }
  /** An offset in the same file's `.debug_info` (or `.debug_types`), or in the supplementary file's. */
  | { readonly kind: 'reference'; readonly offset: number; readonly supplementary: boolean }
  /** A type unit's signature, as 16 hexadecimal digits. */
  | { readonly kind: 'signature'; readonly signature: string }
  /** A location expression (DWARF 5 section 2.5), or plain bytes. */
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  /** An offset in another section, which the attribute names. */
  | { readonly kind: 'offset'; readonly value: number }
  /** An index in the unit's table of range or location lists. */
  | { readonly kind: 'list'; readonly index: number };

const constant = (value: number): AttributeValue => ({ kind: 'constant', value, signed: false });

function constant64(big: bigint, signed: boolean): AttributeValue {
  const value = Number(big);
  return Number.isSafeInteger(value)
    ? { kind: 'constant', value, signed }
    : { kind: 'constant', value, big, signed };
}

function string(value: string | undefined): AttributeValue {
  return { kind: 'string', value: value ?? '' };
}

/** Reads one value; the reader stands behind it afterwards. Unknown forms end the unit: their length is not known. */
export function readValue(reader: DwarfReader, form: number, implicit: number, unit: Unit): AttributeValue {
  const { sections, supplementary } = unit.file;
  const { is64 } = unit;
  switch (form) {
    case forms.addr:
      return { kind: 'address', value: reader.address(unit.addressSize) };
    case forms.addrx:
    case forms.gnuAddrIndex:
      return { kind: 'address', value: unit.indexedAddress(reader.uleb()) };
    case forms.addrx1:
      return { kind: 'address', value: unit.indexedAddress(reader.u8()) };
    case forms.addrx2:
      return { kind: 'address', value: unit.indexedAddress(reader.u16()) };
    case forms.addrx3:
      return { kind: 'address', value: unit.indexedAddress(reader.u24()) };
    case forms.addrx4:
      return { kind: 'address', value: unit.indexedAddress(reader.u32()) };
    case forms.data1:
      return constant(reader.u8());
    case forms.data2:
      return constant(reader.u16());
    case forms.data4:
      // Before version 4 there was no DW_FORM_sec_offset; the attribute tells which of the two it is.
      return constant(reader.u32());
    case forms.data8:
      return constant64(reader.big64(), false);
    case forms.data16:
    case forms.block1:
    case forms.block2:
    case forms.block4:
    case forms.block:
    case forms.exprloc:
      return { kind: 'block', bytes: reader.block(blockLength(reader, form)) };
    case forms.sdata:
      return constant64(reader.bigLeb(true), true);
    case forms.udata:
      return constant64(reader.bigLeb(false), false);
    case forms.implicitConst:
      return { kind: 'constant', value: implicit, signed: true };
    case forms.flag:
      return { kind: 'flag', value: reader.u8() !== 0 };
    case forms.flagPresent:
      return { kind: 'flag', value: true };
    case forms.string:
      return { kind: 'string', value: reader.string() };
    case forms.strp:
      return string(sections.str?.string(reader.offset(is64)));
    case forms.lineStrp:
      return string(sections.lineStr?.string(reader.offset(is64)));
    case forms.strpSup:
    case forms.gnuStrpAlt:
      return string(supplementary?.sections.str?.string(reader.offset(is64)));
    case forms.strx:
    case forms.gnuStrIndex:
      return string(unit.indexedString(reader.uleb()));
    case forms.strx1:
      return string(unit.indexedString(reader.u8()));
    case forms.strx2:
      return string(unit.indexedString(reader.u16()));
    case forms.strx3:
      return string(unit.indexedString(reader.u24()));
    case forms.strx4:
      return string(unit.indexedString(reader.u32()));
    case forms.ref1:
      return reference(unit.offset + reader.u8());
    case forms.ref2:
      return reference(unit.offset + reader.u16());
    case forms.ref4:
      return reference(unit.offset + reader.u32());
    case forms.ref8:
      return reference(unit.offset + reader.u64());
    case forms.refUdata:
      return reference(unit.offset + reader.uleb());
    case forms.refAddr:
      // In version 2 it had the size of an address.
      return reference(unit.version === 2 ? reader.address(unit.addressSize) : reader.offset(is64));
    case forms.refSup4:
      return { kind: 'reference', offset: reader.u32(), supplementary: true };
    case forms.refSup8:
      return { kind: 'reference', offset: reader.u64(), supplementary: true };
    case forms.gnuRefAlt:
      return { kind: 'reference', offset: reader.offset(is64), supplementary: true };
    case forms.refSig8:
      return { kind: 'signature', signature: reader.big64().toString(16).padStart(16, '0') };
    case forms.secOffset:
      return { kind: 'offset', value: reader.offset(is64) };
    case forms.loclistx:
    case forms.rnglistx:
      return { kind: 'list', index: reader.uleb() };
    case forms.indirect: {
      const actual = reader.uleb();
      if (actual === forms.indirect || actual === forms.implicitConst)
        reader.fail('an indirect form of an indirect form');
      return readValue(reader, actual, 0, unit);
    }
    default:
      return reader.fail(`the unknown attribute form 0x${form.toString(16)}`);
  }
}

function reference(offset: number): AttributeValue {
  return { kind: 'reference', offset, supplementary: false };
}

function blockLength(reader: DwarfReader, form: number): number {
  switch (form) {
    case forms.data16:
      return 16;
    case forms.block1:
      return reader.u8();
    case forms.block2:
      return reader.u16();
    case forms.block4:
      return reader.u32();
    default:
      return reader.uleb();
  }
}

/** Moves the reader over one value without decoding it. */
export function skipValue(reader: DwarfReader, form: number, unit: Unit): void {
  switch (form) {
    case forms.flagPresent:
    case forms.implicitConst:
      return;
    case forms.strp:
    case forms.lineStrp:
    case forms.strpSup:
    case forms.gnuStrpAlt:
    case forms.gnuRefAlt:
    case forms.secOffset:
      reader.skip(unit.is64 ? 8 : 4);
      return;
    case forms.strx:
    case forms.gnuStrIndex:
    case forms.addrx:
    case forms.gnuAddrIndex:
      reader.uleb();
      return;
    case forms.strx1:
    case forms.addrx1:
      reader.skip(1);
      return;
    case forms.strx2:
    case forms.addrx2:
      reader.skip(2);
      return;
    case forms.strx3:
    case forms.addrx3:
      reader.skip(3);
      return;
    case forms.strx4:
    case forms.addrx4:
      reader.skip(4);
      return;
    default:
      readValue(reader, form, 0, unit);
  }
}
