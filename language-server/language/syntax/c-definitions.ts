import type { CDefinition, Name, Preprocessor } from './ast.ts';
import { T } from './codes.ts';
import { parseCBody } from './c-body.ts';
import type { ParserState } from './state.ts';

/** `#include …` and its kin; the cursor stands on it. Only 0.26+ joins nothing: a `\` continues the line in all others. */
export function parsePreprocessor(p: ParserState): Preprocessor {
  const { start, end } = p;
  const text = p.source.slice(start, end).trimEnd();
  p.next();
  const node = { kind: 'preprocessor', start, end: start + text.length, text } as const;
  const match = /^#\s*([a-z]+)(\s*)/.exec(text);
  if (match === null) return { ...node, directive: '' };
  const directive = match[1] ?? '';
  const rest = start + match[0].length;
  const include = directive === 'include' ? /^(?:<([^>]*)>|"([^"]*)")/.exec(p.source.slice(rest, end)) : null;
  if (include !== null) {
    const name = include[1] ?? include[2] ?? '';
    const system = include[1] !== undefined;
    const place = { kind: 'name', start: rest + 1, end: rest + 1 + name.length, text: name } as const;
    return { ...node, directive, include: { ...place, system } };
  }
  const macro =
    directive === 'define' || directive === 'undef' ? /^\w+/.exec(p.source.slice(rest, end)) : null;
  if (macro === null) return { ...node, directive };
  return {
    ...node,
    directive,
    macro: { kind: 'name', start: rest, end: rest + macro[0].length, text: macro[0] },
  };
}

/** Whether `struct`, `union` or `enum` under the cursor begins a definition: `{` follows, a name at most between. */
export function startsCDefinition(p: ParserState): boolean {
  return /^\s*(?:(?:\/\*[^]*?\*\/|\/\/[^\n]*\n)\s*)*\w*\s*(?:(?:\/\*[^]*?\*\/|\/\/[^\n]*\n)\s*)*\{/.test(
    p.source.slice(p.end, p.end + 400),
  );
}

/** `struct x { … };` with everything between the braces as one token. */
export function parseCDefinition(p: ParserState): CDefinition {
  const { start } = p;
  const keyword = p.text as 'struct' | 'union' | 'enum';
  p.next();
  let name: Name | undefined;
  while (p.code !== T.leftBrace && p.code !== T.end) {
    if (p.code >= T.word) name = { kind: 'name', start: p.start, end: p.end, text: p.text };
    p.next();
  }
  const open = p.start;
  const end = bodyEnd(p, open);
  if (p.code === T.end) end.closed = false;
  p.tokens.truncate(p.tokens.count - (p.code === T.end ? 0 : 1));
  p.tokens.add(T.cBody, open, end.offset);
  p.end = end.offset;
  if (!end.closed)
    p.error(
      'expected-token',
      open,
      Math.min(open + 1, p.source.length),
      `This \`${keyword}\` is never closed`,
      'Add `};`.',
    );
  p.next();
  p.previousEnd = end.offset;
  skipTail(p, end.offset);
  const body = parseCBody(p.source, keyword, open + 1, end.closed ? end.offset - 1 : end.offset);
  const node = { kind: 'c-definition', start, end: p.endFrom(start), keyword, ...body } as const;
  return name === undefined ? node : { ...node, name };
}

interface BodyEnd {
  offset: number;
  closed: boolean;
}

/** The semicolon must touch the brace in the generated lexers; the hand-written parser takes attributes and a space before it. */
function skipTail(p: ParserState, end: number): void {
  if (!p.handWritten) {
    if (p.code === T.semicolon && p.start === end) p.next();
    return;
  }
  if (p.code === T.word && p.text === '__attribute__') {
    p.next();
    let depth = 0;
    for (; p.code !== T.end; p.next()) {
      if (p.code === T.leftParen) depth++;
      else if (p.code === T.rightParen && --depth <= 0) {
        p.next();
        break;
      }
    }
  }
  if (p.code === T.semicolon) p.next();
}

/** End of the braces that open at `open`; comments are seen through by the hand-written parser only. */
function bodyEnd(p: ParserState, open: number): BodyEnd {
  const { source } = p;
  let depth = 0;
  for (let at = open; at < source.length; at++) {
    const code = source.charCodeAt(at);
    if (code === 123) depth++;
    else if (code === 125 && --depth === 0) return { offset: at + 1, closed: true };
    else if (p.handWritten) at = skipComment(source, at);
  }
  return { offset: source.length, closed: false };
}

/** The last character of the comment that begins at `at`, or `at`. */
function skipComment(source: string, at: number): number {
  if (source.charCodeAt(at) !== 47) return at;
  const next = source.charCodeAt(at + 1);
  if (next !== 47 && next !== 42) return at;
  const end = next === 47 ? source.indexOf('\n', at) : source.indexOf('*/', at + 2);
  if (end < 0) return source.length;
  return next === 47 ? end : end + 1;
}
