import { T } from './codes.ts';
import type { ParserState } from './state.ts';

const itemWords = new Set(['BEGIN', 'END', 'begin', 'end', 'fn', 'macro']);

/**
 * Whether the current token, inside a block, begins a top-level item: then the block's `}` is missing. Only for text
 * that can be no statement in any release: `word:` at the start of a line, `BEGIN {`, `fn name(`.
 */
export function startsItem(p: ParserState): boolean {
  if (p.code < T.word) return false;
  const { source, start, end } = p;
  if (start > 0 && source.charCodeAt(start - 1) !== 10) return false;
  const next = source.charCodeAt(end);
  if (next === 58 /* : */) return /^:[^\s:;?]/.test(source.slice(end, end + 2));
  return itemWords.has(p.text) && /^\s*[{a-z,/]/.test(source.slice(end, end + 40));
}
