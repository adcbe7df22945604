import type { BinaryOperator, Expression, MapReference, Name, Ternary } from './ast.ts';
import { parsePrimary } from './atoms.ts';
import { isPathPart } from './characters.ts';
import { precedence, T } from './codes.ts';
import { parseInteger } from './literals.ts';
import { maxDepth, type ParserState } from './state.ts';
import { checkArray, isCompositeKeyword, isTypeWord, looksLikeCast, parseType } from './types.ts';

/** Parses an expression; never fails: where none stands, one that is `broken-expression` comes back. */
export function parseExpression(p: ParserState): Expression {
  if (!p.enter()) return p.brokenExpression();
  const { start } = p;
  const expression = parseTernaryRest(p, start, parseBinary(p, 1));
  p.leave();
  return expression;
}

/** Goes on with operators after an operand that was read already. */
export function continueExpression(p: ParserState, start: number, operand: Expression): Expression {
  return parseTernaryRest(p, start, parseBinaryRest(p, start, operand, 1));
}

function parseTernaryRest(p: ParserState, start: number, condition: Expression): Expression {
  if (p.code !== T.question) return condition;
  const question = p.start;
  p.next();
  if (p.code === T.colon) {
    p.requires(26, 'The short form `?:` is known', question, p.end);
    p.next();
    const whenFalse = parseExpression(p);
    return { kind: 'ternary', start, end: p.endFrom(start), condition, whenFalse };
  }
  const whenTrue = parseExpression(p);
  expectColon(p);
  const whenFalse = parseExpression(p);
  const node: Ternary = { kind: 'ternary', start, end: p.endFrom(start), condition, whenTrue, whenFalse };
  return node;
}

/** A colon. Up to 0.25 the lexer takes `:x` for a path, so that a space must stand after it. */
export function expectColon(p: ParserState): void {
  const { start, end } = p;
  if (p.code === T.colon && !p.handWritten && isPathPart(p.source.charCodeAt(end), p.version))
    p.report({
      code: 'space-after-colon',
      severity: 'error',
      start,
      end,
      message: 'Up to bpftrace 0.25 a colon and what follows it directly are read as a path',
      hint: 'Put a space after the colon.',
      fixes: [{ title: 'Insert a space', edits: [{ start: end, end, newText: ' ' }], preferred: true }],
    });
  p.expect(T.colon, ':', 'here');
}

/** Precedence climbing; all binary operators are left-associative. */
function parseBinary(p: ParserState, least: number): Expression {
  const { start } = p;
  return parseBinaryRest(p, start, parseUnary(p), least);
}

function parseBinaryRest(p: ParserState, start: number, first: Expression, least: number): Expression {
  let left = first;
  for (let length = 0; ; length++) {
    const level = precedence[p.code] ?? 0;
    if (level < least || level === 0 || endsPredicate(p)) return left;
    if (length > maxDepth) {
      p.giveUp();
      return left;
    }
    const operatorSpan = { start: p.start, end: p.end };
    const operator = p.source.slice(p.start, p.end) as BinaryOperator;
    p.next();
    const right = parseBinary(p, level + 1);
    left = { kind: 'binary', start, end: p.endFrom(start), operator, operatorSpan, left, right };
  }
}

/** A `/` before `{` closes a predicate and is no division; up to 0.24 also one before another `/`, a comment's even. */
export function endsPredicate(p: ParserState): boolean {
  if (p.code !== T.slash) return false;
  const { source } = p;
  let at = p.end;
  for (;;) {
    const code = source.charCodeAt(at);
    if (code === 32 || (code >= 9 && code <= 13)) at++;
    else if (code === 47 && p.handWritten) {
      const end = commentEnd(source, at);
      if (end === at) return false;
      at = end;
    } else return code === 123 || (code === 47 && p.version <= 24);
  }
}

/** End of the comment at `at`, or `at` when none begins there. */
function commentEnd(source: string, at: number): number {
  const next = source.charCodeAt(at + 1);
  if (next !== 47 && next !== 42) return at;
  const end = next === 47 ? source.indexOf('\n', at) : source.indexOf('*/', at + 2);
  return end < 0 ? source.length : end + (next === 47 ? 1 : 2);
}

