import { asProblem } from '../../../protocol/errors.ts';
import { stripped, type Type } from '../dwarf/types.ts';
import { evaluateLocation } from '../values/location.ts';
import { expressionContext } from '../values/frame-base.ts';
import { locationsOf } from '../dwarf/lists.ts';
import { loadFrom, partOf } from '../values/places.ts';
import { binary, constant, extend, plus, signed, type Term } from '../values/term.ts';
import { isTypeName, type Expression } from './ast.ts';
import { arithmetic, type Operand } from './arithmetic.ts';
import { containerOf, smartPointer, type Container } from './containers.ts';
import { namedType } from './named-type.ts';
import { ExpressionError } from './problem.ts';
import type { Scope } from './scope.ts';
import { builtins, findMember, integerKind, isPointer, isStruct, memberNames, type Value } from './value.ts';
import { findVariable, variableValue } from './variables.ts';

type Of<Kind extends Expression['kind']> = Extract<Expression, { kind: Kind }>;

/**
 * Gives an expression its meaning at an address: types, places, and the terms that a probe must record.
 * Throws {@link ExpressionError} with the range of what has no meaning there.
 */
export class Checker {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  check(expression: Expression): Value {
    try {
      return this.#check(expression);
    } catch (error) {
      if (error instanceof ExpressionError) throw error;
      const { code, message, remedy } = asProblem(error);
      throw new ExpressionError(expression, message, remedy, code);
    }
  }

  #check(expression: Expression): Value {
    switch (expression.kind) {
      case 'number':
        return { kind: 'number', term: constant(expression.value), ...literalKind(expression.value) };
      case 'string':
        return { kind: 'text-constant', text: expression.value };
      case 'name':
        return this.#name(expression);
      case 'member':
        return this.#member(expression);
      case 'index':
        return this.#index(expression);
      case 'slice':
        return this.#slice(expression);
      case 'unary':
        return this.#unary(expression);
      case 'binary':
        return arithmetic(expression, this.operand(expression.left), this.operand(expression.right));
      case 'cast':
        return this.#cast(expression);
      case 'sizeof': {
        const { operand } = expression;
        const type = isTypeName(operand) ? namedType(this.#scope, operand) : typeOfValue(this.check(operand));
        return { kind: 'number', term: constant(type?.sizeBytes ?? 8), bits: 64, signed: false };
      }
    }
  }

  /** A value to compute with: an integer or a pointer. */
  operand(expression: Expression): Operand {
    const value = this.check(expression);
    const operand = this.operandOf(value, expression);
    if (operand !== undefined) return operand;
    throw new ExpressionError(
      expression,
      `${describe(value)} cannot be computed with.`,
      'Ask for one of its members.',
    );
  }

  /** As an integer or pointer; undefined for structs, floating point, texts. */
  operandOf(value: Value, at: Expression): Operand | undefined {
    if (value.kind === 'number' || value.kind === 'pointer') return value;
    if (value.kind !== 'place') return undefined;
    const type = stripped(value.type);
    if (type.kind === 'array' && value.location.kind === 'memory')
      return { kind: 'pointer', term: value.location.address, target: elementOf(type) };
    if (isPointer(type)) {
      const term = this.#load(value, 8, at);
      const target = type.target();
      return type.kind === 'pointer'
        ? { kind: 'pointer', term, target }
        : this.operandOf({ kind: 'place', type: target, location: { kind: 'memory', address: term } }, at);
    }
    const kind = integerKind(type);
    if (kind === undefined) return this.smartPointer(value, at);
    const bits = value.bitField?.size ?? kind.bits;
    const term =
      value.bitField === undefined ? this.#load(value, kind.bits / 8, at) : this.#loadBits(value, at);
    return { kind: 'number', term: extend(term, bits, kind.signed), type: value.type, ...kind };
  }

