import { exists } from '../tables/entry.ts';
import { functionByName } from '../tables/functions.ts';
import type { Expression, Name, TypeNode, TypeofType } from './ast.ts';
import { isDigit } from './characters.ts';
import { isReserved, T } from './codes.ts';
import { parseExpression } from './expressions.ts';
import { parseInteger } from './literals.ts';
import { maxDepth, type ParserState } from './state.ts';

const integerTypes = new Set(['uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64']);
/** Types that have a word of their own in the grammar of 0.22 and later. */
const newerTypes = new Set(
  (
    'bool void string inet buffer min_t max_t sum_t avg_t stats_t umin_t umax_t usum_t uavg_t ustats_t count_t ucount_t ' +
    'probe_t username_t lhist_t hist_t usym_t ksym_t timestamp macaddr_t cgroup_path_t kstack_t ustack_t tseries_t strerror_t'
  ).split(' '),
);

/** Whether the word names one of bpftrace's own types in that release. */
export function isTypeWord(word: string, version: number): boolean {
  return integerTypes.has(word) || (version >= 22 && newerTypes.has(word));
}
export function isIntegerTypeWord(word: string, version: number): boolean {
  return integerTypes.has(word) || (version >= 22 && word === 'bool');
}

export function isCompositeKeyword(code: number): boolean {
  return code === T.struct || code === T.union || code === T.enum;
}

/** `struct x`, `uint64`, `foo *`, `int8[4]`, `typeof(x)`: the current token begins it. */
export function parseType(p: ParserState): TypeNode {
  const { start } = p;
  return parseTypeSuffixes(p, start, parseTypeBase(p, false));
}

/** The type after a colon. Up to 0.25 it must be one of bpftrace's own or begin with `struct`, `union` or `enum`. */
export function parseTypeAnnotation(p: ParserState): TypeNode {
  const { start, code, text, end } = p;
  const type = parseTypeSuffixes(p, start, parseTypeBase(p, true));
  if (p.handWritten) return type;
  if (code > T.word && code !== T.typeof && !isCompositeKeyword(code) && isReserved(code, p.version))
    p.error('unknown-type', start, end, `\`${text}\` is no type`);
  else if (code === T.word && !isTypeWord(text, p.version))
    p.error(
      'unknown-type',
      start,
      end,
      `\`${text}\` is no type that bpftrace has`,
      'Types of the kernel are written `struct name`.',
    );
  else if (code === T.word) checkArray(p, type, text);
  return type;
}

/** Up to 0.25 arrays have one dimension, are made of integers, strings or buffers, and no pointers to the left of it. */
export function checkArray(p: ParserState, type: TypeNode, word: string): void {
  let node = type;
  while (node.kind === 'pointer-type') node = node.target;
  if (node.kind !== 'array-type') return;
  const sized = word === 'string' || word === 'inet' || word === 'buffer';
  const fits = isIntegerTypeWord(word, p.version) || (sized && node.size !== undefined);
  if (node.element.kind !== 'named-type' || !fits)
    p.error('unknown-type', type.start, type.end, 'bpftrace up to 0.25 has no such array');
}

function parseTypeSuffixes(p: ParserState, start: number, base: TypeNode): TypeNode {
  let type = base;
  for (let depth = 0; ; depth++) {
    if (depth > maxDepth) {
      p.giveUp();
      return type;
    }
    if (p.code === T.star) {
      p.next();
      type = { kind: 'pointer-type', start, end: p.endFrom(start), target: type };
    } else if (p.code === T.leftBracket) {
      p.next();
      let size: number | undefined;
      if (p.code === T.integer) size = Number(parseInteger(p).value);
      p.expect(T.rightBracket, ']', 'after the size');
      const common = { kind: 'array-type', start, end: p.endFrom(start), element: type } as const;
      type = size === undefined ? common : { ...common, size };
    } else return type;
  }
}

