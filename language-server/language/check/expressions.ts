import type { ArrayAccess, Block, Expression, If, Ternary, TupleAccess } from '../syntax/ast.ts';
import { functionByName } from '../tables/functions.ts';
import { callType } from './calls.ts';
import { checkComptime } from './comptime.ts';
import { castType } from './casts.ts';
import { compatible, literalType, promote } from './compatible.ts';
import { fieldType, offsetofType } from './fields.ts';
import { constant, constantInteger, isTrue, knownCondition } from './fold.ts';
import { mapType, resolveMap } from './maps.ts';
import { identifierType } from './names.ts';
import { binaryType, unaryType, updateType } from './operators.ts';
import { sizeofType, unevaluated } from './sizeof.ts';
import type { State } from './state.ts';
import { checkBlock } from './statements.ts';
import { typeArgument } from './type-arguments.ts';
import {
  boolean,
  int64,
  integer,
  isCastable,
  isMultiValue,
  isOpen,
  pointer,
  sizeOf,
  string,
  typeName,
  uint64,
  unknown,
  voidType,
  type Type,
} from './types.ts';
import { findVariable, variableType } from './variables.ts';

/** Limits the depth of what is looked at, so that a script of 10,000 parentheses cannot exhaust the stack. */
const deepest = 400;
let depth = 0;

/** The type of an expression; reports what is wrong in it. */
export function typeOf(state: State, expression: Expression): Type {
  if (depth > deepest) return unknown;
  depth++;
  try {
    const type = evaluate(state, expression);
    if (state.final) state.typesOf.set(expression, type);
    return type;
  } finally {
    depth--;
  }
}

function evaluate(state: State, expression: Expression): Type {
  switch (expression.kind) {
    case 'integer':
      return literalType(expression.value, state.version);
    case 'string':
      return stringType(state, expression);
    case 'boolean':
      return state.version >= 24 ? boolean : int64;
    case 'identifier':
      return identifierType(state, expression);
    case 'variable':
      return variableType(state, expression);
    case 'map':
      return mapType(state, expression);
    case 'positional':
      // From 0.24 on an argument that is no number is a string
      return state.version >= 24 ? unknown : state.version >= 22 ? uint64 : int64;
    case 'parameter-count':
      return state.version >= 25 ? uint64 : int64;
    case 'call':
      return callType(state, expression);
    case 'unary':
      return unaryType(state, expression);
    case 'update':
      return updateType(state, expression);
    case 'address-of':
      return addressType(state, expression);
    case 'binary':
      return binaryType(state, expression);
    case 'ternary':
      return ternaryType(state, expression);
    case 'field':
      return fieldType(state, expression);
    case 'tuple-access':
      return tupleAccessType(state, expression);
    case 'array-access':
      return arrayAccessType(state, expression);
    case 'cast':
      return castType(state, expression);
    case 'sizeof':
      return sizeofType(state, expression);
    case 'offsetof':
      return offsetofType(state, expression);
    case 'typeinfo':
      if (!state.features.has('unstable_typeinfo'))
        state.report.error(expression, 'not-in-version', '`typeinfo` has to be switched on.', {
          hint: 'Write `config = { unstable_typeinfo = enable }`.',
        });
      unevaluated(state, expression.argument);
      return {
        kind: 'record',
        fields: [
          { name: 'btf_id', type: uint64 },
          { name: 'base_type', type: string(0) },
          { name: 'full_type', type: string(0) },
        ],
      };
    case 'comptime':
      checkComptime(state, expression.operand);
      return typeOf(state, expression.operand);
    case 'tuple':
      return tupleType(state, expression.elements);
    case 'record':
      return {
        kind: 'record',
        fields: expression.fields.map((field) => ({
          name: field.name.text,
          type: element(state, field.value, 'record'),
        })),
      };
    case 'if':
      return ifType(state, expression);
    case 'block':
      return blockType(state, expression);
    case 'typeof-type':
      return typeArgument(state, expression);
    case 'broken-expression':
      return unknown;
  }
}

