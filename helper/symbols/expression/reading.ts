import { asProblem } from '../../../protocol/errors.ts';
import { stripped, type Member, type Type } from '../dwarf/types.ts';
import { loadFrom, partOf } from '../values/places.ts';
import { constant, extend, type Term } from '../values/term.ts';
import type { Expression } from './ast.ts';
import type { Checker } from './check.ts';
import { containerOf } from './containers.ts';
import { ExpressionError } from './problem.ts';
import {
  integerKind,
  isCharacter,
  isPointer,
  isStruct,
  type Builtin,
  type IntegerKind,
  type StructType,
  type Value,
} from './value.ts';

/** How an integer is written when no format is asked for. */
export type IntegerShow = 'number' | 'boolean' | 'character' | 'pointer' | ReadonlyMap<bigint, string>;

/** What a probe records for one expression, and how it is put together for people. */
export type Reading =
  | ({ readonly kind: 'integer'; readonly term: Term; readonly show: IntegerShow } & IntegerKind)
  | { readonly kind: 'float'; readonly term: Term; readonly bytes: 4 | 8 }
  /** NUL-terminated text behind a pointer; `term` is the pointer. */
  | { readonly kind: 'text'; readonly term: Term }
  /** Text of a counted length, at most `mostBytes` of it. */
  | {
      readonly kind: 'counted-text';
      readonly address: Term;
      readonly length: Term;
      readonly mostBytes: number;
    }
  /** Characters in place: up to the first NUL. */
  | { readonly kind: 'characters'; readonly address: Term; readonly bytes: number }
  /** Elements; only the first `length` of them are there, when that is counted. */
  | {
      readonly kind: 'list';
      readonly items: readonly Reading[];
      readonly length?: Term;
      readonly from: number;
    }
  | {
      readonly kind: 'struct';
      readonly fields: readonly { readonly name: string; readonly reading: Reading }[];
      readonly cut: boolean;
    }
  /** A Rust enum: the case whose `values` has the discriminant, else the one that has none. */
  | {
      readonly kind: 'variant';
      readonly discriminant: Term;
      readonly cases: readonly {
        readonly name: string;
        /** In the bits of the discriminant, unsigned. */
        readonly value?: bigint;
        readonly reading: Reading;
      }[];
    }
  | { readonly kind: 'builtin'; readonly name: Builtin }
  | { readonly kind: 'missing'; readonly reason: string };

/** Of a container shown as a whole. */
const MOST_ITEMS = 8;
/** Of a text that may have no end: 16 words of the kernel's 64, so that four fit into a record. */
export const TEXT_BYTES = 128;
const MOST_FIELDS = 12;
/** Cases of an enum whose fields are recorded, all at each hit since the hit tells which one it is; the others are named. */
const MOST_CASES = 8;
const DEEPEST = 2;

/** What must be recorded to show `value`, the meaning of `expression`. */
export function readingOf(checker: Checker, value: Value, expression: Expression): Reading {
  return new Reader(checker, expression).read(value, 0);
}

class Reader {
  readonly #checker: Checker;
  readonly #at: Expression;

  constructor(checker: Checker, at: Expression) {
    this.#checker = checker;
    this.#at = at;
  }

  read(value: Value, depth: number): Reading {
    switch (value.kind) {
      case 'number':
        return {
          kind: 'integer',
          term: value.term,
          bits: value.bits,
          signed: value.signed,
          show: showOf(value.type),
        };
      case 'pointer':
        return this.#pointer(value.term, value.target);
      case 'builtin':
        return { kind: 'builtin', name: value.name };
      case 'text-constant':
        throw new ExpressionError(
          this.#at,
          'A text is only for comparing with.',
          'Write it outside the braces.',
        );
      case 'slice':
        return this.#slice(value, depth);
      case 'place':
        return this.#place(value, depth);
    }
  }