export function parseUnary(p: ParserState): Expression {
  const { start, code } = p;
  switch (code) {
    case T.increment:
    case T.decrement: {
      if (!p.enter()) return p.brokenExpression();
      const operator = code === T.increment ? '++' : '--';
      p.next();
      const operand = p.handWritten ? parseUnary(p) : parseUpdateOperand(p);
      if (!isUpdatable(operand)) notUpdatable(p, operator, operand.start, operand.end);
      p.leave();
      return {
        kind: 'update',
        start,
        end: p.endFrom(start),
        operator,
        prefix: true,
        operand,
      };
    }
    case T.and:
      return parseAddressOf(p);
    case T.not:
    case T.complement:
    case T.minus:
    case T.star: {
      if (!p.enter()) return p.brokenExpression();
      const operator = p.source.slice(start, p.end) as '!' | '~' | '-' | '*';
      p.next();
      const operand = parseUnary(p);
      p.leave();
      return { kind: 'unary', start, end: p.endFrom(start), operator, operand };
    }
    default:
      if (code === T.leftParen && looksLikeCast(p)) return parseCast(p);
      return parsePrimaryAndPostfix(p);
  }
}

export function parsePrimaryAndPostfix(p: ParserState): Expression {
  const { start } = p;
  const parenthesised = p.code === T.leftParen;
  return parsePostfix(p, start, parsePrimary(p), parenthesised);
}

function isUpdatable(node: Expression): boolean {
  return node.kind === 'variable' || node.kind === 'map';
}

function notUpdatable(p: ParserState, operator: string, start: number, end: number): void {
  p.error('invalid-operand', start, end, `\`${operator}\` needs a variable or a map`);
}

/** Up to 0.25: a variable or a map, not in parentheses. */
function parseUpdateOperand(p: ParserState): Expression {
  if (p.code === T.variable) return parseVariable(p);
  if (p.code === T.map) return parseMap(p);
  notUpdatable(p, p.source.slice(p.previousEnd - 2, p.previousEnd), p.start, p.end);
  return parsePrimary(p);
}

function parseAddressOf(p: ParserState): Expression {
  const { start, end } = p;
  p.requires(24, 'The address of a variable or map can be taken', start, end);
  p.next();
  if (p.code !== T.variable && p.code !== T.map) {
    p.error('invalid-operand', p.start, p.end, '`&` needs a variable or a map');
    return parseUnary(p);
  }
  const operand = p.code === T.variable ? parseVariable(p) : parseMapName(p);
  const address: Expression = { kind: 'address-of', start, end: p.endFrom(start), operand };
  return p.handWritten ? address : parsePostfix(p, start, address, false);
}

function parseCast(p: ParserState): Expression {
  const { start } = p;
  if (!p.enter()) return p.brokenExpression();
  p.next();
  const word = p.code === T.word && !p.handWritten && isTypeWord(p.text, p.version) ? p.text : '';
  const type = parseType(p);
  checkCastType(p, type.start, type.end);
  if (word !== '' && p.version >= 19) checkArray(p, type, word);
  p.expect(T.rightParen, ')', 'after the type of a cast');
  const isBlock = p.code === T.leftBrace && !p.handWritten;
  const operand = isBlock ? p.brokenExpression() : parseUnary(p);
  p.leave();
  return { kind: 'cast', start, end: p.endFrom(start), type, operand };
}

/** Types with brackets can be cast to since 0.19, unknown names with more than two stars since 0.26. */
function checkCastType(p: ParserState, start: number, end: number): void {
  const text = p.source.slice(start, end);
  if (text.includes('[')) p.requires(19, 'Casts to arrays are known', start, end);
  const word = /^\w+/.exec(text)?.[0] ?? '';
  if (/\*\s*\*\s*\*/.test(text) && !isTypeWord(word, p.version) && !/^(?:struct|union|enum)$/.test(word))
    p.requires(26, 'More than two stars are understood', start, end);
  else if (/\*\s*\*\s*\*/.test(text) && p.version < 18)
    p.requires(18, 'More than two stars are understood', start, end);
}

export function parseVariable(p: ParserState): Expression {
  const { start, end } = p;
  p.next();
  return { kind: 'variable', start, end, name: p.source.slice(start, end) };
}

function parseMapName(p: ParserState): MapReference {
  const { start, end } = p;
  p.next();
  return { kind: 'map', start, end, name: p.source.slice(start, end), nameEnd: end };
}