function stringType(state: State, expression: Expression & { kind: 'string' }): Type {
  const isFormat =
    state.callArgument === 0 &&
    (state.callName === 'printf' ||
      (state.version >= 24 &&
        ['errorf', 'warnf', 'debugf', 'fail', 'cat', 'system'].includes(state.callName)));
  const size = byteLength(expression.value);
  const literalOnly = [
    'cgroupid',
    'kaddr',
    'uaddr',
    'percpu_kaddr',
    'strftime',
    'time',
    'reg',
    'skboutput',
    'pton',
    'printf',
  ].includes(state.callName);
  if (!isFormat && !literalOnly && size > state.maxStringBytes - 1)
    state.report.error(
      expression,
      'argument-value',
      `This string has ${size} bytes; at most ${state.maxStringBytes - 1} fit.`,
      {
        hint:
          state.version >= 20
            ? 'Raise `max_strlen` in the `config` block.'
            : 'Raise BPFTRACE_STRLEN (at most 200) and split longer texts.',
      },
    );
  return string(size + 1);
}

function byteLength(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Escapes gave U+0080 … U+00FF for single bytes; real text of that range has two, which only matters at the limit
    bytes += code < 0x800 ? 1 : code >= 0xd800 && code < 0xe000 ? 2 : 3;
  }
  return bytes;
}

function addressType(state: State, expression: Expression & { kind: 'address-of' }): Type {
  const { operand } = expression;
  if (operand.kind === 'map') {
    const map = resolveMap(state, operand);
    if (map !== undefined && state.final && map.value.kind === 'none')
      state.report.error(operand, 'undefined-map', `Nothing is ever assigned to ${map.name}.`);
    return map === undefined ? unknown : pointer(map.value);
  }
  if (operand.kind !== 'variable') {
    typeOf(state, operand);
    return unknown;
  }
  const found = findVariable(state, operand.name);
  if (found !== undefined) found.assigned = true;
  const type = variableType(state, operand);
  if (type.kind === 'none' && state.final)
    state.report.error(expression, 'unassigned', `The type of ${operand.name} is not known.`);
  return pointer(type);
}

/** Reports a condition of a type that cannot be one. `pointers`: from which release they can. */
export function checkCondition(state: State, condition: Expression, type: Type, pointersSince: number): void {
  if (isOpen(type) || type.kind === 'integer' || type.kind === 'boolean') return;
  if (type.kind === 'pointer' && state.version >= pointersSince) return;
  if (type.kind === 'string' && state.version >= 24 && constant(state, condition) !== undefined) return;
  state.report.error(condition, 'condition-type', `${typeName(type)} is no condition.`, {
    hint:
      type.kind === 'string'
        ? 'Compare it: `… != ""`.'
        : type.kind === 'pointer'
          ? 'Compare it: `… != 0`.'
          : 'A condition is an integer.',
  });
}

function ternaryType(state: State, expression: Ternary): Type {
  const condition = typeOf(state, expression.condition);
  const known = state.version >= 24 ? constant(state, expression.condition) : undefined;
  if (known !== undefined) {
    // Folded before types are looked at: the other branch does not count
    const { taken, other } = branches(expression, isTrue(known));
    const type = taken === undefined ? condition : typeOf(state, taken);
    // From 0.25 on it counts that far that both or none have a value
    if (state.version < 25 || isOpen(type) || isVoidCall(state, other) === (type.kind === 'void'))
      return type;
    if (taken === undefined || other === undefined) return type;
    state.report.error(expression, 'type-mismatch', 'Only one of the branches has a value.');
    return unknown;
  }
  const whenTrue = expression.whenTrue === undefined ? condition : typeOf(state, expression.whenTrue);
  const whenFalse = typeOf(state, expression.whenFalse);
  checkCondition(state, expression.condition, condition, 22);
  return joinBranches(state, expression, whenTrue, whenFalse);
}

