import type { Binary, BinaryOperator, Expression, Unary, Update } from '../syntax/ast.ts';
import { compatible, promote } from './compatible.ts';
import { typeOf } from './expressions.ts';
import { constant, constantInteger, isPositional } from './fold.ts';
import { countMap, resolveMap, mapType } from './maps.ts';
import { literalType } from './compatible.ts';
import type { State } from './state.ts';
import {
  boolean,
  equal,
  int64,
  integer,
  isCastable,
  isOpen,
  pointer,
  string,
  typeName,
  uint64,
  unknown,
  type IntegerType,
  type PointerType,
  type Type,
} from './types.ts';
import { variableType } from './variables.ts';

const comparisons: ReadonlySet<BinaryOperator> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const logical: ReadonlySet<BinaryOperator> = new Set(['&&', '||']);

const truthType = (state: State): Type => (state.version >= 24 ? boolean : int64);

export function binaryType(state: State, expression: Binary): Type {
  const left = typeOf(state, expression.left);
  const right = typeOf(state, expression.right);
  return combine(state, expression, left, right);
}

/** The type of `left OPERATOR right`; also for `left OPERATOR= right`. */
export function combine(
  state: State,
  expression: Pick<Binary, 'operator' | 'left' | 'right' | 'start' | 'end'>,
  left: Type,
  right: Type,
): Type {
  const folded = state.version >= 24 ? foldedType(state, expression) : undefined;
  if (folded !== undefined) return folded;
  checkZero(state, expression);
  const compares = comparisons.has(expression.operator) || logical.has(expression.operator);
  if (isOpen(left) || isOpen(right)) return compares ? truthType(state) : openResult(left, right);
  if (left.kind === 'pointer' || right.kind === 'pointer')
    return pointerResult(state, expression, left, right);
  if (isNumber(state, left) && isNumber(state, right)) return integerResult(state, expression, left, right);
  if (left.kind === 'array' && right.kind === 'array') return arrayResult(state, expression, left, right);
  const isEquality = expression.operator === '==' || expression.operator === '!=';
  // Up to 0.24 whatever their elements are
  if (left.kind === 'tuple' && right.kind === 'tuple' && isEquality) {
    if (state.version >= 25 && promote(left, right, state.version) === undefined)
      operatorError(state, expression, left, right);
    return truthType(state);
  }
  if (!sortsMatch(state, left, right)) {
    operatorError(state, expression, left, right);
    return compares ? truthType(state) : unknown;
  }
  if (!isEquality) operatorError(state, expression, left, right);
  else warnNeverEqual(state, expression, left, right);
  return compares ? truthType(state) : unknown;
}

/** bpftrace takes what it does not know yet for an integer. */
const openResult = (left: Type, right: Type): Type => {
  const isUnseen = (type: Type): boolean => type.kind === 'none' || type.kind === 'integer';
  return isUnseen(left) && isUnseen(right) ? int64 : unknown;
};

function isNumber(state: State, type: Type): boolean {
  if (type.kind === 'integer' || type.kind === 'boolean') return true;
  return isCastable(type) && state.version >= (type.name === 'avg' ? 22 : 21);
}

function sortsMatch(state: State, left: Type, right: Type): boolean {
  if (left.kind === 'string' && right.kind === 'string') return true;
  if (isText(state, left) && isText(state, right)) return true;
  return state.version < 24
    ? left.kind === right.kind && (left.kind !== 'opaque' || left.name === (right as typeof left).name)
    : compatible(left, right, state.version);
}

/** Strings, and `probe`, which is one of its own sort up to 0.24. */
const isText = (state: State, type: Type): boolean =>
  type.kind === 'string' || (state.version >= 22 && type.kind === 'opaque' && type.name === 'probe');

function operatorError(
  state: State,
  expression: Pick<Binary, 'operator' | 'left' | 'right' | 'start' | 'end'>,
  left: Type,
  right: Type,
): void {
  const hint = hintFor(expression, left, right);
  state.report.error(
    expression,
    'operator-type',
    `\`${expression.operator}\` does not work on ${typeName(left)} and ${typeName(right)}.`,
    hint === undefined ? {} : { hint },
  );
}