function parseTypeBase(p: ParserState, annotation: boolean): TypeNode {
  const { start } = p;
  if (p.code === T.typeof) return parseTypeof(p);
  if (isCompositeKeyword(p.code)) {
    const keyword = p.text as 'struct' | 'union' | 'enum';
    p.next();
    const name = p.handWritten
      ? p.expectName('the name of a type')
      : annotation && p.version >= 21
        ? annotatedName(p)
        : compositeName(p);
    return { kind: 'named-type', start, end: name.end, keyword, name };
  }
  if (p.code >= T.word) {
    const name = p.name();
    return { kind: 'named-type', start, end: name.end, name };
  }
  p.unexpected('a type');
  const name: Name = { kind: 'name', start: p.previousEnd, end: p.previousEnd, text: '' };
  return { kind: 'named-type', start: name.start, end: name.end, name };
}

/** In annotations the grammar of 0.21 … 0.25 takes `struct *`; that no such type exists is said later. */
function annotatedName(p: ParserState): Name {
  if (p.code >= T.word) return p.name();
  if (p.code === T.star || p.code === T.comma || p.code === T.rightParen || p.code === T.leftBracket)
    return { kind: 'name', start: p.previousEnd, end: p.previousEnd, text: '' };
  return p.expectName('the name of a type');
}

/**
 * The generated lexers take everything up to `*`, `)` or, since 0.18, `,` for the name of a struct: `struct foo const *`.
 * The cursor stands behind the keyword.
 */
