import type { TextEdit } from '../diagnostic.ts';
import type { Node } from '../syntax/ast.ts';
import { T } from '../syntax/codes.ts';
import { parse, type ParseResult } from '../syntax/parser.ts';
import { walk } from '../syntax/walk.ts';
import type { Version } from '../version.ts';
import { layoutOf, type Layout } from './layout.ts';

export interface FormatOptions {
  readonly version?: Version;
  /** One level of indentation; by default what the script itself uses, a tab if it has none. */
  readonly indent?: string;
}

/**
 * The script with its white space put in order; undefined when it has syntax errors.
 * Only white space changes: tokens and comments stay as they are, and so does where lines end inside a statement.
 */
export function format(source: string, options: FormatOptions = {}): string | undefined {
  const edits = formatEdits(source, options);
  return edits === undefined ? undefined : applyEdits(source, edits);
}

/** The same as edits, in order: one for each stretch of white space that changes. */
export function formatEdits(source: string, options: FormatOptions = {}): TextEdit[] | undefined {
  const parsed = parse(source, options.version === undefined ? {} : { version: options.version });
  if (parsed.diagnostics.some((one) => !semantic.has(one.code))) return undefined;
  return new Formatter(source, parsed, options.indent ?? indentOf(source)).run();
}

/** Errors which leave no doubt about the structure. */
const semantic: ReadonlySet<string> = new Set([
  'needs-newer-version',
  'attach-point-parts',
  'attach-point-argument',
  'unknown-probe-type',
  'removed',
  'no-probes',
  'misplaced-definition',
  'invalid-number',
  'invalid-escape',
]);

export function applyEdits(source: string, edits: readonly TextEdit[]): string {
  const pieces: string[] = [];
  let from = 0;
  for (const edit of edits) {
    pieces.push(source.slice(from, edit.start), edit.newText);
    from = edit.end;
  }
  pieces.push(source.slice(from));
  return pieces.join('');
}

/** The indentation of the first indented line that is code, else a tab. */
export function indentOf(source: string): string {
  const match = /^(\t|[ ]{1,8})[^\s*/]/m.exec(source);
  return match?.[1] ?? '\t';
}

class Formatter {
  private readonly source: string;
  private readonly parsed: ParseResult;
  private readonly indent: string;
  private readonly layout: Layout;
  private readonly predicateSlashes: ReadonlySet<number>;
  /** The opening slashes among them. */
  private readonly predicateStarts: ReadonlySet<number>;
  private readonly castEnds: ReadonlySet<number>;
  private readonly newline: string;
  /** Open braces at the current token. */
  private depth = 0;

  constructor(source: string, parsed: ParseResult, indent: string) {
    this.source = source;
    this.parsed = parsed;
    this.indent = indent;
    this.layout = layoutOf(source, parsed.program);
    const { slashes, starts, castEnds } = marks(parsed);
    this.predicateSlashes = slashes;
    this.predicateStarts = starts;
    this.castEnds = castEnds;
    this.newline = source.includes('\r\n') ? '\r\n' : '\n';
  }

  run(): TextEdit[] {
    const { tokens } = this.parsed;
    const edits: TextEdit[] = [];
    let end = 0;
    for (let index = 0; index < tokens.count; index++) {
      const start = tokens.start(index);
      if (tokens.code(index) === T.rightBrace) this.depth = Math.max(0, this.depth - 1);
      this.push(edits, end, start, index === 0 ? '' : this.gap(index));
      if (tokens.code(index) === T.leftBrace) this.depth++;
      end = tokens.end(index);
    }
    this.push(edits, end, this.source.length, tokens.count === 0 ? '' : this.newline);
    return edits;
  }

  private push(edits: TextEdit[], start: number, end: number, newText: string): void {
    if (this.source.slice(start, end) !== newText) edits.push({ start, end, newText });
  }

  /** The white space before a token. */
  private gap(index: number): string {
    const { tokens } = this.parsed;
    const before = this.source.slice(tokens.end(index - 1), tokens.start(index));
    const lines = before.split('\n').length - 1;
    if (this.breaksLine(index, lines))
      return (
        this.newline.repeat(this.blankLine(index, lines) ? 2 : 1) + this.indent.repeat(this.level(index))
      );
    // A comment at the end of a line keeps its column as far as it can.
    if (tokens.code(index) === T.comment && before !== '' && !before.includes('\n')) return before;
    return this.space(index) ? ' ' : '';
  }

  private breaksLine(index: number, lines: number): boolean {
    const { tokens } = this.parsed;
    const { openBraces, closeBraces, lineStarts } = this.layout;
    const previous = tokens.code(index - 1);
    const code = tokens.code(index);
    if (isLine(previous) || isLine(code)) return true;
    if (previous === T.comment && this.source.startsWith('//', tokens.start(index - 1))) return true;
    const start = tokens.start(index);
    if (code === T.comment) return lines > 0;
    if (closeBraces.has(start) || openBraces.has(tokens.start(index - 1)) || lineStarts.has(start))
      return true;
    if (code === T.semicolon || code === T.comma) return false;
    return lines > 0;
  }