/** `@x` with its keys, if any. */
export function parseMap(p: ParserState): MapReference {
  const map = parseMapName(p);
  if (p.code !== T.leftBracket) return map;
  p.next();
  const keys = parseList(p, T.rightBracket, 'the keys');
  if (keys.length === 0) p.unexpected('a key');
  p.expect(T.rightBracket, ']', 'after the keys');
  return { ...map, end: p.previousEnd, keys };
}

/** Expressions with commas between them; none when the closing token stands here. */
export function parseList(
  p: ParserState,
  close: number,
  what: string,
  parseItem: (p: ParserState) => Expression = parseExpression,
): Expression[] {
  const list: Expression[] = [];
  if (p.code === close || p.code === T.end) return list;
  for (;;) {
    list.push(parseItem(p));
    if (p.code !== T.comma) return list;
    const comma = { start: p.start, end: p.end };
    p.next();
    if (p.code === close) {
      p.report({
        code: 'trailing-comma',
        severity: 'error',
        ...comma,
        message: `No comma may follow the last of ${what}`,
        fixes: [{ title: 'Remove the comma', edits: [{ ...comma, newText: '' }], preferred: true }],
      });
      return list;
    }
  }
}

/** `.x`, `->x`, `.1`, `[i]`, `++`, `--` after an operand. */
export function parsePostfix(
  p: ParserState,
  start: number,
  first: Expression,
  parenthesised: boolean,
): Expression {
  let node = first;
  for (let length = 0; ; length++) {
    if (length > maxDepth) {
      p.giveUp();
      return node;
    }
    switch (p.code) {
      case T.dot:
      case T.arrow:
        node = parseMember(p, start, node);
        break;
      case T.leftBracket: {
        p.next();
        const index = parseExpression(p);
        p.expect(T.rightBracket, ']', 'after the index');
        node = { kind: 'array-access', start, end: p.endFrom(start), object: node, index };
        break;
      }
      case T.increment:
      case T.decrement: {
        const operator = p.code === T.increment ? '++' : '--';
        const allowed = isUpdatable(node) && (p.handWritten || !(parenthesised && length === 0));
        if (!allowed) notUpdatable(p, operator, p.start, p.end);
        p.next();
        node = { kind: 'update', start, end: p.endFrom(start), operator, prefix: false, operand: node };
        // In 0.24 and 0.25 nothing can be applied to the result.
        if (p.version === 24 || p.version === 25) return node;
        break;
      }
      default:
        return node;
    }
  }
}

function parseMember(p: ParserState, start: number, object: Expression): Expression {
  const operatorSpan = { start: p.start, end: p.end };
  const arrow = p.code === T.arrow;
  p.next();
  if (!arrow && p.code === T.integer) {
    const index = Number(parseInteger(p).value);
    return { kind: 'tuple-access', start, end: p.endFrom(start), object, index };
  }
  const field = parseFieldName(p);
  return { kind: 'field', start, end: p.endFrom(start), object, arrow, operatorSpan, field };
}

/** Any word since 0.22; before that, keywords and names of integer types are no names of fields. */
export function parseFieldName(p: ParserState): Name {
  if (p.code < T.word) return p.expectName('the name of a field');
  const { version } = p;
  const refused = version < 26 && isRefusedField(p.code, p.text, version);
  if (refused)
    p.error('unexpected-token', p.start, p.end, `bpftrace cannot read \`${p.text}\` as the name of a field`);
  return p.name();
}

function isRefusedField(code: number, word: string, version: number): boolean {
  if (isCompositeKeyword(code)) return true;
  if (/^u?int(?:8|16|32|64)$/.test(word)) return version >= 18;
  if (code > T.word)
    return version >= 22
      ? code === T.import || code === T.macro || code === T.true || code === T.false
        ? version >= 24
        : false
      : code === T.if ||
          code === T.else ||
          code === T.unroll ||
          code === T.while ||
          code === T.for ||
          code === T.return ||
          code === T.continue ||
          code === T.break ||
          (code === T.sizeof && version >= 18) ||
          (code === T.offsetof && version >= 18);
  return version >= 22 && version < 24 && ['string', 'inet', 'buffer', 'bool'].includes(word);
}