/** A ternary whose value nothing uses: from 0.25 on its branches need not agree, and `fail()` in any of them counts. */
export function checkTernaryStatement(state: State, expression: Ternary): void {
  if (state.version < 25) {
    typeOf(state, expression);
    return;
  }
  const condition = typeOf(state, expression.condition);
  const known = constant(state, expression.condition);
  if (known === undefined) {
    if (expression.whenTrue !== undefined) typeOf(state, expression.whenTrue);
    typeOf(state, expression.whenFalse);
    checkCondition(state, expression.condition, condition, 22);
    return;
  }
  const { taken, other } = branches(expression, isTrue(known));
  if (taken !== undefined) typeOf(state, taken);
  if (other?.kind === 'call' && other.callee.text === 'fail') typeOf(state, other);
}

/** The branch that a known condition takes, and the one that it leaves out; `a ?: b` has no first one. */
const branches = (
  { whenTrue, whenFalse }: Ternary,
  isTaken: boolean,
): { readonly taken: Expression | undefined; readonly other: Expression | undefined } =>
  isTaken ? { taken: whenTrue, other: whenFalse } : { taken: whenFalse, other: whenTrue };

/** A call of a function that is known to have no value. */
const isVoidCall = (state: State, expression: Expression | undefined): boolean =>
  expression?.kind === 'call' &&
  !state.macros.has(expression.callee.text) &&
  functionByName.get(expression.callee.text)?.returns === 'void';

function joinBranches(state: State, span: Expression, a: Type, b: Type): Type {
  if (isOpen(a) || isOpen(b)) return isOpen(a) ? b : a;
  const { version } = state;
  const refusal = (): Type => {
    state.report.error(
      span,
      'type-mismatch',
      `The branches have different types: ${typeName(a)} and ${typeName(b)}.`,
    );
    return unknown;
  };
  // From 0.25 on a branch without a value makes the whole one without a value
  if (version >= 25 && (a.kind === 'void' || b.kind === 'void')) return voidType;
  if (version >= 25) {
    if ((isCastable(a) && b.kind === 'integer') || (isCastable(b) && a.kind === 'integer')) return int64;
    const joined = compatible(a, b, version) ? promote(a, b, version) : undefined;
    return joined ?? refusal();
  }
  if (
    version < 24
      ? a.kind !== b.kind || (a.kind === 'stack' && !compatible(a, b, version))
      : !compatible(a, b, version)
  )
    return refusal();
  if (version < 20 && !['string', 'integer', 'void', 'boolean'].includes(a.kind)) {
    state.report.error(span, 'type-mismatch', `A ternary cannot yield ${typeName(a)} before 0.20.`, {
      hint: 'Use `if` and `else`.',
    });
    return a;
  }
  if (a.kind === 'string' && b.kind === 'string')
    return version < 22 ? string(64) : string(Math.max(a.size, b.size));
  if (a.kind === 'integer') return integer(64, a.signed);
  return a;
}

function ifType(state: State, expression: If): Type {
  const condition = typeOf(state, expression.condition);
  const known = knownCondition(state, expression.condition);
  if (known !== undefined) {
    if (isTrue(known)) return blockType(state, expression.then);
    return expression.else === undefined
      ? voidType
      : expression.else.kind === 'if'
        ? ifType(state, expression.else)
        : blockType(state, expression.else);
  }
  checkCondition(state, expression.condition, condition, 22);
  const then = blockType(state, expression.then);
  if (expression.else === undefined) return voidType;
  const otherwise =
    expression.else.kind === 'if' ? ifType(state, expression.else) : blockType(state, expression.else);
  return joinBranches(state, expression, then, otherwise);
}

export function blockType(state: State, block: Block): Type {
  return checkBlock(state, block) ?? voidType;
}

/** `@a = (@b, @b); @b = (@a, @a)` would double its type with each pass. */
const mostParts = 500;

function countParts(type: Type): number {
  const inner =
    type.kind === 'tuple'
      ? type.elements
      : type.kind === 'record'
        ? type.fields.map((field) => field.type)
        : [];
  return inner.reduce((sum, part) => sum + countParts(part), 1);
}

