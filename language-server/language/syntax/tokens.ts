/** What a token is; comments are tokens too, white space is what lies between. */
export const tokenKinds = [
  'end',
  'comment',
  'shebang',
  'preprocessor',
  /** A C definition's whole text from its `{` to its `}`. */
  'c-body',
  'word',
  'variable',
  'map',
  'positional',
  'parameter-count',
  'integer',
  'string',
  'operator',
  'punctuation',
  /** One attach point, as a whole. */
  'attach-point',
  'unknown',
] as const;
export type TokenKind = (typeof tokenKinds)[number];

/** All tokens of a source, in order and without overlaps; the text between two of them is white space only. */
export interface TokenList {
  readonly count: number;
  kind(index: number): TokenKind;
  start(index: number): number;
  end(index: number): number;
}
