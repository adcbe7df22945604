import type { Binary, Call, Expression, Identifier } from '../syntax/ast.ts';
import { expansionOf, mostCExpansions } from './c-macros.ts';
import { knownMap, type State } from './state.ts';

/** A value that is known when the script is compiled. */
export type Constant =
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean };

const integer = (value: bigint): Constant => ({ kind: 'integer', value });
const truth = (value: boolean): Constant => ({ kind: 'boolean', value });

/**
 * What an expression is worth at compile time, or undefined. Up to 0.23 only literals are known, from 0.24 on what
 * can be computed from literals too. Positional parameters are not known: they come with the command line.
 */
export function constant(state: State, expression: Expression): Constant | undefined {
  if (depth > deepest) return undefined;
  depth++;
  try {
    return evaluate(state, expression);
  } finally {
    depth--;
  }
}

/** Chains of operators can be as long as the file; the stack is not. */
const deepest = 400;
let depth = 0;

function evaluate(state: State, expression: Expression): Constant | undefined {
  switch (expression.kind) {
    case 'integer':
      return integer(expression.value);
    case 'string':
      return { kind: 'string', value: expression.value };
    case 'boolean':
      return state.version < 24 ? integer(expression.value ? 1n : 0n) : truth(expression.value);
    case 'identifier': {
      const passed = state.frame?.expressions.get(expression.name);
      if (passed !== undefined) return inCaller(state, passed);
      return macroConstant(state, expression);
    }
    case 'unary': {
      const operand = constant(state, expression.operand);
      if (operand === undefined) return undefined;
      if (operand.kind === 'integer' && expression.operator === '-') return integer(-operand.value);
      if (state.version < 24) return undefined;
      if (expression.operator === '!') return operand.kind === 'string' ? undefined : truth(!isTrue(operand));
      if (operand.kind === 'integer' && expression.operator === '~')
        return integer(operand.value < 0n ? ~operand.value : BigInt.asUintN(64, ~operand.value));
      return undefined;
    }
    case 'binary':
      return state.version < 24 ? undefined : binary(state, expression);
    case 'ternary': {
      if (state.version < 24) return undefined;
      const condition = constant(state, expression.condition);
      if (condition === undefined) return undefined;
      if (!isTrue(condition)) return constant(state, expression.whenFalse);
      return expression.whenTrue === undefined ? condition : constant(state, expression.whenTrue);
    }
    case 'comptime':
      return constant(state, expression.operand);
    case 'call':
      return scalarMap(state, expression);
    case 'block':
      return expression.statements.length === 0 && expression.result !== undefined && state.version >= 24
        ? constant(state, expression.result)
        : undefined;
    default:
      return undefined;
  }
}

/** `is_scalar(@m)`, once a use of the map has told. */
function scalarMap(state: State, { callee, args }: Call): Constant | undefined {
  const [map] = args;
  if (callee.text !== 'is_scalar' || state.version < 25 || map?.kind !== 'map') return undefined;
  const shape = knownMap(state, state.frame?.maps.get(map.name) ?? map.name)?.shape;
  return shape === undefined ? undefined : truth(shape === 'scalar');
}

const mostPassed = 20_000;

function inCaller(state: State, expression: Expression): Constant | undefined {
  if (++state.expansions > mostPassed) return undefined;
  const frame = state.frame;
  state.frame = frame?.caller;
  const value = constant(state, expression);
  state.frame = frame;
  return value;
}

function macroConstant(state: State, word: Identifier): Constant | undefined {
  if (!state.c.macros.has(word.name)) return undefined;
  if (++state.cExpansions > mostCExpansions) return undefined;
  const body = expansionOf(state, word);
  return body === undefined ? undefined : constant(state, body);
}

/** What leaves one branch of an `if` out before it is looked at: `comptime`. */
export function knownCondition(state: State, condition: Expression): Constant | undefined {
  return condition.kind === 'comptime' ? constant(state, condition) : undefined;
}

export function isTrue(value: Constant): boolean {
  switch (value.kind) {
    case 'integer':
      return value.value !== 0n;
    case 'string':
      return value.value !== '';
    case 'boolean':
      return value.value;
  }
}

const asInteger = (value: Constant): bigint | undefined =>
  value.kind === 'integer' ? value.value : undefined;

