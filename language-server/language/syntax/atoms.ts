import type { Expression, Name, RecordField, TypeNode } from './ast.ts';
import { T } from './codes.ts';
import {
  parseExpression,
  parseFieldName,
  parseList,
  parseMap,
  parseUnary,
  parseVariable,
} from './expressions.ts';
import { parseInteger, parseString } from './literals.ts';
import type { ParserState } from './state.ts';
import { parseBlock, parseIf } from './statements.ts';
import {
  compositeName,
  isBuiltinWord,
  isCompositeKeyword,
  isFunctionWord,
  isTypeWord,
  parseType,
  parseTypeof,
  parseTypeOrExpression,
  startsComposite,
} from './types.ts';

/** Atoms, calls, parentheses, and the expressions that begin with a keyword. */
export function parsePrimary(p: ParserState): Expression {
  const { start, end, code } = p;
  switch (code) {
    case T.integer:
      return parseInteger(p);
    case T.string:
      return parseString(p);
    case T.variable:
      return parseVariable(p);
    case T.map:
      return parseMap(p);
    case T.parameterCount:
      p.next();
      return { kind: 'parameter-count', start, end };
    case T.positional:
      return parsePositional(p);
    case T.leftParen:
      return parseParentheses(p);
    case T.leftBrace:
      return parseBlockExpression(p);
    default:
      return code >= T.word ? parseWord(p) : p.brokenExpression();
  }
}

function parsePositional(p: ParserState): Expression {
  const { start, end } = p;
  const index = Number(p.source.slice(start + 1, end));
  p.next();
  if (index < 1 || index > Number.MAX_SAFE_INTEGER)
    p.error(
      'invalid-number',
      start,
      end,
      `Positional parameters begin with $1`,
      'The first is `$1`; `$#` counts them.',
    );
  return { kind: 'positional', start, end, index };
}

function parseBlockExpression(p: ParserState): Expression {
  const { start } = p;
  p.requires(24, 'Blocks can be expressions', start, p.end);
  const block = parseBlock(p, 'a block');
  if (!p.handWritten && block.result === undefined && p.version >= 24)
    p.error(
      'expected-token',
      block.end - 1,
      block.end,
      'A block that is an expression must end in one without `;`',
    );
  return block;
}

function parseWord(p: ParserState): Expression {
  const { start, end, code, text } = p;
  switch (code) {
    case T.sizeof: {
      if (p.version < 18 && !nextIs(p, T.leftParen)) break;
      p.next();
      p.expect(T.leftParen, '(', 'after `sizeof`');
      const argument = parseTypeOrExpression(p, 'sizeof');
      p.expect(T.rightParen, ')', 'after the argument of `sizeof`');
      return { kind: 'sizeof', start, end: p.endFrom(start), argument };
    }
    case T.offsetof:
      return parseOffsetof(p);
    case T.typeinfo: {
      p.requires(25, '`typeinfo` is known', start, end);
      p.next();
      p.expect(T.leftParen, '(', 'after `typeinfo`');
      const argument = parseTypeOrExpression(p, 'other');
      p.expect(T.rightParen, ')', 'after the argument of `typeinfo`');
      return { kind: 'typeinfo', start, end: p.endFrom(start), argument };
    }
    case T.comptime: {
      p.requires(25, '`comptime` is known', start, end);
      p.next();
      const operand = parseUnary(p);
      return { kind: 'comptime', start, end: p.endFrom(start), operand };
    }
    case T.if: {
      p.requires(24, '`if` can be an expression', start, end);
      return parseIf(p, 'expression');
    }
    case T.true:
    case T.false:
      if (p.version < 24) break;
      p.next();
      return { kind: 'boolean', start, end, value: code === T.true };
    default:
  }
  return parseCallOrIdentifier(p, text);
}

function nextIs(p: ParserState, code: number): boolean {
  const mark = p.mark();
  p.next();
  const result = p.code === code;
  p.reset(mark);
  return result;
}

/** An argument of a call: an expression, or a type as `typeof(…)` writes it. */
function parseArgument(p: ParserState): Expression {
  if (p.code !== T.typeof || p.version < 25) return parseExpression(p);
  const type = parseTypeof(p);
  p.requires(27, 'Types can be arguments of macros', type.start, type.end);
  return type;
}

