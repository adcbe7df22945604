import type { SourceId, SourceKind, SourceListing } from '../../protocol/events.ts';
import type { Problem } from '../../protocol/errors.ts';

/** One source in the index. */
export interface IndexedSource {
  readonly id: SourceId;
  readonly kind: SourceKind;
  readonly group: string;
  readonly name: string;
  readonly refused?: Problem;
}

/** A bit for each letter or digit that a text holds: texts that lack one of the query's are not looked at. */
function letters(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 97 && code <= 122) bits |= 1 << (code - 97);
    else if (code >= 48 && code <= 57) bits |= 1 << (26 + (code % 5));
  }
  return bits;
}

/**
 * Fuzzy search over all sources of a target. 100,000 names are prepared once (lower case, letter masks); a query that
 * continues the last one looks only at what that one found.
 */
export class SourceIndex {
  readonly sources: readonly IndexedSource[];
  private readonly texts: string[];
  private readonly masks: Int32Array;
  private last: { query: string; found: Int32Array } | undefined;

  constructor(listings: readonly SourceListing[]) {
    const sources: IndexedSource[] = [];
    for (const { kind, groups } of listings)
      for (const { group, names, refused } of groups)
        for (const name of names) {
          const id = group === '' ? `${kind}:${name}` : `${kind}:${group}:${name}`;
          sources.push(
            refused === undefined ? { id, kind, group, name } : { id, kind, group, name, refused },
          );
        }
    this.sources = sources;
    this.texts = sources.map(({ group, name }) => (group === '' ? name : `${group}:${name}`).toLowerCase());
    this.masks = Int32Array.from(this.texts, letters);
  }

  /** The best matches, best first, and how many there are in all. Blanks part words that must all match. */
  search(query: string, limit: number): { readonly total: number; readonly best: readonly IndexedSource[] } {
    const words = query
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0) return { total: this.sources.length, best: this.sources.slice(0, limit) };
    const mask = letters(words.join(''));
    const before = this.last !== undefined && query.startsWith(this.last.query) ? this.last.found : undefined;
    const count = before?.length ?? this.texts.length;
    const found = new Int32Array(count);
    const scores = new Int32Array(count);
    let total = 0;
    for (let place = 0; place < count; place++) {
      const index = before === undefined ? place : (before[place] ?? 0);
      if (((this.masks[index] ?? 0) & mask) !== mask) continue;
      const score = scoreOf(this.texts[index] ?? '', words);
      if (score < 0) continue;
      // What cannot be traced here stands below what can.
      scores[total] = score + (this.sources[index]?.refused === undefined ? 0 : REFUSED);
      found[total++] = index;
    }
    this.last = { query, found: found.slice(0, total) };
    const best = bestPlaces(scores, total, limit).map((place) => this.sources[found[place] ?? 0]);
    return { total, best: best.filter((source) => source !== undefined) };
  }
}

/** Above every score of a match: `scoreOf` stays below for queries a person types. */
const REFUSED = 2 ** 24;

/** Lower is better; −1 for no match. A word as it stands beats one at a boundary beats scattered letters. */
function scoreOf(text: string, words: readonly string[]): number {
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at >= 0) {
      const boundary = at === 0 || /[:_/.-]/.test(text[at - 1] ?? '');
      sum += (boundary ? 0 : 20) + Math.min(at, 15);
      continue;
    }
    const spread = scattered(text, word);
    if (spread < 0) return -1;
    sum += 100 + spread;
  }
  return sum * 64 + Math.min(text.length, 63);
}

/** How far apart the word's letters lie in the text, in order; −1 when they are not all there. */
function scattered(text: string, word: string): number {
  let at = -1;
  let first = -1;
  for (let index = 0; index < word.length; index++) {
    at = text.indexOf(word[index] ?? '', at + 1);
    if (at < 0) return -1;
    if (first < 0) first = at;
  }
  return at - first - word.length + 1;
}

/** The places of the `limit` smallest scores in order: all are bucketed by a threshold first, since sorting 100,000 costs too much. */
function bestPlaces(scores: Int32Array, total: number, limit: number): number[] {
  const places = Array.from({ length: total }, (_, place) => place);
  if (total <= limit) return places.sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b);
  const threshold = scores.slice(0, total).sort()[limit - 1] ?? 0;
  return places
    .filter((place) => (scores[place] ?? 0) <= threshold)
    .sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0) || a - b)
    .slice(0, limit);
}