function tupleType(state: State, elements: readonly Expression[]): Type {
  const types = elements.map((item) => element(state, item, 'tuple'));
  // A tuple with an element that is no value is none itself; from 0.25 on an empty one has no type either
  if (types.length === 0 && state.version >= 25) return voidType;
  if (types.some((type) => type.kind === 'void')) return voidType;
  return { kind: 'tuple', elements: types };
}

function element(state: State, expression: Expression, where: 'tuple' | 'record'): Type {
  const found = typeOf(state, expression);
  const type = countParts(found) > mostParts ? unknown : found;
  if (isMultiValue(type) && state.version >= 22)
    state.report.error(
      expression,
      'map-function-only',
      `${typeName(type)} is more than one number and cannot stand in a ${where}.`,
    );
  return type;
}

function tupleAccessType(state: State, expression: TupleAccess): Type {
  const type = typeOf(state, expression.object);
  if (isOpen(type)) return type;
  if (type.kind !== 'tuple') {
    state.report.error(
      expression,
      'index',
      `${typeName(type)} has no element ${expression.index}; only tuples do.`,
    );
    return unknown;
  }
  const found = type.elements[expression.index];
  if (found === undefined) {
    state.report.error(
      expression,
      'index',
      `The tuple has ${type.elements.length} elements, counted from 0; there is no ${expression.index}.`,
    );
    return unknown;
  }
  return found;
}

function arrayAccessType(state: State, expression: ArrayAccess): Type {
  const type = typeOf(state, expression.object);
  const index = typeOf(state, expression.index);
  if (isOpen(type)) return type;
  const isText = type.kind === 'string' && state.version >= 25;
  const isTuple = type.kind === 'tuple' && state.version >= 25;
  if (type.kind !== 'array' && type.kind !== 'pointer' && !isText && !isTuple) {
    state.report.error(
      expression,
      'index',
      `${typeName(type)} cannot be indexed by \`[]\`; arrays and pointers can.`,
      {
        ...(type.kind === 'tuple' ? { hint: 'Elements of tuples are `.0`, `.1`, …' } : {}),
      },
    );
    return unknown;
  }
  if (type.kind === 'pointer' && (type.to.kind === 'void' || sizeOf(type.to) === 0)) {
    state.report.error(expression, 'index', 'What a `void *` points to has no size; cast the pointer first.');
    return unknown;
  }
  checkIndex(state, expression, type, index);
  if (type.kind === 'array') return type.of;
  if (type.kind === 'pointer') return type.to;
  if (type.kind === 'tuple')
    return type.elements[Number(constantInteger(state, expression.index) ?? 0n)] ?? unknown;
  return integer(8, true);
}

function checkIndex(state: State, expression: ArrayAccess, type: Type, index: Type): void {
  const value = constantInteger(state, expression.index);
  const count =
    type.kind === 'array'
      ? type.count
      : type.kind === 'string'
        ? type.size
        : type.kind === 'tuple'
          ? type.elements.length
          : undefined;
  if (value !== undefined) {
    if (value < 0n || (count !== undefined && count > 0 && value >= BigInt(count)))
      state.report.error(
        expression,
        'index',
        count === undefined
          ? `${value} is no index: it is negative.`
          : `${value} is outside: there are ${count} elements, counted from 0.`,
      );
    return;
  }
  if (isOpen(index) || expression.index.kind === 'positional') return;
  if (type.kind === 'tuple') {
    state.report.error(expression, 'index', 'The index of a tuple has to be a literal.');
    return;
  }
  if (state.version < 24) {
    const isOk = index.kind === 'integer' && state.version < 22 ? isLiteralIndex(expression.index) : false;
    if (!isOk)
      state.report.error(expression, 'index', 'The index has to be a literal before 0.24.', {
        hint: 'Write the number, or unroll the loop.',
      });
    return;
  }
  if (index.kind !== 'integer' || (index.signed && index.flexible !== true))
    state.report.error(expression, 'index', `An index is an unsigned integer; this is ${typeName(index)}.`, {
      hint: 'Cast it: `(uint64)…`.',
    });
}

const isLiteralIndex = (expression: Expression): boolean => expression.kind === 'integer';
