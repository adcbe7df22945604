import type { AttachPart, AttachPoint, Name } from './ast.ts';
import { classOf, DIGIT, isDigit, isPathPart, isWordPart, SPACE, WORD_START } from './characters.ts';
import { isReserved, keywordCodes, T } from './codes.ts';
import type { ParserState } from './state.ts';
import { isIntegerTypeWord } from './types.ts';

/** A stretch of source that belongs to an attach point. */
interface Piece {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads one attach point. The cursor stands on its first token; afterwards on the token behind it.
 * Returns undefined when nothing that can be one stands here.
 */
export function parseAttachPoint(p: ParserState): AttachPoint | undefined {
  const from = p.start;
  const before = p.tokens.count;
  // The general lexer has read the first token already: take it back, attach points have rules of their own.
  p.tokens.truncate(p.code === T.end ? before : before - 1);
  if (p.code === T.string || p.code === T.unknown) p.forgetDiagnosticsFrom(from);
  p.end = from;
  const pieces = p.handWritten ? readByHand(p, from) : readByGrammar(p, from);
  p.next();
  const first = pieces[0];
  const last = pieces[pieces.length - 1];
  if (first === undefined || last === undefined) return undefined;
  p.previousEnd = last.end;
  return split(p, pieces, first.start, last.end);
}

/** Up to 0.25 the point is a row of tokens; white space and comments between them do not count. */
function readByGrammar(p: ParserState, from: number): Piece[] {
  const pieces: Piece[] = [];
  p.end = from;
  for (;;) {
    p.skipTrivia();
    const start = p.end;
    const end = elementEnd(p, start);
    if (end === start) return pieces;
    const last = pieces[pieces.length - 1];
    if (last?.end === start) {
      pieces[pieces.length - 1] = { start: last.start, end };
      p.tokens.truncate(p.tokens.count - 1);
      p.tokens.add(T.attachPoint, last.start, end);
    } else {
      pieces.push({ start, end });
      p.tokens.add(T.attachPoint, start, end);
    }
    p.end = end;
  }
}

/** End of the token at `start`, or `start` when none of those allowed stands there. */
function elementEnd(p: ParserState, start: number): number {
  const { source, version } = p;
  const code = source.charCodeAt(start);
  const kind = classOf(code);
  let at = start + 1;
  if ((kind & WORD_START) !== 0) {
    while (isWordPart(source.charCodeAt(at))) at++;
    const keyword = keywordCodes.get(source.slice(start, at));
    if (keyword !== undefined && isReserved(keyword, version)) return start;
    return version >= 18 && isIntegerTypeWord(source.slice(start, at), version) ? start : at;
  }
  if ((kind & DIGIT) !== 0) {
    while (isWordPart(source.charCodeAt(at))) at++;
    return at;
  }
  const next = source.charCodeAt(at);
  switch (code) {
    case 34 /* " */:
      return stringEnd(p, start);
    case 58 /* : */:
      return pathEnd(p, at);
    case 36 /* $ */:
      if (!isDigit(next)) return start;
      while (isDigit(source.charCodeAt(at))) at++;
      return at;
    case 43 /* + */:
      return next === 43 || next === 61 ? start : at;
    case 42 /* * */:
      return next === 61 ? start : at;
    case 61 /* = */:
      return version >= 25 && next === 61 ? at + 1 : start;
    case 46:
    case 91:
    case 93 /* . [ ] */:
      return at;
    default:
      return start;
  }
}

/** A colon and the path that directly follows it: `:/usr/lib/libc.so.6`; 0.17 knows no `+` and no `$` in it. */
function pathEnd(p: ParserState, from: number): number {
  const { source } = p;
  let at = from;
  for (;;) {
    const code = source.charCodeAt(at);
    if (!isPathPart(code, p.version)) return at;
    if (code === 92 /* \ */) {
      if (at + 1 >= source.length || source.charCodeAt(at + 1) === 10) return at;
      at++;
    }
    at++;
  }
}

function stringEnd(p: ParserState, start: number): number {
  const { source } = p;
  let at = start + 1;
  for (; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code === 92) at++;
    else if (code === 34) return at + 1;
    else if (code === 10 && !p.handWritten) break;
  }
  const end = Math.min(at, source.length);
  p.error('unterminated-string', start, end, 'This string is never closed', 'Close it with `"`.');
  return end;
}

/** Since 0.26: everything up to white space, `,` or `{`; a `/` before the first colon begins the predicate. */
function readByHand(p: ParserState, from: number): Piece[] {
  const { source } = p;
  let at = from;
  let colon = false;
  for (; at < source.length;) {
    const code = source.charCodeAt(at);
    if (code === 123 || code === 44 || (classOf(code) & SPACE) !== 0) break;
    if (code === 47 && at > from && !colon) {
      const next = source.charCodeAt(at + 1);
      if (next !== 47 && next !== 42) break;
    }
    if (code === 58) colon = true;
    at = code === 34 ? stringEnd(p, at) : at + 1;
  }
  if (at === from) return [];
  p.tokens.add(T.attachPoint, from, at);
  p.end = at;
  return [{ start: from, end: at }];
}

/** Splits the text at its colons; quotes keep colons together and are not part of a part's text. */
function split(p: ParserState, pieces: readonly Piece[], start: number, end: number): AttachPoint {
  const { source } = p;
  const parts: AttachPart[] = [];
  let text = '';
  let partStart = start;
  let partEnd = start;
  let quoted = false;
  let inQuotes = false;
  const finish = (nextStart: number): void => {
    parts.push({
      kind: 'attach-part',
      start: partStart,
      end: partEnd,
      text,
      quoted,
      wildcard: text.includes('*'),
    });
    text = '';
    quoted = false;
    partStart = nextStart;
    partEnd = nextStart;
  };
  for (const piece of pieces) {
    if (text === '' && !quoted) partStart = piece.start;
    for (let at = piece.start; at < piece.end; at++) {
      const character = source.charAt(at);
      if (character === ':' && !inQuotes) {
        finish(at + 1);
        continue;
      }
      partEnd = at + 1;
      if (character === '"') {
        inQuotes = !inQuotes;
        quoted = true;
      } else if (character === '\\' && inQuotes && at + 1 < piece.end) {
        text += source.charAt(++at);
        partEnd = at + 1;
      } else text += character;
    }
  }
  finish(end);
  return assemble(p, pieces, parts, start, end);
}

function assemble(
  p: ParserState,
  pieces: readonly Piece[],
  parts: readonly AttachPart[],
  start: number,
  end: number,
): AttachPoint {
  const { source } = p;
  const only =
    pieces.length === 1
      ? source.slice(start, end)
      : pieces.map((piece) => source.slice(piece.start, piece.end)).join('');
  const [first, ...rest] = parts;
  let provider: Name = { kind: 'name', start, end: first?.end ?? start, text: first?.text ?? '' };
  const sign = provider.text.indexOf('=');
  if (sign <= 0 || sign === provider.text.length - 1 || first?.quoted === true)
    return { kind: 'attach-point', start, end, text: only, provider, parts: rest };
  const label: Name = { kind: 'name', start, end: start + sign, text: provider.text.slice(0, sign) };
  // 0.25 writes `name==kprobe:f`, since 0.26 it is `name=kprobe:f`.
  const skip = p.version < 26 && provider.text.charAt(sign + 1) === '=' ? 2 : 1;
  provider = { ...provider, start: start + sign + skip, text: provider.text.slice(sign + skip) };
  return { kind: 'attach-point', start, end, text: only, label, provider, parts: rest };
}