function hintFor(
  expression: Pick<Binary, 'operator' | 'left' | 'right'>,
  left: Type,
  right: Type,
): string | undefined {
  if (left.kind === 'string' && right.kind === 'string')
    return 'Strings can be compared by `==` and `!=` only.';
  const [text, other] = left.kind === 'string' ? [left, expression.right] : [right, expression.left];
  if (text.kind === 'string' && isPositional(other))
    return 'A positional parameter is a number; `str($1)` is its text.';
  if (left.kind === 'aggregation' || right.kind === 'aggregation')
    return 'An aggregation is no number here; keep the number in a plain map.';
  return undefined;
}

function foldedType(
  state: State,
  expression: Pick<Binary, 'operator' | 'left' | 'right' | 'start' | 'end'>,
): Type | undefined {
  const left = constant(state, expression.left);
  const right = constant(state, expression.right);
  if (left === undefined || right === undefined) return undefined;
  const value = constant(state, { kind: 'binary', operatorSpan: expression, ...expression });
  if (value !== undefined)
    return value.kind === 'boolean'
      ? boolean
      : value.kind === 'string'
        ? string(value.value.length + 1)
        : literalType(value.value, state.version);
  if (left.kind === 'integer' && right.kind === 'integer') {
    const isZero = right.value === 0n && (expression.operator === '/' || expression.operator === '%');
    state.report.error(
      expression,
      isZero ? 'division-by-zero' : 'literal-range',
      isZero ? 'Division by zero.' : 'The result does not fit 64 bits.',
    );
    return unknown;
  }
  const [first, other] = left.kind === 'string' ? [left, right] : [right, left];
  if (
    first.kind === 'string' &&
    (other.kind === 'string' || (other.kind === 'integer' && other.value < 0n))
  ) {
    state.report.error(
      expression,
      'operator-type',
      `\`${expression.operator}\` does not work on these literals.`,
    );
    return unknown;
  }
  return undefined;
}

function checkZero(state: State, expression: Pick<Binary, 'operator' | 'right' | 'start' | 'end'>): void {
  if (expression.operator !== '/' && expression.operator !== '%') return;
  if (constantInteger(state, expression.right) === 0n)
    state.report.warning(
      expression.right,
      'division-by-zero',
      'Division by zero: BPF makes the result 0, which says nothing.',
      {
        hint: 'Divide by another number.',
      },
    );
}

function integerResult(
  state: State,
  expression: Pick<Binary, 'operator' | 'left' | 'right' | 'start' | 'end'>,
  left: Type,
  right: Type,
): Type {
  const { version } = state;
  const compares = comparisons.has(expression.operator) || logical.has(expression.operator);
  if (left.kind === 'boolean' && right.kind === 'boolean') return version >= 24 ? boolean : int64;
  const [a, b] = [asInteger(left), asInteger(right)];
  warnSigns(state, expression, a, b);
  if (compares)
    return version === 22 || version === 23 ? result22(state, expression, a, b) : truthType(state);
  if (expression.operator === '<<' || expression.operator === '>>')
    return integer(
      64,
      version >= 26 ? (a.signed && a.flexible !== true) || (b.signed && b.flexible !== true) : a.signed,
    );
  if (version >= 26) return result26(expression.operator, a, b);
  if (version === 25) return integer(64, a.signed || b.signed);
  if (version >= 22) return result22(state, expression, a, b);
  return integer(64, a.signed && b.signed);
}

/** From 0.26 on a difference has a sign, and a literal takes its partner's. */
function result26(operator: BinaryOperator, a: IntegerType, b: IntegerType): Type {
  const left = a.flexible === true && b.flexible !== true ? b.signed : a.signed;
  const right = b.flexible === true && a.flexible !== true ? a.signed : b.signed;
  return left || right || operator === '-' ? int64 : uint64;
}

