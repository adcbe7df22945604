import { stripped, type Member, type Type } from '../dwarf/types.ts';
import type { Location } from '../values/location.ts';
import { extend, type Term } from '../values/term.ts';

/** How C computes with an integer. */
export interface IntegerKind {
  readonly bits: number;
  readonly signed: boolean;
}

/** What an expression is: something with a place and a type, or a computed number or pointer. */
export type Value =
  | {
      readonly kind: 'place';
      readonly type: Type;
      readonly location: Location;
      /** A bit field in the first bytes of the location. */
      readonly bitField?: { readonly offset: number; readonly size: number };
    }
  /** The term is sign- or zero-extended to 64 bits already. `type` when the number has one worth showing (an enum, a char). */
  | ({ readonly kind: 'number'; readonly term: Term; readonly type?: Type } & IntegerKind)
  | { readonly kind: 'pointer'; readonly term: Term; readonly target: Type }
  /** `count` elements from an address; `lengthTerm`: how many of them are there. */
  | {
      readonly kind: 'slice';
      readonly element: Type;
      readonly address: Term;
      readonly count: number;
      readonly from: number;
      readonly lengthTerm?: Term;
    }
  | { readonly kind: 'text-constant'; readonly text: string }
  | { readonly kind: 'builtin'; readonly name: Builtin };

export const builtins = ['$pid', '$tid', '$cpu', '$comm', '$time'] as const;
export type Builtin = (typeof builtins)[number];

/** The integer arithmetic of a type; undefined for structs, arrays, floating point and functions. */
export function integerKind(type: Type): IntegerKind | undefined {
  const plain = stripped(type);
  const bits = plain.sizeBytes * 8;
  switch (plain.kind) {
    case 'base':
      if (plain.encoding === 'float' || plain.encoding === 'complex' || bits > 64 || bits === 0)
        return undefined;
      return { bits, signed: plain.encoding === 'signed' || plain.encoding === 'signed-char' };
    case 'enum': {
      const underlying = integerKind(plain.underlying());
      return { bits: bits || 32, signed: underlying?.signed ?? false };
    }
    default:
      return undefined;
  }
}

/** C's integer promotion: everything smaller than int becomes int. */
export function promoted(kind: IntegerKind): IntegerKind {
  return kind.bits < 32 ? { bits: 32, signed: true } : kind;
}

/** C's usual arithmetic conversions for two integers. */
export function commonKind(left: IntegerKind, right: IntegerKind): IntegerKind {
  const [a, b] = [promoted(left), promoted(right)];
  if (a.bits === b.bits) return { bits: a.bits, signed: a.signed && b.signed };
  return a.bits > b.bits ? a : b;
}

/** A term that is extended as `from` says, as `to` wants it. */
export function convert(term: Term, from: IntegerKind, to: IntegerKind): Term {
  if (from.bits === to.bits && from.signed === to.signed) return term;
  if (to.bits > from.bits && (to.bits === 64 || from.signed === to.signed || !from.signed)) return term;
  return extend(term, to.bits, to.signed);
}

/** A member by name, also inside base classes and anonymous structs and unions, with its distance from the start. */
export function findMember(
  type: Type,
  name: string,
  depth = 0,
): { member: Member; offsetBytes: number } | undefined {
  const plain = stripped(type);
  if (!isStruct(plain) || depth > 16) return undefined;
  const members = plain.members();
  for (const member of members)
    if (member.name === name && !member.inherited) return { member, offsetBytes: member.offsetBytes };
  for (const member of members) {
    if (!member.inherited && member.name !== '') continue;
    const inner = findMember(member.type(), name, depth + 1);
    if (inner !== undefined)
      return { member: inner.member, offsetBytes: member.offsetBytes + inner.offsetBytes };
  }
  return undefined;
}

/** The names that {@link findMember} knows. */
export function memberNames(type: Type, depth = 0): string[] {
  const plain = stripped(type);
  if (!isStruct(plain) || depth > 16) return [];
  return plain
    .members()
    .flatMap((member) =>
      member.inherited || member.name === '' ? memberNames(member.type(), depth + 1) : [member.name],
    );
}

export type StructType = Extract<Type, { kind: 'struct' | 'class' | 'union' }>;

export function isStruct(type: Type): type is StructType {
  return type.kind === 'struct' || type.kind === 'class' || type.kind === 'union';
}

export function isPointer(
  type: Type,
): type is Extract<Type, { kind: 'pointer' | 'reference' | 'rvalue-reference' }> {
  return type.kind === 'pointer' || type.kind === 'reference' || type.kind === 'rvalue-reference';
}

/** `char`, `unsigned char`, `i8`… : one byte that stands for a character where it is behind a pointer. */
export function isCharacter(type: Type): boolean {
  const plain = stripped(type);
  return (
    plain.kind === 'base' &&
    plain.sizeBytes === 1 &&
    (plain.encoding === 'signed-char' || plain.encoding === 'unsigned-char' || plain.encoding === 'utf')
  );
}
