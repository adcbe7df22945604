import type { Diagnostic } from '../diagnostic.ts';
import type { SyntaxCode } from './diagnostic-codes.ts';
import type { Version } from '../version.ts';
import {
  classOf,
  DIGIT,
  HEX_DIGIT,
  isDigit,
  isWordPart,
  isWordStart,
  SPACE,
  WORD_START,
} from './characters.ts';
import { keywordCodes, T } from './codes.ts';
import { TokenList, type TokenCopy } from './tokens.ts';

/** How many diagnostics a source may have: a binary file must not cost a million of them. */
const maxDiagnostics = 200;

/** Where the lexer stands, to come back to after looking ahead. */
export interface Mark {
  readonly code: number;
  readonly start: number;
  readonly end: number;
  readonly previousEnd: number;
  readonly tokenCount: number;
  readonly text: string;
  readonly diagnosticCount: number;
}

/**
 * Reads tokens one at a time; `code`, `start`, `end` and `text` describe the current one.
 * The generated lexers of 0.17 … 0.25 and the hand-written one of 0.26+ agree on all tokens but numbers, comments at the
 * very end and what ends a predicate; attach points are read by `attach-point.ts` from the raw text.
 */
export class Lexer {
  readonly source: string;
  readonly version: Version;
  readonly tokens: TokenList;
  readonly diagnostics: Diagnostic[] = [];
  code: number = T.end;
  start = 0;
  end = 0;
  /** End of the token before the current one. */
  previousEnd = 0;
  /** The current word, when the token is one. */
  text = '';

  constructor(source: string, version: Version) {
    this.source = source;
    this.version = version;
    // A token is about four characters long, white space included
    this.tokens = new TokenList(Math.min(source.length >> 2, 1 << 20));
  }

  /** Whether the source has as many diagnostics as one may have, so that nothing more is said. */
  get isSilent(): boolean {
    return this.diagnostics.length >= maxDiagnostics;
  }

  report(diagnostic: Diagnostic & { readonly code: SyntaxCode }): void {
    const { diagnostics } = this;
    if (diagnostics.length >= maxDiagnostics) return;
    const last = diagnostics[diagnostics.length - 1];
    // One place needs one message: what follows from a first error there is noise.
    if (last !== undefined && last.start === diagnostic.start && last.severity === diagnostic.severity)
      return;
    diagnostics.push(diagnostic);
  }

  error(code: SyntaxCode, start: number, end: number, message: string, hint?: string): void {
    this.report({ code, severity: 'error', start, end, message, ...(hint === undefined ? {} : { hint }) });
  }

  /** Takes back what the lexer said of the token at `offset`, which is going to be read in another way. */
  forgetDiagnosticsFrom(offset: number): void {
    const { diagnostics } = this;
    for (
      let last = diagnostics.at(-1);
      last !== undefined && last.start >= offset;
      last = diagnostics.at(-1)
    ) {
      if (last.code !== 'unterminated-string' && last.code !== 'invalid-character') return;
      diagnostics.pop();
    }
  }

  mark(): Mark {
    const { code, start, end, previousEnd, text } = this;
    const tokenCount = this.tokens.count;
    return { code, start, end, previousEnd, text, tokenCount, diagnosticCount: this.diagnostics.length };
  }

  reset(mark: Mark): void {
    this.code = mark.code;
    this.start = mark.start;
    this.end = mark.end;
    this.previousEnd = mark.previousEnd;
    this.text = mark.text;
    this.tokens.truncate(mark.tokenCount);
    this.diagnostics.length = mark.diagnosticCount;
  }

  /** Puts the lexer before `offset`, the tokens from there on being forgotten, and reads the token there. */
  seek(offset: number): void {
    let { count } = this.tokens;
    while (count > 0 && this.tokens.end(count - 1) > offset) count--;
    this.tokens.truncate(count);
    this.end = offset;
    this.next();
  }

  /** Makes one token of `from` … `to`, whatever was read there, and goes on behind it. */
  replaceTokens(code: number, from: number, to: number): void {
    let { count } = this.tokens;
    while (count > 0 && this.tokens.end(count - 1) > from) count--;
    this.tokens.truncate(count);
    if (to > from) this.tokens.add(code, from, to);
    this.end = to;
    this.next();
  }

  /** Takes tokens that were read before for `from` … `to`, and goes on behind them. */
  takeTokens(copy: TokenCopy, offset: number, from: number, to: number): void {
    let { count } = this.tokens;
    while (count > 0 && this.tokens.end(count - 1) > from) count--;
    this.tokens.truncate(count);
    this.tokens.addCopy(copy, offset);
    this.end = to;
    this.next();
  }