/** 0.22 … 0.24: 64 bits, signed only when both are; a positive literal takes its partner's sign. */
function result22(
  state: State,
  expression: Pick<Binary, 'left' | 'right'>,
  a: IntegerType,
  b: IntegerType,
): Type {
  const isFree = (side: Expression): boolean => (constantInteger(state, side) ?? -1n) >= 0n;
  if (a.signed !== b.signed) {
    if (a.signed && isFree(expression.left)) return uint64;
    if (b.signed && isFree(expression.right)) return uint64;
  }
  return integer(64, a.signed && b.signed);
}

const asInteger = (type: Type): IntegerType =>
  type.kind === 'integer' ? type : type.kind === 'aggregation' ? integer(64, type.signed) : integer(8, false);

function warnSigns(
  state: State,
  expression: Pick<Binary, 'operator' | 'left' | 'right' | 'start' | 'end'>,
  a: IntegerType,
  b: IntegerType,
): void {
  const isFree = (side: Expression): boolean => (constantInteger(state, side) ?? -1n) >= 0n;
  let [leftSigned, rightSigned] = [a.signed, b.signed];
  if (leftSigned && isFree(expression.left)) leftSigned = rightSigned;
  if (rightSigned && isFree(expression.right)) rightSigned = leftSigned;
  if (expression.operator === '/' || expression.operator === '%') {
    const isSigned = (a.signed && !isFree(expression.left)) || (b.signed && !isFree(expression.right));
    if (isSigned)
      state.report.warning(
        expression,
        'signed-division',
        'BPF divides without sign: a negative operand gives a wrong result.',
        {
          hint: 'Cast both sides to uint64 once they are known not to be negative.',
        },
      );
    return;
  }
  const isBitwise = ['<<', '>>', '&', '|', '^', '&&', '||'].includes(expression.operator);
  if (leftSigned !== rightSigned && !isBitwise && Math.max(a.bits, b.bits) === 64)
    state.report.warning(
      expression,
      'sign-mixture',
      `${typeName(a)} and ${typeName(b)} differ in sign; negative values are taken for huge ones.`,
      {
        hint: 'Cast one side.',
      },
    );
}

function pointerResult(
  state: State,
  expression: Pick<Binary, 'operator' | 'left' | 'right' | 'start' | 'end'>,
  left: Type,
  right: Type,
): Type {
  const { operator } = expression;
  const isLeft = left.kind === 'pointer';
  const address = (isLeft ? left : right) as PointerType;
  const other = isLeft ? right : left;
  const isLogical = logical.has(operator) && state.version >= 22;
  const compares = comparisons.has(operator);
  if (other.kind === 'pointer') {
    if (!compares && !isLogical) operatorError(state, expression, left, right);
    else if (compares && !equal(address.to, other.to) && !isOpen(address.to) && !isOpen(other.to))
      state.report.warning(
        expression,
        'operator-type',
        `Pointers to different types are compared: ${typeName(left)} and ${typeName(right)}.`,
      );
    return truthType(state);
  }
  if (other.kind === 'integer' || (other.kind === 'boolean' && state.version >= 24)) {
    if (operator === '+' || (operator === '-' && isLeft)) return pointer(address.to);
    if (compares || isLogical) return truthType(state);
  }
  operatorError(state, expression, left, right);
  return unknown;
}

function arrayResult(
  state: State,
  expression: Pick<Binary, 'operator' | 'left' | 'right' | 'start' | 'end'>,
  left: Type,
  right: Type,
): Type {
  const isEquality = expression.operator === '==' || expression.operator === '!=';
  const element = left.kind === 'array' ? left.of : unknown;
  if (!isEquality || (element.kind !== 'integer' && !isOpen(element)) || !equal(left, right))
    state.report.error(
      expression,
      'operator-type',
      `\`${expression.operator}\` does not work on ${typeName(left)} and ${typeName(right)}.`,
      {
        hint: 'Arrays can be compared by `==` and `!=` when they have the same size and integer elements.',
      },
    );
  return truthType(state);
}