  #load(value: Extract<Value, { kind: 'place' }>, bytes: number, at: Expression): Term {
    const term = loadFrom(value.location, bytes);
    if (term === undefined)
      throw new ExpressionError(at, 'This part was optimised out here.', 'Ask for it at another line.');
    return term;
  }

  /** The bits of a bit field, shifted down, from the smallest word that holds them. */
  #loadBits(value: Extract<Value, { kind: 'place' }>, at: Expression): Term {
    const { offset, size } = value.bitField ?? { offset: 0, size: 64 };
    const bytes = [1, 2, 4, 8].find((width) => offset + size <= width * 8);
    if (bytes === undefined)
      throw new ExpressionError(at, 'This bit field is spread over more than 8 bytes.');
    return binary('u>>', this.#load(value, bytes, at), constant(offset));
  }

  #name(expression: Of<'name'>): Value {
    const builtin = builtins.find((name) => name === expression.name);
    if (builtin !== undefined) return { kind: 'builtin', name: builtin };
    const variable = findVariable(this.#scope, expression.name);
    if (variable !== undefined)
      return this.#dereferenced(variableValue(this.#scope, variable, expression), expression);
    const self = findVariable(this.#scope, 'this');
    if (self !== undefined) {
      const type = stripped(self.type());
      if (isPointer(type) && findMember(type.target(), expression.name) !== undefined)
        return this.#memberOf(
          this.#target(variableValue(this.#scope, self, expression), expression),
          expression.name,
          expression,
        );
    }
    throw new ExpressionError(
      expression,
      `There is no variable ${expression.name} in scope here.`,
      this.#near(expression.name),
      'variable-not-found',
    );
  }

  #near(name: string): string | undefined {
    const names = [...new Set(this.#scope.variables.map((variable) => variable.name))];
    const close = names.filter((candidate) =>
      candidate.toLowerCase().startsWith(name.slice(0, 2).toLowerCase()),
    );
    const shown = (close.length > 0 ? close : names).slice(0, 6);
    return shown.length === 0 ? undefined : `In scope: ${shown.join(', ')}.`;
  }

  /** A C++ reference stands for what it refers to. */
  #dereferenced(value: Value, at: Expression): Value {
    if (value.kind !== 'place') return value;
    const type = stripped(value.type);
    return type.kind === 'reference' || type.kind === 'rvalue-reference' ? this.#target(value, at) : value;
  }

  /** What a pointer points to. */
  #target(value: Value, at: Expression): Value {
    if (value.kind === 'pointer')
      return { kind: 'place', type: value.target, location: { kind: 'memory', address: value.term } };
    if (value.kind === 'slice')
      return { kind: 'place', type: value.element, location: { kind: 'memory', address: value.address } };
    if (value.kind === 'place') {
      const type = stripped(value.type);
      if (type.kind === 'array') return this.#element(value, 0, at);
      if (isPointer(type)) {
        const target = type.target();
        if (value.location.kind === 'implicit-pointer')
          return this.#implicitTarget(value.location, target, at);
        return {
          kind: 'place',
          type: target,
          location: { kind: 'memory', address: this.#load(value, 8, at) },
        };
      }
      const smart = this.smartPointer(value, at);
      if (smart !== undefined) return this.#target(smart, at);
    }
    throw new ExpressionError(at, `${describe(value)} is no pointer.`);
  }

  /** What an optimised-out pointer would point to: another variable's own location. */
  #implicitTarget(
    pointer: { die: Parameters<typeof locationsOf>[0]; offsetBytes: number },
    target: Type,
    at: Expression,
  ): Value {
    const { address } = this.#scope;
    const here = locationsOf(pointer.die).find(({ low, high }) => address.pc >= low && address.pc < high);
    if (here === undefined)
      throw new ExpressionError(
        at,
        'What it points to was optimised out here.',
        'Ask for it at another line.',
      );
    const location = evaluateLocation(here.expression, expressionContext(address, pointer.die));
    return { kind: 'place', type: target, location: partOf(location, pointer.offsetBytes, target.sizeBytes) };
  }

  #member(expression: Of<'member'>): Value {
    let object = this.check(expression.object);
    if (object.kind === 'place') {
      const type = stripped(object.type);
      // `.` on a pointer is what Rust and Go write.
      const reaches =
        isPointer(type) || (expression.arrow && (!isStruct(type) || smartPointer(type) !== undefined));
      if (reaches) object = this.#target(object, expression.object);
    } else if (object.kind === 'pointer') object = this.#target(object, expression.object);
    return this.#memberOf(object, expression.member, { ...expression, ...expression.memberRange });
  }

  #memberOf(object: Value, name: string, at: Expression): Value {
    if (object.kind !== 'place') throw new ExpressionError(at, `${describe(object)} has no members.`);
    const found = findMember(object.type, name);
    if (found === undefined) {
      const length = ['size', 'length', 'len'].includes(name) ? this.length(object, at) : undefined;
      if (length !== undefined) return { kind: 'number', term: length, bits: 64, signed: false };
      const names = memberNames(object.type);
      throw new ExpressionError(
        at,
        `${object.type.name} has no member ${name}.`,
        names.length > 0
          ? `It has: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}.`
          : undefined,
        'variable-not-found',
      );
    }
    const { member, offsetBytes } = found;
    const type = member.type();
    if (member.bitSize !== undefined && member.bitOffset !== undefined) {
      const within = member.bitOffset - member.offsetBytes * 8;
      const bytes = Math.ceil((within + member.bitSize) / 8);
      return {
        kind: 'place',
        type,
        location: partOf(object.location, offsetBytes, bytes),
        bitField: { offset: within, size: member.bitSize },
      };
    }
    const location = partOf(object.location, offsetBytes, type.sizeBytes || 1);
    return this.#dereferenced({ kind: 'place', type, location }, at);
  }

  /** The pointer in a smart pointer; undefined for all else. */
  smartPointer(value: Value, at: Expression): Extract<Value, { kind: 'pointer' }> | undefined {
    const found = value.kind === 'place' ? smartPointer(value.type) : undefined;
    if (value.kind !== 'place' || found === undefined) return undefined;
    const inside = { ...value, location: partOf(value.location, found.offsetBytes, 8) };
    return { kind: 'pointer', term: this.#load(inside, 8, at), target: found.target };
  }

  /** The term of a container's number of elements. */
  length(object: Value, at: Expression): Term | undefined {
    const container = object.kind === 'place' ? containerOf(object.type) : undefined;
    return container === undefined ? undefined : this.containerParts(object, container, at).length;
  }

  /** Address of a container's first element and their number. */
  containerParts(object: Value, container: Container, at: Expression): { data: Term; length: Term } {
    const follow = (path: readonly string[]): Operand => {
      let value = object;
      for (const name of path) value = this.#memberOf(value, name, at);
      const operand = this.operandOf(value, at);
      if (operand === undefined) throw new ExpressionError(at, `${describe(value)} is no number.`);
      return operand;
    };
    const data = follow(container.data).term;
    if (container.length !== undefined) return { data, length: follow(container.length).term };
    const distance = binary('-', follow(container.end ?? []).term, data);
    return { data, length: binary('u/', distance, constant(Math.max(1, container.element.sizeBytes))) };
  }

  #index(expression: Of<'index'>): Value {
    const object = this.check(expression.object);
    const index = this.operand(expression.index);
    if (index.term.op === 'constant')
      return this.#element(object, Number(signed(index.term.value)), expression);
    const { address, element } = this.#sequence(object, expression);
    const scaled = binary('*', index.term, constant(element.sizeBytes));
    return {
      kind: 'place',
      type: element,
      location: { kind: 'memory', address: binary('+', address, scaled) },
    };
  }

  /** Element `index` of an array, behind a pointer, or in a container. */
  #element(object: Value, index: number, at: Expression): Value {
    if (object.kind === 'place') {
      const type = stripped(object.type);
      if (type.kind === 'array') {
        const element = elementOf(type);
        const count = type.counts[0];
        if (count !== undefined && count > 0 && (index < 0 || index >= count))
          throw new ExpressionError(at, `${object.type.name} has the elements 0 to ${count - 1}.`);
        return {
          kind: 'place',
          type: element,
          location: partOf(object.location, index * element.sizeBytes, element.sizeBytes),
        };
      }
    }
    const { address, element } = this.#sequence(object, at);
    return {
      kind: 'place',
      type: element,
      location: { kind: 'memory', address: plus(address, index * element.sizeBytes) },
    };
  }

  /** Where a sequence's elements start, and how many there are if that is known. */
  #sequence(object: Value, at: Expression): { address: Term; element: Type; length?: Term } {
    if (object.kind === 'slice') return { address: object.address, element: object.element };
    if (object.kind === 'place') {
      const container = containerOf(object.type);
      if (container !== undefined) {
        const { data, length } = this.containerParts(object, container, at);
        return { address: data, element: container.element, length };
      }
    }
    const operand = this.operandOf(object, at);
    if (operand?.kind !== 'pointer') throw new ExpressionError(at, `${describe(object)} has no elements.`);
    const element = stripped(operand.target).kind === 'void' ? undefined : operand.target;
    if (element === undefined)
      throw new ExpressionError(at, 'What a void * points to has no size.', 'Cast it first: ((T *)p)[0].');
    return { address: operand.term, element };
  }

  #slice(expression: Of<'slice'>): Value {
    const from = this.#constant(expression.from);
    const to = this.#constant(expression.to);
    if (from < 0 || to <= from)
      throw new ExpressionError(
        expression,
        `[${from}..${to}] has no elements.`,
        'The end is exclusive: [0..8] has eight.',
      );
    const { address, element, length } = this.#sequence(this.check(expression.object), expression);
    if ((to - from) * Math.max(1, element.sizeBytes) > 512)
      throw new ExpressionError(
        expression,
        `${to - from} elements of ${element.sizeBytes} bytes are more than the 512 bytes that a probe records at once.`,
      );
    return {
      kind: 'slice',
      element,
      address: plus(address, from * element.sizeBytes),
      count: to - from,
      from,
      ...(length === undefined ? {} : { lengthTerm: length }),
    };
  }

  #constant(expression: Expression): number {
    const { term } = this.operand(expression);
    if (term.op !== 'constant') throw new ExpressionError(expression, 'The bounds of a slice are constants.');
    return Number(signed(term.value));
  }

  #unary(expression: Of<'unary'>): Value {
    const { operator } = expression;
    if (operator === '*') return this.#target(this.check(expression.operand), expression);
    if (operator === '&') {
      const value = this.check(expression.operand);
      if (value.kind === 'place' && value.location.kind === 'memory' && value.bitField === undefined)
        return { kind: 'pointer', term: value.location.address, target: value.type };
      throw new ExpressionError(expression, 'It has no address: it is in a register or was computed.');
    }
    const { term, ...operand } = this.operand(expression.operand);
    if (operator === '!')
      return { kind: 'number', term: binary('==', term, constant(0)), bits: 32, signed: true };
    if (operand.kind === 'pointer') throw new ExpressionError(expression, `A pointer has no ${operator}.`);
    const kind =
      operand.bits < 32 ? { bits: 32, signed: true } : { bits: operand.bits, signed: operand.signed };
    const result =
      operator === '-'
        ? binary('-', constant(0), term)
        : operator === '~'
          ? binary('^', term, constant(-1))
          : term;
    return { kind: 'number', term: extend(result, kind.bits, kind.signed), ...kind };
  }

  #cast(expression: Of<'cast'>): Value {
    const type = namedType(this.#scope, expression.type);
    const plain = stripped(type);
    const value = this.check(expression.operand);
    if (isPointer(plain))
      return { kind: 'pointer', term: this.operand(expression.operand).term, target: plain.target() };
    const kind = integerKind(plain);
    if (kind !== undefined) {
      const { term } = this.operand(expression.operand);
      return { kind: 'number', term: extend(term, kind.bits, kind.signed), type, ...kind };
    }
    // A struct that is known to be another one: C cannot, people want to.
    if (value.kind === 'place' && value.location.kind === 'memory')
      return { kind: 'place', type, location: value.location };
    throw new ExpressionError(expression.type, `A value cannot be cast to ${type.name}.`);
  }
}

function elementOf(array: Extract<Type, { kind: 'array' }>): Type {
  if (array.counts.length < 2) return array.element();
  const counts = array.counts.slice(1);
  const sizeBytes = counts.reduce<number>(
    (product, count) => product * (count ?? 0),
    array.element().sizeBytes,
  );
  return {
    ...array,
    counts,
    sizeBytes,
    name: `${array.element().name}${counts.map((count) => `[${count ?? ''}]`).join('')}`,
  };
}

/** C gives a literal the first of int, long, unsigned long that holds it. */
function literalKind(value: bigint): { bits: number; signed: boolean } {
  if (value < 1n << 31n) return { bits: 32, signed: true };
  return { bits: 64, signed: value < 1n << 63n };
}

export function typeOfValue(value: Value): Type | undefined {
  return value.kind === 'place' || value.kind === 'number' ? value.type : undefined;
}

/** For messages. */
export function describe(value: Value): string {
  switch (value.kind) {
    case 'place':
      return `A value of type ${value.type.name}`;
    case 'number':
      return 'A number';
    case 'pointer':
      return `A pointer to ${value.target.name}`;
    case 'slice':
      return 'A slice';
    case 'text-constant':
      return 'A text';
    case 'builtin':
      return value.name;
  }
}
