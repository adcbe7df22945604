import type { Layout } from '../../profile/layout.ts';
import { patternOf } from '../../profile/picture.ts';
import { searchLayout } from '../../profile/search.ts';
import type { SearchResult } from '../../profile/search.ts';
import { formatNumber, formatShare } from '../../profile/weights.ts';

/** What is searched for, what was found, and which match is looked at. */
export class Search {
  text = '';
  #found: SearchResult | undefined;
  #shownTotal = 0;
  #at = -1;
  /** The text is no regular expression, and was searched for as it stands. */
  #isPlain = false;

  set(text: string, layout: Layout, names: readonly string[], shownTotal: number): void {
    this.text = text;
    this.#at = -1;
    this.#shownTotal = shownTotal;
    const remarks: string[] = [];
    this.#found = text === '' ? undefined : searchLayout(layout, names, patternOf(text, remarks));
    this.#isPlain = remarks.length > 0;
  }

  /** 1 for groups that match; undefined when nothing is searched for. */
  get matchingFrames(): Uint8Array | undefined {
    return this.#found?.matchingFrames;
  }

  /** The next or previous match, around the ends; undefined when there is none. */
  step(direction: 1 | -1): number | undefined {
    const count = this.#found?.outermost.length ?? 0;
    if (count === 0) return undefined;
    this.#at = this.#at < 0 && direction < 0 ? count - 1 : (this.#at + direction + count) % count;
    return this.#found!.outermost[this.#at];
  }

  /** `12.3 % · 56 matches`, `12.3 % · 4 of 56`: the share of the stacks that match, each counted once. */
  sentence(): string {
    if (this.#found === undefined) return '';
    const { outermost, weight } = this.#found;
    const how = this.#isPlain ? ', as plain text' : '';
    if (outermost.length === 0) return `nothing found${how}`;
    const count = formatNumber(outermost.length);
    const which =
      this.#at >= 0
        ? `${formatNumber(this.#at + 1)} of ${count}`
        : `${count} ${outermost.length === 1 ? 'match' : 'matches'}`;
    return `${formatShare(weight, this.#shownTotal)} · ${which}${how}`;
  }
}
