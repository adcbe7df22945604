import type { Layout } from './layout.ts';

export interface SearchResult {
  /** 1 for frames that match, by group id. */
  readonly matchingFrames: Uint8Array;
  /** Matching nodes that have no matching node above them, in preorder, so each stack counts once. */
  readonly outermost: Uint32Array;
  /** Their weight together. */
  readonly weight: number;
}

/** Looks at each distinct name once, then passes over the nodes once, skipping the subtree below each match. */
export function searchLayout(layout: Layout, names: readonly string[], pattern: RegExp): SearchResult {
  const matchingFrames = new Uint8Array(names.length);
  for (let i = 1; i < names.length; i++) if (pattern.test(names[i]!)) matchingFrames[i] = 1;
  const { frame, end, total } = layout;
  const count = frame.length;
  let hits = new Uint32Array(1024);
  let found = 0;
  let weight = 0;
  for (let i = 1; i < count;) {
    if (matchingFrames[frame[i]!] === 1) {
      if (found === hits.length) {
        const larger = new Uint32Array(hits.length * 2);
        larger.set(hits);
        hits = larger;
      }
      hits[found++] = i;
      weight += total[i]!;
      i = end[i]!;
    } else i++;
  }
  return { matchingFrames, outermost: hits.slice(0, found), weight };
}
