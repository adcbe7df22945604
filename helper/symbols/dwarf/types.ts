import { attributes, tags } from './constants.ts';
import type { Die } from './die.ts';

/** How a base type's bits are read (DW_ATE_…, DWARF 5 section 7.8). */
export type Encoding =
  | 'signed'
  | 'unsigned'
  | 'boolean'
  | 'float'
  | 'complex'
  | 'address'
  | 'signed-char'
  | 'unsigned-char'
  | 'utf'
  | 'other';

/** A member of a struct, class or union. Offsets in bytes from the start of the struct. */
export interface Member {
  readonly name: string;
  readonly offsetBytes: number;
  /** Of a bit field: its width and its distance in bits from the struct's first bit (little-endian). */
  readonly bitSize?: number;
  readonly bitOffset?: number;
  /** Base classes are members whose fields are the struct's own. */
  readonly inherited: boolean;
  readonly artificial: boolean;
  readonly die: Die;
  /** Lazily: types refer to each other in circles. */
  readonly type: () => Type;
}

/** One variant of a Rust enum: `discriminant` undefined for the one that holds for all other values. */
export interface Variant {
  readonly discriminant?: number | bigint;
  readonly member: Member;
}

interface Common {
  /** As the source writes it: `struct request *`, `unsigned int`, `&[u8]`. */
  readonly name: string;
  /** 0 where the size is not known (incomplete types, `void`). */
  readonly sizeBytes: number;
  readonly die?: Die;
}

export type Type =
  | (Common & { readonly kind: 'void' })
  | (Common & { readonly kind: 'base'; readonly encoding: Encoding })
  | (Common & { readonly kind: 'pointer' | 'reference' | 'rvalue-reference'; readonly target: () => Type })
  | (Common & { readonly kind: 'member-pointer'; readonly target: () => Type })
  | (Common & {
      readonly kind: 'typedef' | 'const' | 'volatile' | 'restrict' | 'atomic';
      readonly target: () => Type;
    })
  | (Common & {
      readonly kind: 'struct' | 'class' | 'union';
      readonly members: () => readonly Member[];
      /** Rust's enums with data. */
      readonly variants: () =>
        { readonly discriminant?: Member; readonly variants: readonly Variant[] } | undefined;
      readonly declarationOnly: boolean;
    })
  | (Common & {
      readonly kind: 'enum';
      readonly underlying: () => Type;
      readonly enumerators: () => readonly { readonly name: string; readonly value: number | bigint }[];
    })
  | (Common & {
      readonly kind: 'array';
      readonly element: () => Type;
      /** Undefined: not known (`char name[]`). */ readonly counts: readonly (number | undefined)[];
    })
  | (Common & {
      readonly kind: 'function';
      readonly result: () => Type;
      readonly parameters: () => readonly Type[];
    })
  | (Common & { readonly kind: 'unspecified' });

const encodings: Readonly<Record<number, Encoding>> = {
  0x01: 'address',
  0x02: 'boolean',
  0x03: 'complex',
  0x04: 'float',
  0x05: 'signed',
  0x06: 'signed-char',
  0x07: 'unsigned',
  0x08: 'unsigned-char',
  0x10: 'utf',
  0x12: 'utf',
};

const voidType: Type = { kind: 'void', name: 'void', sizeBytes: 0 };

/** Names nest (`int *const *`); a hostile file lets them nest in a circle. */
const DEEPEST_NAME = 24;

/** The type a DIE's DW_AT_type names; `void` when it has none. */
export function typeOf(die: Die): Type {
  const found = die.findWithOwner(attributes.type);
  const target = found && found.owner.unit.file.resolve(found.value, found.owner.unit);
  return target === undefined ? voidType : describeType(target);
}

/** Describes the type at a DIE. Members, targets and names of targets are read when asked for. */
export function describeType(die: Die): Type {
  return describe(completed(die), 0);
}

/** A declaration whose definition is in a type unit refers to it by signature. */
function completed(die: Die): Die {
  return die.reference(attributes.signature) ?? die;
}