  /** Reads the next token. At the end of the source `code` is `T.end` for ever. */
  next(): void {
    this.previousEnd = this.end;
    this.skipTrivia();
    const { source } = this;
    const start = this.end;
    this.start = start;
    if (start >= source.length) {
      this.code = T.end;
      return;
    }
    const first = source.charCodeAt(start);
    const kind = classOf(first);
    if ((kind & WORD_START) !== 0) {
      let at = start + 1;
      while (isWordPart(source.charCodeAt(at))) at++;
      this.end = at;
      this.text = source.slice(start, at);
      this.code = keywordCodes.get(this.text) ?? T.word;
    } else if ((kind & DIGIT) !== 0) this.readNumber(start);
    else this.code = this.readOther(first, start);
    this.tokens.add(this.code, start, this.end);
  }

  /** Moves `end` over white space and comments; the comments become tokens. */
  skipTrivia(): void {
    const { source } = this;
    let at = this.end;
    for (;;) {
      const code = source.charCodeAt(at);
      if ((classOf(code) & SPACE) !== 0) {
        at++;
        continue;
      }
      if (code !== 47 /* / */) break;
      const second = source.charCodeAt(at + 1);
      if (second === 47) {
        const end = lineEnd(source, at);
        this.tokens.add(T.comment, at, end);
        at = end;
      } else if (second === 42 /* * */) {
        const close = this.commentEnd(at);
        const end = close < 0 ? source.length : close + 2;
        if (close < 0)
          this.report({
            code: 'unterminated-comment',
            // The hand-written parser takes the end of the file for the end of the comment.
            severity: this.version >= 26 ? 'warning' : 'error',
            start: at,
            end: at + 2,
            message: 'This comment is never closed',
            hint: 'Close it with `*/`.',
          });
        this.tokens.add(T.comment, at, end);
        at = end;
      } else break;
    }
    this.end = at;
  }

  /** Where the `*` stands that ends the comment at `start`, or -1. */
  private commentEnd(start: number): number {
    const { source } = this;
    let close = source.indexOf('*/', start + 2);
    if (this.version !== 25) return close;
    // 0.25 takes two stars for one character, of those after `/**` as of others: `/**/` and `/* x **/` go on
    const isPaired = (at: number): boolean => {
      const first = source.charCodeAt(start + 2) === 42 ? start + 3 : start + 2;
      let from = at;
      while (from > first && source.charCodeAt(from - 1) === 42) from--;
      return at < first || (at - from) % 2 === 1;
    };
    while (close >= 0 && isPaired(close)) close = source.indexOf('*/', close + 1);
    return close;
  }

  private readNumber(start: number): void {
    const { source } = this;
    this.code = T.integer;
    let at = start + 1;
    const second = source.charCodeAt(at) | 32;
    if (
      source.charCodeAt(start) === 48 &&
      second === 120 /* x */ &&
      this.isHexPart(source.charCodeAt(at + 1))
    ) {
      at++;
      while (this.isHexPart(source.charCodeAt(at))) at++;
      this.end = at;
      return;
    }
    at = this.readDigits(at);
    at = this.readSuffix(at);
    const exponent = source.charCodeAt(at + 1);
    if (
      (source.charCodeAt(at) | 32) === 101 /* e */ &&
      (isDigit(exponent) || (this.version >= 26 && exponent === 95))
    )
      at = this.readSuffix(this.readDigits(at + 2));
    this.end = at;
  }

  private isHexPart(code: number): boolean {
    return isHexDigit(code) || (code === 95 && this.version >= 26);
  }

  /** Digits with `_` between them; a `_` at the end belongs to the number in the hand-written lexer only. */
  private readDigits(from: number): number {
    const { source } = this;
    let at = from;
    for (;;) {
      const code = source.charCodeAt(at);
      if (!isDigit(code) && code !== 95) break;
      at++;
    }
    if (this.version < 26) while (source.charCodeAt(at - 1) === 95) at--;
    return at;
  }

  private readSuffix(at: number): number {
    numberSuffix.lastIndex = at;
    const match = (this.version >= 24 ? numberSuffix : oldNumberSuffix(at)).exec(this.source);
    return match === null ? at : at + match[0].length;
  }

  private readOther(first: number, start: number): number {
    const { source } = this;
    const second = source.charCodeAt(start + 1);
    switch (first) {
      case 34 /* " */:
        return this.readString(start);
      case 36 /* $ */:
        return this.readDollar(start, second);
      case 64 /* @ */: {
        let at = start + 1;
        if (isWordStart(second)) while (isWordPart(source.charCodeAt(at))) at++;
        this.end = at;
        return T.map;
      }
      case 35 /* # */:
        // Before 0.26 a lone `#` takes the next line with it: its pattern is `#`, any character but `!`, the line's rest.
        this.end = lineEnd(source, this.version < 26 && second === 10 ? start + 2 : start);
        return second === 33 ? T.shebang : T.preprocessor;
      default:
        return this.readOperator(first, second, start);
    }
  }

