import { binary, constant, extend, type BinaryOperator, type Term } from '../values/term.ts';
import type { Expression } from './ast.ts';
import { ExpressionError } from './problem.ts';
import { commonKind, convert, promoted, type IntegerKind, type Value } from './value.ts';

/** What can be computed with. */
export type Operand = Extract<Value, { kind: 'number' | 'pointer' }>;

type BinaryExpression = Extract<Expression, { kind: 'binary' }>;

const BOOLEAN: IntegerKind = { bits: 32, signed: true };

/** A binary operator of C on integers and pointers, with C's conversions. */
export function arithmetic(expression: BinaryExpression, left: Operand, right: Operand): Value {
  const { operator } = expression;
  switch (operator) {
    case '&&':
    case '||':
      return {
        kind: 'number',
        term: binary(operator === '&&' ? '&' : '|', truth(left.term), truth(right.term)),
        ...BOOLEAN,
      };
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return comparison(operator, left, right);
    case '<<':
    case '>>':
      return shift(expression, operator, left, right);
    default:
      if (left.kind === 'pointer' || right.kind === 'pointer')
        return pointerArithmetic(expression, left, right);
      return integerArithmetic(operator, left, right);
  }
}

/** 0 or 1. Comparisons are that already. */
function truth(term: Term): Term {
  if (term.op === 'binary' && ['==', '!=', '<', '<=', 'u<', 'u<='].includes(term.operator)) return term;
  if (
    term.op === 'binary' &&
    (term.operator === '&' || term.operator === '|') &&
    isTruth(term.left) &&
    isTruth(term.right)
  )
    return term;
  return binary('!=', term, constant(0));
}

function isTruth(term: Term): boolean {
  return truth(term) === term;
}

function kindOf(operand: Operand): IntegerKind {
  return operand.kind === 'pointer'
    ? { bits: 64, signed: false }
    : { bits: operand.bits, signed: operand.signed };
}

function comparison(operator: '==' | '!=' | '<' | '<=' | '>' | '>=', left: Operand, right: Operand): Value {
  const common = commonKind(kindOf(left), kindOf(right));
  const a = convert(left.term, kindOf(left), common);
  const b = convert(right.term, kindOf(right), common);
  const result = { kind: 'number' as const, ...BOOLEAN };
  if (operator === '==' || operator === '!=') return { ...result, term: binary(operator, a, b) };
  const strict = operator === '<' || operator === '>';
  const compare: BinaryOperator = common.signed ? (strict ? '<' : '<=') : strict ? 'u<' : 'u<=';
  const exchanged = operator === '>' || operator === '>=';
  return { ...result, term: exchanged ? binary(compare, b, a) : binary(compare, a, b) };
}

function shift(expression: BinaryExpression, operator: '<<' | '>>', left: Operand, right: Operand): Value {
  if (left.kind === 'pointer' || right.kind === 'pointer')
    throw new ExpressionError(expression, 'Pointers cannot be shifted.');
  const kind = promoted(left);
  const actual: BinaryOperator = operator === '<<' ? '<<' : kind.signed ? '>>' : 'u>>';
  return {
    kind: 'number',
    term: extend(binary(actual, left.term, right.term), kind.bits, kind.signed),
    ...kind,
  };
}

function pointerArithmetic(expression: BinaryExpression, left: Operand, right: Operand): Value {
  const { operator } = expression;
  if (operator !== '+' && operator !== '-')
    throw new ExpressionError(expression, `Pointers have no ${operator}.`);
  if (left.kind === 'pointer' && right.kind === 'pointer') {
    if (operator === '+') throw new ExpressionError(expression, 'Two pointers cannot be added.');
    const bytes = binary('-', left.term, right.term);
    return {
      kind: 'number',
      term: binary('/', bytes, constant(Math.max(1, left.target.sizeBytes))),
      bits: 64,
      signed: true,
    };
  }
  const [pointer, number] = left.kind === 'pointer' ? [left, right] : [right, left];
  if (pointer.kind !== 'pointer' || (operator === '-' && left.kind !== 'pointer'))
    throw new ExpressionError(expression, 'A pointer cannot be subtracted from a number.');
  const bytes = binary('*', number.term, constant(Math.max(1, pointer.target.sizeBytes)));
  return { kind: 'pointer', term: binary(operator, pointer.term, bytes), target: pointer.target };
}

function integerArithmetic(
  operator: '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^',
  left: Operand,
  right: Operand,
): Value {
  const common = commonKind(kindOf(left), kindOf(right));
  const a = convert(left.term, kindOf(left), common);
  const b = convert(right.term, kindOf(right), common);
  const actual: BinaryOperator =
    operator === '/' && !common.signed ? 'u/' : operator === '%' && !common.signed ? 'u%' : operator;
  return { kind: 'number', term: extend(binary(actual, a, b), common.bits, common.signed), ...common };
}
