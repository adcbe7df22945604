import { kindOfCode } from './codes.ts';

/** What a token is; comments are tokens too, white space is what lies between. */
export type TokenKind =
  | 'end'
  | 'comment'
  | 'shebang'
  | 'preprocessor'
  /** A C definition's whole text from its `{` to its `}`. */
  | 'c-body'
  | 'word'
  | 'variable'
  | 'map'
  | 'positional'
  | 'parameter-count'
  | 'integer'
  | 'string'
  | 'operator'
  | 'punctuation'
  /** One attach point, as a whole; several when white space or comments stand inside. */
  | 'attach-point'
  | 'unknown';

/** Some tokens of a list, to be put into another one. */
export interface TokenCopy {
  readonly codes: Uint8Array;
  /** Start and end of each. */
  readonly spans: Uint32Array;
}

/** All tokens of a source, in order and without overlaps; the text between two of them is white space only. */
export class TokenList {
  private codes: Uint8Array<ArrayBuffer>;
  private spans: Uint32Array<ArrayBuffer>;
  count = 0;

  /** `expected`: about how many tokens there will be. */
  constructor(expected = 0) {
    const room = Math.max(256, expected);
    this.codes = new Uint8Array(room);
    this.spans = new Uint32Array(room * 2);
  }

  kind(index: number): TokenKind {
    return kindOfCode(this.code(index));
  }
  /** The lexer's own number for the token, see `codes.ts`. */
  code(index: number): number {
    return index < this.count ? (this.codes[index] ?? 0) : 0;
  }
  start(index: number): number {
    return this.spans[index * 2] ?? 0;
  }
  end(index: number): number {
    return this.spans[index * 2 + 1] ?? 0;
  }

  add(code: number, start: number, end: number): void {
    const index = this.count++;
    if (index === this.codes.length) this.grow();
    this.codes[index] = code;
    this.spans[index * 2] = start;
    this.spans[index * 2 + 1] = end;
  }

  /** The tokens between two places. */
  copy(start: number, end: number): TokenCopy {
    const from = this.indexAt(start);
    let to = from;
    while (to < this.count && this.end(to) <= end) to++;
    return { codes: this.codes.slice(from, to), spans: this.spans.slice(from * 2, to * 2) };
  }

  /** Adds tokens of another list, some characters further on. */
  addCopy({ codes, spans }: TokenCopy, offset: number): void {
    const first = this.count;
    this.count += codes.length;
    while (this.count > this.codes.length) this.grow();
    this.codes.set(codes, first);
    const to = this.spans;
    for (let from = 0, at = first * 2; from < spans.length; from++, at++)
      to[at] = (spans[from] ?? 0) + offset;
  }

  /** Forgets the tokens from `count` on: the lexer goes back. */
  truncate(count: number): void {
    this.count = count;
  }

  /** Index of the first token that ends after `offset`, or `count`. */
  indexAt(offset: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.end(middle) > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private grow(): void {
    const codes = new Uint8Array(this.codes.length * 2);
    codes.set(this.codes);
    this.codes = codes;
    const spans = new Uint32Array(this.spans.length * 2);
    spans.set(this.spans);
    this.spans = spans;
  }
}
