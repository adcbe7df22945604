import type { Version } from '../version.ts';
import type { Probe } from './ast.ts';
import { MovedProbe } from './moved-probe.ts';
import type { ParserState } from './state.ts';
import type { ParseResult } from './parser.ts';
import type { TokenCopy, TokenList } from './tokens.ts';

/** A probe that was read without a complaint; the same one for as long as its text stands in the script. */
export class KnownProbe {
  /** Where it begins in the newest text. */
  start: number;
  readonly text: string;
  /** As it was read first: places are those of `source`, a script that has it, or its text alone. */
  readonly tree: Probe;
  readonly source: string;
  readonly tokens: TokenCopy;
  /** The number of the last text in which it stands. */
  seen = 0;
  private placed: Probe;

  constructor(tree: Probe, source: string, tokens: TokenList, placed: Probe) {
    this.start = placed.start;
    this.source = source;
    this.text = source.slice(tree.start, tree.end);
    this.tree = tree;
    this.placed = placed;
    this.tokens = tokens.copy(tree.start, tree.end);
  }

  /** The probe at the place where it stands now. */
  get probe(): Probe {
    if (this.placed.start !== this.start)
      this.placed = this.start === this.tree.start ? this.tree : new MovedProbe(this.tree, this.start);
    return this.placed;
  }
}

/** Reads a probe that stands alone in a text. */
export type ReadAlone = (source: string) => Pick<ParseResult, 'program' | 'diagnostics' | 'tokens'>;

/** Probes that have gone from the script and may come back: by undo, or because a word is complete again. */
const mostGone = 16;
/** How often one text may look for a probe among all others; where more is new, reading is as fast as looking. */
const mostSearches = 64;
/**
 * So many probes of a text that is not the first are read from a copy of their own: a tree keeps its source in memory,
 * which would else be another script for every probe that was ever typed in.
 */
const mostAlone = 8;

/**
 * The probes of a script as they were read, for the next text of almost the same script. A clean probe's meaning to
 * the parser is its text alone, so that where the same text stands again nothing has to be read.
 */
export class ParseMemory {
  private version: Version | undefined;
  private before: readonly KnownProbe[] = [];
  private gone: KnownProbe[] = [];
  private current: KnownProbe[] = [];
  /** Where among the probes of before the next one is expected. */
  private next = 0;
  private searches = 0;
  private alone = 0;
  private text = 0;

  begin(version: Version): void {
    if (version !== this.version) {
      this.before = [];
      this.gone = [];
    }
    this.version = version;
    this.current = [];
    this.next = 0;
    this.searches = 0;
    this.alone = 0;
    this.text++;
  }

  /** Ends a text: what is not in it is gone, the oldest for good. */
  end(): void {
    const left = this.before.filter((known) => known.seen !== this.text);
    this.gone = [...left, ...this.gone.filter((known) => known.seen !== this.text)].slice(0, mostGone);
    this.before = this.current;
    this.current = [];
  }

  /** Reads the probe at the parser's place again, if it is one of before; the parser is behind it then. */
  take(p: ParserState): KnownProbe | undefined {
    const { start } = p;
    const last = p.diagnostics.at(-1);
    // The first token of an attach point may be none; the parser takes that back when it reads the point
    if (last !== undefined && last.end >= start) return undefined;
    const known = this.find(p.source, start);
    if (known === undefined) return undefined;
    known.start = start;
    p.takeTokens(known.tokens, start - known.tree.start, start, start + known.text.length);
    this.keep(known);
    return known;
  }

  /** Keeps a probe that was just read, if nothing was said of it; `reported`: how much was said before it. */
  note(p: ParserState, probe: Probe, reported: number, read: ReadAlone): KnownProbe | undefined {
    const last = p.diagnostics.at(-1);
    if (p.isSilent || p.diagnostics.length !== reported || (last !== undefined && last.end >= probe.start))
      return undefined;
    const known =
      this.before.length > 0 && this.alone++ < mostAlone
        ? readAlone(p, probe, read)
        : new KnownProbe(probe, p.source, p.tokens, probe);
    if (known !== undefined) this.keep(known);
    return known;
  }

  private keep(known: KnownProbe): void {
    known.seen = this.text;
    this.current.push(known);
  }

  private isAt(known: KnownProbe, source: string, start: number): boolean {
    return known.seen !== this.text && source.startsWith(known.text, start);
  }

  private find(source: string, start: number): KnownProbe | undefined {
    const { before, next } = this;
    for (let index = next; index < next + 3; index++) {
      const known = before[index];
      if (known === undefined || !this.isAt(known, source, start)) continue;
      this.next = index + 1;
      return known;
    }
    if (this.searches++ > mostSearches) return undefined;
    const back = this.gone.find((known) => this.isAt(known, source, start));
    if (back !== undefined) return back;
    for (let step = 3; step < before.length; step++) {
      const index = (next + step) % before.length;
      const known = before[index];
      if (known === undefined || !this.isAt(known, source, start)) continue;
      this.next = index + 1;
      return known;
    }
    return undefined;
  }
}

/** The probe as it is read when it stands alone. */
function readAlone({ source }: ParserState, probe: Probe, read: ReadAlone): KnownProbe | undefined {
  // A slice of a text keeps that text in memory, unlike what is made anew
  const text = JSON.parse(JSON.stringify(source.slice(probe.start, probe.end))) as string;
  const { program, diagnostics, tokens } = read(text);
  const [tree] = program.items;
  if (tree?.kind !== 'probe' || program.items.length > 1 || diagnostics.length > 0) return undefined;
  return new KnownProbe(tree, text, tokens, probe);
}
