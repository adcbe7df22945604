import type { Fix } from '../diagnostic.ts';
import { formatVersion } from '../version.ts';
import type { BrokenExpression, Name } from './ast.ts';
import { isReserved, T } from './codes.ts';
import { Lexer } from './lexer.ts';

/**
 * How deep expressions and blocks may nest. Real scripts stay below 20; the limit keeps this parser, the checker and the
 * formatter, which all recurse over the tree, away from the end of the stack.
 */
export const maxDepth = 200;

/** What all parts of the parser share: the lexer and ways to expect, to complain and to go on. */
export class ParserState extends Lexer {
  private depth = 0;
  /** Set when the source nests too deeply: nothing more is read until the next top-level item. */
  private tooDeep = false;

  /** From 0.26 on bpftrace reads with a hand-written parser, before that with bison's. */
  get handWritten(): boolean {
    return this.version >= 26;
  }

  override next(): void {
    if (!this.tooDeep) super.next();
  }

  /** Goes one level down; false, with everything up to the item's end given up, when that is too deep. */
  enter(): boolean {
    if (++this.depth <= maxDepth) return true;
    this.giveUp();
    return false;
  }
  leave(): void {
    this.depth--;
  }

  /** Reports that the source nests too deeply, and makes the rest of this item read as its end. */
  giveUp(): void {
    if (this.tooDeep) return;
    const message = `This nests more than ${maxDepth} levels deep`;
    this.error(
      'nesting-too-deep',
      this.start,
      Math.max(this.end, this.start),
      message,
      'Split it up with variables.',
    );
    this.tooDeep = true;
    this.code = T.end;
  }

  /** Lets reading go on after {@link giveUp}; true when it had been called since the last time. */
  recoverFromDepth(): boolean {
    const was = this.tooDeep;
    this.tooDeep = false;
    this.depth = 0;
    return was;
  }

  /** Where a node that began at `start` ends now; it never ends before it began, even when nothing was read. */
  endFrom(start: number): number {
    return Math.max(start, this.previousEnd);
  }

  accept(code: number): boolean {
    if (this.code !== code) return false;
    this.next();
    return true;
  }

  /** Takes the token, or says that it is missing and goes on as if it stood there. */
  expect(code: number, text: string, where: string): boolean {
    if (this.accept(code)) return true;
    this.missing(text, where);
    return false;
  }

  /** `text` should stand after the previous token. The place is the current token, which is where bpftrace complains. */
  missing(text: string, where: string): void {
    if (this.tooDeep) return;
    const fix: Fix = {
      title: `Insert \`${text}\``,
      edits: [{ start: this.previousEnd, end: this.previousEnd, newText: text }],
    };
    this.report({
      code: 'expected-token',
      severity: 'error',
      // A comment in between is where a release stumbles that takes `//` for the end of a predicate
      start: this.code === T.end ? this.previousEnd : this.start,
      end: this.tokenEnd(),
      message: `\`${text}\` is missing ${where}${this.code === T.end ? '' : `, before ${this.describe()}`}`,
      hint: `Add \`${text}\`.`,
      fixes: text.length === 1 ? [fix] : [],
    });
  }

  /** The current token is none that can stand here. */
  unexpected(expected: string): void {
    if (this.tooDeep) return;
    const found = this.code === T.end ? 'the file ends' : `${this.describe()} stands`;
    this.error(
      'unexpected-token',
      this.start,
      this.tokenEnd(),
      `Here ${found} where ${expected} was expected`,
    );
  }

  /**
   * Reports `what` when the version is older than `since`; true when it may be used. A keyword is marked with the
   * token behind it, `let $x`: to an older release it is a name, which the next token does not fit.
   */
  requires(since: number, what: string, start: number, end: number, fixes?: readonly Fix[]): boolean {
    if (this.version >= since) return true;
    const isKeyword = fixes === undefined && /^\w+$/.test(this.source.slice(start, end));
    this.report({
      code: 'needs-newer-version',
      severity: 'error',
      start,
      end: isKeyword ? behindNextToken(this.source, end) : end,
      message: `${what} since bpftrace ${formatVersion(since)}; this is for ${formatVersion(this.version)}`,
      ...(fixes === undefined ? {} : { fixes }),
    });
    return false;
  }

  /** A word that is free for names in this version. */
  isFreeWord(): boolean {
    return this.code >= T.word && !isReserved(this.code, this.version);
  }

  /** Takes the current word as a name, whatever it is. */
  name(): Name {
    const name: Name = { kind: 'name', start: this.start, end: this.end, text: this.text };
    this.next();
    return name;
  }

  /** An empty name where one is missing; reported. */
  expectName(what: string): Name {
    if (this.isFreeWord()) return this.name();
    this.unexpected(what);
    return { kind: 'name', start: this.previousEnd, end: this.previousEnd, text: '' };
  }

  /** Reports that an expression is missing here. */
  brokenExpression(): BrokenExpression {
    this.unexpected('an expression');
    return { kind: 'broken-expression', start: this.previousEnd, end: this.previousEnd };
  }

  describe(): string {
    if (this.code === T.end) return 'the end of the file';
    const text = this.source.slice(this.start, Math.min(this.end, this.start + 30));
    return text.includes('`') || text.includes('\n') ? JSON.stringify(text) : `\`${text}\``;
  }

  private tokenEnd(): number {
    return this.code === T.end ? this.start : this.end;
  }
}

/** The end of the token behind `end`, for a place that reaches to where an older release stumbles. */
export function behindNextToken(source: string, end: number): number {
  const next = /\s*(?:[\w$@]+|"[^"\n]*"|\S)/y;
  next.lastIndex = end;
  return next.test(source) ? next.lastIndex : end;
}