  private readDollar(start: number, second: number): number {
    const { source } = this;
    let at = start + 1;
    if (second === 35) {
      this.end = start + 2;
      return T.parameterCount;
    }
    if (isDigit(second)) {
      while (isDigit(source.charCodeAt(at))) at++;
      this.end = at;
      return T.positional;
    }
    if (!isWordStart(second)) return this.unknown(start);
    while (isWordPart(source.charCodeAt(at))) at++;
    this.end = at;
    return T.variable;
  }

  /** Reads to the closing quote; a line's end closes an open string. Escapes are checked when its value is made. */
  private readString(start: number): number {
    const { source } = this;
    let at = start + 1;
    for (;;) {
      const code = source.charCodeAt(at);
      if (code === 34) {
        this.end = at + 1;
        return T.string;
      }
      if (code === 92 && at + 1 < source.length && source.charCodeAt(at + 1) !== 10) at += 2;
      else if (code === 10 || at >= source.length) {
        this.end = at;
        this.error(
          'unterminated-string',
          start,
          at,
          'This string is never closed',
          'Close it with `"` on this line.',
        );
        return T.string;
      } else at++;
    }
  }

  private readOperator(first: number, second: number, start: number): number {
    const found = operatorsByFirst[first];
    if (found === undefined) return this.unknown(start);
    if (first === 60 || first === 62)
      if (second === first && this.source.charCodeAt(start + 2) === 61) {
        this.end = start + 3;
        return first === 60 ? T.shiftLeftAssign : T.shiftRightAssign;
      }
    for (let index = 1; index < found.length; index += 2)
      if (found[index] === second) {
        this.end = start + 2;
        return found[index + 1] ?? T.unknown;
      }
    this.end = start + 1;
    return found[0] ?? T.unknown;
  }

  /** Characters that begin no token, a whole run of them at once. */
  private unknown(start: number): number {
    const { source } = this;
    let at = start + 1;
    while (at < source.length && !beginsSomething(source.charCodeAt(at))) at++;
    this.end = at;
    const text = source.slice(start, Math.min(at, start + 20));
    this.error(
      'invalid-character',
      start,
      at,
      `${JSON.stringify(text)} has no meaning in bpftrace`,
      'Remove it.',
    );
    return T.unknown;
  }
}

export function lineEnd(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  if (end < 0) return source.length;
  return end > from && source.charCodeAt(end - 1) === 13 ? end - 1 : end;
}

function isHexDigit(code: number): boolean {
  return (classOf(code) & HEX_DIGIT) !== 0;
}

/** `u`, `l`, `ul`, `ull` and since 0.24 units of time. */
const numberSuffix = /ns|us|ms|[uU]?[lL]?[lL]|[uU]|[smhd](?![a-zA-Z0-9_])/y;
const numberSuffixBefore24 = /[uU]?[lL]?[lL]|[uU]/y;
function oldNumberSuffix(at: number): RegExp {
  numberSuffixBefore24.lastIndex = at;
  return numberSuffixBefore24;
}

function beginsSomething(code: number): boolean {
  return (
    classOf(code) !== 0 ||
    (code < 128 && (operatorsByFirst[code] !== undefined || '"$@#'.includes(String.fromCharCode(code))))
  );
}

/** For each first character: the code of the character alone, then pairs of second character and code. */
const operatorsByFirst: readonly (readonly number[] | undefined)[] = (() => {
  const table: (number[] | undefined)[] = [];
  const add = (text: string, code: number): void => {
    const first = text.charCodeAt(0);
    const entry = (table[first] ??= [T.unknown]);
    if (text.length === 1) entry[0] = code;
    else entry.push(text.charCodeAt(1), code);
  };
  const all: [string, number][] = [
    ['{', T.leftBrace], ['}', T.rightBrace], ['(', T.leftParen], [')', T.rightParen], ['[', T.leftBracket],
    [']', T.rightBracket], [';', T.semicolon], [',', T.comma], [':', T.colon], ['?', T.question], ['.', T.dot],
    ['..', T.dotDot], ['->', T.arrow], ['=', T.assign], ['+=', T.plusAssign], ['-=', T.minusAssign],
    ['*=', T.starAssign], ['/=', T.slashAssign], ['%=', T.percentAssign], ['&=', T.andAssign], ['|=', T.orAssign],
    ['^=', T.xorAssign], ['||', T.logicalOr], ['&&', T.logicalAnd], ['|', T.or], ['^', T.xor], ['&', T.and],
    ['==', T.equal], ['!=', T.notEqual], ['<', T.less], ['<=', T.lessEqual], ['>', T.greater],
    ['>=', T.greaterEqual], ['<<', T.shiftLeft], ['>>', T.shiftRight], ['+', T.plus], ['-', T.minus], ['*', T.star],
    ['/', T.slash], ['%', T.percent], ['!', T.not], ['~', T.complement], ['++', T.increment], ['--', T.decrement],
  ]; // prettier-ignore
  for (const [text, code] of all) add(text, code);
  return table;
})();
