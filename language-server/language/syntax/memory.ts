import type { Version } from '../version.ts';
import type { Probe } from './ast.ts';
import { MovedProbe } from './moved-probe.ts';
import type { ParserState } from './state.ts';
import type { TokenCopy } from './tokens.ts';

/** A probe that was read without a complaint; the same one for as long as its text stands in the script. */
export class KnownProbe {
  /** Where it begins in the newest text. */
  start: number;
  readonly text: string;
  /** As it was read first: places are those of the script of then, which is `source`. */
  readonly tree: Probe;
  readonly source: string;
  readonly tokens: TokenCopy;
  /** The number of the last text in which it stands. */
  seen: number;
  /** The number of the text that it was read from. */
  readonly born: number;
  private placed: Probe;

  constructor(tree: Probe, source: string, tokens: TokenCopy, born: number) {
    this.seen = this.born = born;
    this.start = tree.start;
    this.source = source;
    this.text = source.slice(tree.start, tree.end);
    this.tree = tree;
    this.placed = tree;
    this.tokens = tokens;
  }

  /** The probe at the place where it stands now. */
  get probe(): Probe {
    if (this.placed.start !== this.start)
      this.placed = this.start === this.tree.start ? this.tree : new MovedProbe(this.tree, this.start);
    return this.placed;
  }
}

/** Probes that have gone from the script and may come back: by undo, or because a word is complete again. */
const mostGone = 16;
/** How often one text may look for a probe among all others; where more is new, reading is as fast as looking. */
const mostSearches = 64;
/** How many characters of earlier texts may stay in memory because probes were read from them. */
const mostCharacters = 32_000_000;

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
    this.text++;
  }

  /** Ends a text of some length: what is not in it is gone, the oldest for good. */
  end(length: number): void {
    const left = this.before.filter((known) => known.seen !== this.text);
    this.gone = [...left, ...this.gone.filter((known) => known.seen !== this.text)].slice(0, mostGone);
    this.before = this.current;
    this.current = [];
    if (new Set(this.before.map(({ born }) => born)).size * length > mostCharacters)
      this.before = this.gone = [];
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
  note(p: ParserState, probe: Probe, reported: number): KnownProbe | undefined {
    const last = p.diagnostics.at(-1);
    if (p.isSilent || p.diagnostics.length !== reported || (last !== undefined && last.end >= probe.start))
      return undefined;
    const known = new KnownProbe(probe, p.source, p.tokens.copy(probe.start, probe.end), this.text);
    this.keep(known);
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
