import type { Expression, RangeNode, Statement } from './ast.ts';
import { parsePrimary } from './atoms.ts';
import { T } from './codes.ts';
import { expectColon, parseExpression, parsePostfix, parseUnary } from './expressions.ts';
import type { ParserState } from './state.ts';
import { expectVariable, parseBlock, parseCondition } from './statements.ts';
import { looksLikeCast } from './types.ts';

/** `while` or `unroll`; the cursor stands on the word. */
export function parseLoop(p: ParserState): Statement {
  const { start } = p;
  const isWhile = p.code === T.while;
  p.next();
  const condition =
    isWhile || p.version >= 24 ? parseCondition(p, isWhile ? '`while`' : '`unroll`') : parseUnrollCount(p);
  const body = parseBlock(p, 'the body of the loop');
  if (isWhile) return { kind: 'while', start, end: p.endFrom(start), condition, body };
  return { kind: 'unroll', start, end: p.endFrom(start), count: condition, body };
}

/** Up to 0.23 a literal number or a positional parameter only. */
function parseUnrollCount(p: ParserState): Expression {
  p.expect(T.leftParen, '(', 'after `unroll`');
  const { start } = p;
  const count = parseExpression(p);
  const simple =
    count.kind === 'integer' ||
    count.kind === 'positional' ||
    count.kind === 'parameter-count' ||
    (count.kind === 'unary' && count.operator === '-' && count.operand.kind === 'integer');
  if (!simple && count.kind !== 'broken-expression')
    p.requires(24, '`unroll` takes any constant expression', start, p.previousEnd);
  p.expect(T.rightParen, ')', 'after the count');
  return count;
}

/** `for`; the cursor stands on the word. */
export function parseFor(p: ParserState): Statement {
  const { start } = p;
  p.next();
  const parenthesised = p.accept(T.leftParen);
  if (!parenthesised) p.requires(24, '`for` needs no parentheses', start, p.previousEnd);
  const variable = expectVariable(p);
  if (variable.name !== '') expectColon(p);
  const iterable = parseIterable(p);
  if (parenthesised) p.expect(T.rightParen, ')', 'after what `for` goes through');
  const body = parseBlock(p, 'the body of the loop');
  return { kind: 'for', start, end: p.endFrom(start), variable, iterable, body };
}

function parseIterable(p: ParserState): Expression | RangeNode {
  const { start } = p;
  const from = p.version <= 23 ? parseExpression(p) : parseOperand(p);
  if (p.code !== T.dotDot) {
    const isMap = from.kind === 'map' && (from.keys === undefined || p.version <= 21);
    if (!isMap && from.kind !== 'broken-expression' && p.version >= 24)
      p.error('invalid-operand', start, p.previousEnd, '`for` goes through a map or a range `a..b`');
    return from;
  }
  p.requires(24, '`for` goes through ranges', p.start, p.end);
  p.next();
  const to = parseOperand(p);
  return { kind: 'range', start, end: p.endFrom(start), from, to };
}

/** An end of a range: the hand-written parser takes atoms only, bison's grammar also `.x` and `[i]` after them. */
function parseOperand(p: ParserState): Expression {
  const { start } = p;
  if (p.handWritten && p.code === T.leftParen && looksLikeCast(p)) return parseUnary(p);
  const atom = parsePrimary(p);
  return p.handWritten ? atom : parsePostfix(p, start, atom, false);
}