function describe(die: Die, depth: number): Type {
  const sizeBytes = die.number(attributes.byteSize) ?? 0;
  const own = die.name;
  const target = (): Type => typeOf(die);
  const named = (suffix: (name: string) => string): string =>
    own ?? suffix(depth > DEEPEST_NAME ? '…' : nameOfTarget(die, depth));
  const qualified = (
    kind: 'const' | 'volatile' | 'restrict' | 'atomic',
    suffix: (name: string) => string,
  ): Type => ({ kind, name: named(suffix), sizeBytes: sizeOfTarget(die, depth), die, target });
  switch (die.tag) {
    case tags.baseType:
      return {
        kind: 'base',
        name: own ?? '?',
        sizeBytes,
        die,
        encoding: encodings[die.number(attributes.encoding) ?? 0] ?? 'other',
      };
    case tags.pointerType:
      return {
        kind: 'pointer',
        name: named((name) => `${name} *`),
        sizeBytes: sizeBytes || die.unit.addressSize,
        die,
        target,
      };
    case tags.referenceType:
      return {
        kind: 'reference',
        name: named((name) => `${name} &`),
        sizeBytes: sizeBytes || die.unit.addressSize,
        die,
        target,
      };
    case tags.rvalueReferenceType:
      return {
        kind: 'rvalue-reference',
        name: named((name) => `${name} &&`),
        sizeBytes: sizeBytes || die.unit.addressSize,
        die,
        target,
      };
    case tags.ptrToMemberType:
      return {
        kind: 'member-pointer',
        name: named((name) => `${name} ::*`),
        sizeBytes: sizeBytes || die.unit.addressSize,
        die,
        target,
      };
    case tags.typedef:
      return {
        kind: 'typedef',
        name: own ?? '?',
        sizeBytes: sizeBytes || sizeOfTarget(die, depth),
        die,
        target,
      };
    case tags.constType:
      return qualified('const', (name) => (name.endsWith('*') ? `${name}const` : `const ${name}`));
    case tags.volatileType:
      return qualified('volatile', (name) => `volatile ${name}`);
    case tags.restrictType:
      return qualified('restrict', (name) => `${name} restrict`);
    case tags.atomicType:
      return qualified('atomic', (name) => `_Atomic ${name}`);
    case tags.structureType:
    case tags.classType:
    case tags.unionType:
      return describeStruct(die, sizeBytes);
    case tags.enumerationType:
      return {
        kind: 'enum',
        name: tagged(die, 'enum'),
        sizeBytes,
        die,
        underlying: target,
        enumerators: () => enumeratorsOf(die),
      };
    case tags.arrayType:
      return describeArray(die, sizeBytes, depth);
    case tags.subroutineType:
      return {
        kind: 'function',
        name: own ?? functionTypeName(die, depth),
        sizeBytes: 0,
        die,
        result: target,
        parameters: () => parameterTypes(die),
      };
    default:
      return { kind: 'unspecified', name: own ?? 'unknown type', sizeBytes, die };
  }
}

function nameOfTarget(die: Die, depth: number): string {
  const target = die.reference(attributes.type);
  return target === undefined ? 'void' : describe(completed(target), depth + 1).name;
}

function sizeOfTarget(die: Die, depth: number): number {
  if (depth > DEEPEST_NAME) return 0;
  const target = die.reference(attributes.type);
  return target === undefined ? 0 : describe(completed(target), depth + 1).sizeBytes;
}

/** C says `struct name`, all others just the name. */
function tagged(die: Die, word: string): string {
  const name = die.name ?? '(anonymous)';
  return die.unit.language === 'c' ? `${word} ${name}` : name;
}

function describeStruct(die: Die, sizeBytes: number): Type {
  const kind = die.tag === tags.unionType ? 'union' : die.tag === tags.classType ? 'class' : 'struct';
  return {
    kind,
    name: tagged(die, kind),
    sizeBytes,
    die,
    declarationOnly: die.flag(attributes.declaration),
    members: () => membersOf(die),
    variants: () => variantsOf(die),
  };
}

function membersOf(die: Die): Member[] {
  const members: Member[] = [];
  for (const child of die.children()) {
    // A member without a place in the struct is a static one.
    if (child.tag === tags.member && !child.has(attributes.external) && !child.has(attributes.declaration))
      members.push(describeMember(child, false));
    else if (child.tag === tags.inheritance) members.push(describeMember(child, true));
  }
  return members;
}

