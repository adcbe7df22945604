import type { TokenKind } from './tokens.ts';

const codes = {
  end: 0,
  comment: 1,
  shebang: 2,
  preprocessor: 3,
  cBody: 4,
  variable: 5,
  map: 6,
  positional: 7,
  parameterCount: 8,
  integer: 9,
  string: 10,
  unknown: 11,
  attachPoint: 12,
  // punctuation
  leftBrace: 20,
  rightBrace: 21,
  leftParen: 22,
  rightParen: 23,
  leftBracket: 24,
  rightBracket: 25,
  semicolon: 26,
  comma: 27,
  colon: 28,
  question: 29,
  dot: 30,
  dotDot: 31,
  arrow: 32,
  // operators
  assign: 40,
  plusAssign: 41,
  minusAssign: 42,
  starAssign: 43,
  slashAssign: 44,
  percentAssign: 45,
  andAssign: 46,
  orAssign: 47,
  xorAssign: 48,
  shiftLeftAssign: 49,
  shiftRightAssign: 50,
  logicalOr: 51,
  logicalAnd: 52,
  or: 53,
  xor: 54,
  and: 55,
  equal: 56,
  notEqual: 57,
  less: 58,
  lessEqual: 59,
  greater: 60,
  greaterEqual: 61,
  shiftLeft: 62,
  shiftRight: 63,
  plus: 64,
  minus: 65,
  star: 66,
  slash: 67,
  percent: 68,
  not: 69,
  complement: 70,
  increment: 71,
  decrement: 72,
  // words
  word: 80,
  break: 81,
  comptime: 82,
  config: 83,
  continue: 84,
  else: 85,
  enum: 86,
  false: 87,
  fn: 88,
  for: 89,
  if: 90,
  import: 91,
  let: 92,
  macro: 93,
  offsetof: 94,
  return: 95,
  sizeof: 96,
  struct: 97,
  true: 98,
  typeinfo: 99,
  typeof: 100,
  union: 101,
  unroll: 102,
  while: 103,
} as const;

/** Token codes of the lexer: small integers, because the parser compares them millions of times. */
export const T: Readonly<Record<keyof typeof codes, number>> = codes;

/** The words that begin a construct; in old releases some of them are ordinary identifiers. */
export const keywordCodes: ReadonlyMap<string, number> = new Map(
  Object.entries(T).filter(([, code]) => code > T.word),
);

/** Keywords and the first release whose lexer knew them as such; not listed: always. */
const keywordSince = new Map<number, number>([
  [T.comptime, 25],
  [T.config, 20],
  [T.false, 24],
  [T.fn, 21],
  [T.for, 17],
  [T.import, 24],
  [T.let, 22],
  [T.macro, 24],
  [T.offsetof, 18],
  [T.true, 24],
  [T.typeinfo, 25],
  [T.typeof, 25],
]);

/** Whether this word can be no ordinary identifier in that release. */
export function isReserved(code: number, version: number): boolean {
  return code > T.word && version >= (keywordSince.get(code) ?? 0);
}

/** Binding strength of binary operators by token code, 0 for none; higher binds tighter. */
export const precedence: Uint8Array = new Uint8Array(128);
for (const [level, codes] of [
  [1, [T.logicalOr]],
  [2, [T.logicalAnd]],
  [3, [T.or]],
  [4, [T.xor]],
  [5, [T.and]],
  [6, [T.equal, T.notEqual]],
  [7, [T.less, T.lessEqual, T.greater, T.greaterEqual]],
  [8, [T.shiftLeft, T.shiftRight]],
  [9, [T.plus, T.minus]],
  [10, [T.star, T.slash, T.percent]],
] as const)
  for (const code of codes) precedence[code] = level;

/** What the token list tells of a code. */
export function kindOfCode(code: number): TokenKind {
  if (code >= T.word) return 'word';
  if (code >= T.assign) return 'operator';
  if (code >= T.leftBrace) return 'punctuation';
  return simpleKinds[code] ?? 'unknown';
}
const simpleKinds: readonly TokenKind[] = [
  'end',
  'comment',
  'shebang',
  'preprocessor',
  'c-body',
  'variable',
  'map',
  'positional',
  'parameter-count',
  'integer',
  'string',
  'unknown',
  'attach-point',
];