export function compositeName(p: ParserState): Name {
  const from = p.start;
  const stop = p.version < 18 ? /[*){]/g : /[*),{]/g;
  stop.lastIndex = from;
  const found = stop.exec(p.source);
  const end = found === null ? p.source.length : found.index;
  if (found === null || found[0] === '{') {
    p.error(
      'unexpected-token',
      from,
      Math.max(from, p.end),
      'A `*`, `)` or `,` must follow the name of a type here',
    );
    return p.code >= T.word ? p.name() : { kind: 'name', start: from, end: from, text: '' };
  }
  const text = p.source.slice(from, end).trimEnd();
  if (p.code >= T.word && /^\w+\s*(?:\[|$)/.test(text)) return p.name();
  const name: Name = { kind: 'name', start: from, end: from + text.length, text };
  p.forgetDiagnosticsFrom(from);
  p.replaceTokens(T.word, from, name.end);
  return name;
}

export function parseTypeof(p: ParserState): TypeofType {
  const { start, end } = p;
  p.requires(25, '`typeof` is known', start, end);
  p.next();
  p.expect(T.leftParen, '(', 'after `typeof`');
  const argument = parseTypeOrExpression(p, 'other');
  p.expect(T.rightParen, ')', 'after the argument of `typeof`');
  return { kind: 'typeof-type', start, end: p.endFrom(start), argument };
}

/** What may stand in `sizeof( … )`, `typeof( … )` and `typeinfo( … )`. */
export function parseTypeOrExpression(p: ParserState, what: 'sizeof' | 'other'): Expression | TypeNode {
  // In 0.17 `sizeof` is a function like others, which takes a type's name but nothing behind it.
  if (p.version < 18) return isCompositeKeyword(p.code) ? parseTypeBase(p, false) : parseExpression(p);
  return looksLikeType(p, what) ? parseType(p) : parseExpression(p);
}

/** Whether `struct`, `union` or `enum` here begins a type: to the hand-written parser they are words like others else. */
export function startsComposite(p: ParserState): boolean {
  if (!isCompositeKeyword(p.code)) return false;
  if (!p.handWritten) return true;
  const mark = p.mark();
  p.next();
  const result = p.code >= T.word;
  p.reset(mark);
  return result;
}

function looksLikeType(p: ParserState, what: 'sizeof' | 'other'): boolean {
  if (isCompositeKeyword(p.code)) return !p.handWritten || startsComposite(p);
  if (p.code === T.typeof) return p.handWritten;
  if (p.code !== T.word) return false;
  if (isTypeWord(p.text, p.handWritten ? 24 : p.version)) return true;
  if (isBuiltinWord(p.text, p.version) || (p.version < 25 && what === 'sizeof')) return false;
  // `sizeof(foo *)`: an unknown word is a type when stars and a closing parenthesis follow it.
  let at = p.end;
  let stars = 0;
  for (; ; at++) {
    const code = p.source.charCodeAt(at);
    if (code === 42) stars++;
    else if (code !== 32 && code !== 9 && code !== 10 && code !== 13) break;
  }
  return stars > 0 && p.source.charCodeAt(at) === 41;
}

const builtins = new Set(
  (
    'args cgroup comm cpid numaid cpu ctx curtask elapsed func gid nsecs pid probe rand retval tid uid username ' +
    'kstack ustack jiffies'
  ).split(' '),
);
const handWrittenBuiltins = new Set('args ctx kstack nsecs pid tid ustack'.split(' '));
const argument = /^s?arg[0-9]$/;
const anyArgument = /^s?arg[0-9]+$/;

/** Words that are values and therefore never the type in `(word)`. */
export function isBuiltinWord(word: string, version: number): boolean {
  if (version >= 26)
    return handWrittenBuiltins.has(word) || anyArgument.test(word) || word.startsWith('__builtin_');
  if (version >= 25)
    return handWrittenBuiltins.has(word) || anyArgument.test(word) || word.startsWith('__builtin_');
  return builtins.has(word) || (version >= 24 ? anyArgument : argument).test(word);
}

/** Up to 0.23 the names of functions are words of the grammar and can be nothing else. */
export function isFunctionWord(word: string, version: number): boolean {
  if (version >= 24 || builtins.has(word)) return false;
  const entry = functionByName.get(word);
  return entry !== undefined && exists(entry, version);
}

/** Whether `(` here begins a cast; looks at the text only. `p` stands on the `(`. */
export function looksLikeCast(p: ParserState): boolean {
  const mark = p.mark();
  p.next();
  const result = p.handWritten ? castByHand(p) : castByGrammar(p);
  p.reset(mark);
  return result;
}

function castByGrammar(p: ParserState): boolean {
  if (isCompositeKeyword(p.code)) return true;
  if (p.code === T.typeof) return true;
  if (p.code !== T.word || isBuiltinWord(p.text, p.version) || isFunctionWord(p.text, p.version))
    return false;
  if (isTypeWord(p.text, p.version)) return true;
  p.next();
  // `(word *` is a cast even where a product was meant: bison's grammar cannot tell.
  if (p.code !== T.rightParen) return p.code === T.star;
  p.next();
  // `while (word) {`: no block is cast
  return p.code !== T.leftBrace;
}

function castByHand(p: ParserState): boolean {
  let value = false;
  if (p.code === T.typeof) {
    p.next();
    if (p.code !== T.leftParen) return false;
    skipBalanced(p, T.leftParen, T.rightParen);
    return p.code === T.rightParen && startsExpression(p);
  }
  if (isCompositeKeyword(p.code)) {
    p.next();
    if (p.code < T.word) return false;
    p.next();
  } else {
    if (p.code < T.word) return false;
    value = isBuiltinWord(p.text, p.version);
    p.next();
  }
  for (;;) {
    if (p.code === T.star) p.next();
    else if (p.code === T.leftBracket) skipBalanced(p, T.leftBracket, T.rightBracket);
    else break;
  }
  return p.code === T.rightParen && !value && startsExpression(p);
}

/** Whether what follows the `)` under the cursor can begin an expression: else `(word)` is a value in parentheses. */
function startsExpression(p: ParserState): boolean {
  p.next();
  const { code } = p;
  if (code >= T.word) return true;
  return startsExpressionCodes.has(code) || isDigit(p.source.charCodeAt(p.start));
}
const startsExpressionCodes: ReadonlySet<number> = new Set([
  T.variable,
  T.map,
  T.positional,
  T.parameterCount,
  T.integer,
  T.string,
  T.leftParen,
  T.minus,
  T.decrement,
  T.minusAssign,
  T.arrow,
  T.not,
  T.notEqual,
  T.complement,
  T.star,
  T.starAssign,
  T.and,
  T.logicalAnd,
  T.andAssign,
]);

function skipBalanced(p: ParserState, open: number, close: number): void {
  let depth = 0;
  for (; p.code !== T.end; p.next()) {
    if (p.code === open) depth++;
    else if (p.code === close && --depth === 0) {
      p.next();
      return;
    }
  }
}