function describeMember(die: Die, inherited: boolean): Member {
  const place = die.attribute(attributes.dataMemberLocation);
  // Version 2 writes DW_OP_plus_uconst N.
  const offset =
    place?.kind === 'constant'
      ? place.value
      : place?.kind === 'block' && place.bytes[0] === 0x23
        ? smallUleb(place.bytes)
        : 0;
  const type = (): Type => typeOf(die);
  const common = {
    name: die.name ?? (inherited ? type().name : ''),
    inherited,
    artificial: die.flag(attributes.artificial),
    die,
    type,
  };
  const bitSize = die.number(attributes.bitSize);
  if (bitSize === undefined) return { ...common, offsetBytes: offset };
  const dataBitOffset = die.number(attributes.dataBitOffset);
  // Up to version 4 DW_AT_bit_offset counts from the storage unit's most significant bit.
  const storage = (die.number(attributes.byteSize) ?? type().sizeBytes) * 8;
  const bitOffset = dataBitOffset ?? offset * 8 + storage - (die.number(attributes.bitOffset) ?? 0) - bitSize;
  return { ...common, offsetBytes: Math.floor(bitOffset / 8), bitSize, bitOffset };
}

function smallUleb(bytes: Uint8Array): number {
  let value = 0;
  for (let at = 1; at < bytes.length && at < 6; at++) {
    value += (bytes[at]! & 0x7f) * 128 ** (at - 1);
    if (bytes[at]! < 0x80) break;
  }
  return value;
}

function variantsOf(die: Die): { discriminant?: Member; variants: Variant[] } | undefined {
  for (const part of die.children()) {
    if (part.tag !== tags.variantPart) continue;
    const discriminantDie = part.reference(attributes.discr);
    const variants: Variant[] = [];
    for (const variant of part.children()) {
      if (variant.tag !== tags.variant) continue;
      const found = variant.attribute(attributes.discrValue);
      const value = found?.kind === 'constant' ? (found.big ?? found.value) : undefined;
      for (const child of variant.children())
        if (child.tag === tags.member)
          variants.push({
            ...(value === undefined ? {} : { discriminant: value }),
            member: describeMember(child, false),
          });
    }
    return discriminantDie === undefined
      ? { variants }
      : { discriminant: describeMember(discriminantDie, false), variants };
  }
  return undefined;
}

function enumeratorsOf(die: Die): { name: string; value: number | bigint }[] {
  const found: { name: string; value: number | bigint }[] = [];
  for (const child of die.children()) {
    if (child.tag !== tags.enumerator) continue;
    const value = child.attribute(attributes.constValue);
    found.push({
      name: child.name ?? '',
      value: value?.kind === 'constant' ? (value.big ?? value.value) : 0,
    });
  }
  return found;
}

function describeArray(die: Die, sizeBytes: number, depth: number): Type {
  const counts: (number | undefined)[] = [];
  for (const child of die.children()) {
    if (child.tag !== tags.subrangeType) continue;
    const count = child.attribute(attributes.count);
    const upper = child.attribute(attributes.upperBound);
    const lower = child.number(attributes.lowerBound) ?? 0;
    // A flexible array's upper bound is absent, or −1; a variable-length one's is an expression.
    if (count?.kind === 'constant') counts.push(count.value);
    else if (upper?.kind === 'constant' && upper.big === undefined && upper.value !== 0xffffffff)
      counts.push(Math.max(0, upper.value - lower + 1));
    else counts.push(undefined);
  }
  const element = (): Type => typeOf(die);
  const elementDie = depth > DEEPEST_NAME ? undefined : die.reference(attributes.type);
  const described = elementDie === undefined ? voidType : describe(completed(elementDie), depth + 1);
  const product = counts.reduce<number>((all, count) => all * (count ?? 0), 1);
  return {
    kind: 'array',
    name: die.name ?? `${described.name}${counts.map((count) => `[${count ?? ''}]`).join('')}`,
    sizeBytes: sizeBytes || product * described.sizeBytes,
    die,
    element,
    counts,
  };
}

function parameterTypes(die: Die): Type[] {
  const found: Type[] = [];
  for (const child of die.children()) if (child.tag === tags.formalParameter) found.push(typeOf(child));
  return found;
}

function functionTypeName(die: Die, depth: number): string {
  if (depth > DEEPEST_NAME) return '…';
  const parameters: string[] = [];
  for (const child of die.children()) {
    if (child.tag === tags.formalParameter) parameters.push(nameOfTarget(child, depth + 1));
    else if (child.tag === tags.unspecifiedParameters) parameters.push('...');
  }
  return `${nameOfTarget(die, depth)} (${parameters.join(', ')})`;
}

/** The type behind typedefs and qualifiers. */
export function stripped(type: Type): Type {
  let current = type;
  for (let step = 0; step < DEEPEST_NAME; step++) {
    switch (current.kind) {
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'atomic':
        current = current.target();
        break;
      default:
        return current;
    }
  }
  return current;
}