function binary(state: State, expression: Binary): Constant | undefined {
  const left = constant(state, expression.left);
  const right = constant(state, expression.right);
  if (left === undefined || right === undefined) return undefined;
  if (left.kind === 'string' || right.kind === 'string') return text(left, right, expression.operator);
  if (left.kind === 'boolean' || right.kind === 'boolean') {
    if (expression.operator === '&&') return truth(isTrue(left) && isTrue(right));
    if (expression.operator === '||') return truth(isTrue(left) || isTrue(right));
    if (left.kind !== right.kind) return undefined;
    if (expression.operator === '==') return truth(isTrue(left) === isTrue(right));
    if (expression.operator === '!=') return truth(isTrue(left) !== isTrue(right));
    return truth(isTrue(left));
  }
  const [a, b] = [asInteger(left) ?? 0n, asInteger(right) ?? 0n];
  const compared = compare(a, b, expression.operator);
  if (compared !== undefined) return truth(compared);
  const value = compute(a, b, expression.operator);
  return value === undefined ? undefined : integer(value);
}

function compare<Value extends bigint | string>(
  a: Value,
  b: Value,
  operator: Binary['operator'],
): boolean | undefined {
  switch (operator) {
    case '==':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case '&&':
      return Boolean(a) && Boolean(b);
    case '||':
      return Boolean(a) || Boolean(b);
    default:
      return undefined;
  }
}

/** `"abc" + 1` is `"bc"`, `"a" + "b"` is `"ab"`. */
function text(left: Constant, right: Constant, operator: Binary['operator']): Constant | undefined {
  const [first, other] = left.kind === 'string' ? [left, right] : [right, left];
  if (first.kind !== 'string') return undefined;
  if (other.kind === 'integer' && operator === '+' && other.value >= 0n)
    return {
      kind: 'string',
      value: other.value >= BigInt(first.value.length) ? '' : first.value.slice(Number(other.value)),
    };
  if (other.kind === 'boolean' && (operator === '&&' || operator === '||'))
    return truth(operator === '&&' ? isTrue(first) && other.value : isTrue(first) || other.value);
  if (left.kind !== 'string' || right.kind !== 'string') return undefined;
  if (operator === '+') return { kind: 'string', value: left.value + right.value };
  const compared = compare(left.value, right.value, operator);
  return compared === undefined ? undefined : truth(compared);
}

const fits = (value: bigint): boolean => value >= -(1n << 63n) && value < 1n << 64n;

/** The value in 64 bits, or undefined when it does not fit or is divided by zero. */
export function compute(a: bigint, b: bigint, operator: Binary['operator']): bigint | undefined {
  let value: bigint;
  switch (operator) {
    case '+':
      value = a + b;
      break;
    case '-':
      value = a - b;
      break;
    case '*':
      value = a * b;
      break;
    case '/':
      if (b === 0n) return undefined;
      value = a / b;
      break;
    case '%':
      if (b === 0n) return undefined;
      value = a % b;
      break;
    case '&':
      value = a & b;
      break;
    case '|':
      value = a | b;
      break;
    case '^':
      value = a ^ b;
      break;
    case '<<':
      return BigInt.asUintN(64, a << (b & 63n));
    case '>>':
      return a >> (b & 63n);
    default:
      return undefined;
  }
  return fits(value) ? value : undefined;
}

/** As {@link constant}, integers only. */
export function constantInteger(state: State, expression: Expression): bigint | undefined {
  const value = constant(state, expression);
  return value?.kind === 'integer' ? value.value : undefined;
}

/** A literal in the sense of this release, or what may be one: a positional parameter, `str($1)`. */
export function isLiteral(state: State, expression: Expression): boolean {
  if (constant(state, expression) !== undefined) return true;
  switch (expression.kind) {
    case 'positional':
    case 'parameter-count':
      return true;
    case 'call':
      return (
        expression.callee.text === 'str' &&
        expression.args[0] !== undefined &&
        isPositional(expression.args[0])
      );
    case 'binary':
      return state.version >= 24 && isLiteral(state, expression.left) && isLiteral(state, expression.right);
    case 'unary':
      return state.version >= 24 && isLiteral(state, expression.operand);
    case 'identifier': {
      const passed = state.frame?.expressions.get(expression.name);
      // A macro whose text we cannot compute may still be a literal
      return passed !== undefined
        ? inCallerLiteral(state, passed)
        : state.c.macros.has(expression.name) || (state.c.includes && /^[A-Z_]/.test(expression.name));
    }
    case 'sizeof':
    case 'offsetof':
      return state.version >= 25;
    default:
      return false;
  }
}

function inCallerLiteral(state: State, expression: Expression): boolean {
  const frame = state.frame;
  state.frame = frame?.caller;
  const literal = isLiteral(state, expression);
  state.frame = frame;
  return literal;
}

/** `$1`, `$1 + 2`: a positional parameter with an offset. */
export function isPositional(expression: Expression): boolean {
  if (expression.kind === 'positional') return true;
  return expression.kind === 'binary' && (isPositional(expression.left) || isPositional(expression.right));
}