  /** One empty line stays where there was one; none at the beginning or end of a block. */
  private blankLine(index: number, lines: number): boolean {
    const { tokens } = this.parsed;
    if (lines < 2 || tokens.code(index - 1) === T.leftBrace || tokens.code(index) === T.rightBrace)
      return false;
    return true;
  }

  private level(index: number): number {
    return this.depth + (this.isFresh(index) ? 0 : 1);
  }

  /** Whether a line that begins here is one of its own and no continuation. */
  private isFresh(index: number): boolean {
    const { tokens } = this.parsed;
    let next = index;
    while (next < tokens.count && tokens.code(next) === T.comment) next++;
    const code = tokens.code(next);
    if (next >= tokens.count || code === T.rightBrace || code === T.leftBrace || code === T.attachPoint)
      return true;
    if (code === T.else || isLine(code) || this.layout.lineStarts.has(tokens.start(next))) return true;
    if (this.predicateStarts.has(tokens.start(next))) return true;
    let previous = index - 1;
    while (previous >= 0 && tokens.code(previous) === T.comment) previous--;
    const before = tokens.code(previous);
    return (
      previous < 0 ||
      before === T.semicolon ||
      before === T.leftBrace ||
      before === T.rightBrace ||
      isLine(before)
    );
  }

  /** Whether a space stands between two tokens of one line. */
  private space(index: number): boolean {
    const { tokens } = this.parsed;
    const { tightAfter, tightBefore, typeStars } = this.layout;
    const previous = tokens.code(index - 1);
    const code = tokens.code(index);
    const start = tokens.start(index);
    const previousStart = tokens.start(index - 1);
    if (previous === T.comment || code === T.comment) return true;
    if (previous === T.attachPoint && code === T.attachPoint) return true;
    if (this.predicateSlashes.has(start) || this.predicateSlashes.has(previousStart))
      return this.slashSpace(index);
    if (previous === T.leftBrace && code === T.rightBrace) return false;
    if (code === T.comma || code === T.semicolon || code === T.rightParen || code === T.rightBracket)
      return false;
    if (previous === T.leftParen || previous === T.leftBracket) return false;
    if (isDot(previous) || isDot(code)) return false;
    if (tightBefore.has(start)) return false;
    if (tightAfter.has(previousStart) || this.castEnds.has(previousStart)) return this.wouldMerge(index);
    if (typeStars.has(start)) return previous !== T.star;
    if (typeStars.has(previousStart)) return code !== T.leftBracket;
    // The `[` of an array type or of an index.
    if (code === T.leftBracket) return false;
    return !(code === T.cBody ? false : previous === T.cBody && code === T.semicolon);
  }

  /** `/x > 1/ {`: no space inside, but `/ *$x/`, because `/*` begins a comment. */
  private slashSpace(index: number): boolean {
    const { tokens } = this.parsed;
    const start = tokens.start(index);
    if (this.predicateSlashes.has(start))
      return this.predicateStarts.has(start) || tokens.code(index - 1) === T.comment;
    if (!this.predicateStarts.has(tokens.start(index - 1))) return true;
    return '/*='.includes(this.source.charAt(start));
  }

  /** Two operators that would become another one: `- -1`, `& &$x`. */
  private wouldMerge(index: number): boolean {
    const { tokens } = this.parsed;
    const last = this.source.charAt(tokens.end(index - 1) - 1);
    const first = this.source.charAt(tokens.start(index));
    return last === first && '+-&'.includes(last);
  }
}

function isDot(code: number): boolean {
  return code === T.dot || code === T.arrow || code === T.dotDot;
}

/** Tokens that fill a line. */
function isLine(code: number): boolean {
  return code === T.preprocessor || code === T.shebang;
}

interface Marks {
  readonly slashes: ReadonlySet<number>;
  readonly starts: ReadonlySet<number>;
  readonly castEnds: ReadonlySet<number>;
}

/** The slashes around predicates and the closing parentheses of casts, found among the tokens next to their nodes. */
function marks({ program, tokens }: ParseResult): Marks {
  const slashes = new Set<number>();
  const starts = new Set<number>();
  const castEnds = new Set<number>();
  const near = (offset: number, step: 1 | -1, code: number): number | undefined => {
    let index = tokens.indexAt(offset);
    if (step === -1) index--;
    for (; index >= 0 && index < tokens.count; index += step)
      if (tokens.code(index) === code) return tokens.start(index);
    return undefined;
  };
  walk(program, (node: Node) => {
    if (node.kind === 'cast') {
      const end = near(node.type.end, 1, T.rightParen);
      if (end !== undefined) castEnds.add(end);
    }
    if (node.kind !== 'probe' || node.predicate === undefined) return;
    const open = near(node.predicate.start, -1, T.slash);
    const close = near(node.predicate.end, 1, T.slash);
    if (open !== undefined) {
      starts.add(open);
      slashes.add(open);
    }
    if (close !== undefined) slashes.add(close);
  });
  return { slashes, starts, castEnds };
}