  #pointer(term: Term, target: Type): Reading {
    if (isCharacter(target)) return { kind: 'text', term };
    return { kind: 'integer', term, bits: 64, signed: false, show: 'pointer' };
  }

  #slice(slice: Extract<Value, { kind: 'slice' }>, depth: number): Reading {
    const { element, address, count, from, lengthTerm } = slice;
    if (isCharacter(element) && lengthTerm === undefined)
      return { kind: 'counted-text', address, length: constant(count), mostBytes: count };
    const items = Array.from({ length: count }, (_, index) =>
      this.#part(
        {
          kind: 'place',
          type: element,
          location: { kind: 'memory', address: this.#offset(address, index * element.sizeBytes) },
        },
        depth + 1,
      ),
    );
    return { kind: 'list', items, from, ...(lengthTerm === undefined ? {} : { length: lengthTerm }) };
  }

  #offset(address: Term, bytes: number): Term {
    const moved = partOf({ kind: 'memory', address }, bytes, 1);
    return moved.kind === 'memory' ? moved.address : address;
  }

  #place(value: Extract<Value, { kind: 'place' }>, depth: number): Reading {
    const type = stripped(value.type);
    // Rust's references stand for what they refer to, as C++'s do.
    if (type.kind === 'pointer' && type.name.startsWith('&') && isStruct(stripped(type.target()))) {
      const address = this.#checker.operandOf(value, this.#at);
      if (address !== undefined)
        return this.read(
          { kind: 'place', type: type.target(), location: { kind: 'memory', address: address.term } },
          depth,
        );
    }
    if (isPointer(type) || integerKind(type) !== undefined) {
      const operand = this.#checker.operandOf(value, this.#at);
      if (operand !== undefined) return this.read(operand, depth);
    }
    if (type.kind === 'base') return this.#float(value, type.sizeBytes);
    if (type.kind === 'array') return this.#array(value, type, depth);
    if (isStruct(type)) return this.#struct(value, type, depth);
    throw new ExpressionError(this.#at, `A value of type ${value.type.name} cannot be shown.`);
  }

  #float(value: Extract<Value, { kind: 'place' }>, sizeBytes: number): Reading {
    if (sizeBytes !== 4 && sizeBytes !== 8)
      throw new ExpressionError(
        this.#at,
        `${value.type.name} has ${sizeBytes} bytes; numbers of 4 and 8 bytes can be shown.`,
      );
    const term = loadFrom(value.location, sizeBytes);
    if (term === undefined) throw new ExpressionError(this.#at, 'It was optimised out here.');
    return { kind: 'float', term, bytes: sizeBytes };
  }

  #array(
    value: Extract<Value, { kind: 'place' }>,
    type: Extract<Type, { kind: 'array' }>,
    depth: number,
  ): Reading {
    const count = type.counts[0];
    const element = type.element();
    if (isCharacter(element) && type.counts.length === 1 && value.location.kind === 'memory') {
      if (count === undefined) return { kind: 'text', term: value.location.address };
      return { kind: 'characters', address: value.location.address, bytes: Math.min(count, 512) };
    }
    if (count === undefined)
      throw new ExpressionError(
        this.#at,
        'How many elements it has is not known here.',
        'Ask for some of them: a[0..4].',
      );
    const shown = Math.min(count, MOST_ITEMS);
    const elementType: Type =
      type.counts.length === 1
        ? element
        : { ...type, counts: type.counts.slice(1), sizeBytes: value.type.sizeBytes / count };
    const items = Array.from({ length: shown }, (_, index) =>
      this.#part(
        {
          kind: 'place',
          type: elementType,
          location: partOf(value.location, index * elementType.sizeBytes, elementType.sizeBytes),
        },
        depth + 1,
      ),
    );
    return { kind: 'list', items, from: 0, ...(count > shown ? { length: constant(count) } : {}) };
  }

  #struct(value: Extract<Value, { kind: 'place' }>, type: StructType, depth: number): Reading {
    const container = containerOf(type);
    if (container !== undefined) {
      const { data, length } = this.#checker.containerParts(value, container, this.#at);
      if (container.what === 'text')
        return { kind: 'counted-text', address: data, length, mostBytes: TEXT_BYTES };
      const count = Math.max(
        1,
        Math.min(MOST_ITEMS, Math.floor(512 / Math.max(1, container.element.sizeBytes))),
      );
      return this.#slice(
        { kind: 'slice', element: container.element, address: data, count, from: 0, lengthTerm: length },
        depth,
      );
    }
    const pointer = this.#checker.smartPointer(value, this.#at);
    if (pointer !== undefined) return this.#pointer(pointer.term, pointer.target);
    if (depth >= DEEPEST) return { kind: 'missing', reason: '…' };
    const parts = type.variants();
    if (parts !== undefined && parts.variants.length > 0) return this.#variant(value, parts, depth);
    const members = type.members().filter(({ artificial }) => !artificial);
    const fields = members.slice(0, MOST_FIELDS).map((member) => ({
      name: member.name,
      reading: this.#part(
        {
          kind: 'place',
          type: member.type(),
          location: partOf(value.location, member.offsetBytes, member.type().sizeBytes || 1),
          ...(member.bitSize === undefined || member.bitOffset === undefined
            ? {}
            : { bitField: { offset: member.bitOffset - member.offsetBytes * 8, size: member.bitSize } }),
        },
        depth + 1,
      ),
    }));
    return { kind: 'struct', fields, cut: members.length > MOST_FIELDS };
  }

  #variant(
    value: Extract<Value, { kind: 'place' }>,
    { discriminant, variants }: NonNullable<ReturnType<StructType['variants']>>,
    depth: number,
  ): Reading {
    const placed = (member: Member): Value => ({
      kind: 'place',
      type: member.type(),
      location: partOf(value.location, member.offsetBytes, member.type().sizeBytes || 1),
    });
    // an enum of one case has none
    const found =
      discriminant === undefined ? undefined : this.#checker.operandOf(placed(discriminant), this.#at);
    const bits = found?.kind === 'number' ? found.bits : 64;
    let recorded = 0;
    const cases = variants.map(({ discriminant: taken, member }) => {
      const plain = stripped(member.type());
      const isEmpty = isStruct(plain) && plain.members().length === 0;
      const reading: Reading =
        isEmpty || recorded++ < MOST_CASES
          ? this.#part(placed(member), depth)
          : { kind: 'missing', reason: '…' };
      return {
        name: member.name,
        reading,
        ...(taken === undefined ? {} : { value: BigInt.asUintN(bits, BigInt(taken)) }),
      };
    });
    return { kind: 'variant', discriminant: extend(found?.term ?? constant(0), bits, false), cases };
  }

  /** A part that cannot be had does not spoil the whole. */
  #part(value: Value, depth: number): Reading {
    try {
      return this.read(value, depth);
    } catch (error) {
      return { kind: 'missing', reason: asProblem(error).message };
    }
  }
}

function showOf(type: Type | undefined): IntegerShow {
  if (type === undefined) return 'number';
  const plain = stripped(type);
  if (plain.kind === 'enum') {
    const kind = integerKind(plain);
    return new Map(
      plain
        .enumerators()
        .map(({ name, value }) => [
          kind?.signed === true ? BigInt(value) : BigInt.asUintN(kind?.bits ?? 64, BigInt(value)),
          name,
        ]),
    );
  }
  if (plain.kind !== 'base') return 'number';
  if (plain.encoding === 'boolean') return 'boolean';
  // `char` is a character; `unsigned char`, `uint8_t` and Rust's u8 mostly are numbers.
  if (plain.encoding === 'signed-char' && plain.name === 'char') return 'character';
  return plain.encoding === 'utf' || (plain.encoding === 'unsigned-char' && plain.name === 'char')
    ? 'character'
    : 'number';
}