function warnNeverEqual(
  state: State,
  expression: Pick<Binary, 'operator' | 'left' | 'right' | 'start' | 'end'>,
  left: Type,
  right: Type,
): void {
  if (left.kind !== 'string' || right.kind !== 'string') return;
  const [a, b] = [constant(state, expression.left), constant(state, expression.right)];
  if ((a === undefined) === (b === undefined)) return;
  const [text, stored] = a === undefined ? [b, left.size] : [a, right.size];
  if (text?.kind === 'string' && stored > 0 && text.value.length >= stored)
    state.report.warning(
      expression,
      'truncation',
      `The literal has ${text.value.length} bytes and the other side at most ${stored - 1}: they are never equal.`,
    );
}

export function unaryType(state: State, expression: Unary): Type {
  const type = typeOf(state, expression.operand);
  if (isOpen(type)) return expression.operator === '!' ? truthType(state) : openUnary(expression, type);
  const value = state.version >= 24 ? constant(state, expression) : undefined;
  if (value !== undefined)
    return value.kind === 'boolean'
      ? boolean
      : value.kind === 'integer'
        ? literalType(value.value, state.version)
        : type;
  if (expression.operator === '*') return dereference(state, expression, type);
  if (expression.operator === '-') {
    const literal = constantInteger(state, expression);
    if (state.version >= 26 && literal !== undefined && literal < -0x8000_0000_0000_0000n) {
      state.report.error(expression, 'literal-range', `${literal} is less than an int64 can hold.`);
      return int64;
    }
    if (literal !== undefined) return literalType(literal, state.version);
  }
  if (type.kind === 'boolean' && expression.operator === '!') return truthType(state);
  if (
    type.kind !== 'integer' &&
    !(type.kind === 'boolean' && state.version < 24) &&
    !(isCastable(type) && state.version === 24)
  ) {
    state.report.error(
      expression,
      'operator-type',
      `\`${expression.operator}\` does not work on ${typeName(type)}.`,
    );
    return expression.operator === '!' ? truthType(state) : unknown;
  }
  if (expression.operator === '!') return state.version >= 24 ? boolean : type;
  return integer(64, type.kind === 'integer' && type.signed);
}

const openUnary = (expression: Unary, type: Type): Type =>
  expression.operator === '*' ? unknown : type.kind === 'none' ? int64 : type;

function dereference(state: State, expression: Unary, type: Type): Type {
  if (type.kind === 'pointer') {
    if (type.context === true && type.to.kind === 'struct')
      return { ...type.to, args: type.to.args ?? 'function' };
    return type.to;
  }
  if (type.kind === 'integer') return uint64;
  if (type.kind === 'struct' && type.args !== undefined && state.version >= 19) return type;
  state.report.error(expression, 'operator-type', `\`*\` needs a pointer; this is ${typeName(type)}.`);
  return unknown;
}

export function updateType(state: State, expression: Update): Type {
  const { operand } = expression;
  if (operand.kind !== 'map' && operand.kind !== 'variable') {
    typeOf(state, operand);
    if (operand.kind !== 'broken-expression')
      state.report.error(
        expression,
        'operator-type',
        `\`${expression.operator}\` changes a variable or a map; this is neither.`,
      );
    return unknown;
  }
  let type: Type;
  if (operand.kind === 'map') {
    const map = resolveMap(state, operand);
    if (map !== undefined && state.version < 25) countMap(state, map, operand);
    type = mapType(state, operand);
    if (map !== undefined && state.version >= 25) countMap(state, map, operand);
  } else type = variableType(state, operand);
  if (isOpen(type)) return state.version >= 25 ? int64 : type;
  if (type.kind === 'pointer') return type;
  if (type.kind !== 'integer') {
    state.report.error(
      expression,
      'operator-type',
      `\`${expression.operator}\` does not work on ${typeName(type)}.`,
      {
        hint:
          type.kind === 'aggregation'
            ? 'Count by `@m = count();`, or by `++` on a plain map; not both on one.'
            : 'It works on integers and pointers.',
      },
    );
    return unknown;
  }
  return integer(64, type.signed);
}