function parseCallOrIdentifier(p: ParserState, text: string): Expression {
  const { start, end, version } = p;
  if (isCompositeKeyword(p.code) && version < 18) {
    p.next();
    const name = compositeName(p);
    return { kind: 'identifier', start, end: name.end, name: p.source.slice(start, name.end) };
  }
  if (!p.isFreeWord() && p.version < 26) return p.brokenExpression();
  if (
    p.handWritten &&
    (p.code === T.else || isCompositeKeyword(p.code)) &&
    !nextIs(p, T.leftParen) &&
    p.code !== T.else
  )
    return refusedWord(p);
  const isType = !p.handWritten && isTypeWord(text, version) && !(version < 18);
  p.next();
  if (p.code === T.leftParen && !isType) {
    p.next();
    const args = parseList(p, T.rightParen, 'the arguments', parseArgument);
    p.expect(T.rightParen, ')', 'after the arguments');
    const callee: Name = { kind: 'name', start, end, text };
    return { kind: 'call', start, end: p.endFrom(start), callee, args };
  }
  if (isFunctionWord(text, version)) {
    p.missing('(', `to call \`${text}\``);
    return { kind: 'identifier', start, end, name: text };
  }
  if (isType)
    p.error(
      'unexpected-token',
      start,
      end,
      `The type \`${text}\` is no value`,
      'Put it in parentheses to cast.',
    );
  return { kind: 'identifier', start, end, name: text };
}

function refusedWord(p: ParserState): Expression {
  const { start, end, text } = p;
  p.next();
  return { kind: 'identifier', start, end, name: text };
}

function parseOffsetof(p: ParserState): Expression {
  const { start, end } = p;
  p.requires(18, '`offsetof` is known', start, end);
  p.next();
  p.expect(T.leftParen, '(', 'after `offsetof`');
  const subject = startsComposite(p) ? parseOffsetofType(p) : parseExpression(p);
  p.expect(T.comma, ',', 'after what `offsetof` looks into');
  const path: Name[] = [parseFieldName(p)];
  while (p.code === T.dot) {
    p.requires(23, '`offsetof` goes into nested fields', p.start, p.end);
    p.next();
    path.push(parseFieldName(p));
  }
  p.expect(T.rightParen, ')', 'after the field');
  return { kind: 'offsetof', start, end: p.endFrom(start), subject, path };
}

/** A struct; up to 0.25 without stars and brackets. */
function parseOffsetofType(p: ParserState): TypeNode {
  const type = parseType(p);
  if (!p.handWritten && type.kind !== 'named-type')
    p.error(
      'unexpected-token',
      type.start,
      type.end,
      '`offsetof` takes the struct itself, not a pointer or an array',
    );
  return type;
}

/** `(x)`, `()`, `(x,)`, `(x, y)`, `(a = 1)`; the cursor stands on the `(`. */
function parseParentheses(p: ParserState): Expression {
  const { start } = p;
  p.next();
  if (p.code === T.rightParen) {
    p.requires(24, 'Empty tuples are known', start, p.end);
    p.next();
    return { kind: 'tuple', start, end: p.endFrom(start), elements: [] };
  }
  if (p.code >= T.word && startsRecord(p)) return parseRecord(p, start);
  const first = parseExpression(p);
  if (p.code !== T.comma) {
    p.expect(T.rightParen, ')', 'after the expression');
    return first;
  }
  const elements = [first];
  while (p.accept(T.comma)) {
    if (p.code === T.rightParen) {
      p.requires(24, 'A comma may end a tuple', p.previousEnd - 1, p.previousEnd);
      break;
    }
    elements.push(parseExpression(p));
  }
  p.expect(T.rightParen, ')', 'after the tuple');
  return { kind: 'tuple', start, end: p.endFrom(start), elements };
}

function startsRecord(p: ParserState): boolean {
  let at = p.end;
  let code = p.source.charCodeAt(at);
  while (code === 32 || (code >= 9 && code <= 13)) code = p.source.charCodeAt(++at);
  if (code !== 61 || p.source.charCodeAt(at + 1) === 61) return false;
  return !(p.handWritten && isBuiltinWord(p.text, p.version));
}

function parseRecord(p: ParserState, start: number): Expression {
  const fields: RecordField[] = [];
  const seen = new Set<string>();
  do {
    const name = p.handWritten && p.code >= T.word ? p.name() : p.expectName('the name of a field');
    if (seen.has(name.text))
      p.error('duplicate-name', name.start, name.end, `The record has a field \`${name.text}\` already`);
    seen.add(name.text);
    p.expect(T.assign, '=', 'after the name of the field');
    const value = parseExpression(p);
    fields.push({ kind: 'record-field', start: name.start, end: p.endFrom(start), name, value });
  } while (p.accept(T.comma));
  p.expect(T.rightParen, ')', 'after the record');
  p.requires(25, 'Records are known', start, p.previousEnd);
  return { kind: 'record', start, end: p.endFrom(start), fields };
}
