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
  /** 1 for what cannot be traced here. */
  private readonly isRefused: Uint8Array;
  /** Reused by every search: a key must not wait for memory to be found and collected. */
  private readonly scores: Int32Array;
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
    this.isRefused = Uint8Array.from(sources, ({ refused }) => (refused === undefined ? 0 : 1));
    this.scores = new Int32Array(sources.length);
    // the first key finds code that is compiled already
    for (const word of WARM_UP) this.search(word, WARM_UP_LIMIT);
    this.last = undefined;
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
    const { scores, texts, masks, isRefused } = this;
    const count = before?.length ?? texts.length;
    const found = new Int32Array(count);
    let total = 0;
    for (let place = 0; place < count; place++) {
      const index = before === undefined ? place : (before[place] ?? 0);
      if (((masks[index] ?? 0) & mask) !== mask) continue;
      const score = scoreOf(texts[index] ?? '', words);
      if (score < 0) continue;
      // What cannot be traced here stands below what can.
      scores[total] = isRefused[index] === 0 ? score : score + REFUSED;
      found[total++] = index;
    }
    this.last = { query, found: found.subarray(0, total) };
    const best = bestPlaces(scores, total, limit).map((place) => this.sources[found[place] ?? 0]);
    return { total, best: best.filter((source) => source !== undefined) };
  }
}

/** Queries that run through all of the search, over as much as there is. */
const WARM_UP = ['e', 'ea', '_ o', 'xq'];
const WARM_UP_LIMIT = 300;

/** Above every score of a match: `scoreOf` stays below for queries a person types. */
const REFUSED = 2 ** 24;

/** Lower is better; −1 for no match. A word as it stands beats one at a boundary beats scattered letters. */
function scoreOf(text: string, words: readonly string[]): number {
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at >= 0) {
      const boundary = at === 0 || isBoundary(text.charCodeAt(at - 1));
      sum += (boundary ? 0 : 20) + Math.min(at, 15);
      continue;
    }
    const spread = scattered(text, word);
    if (spread < 0) return -1;
    sum += 100 + spread;
  }
  return sum * 64 + Math.min(text.length, 63);
}

/** `:`, `_`, `/`, `.` and `-` part the words of a name. */
const isBoundary = (code: number): boolean => code === 58 || code === 95 || (code >= 45 && code <= 47);

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

/**
 * The places of the `limit` smallest scores in order, the earlier first of equal ones. The best so far are a heap with the worst of them
 * on top: sorting all 100,000 matches of a first letter took longer than finding them.
 */
function bestPlaces(scores: Int32Array, total: number, limit: number): number[] {
  const heap = new Int32Array(Math.min(limit, total));
  const isWorse = (a: number, b: number): boolean => {
    const [one = 0, other = 0] = [scores[a], scores[b]];
    return one > other || (one === other && a > b);
  };
  const sink = (from: number, size: number): void => {
    let at = from;
    const moved = heap[at] ?? 0;
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && isWorse(heap[child + 1] ?? 0, heap[child] ?? 0)) child++;
      if (!isWorse(heap[child] ?? 0, moved)) break;
      heap[at] = heap[child] ?? 0;
      at = child;
    }
    heap[at] = moved;
  };
  for (let place = 0; place < heap.length; place++) heap[place] = place;
  for (let at = heap.length >> 1; at-- > 0;) sink(at, heap.length);
  for (let place = heap.length; place < total; place++)
    if (heap.length > 0 && isWorse(heap[0] ?? 0, place)) {
      heap[0] = place;
      sink(0, heap.length);
    }
  return Array.from(heap).sort((a, b) => (isWorse(a, b) ? 1 : -1));
}
