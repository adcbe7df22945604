import type { Diagnostic } from '../diagnostic.ts';
import type { KnownCatalog } from '../known-catalog.ts';
import type { Probe } from '../syntax/ast.ts';
import { ParseMemory, type KnownProbe } from '../syntax/memory.ts';
import type { ParseResult } from '../syntax/parser.ts';
import {
  hasSameEntry,
  isAtRest,
  isSameEntry,
  move,
  placesNow,
  recordPass,
  restoreVariables,
  tellAgain,
  type PassRecord,
  type ProbeCheck,
} from './pass-record.ts';
import { textOrigin, type State } from './state.ts';
import type { TrapFacts } from './traps.ts';

/** The passes of one check over a probe, in order. */
type Passes = readonly PassRecord[];

/**
 * What checking found out about each probe of a script, for the next check of almost the same script. A probe whose
 * text and everything it depends on (the maps it meets, in each pass; macros, functions, C definitions, settings,
 * release and catalog) are as they were is not looked at again: what was found is told again, moved to where the
 * probe stands now. Within a check, a pass is not made that can find nothing new. The answers are those of a check
 * without memory.
 */
export class CheckMemory {
  /** Of the parser, which knows the probes whose text has not changed. */
  readonly syntax = new ParseMemory();
  private surroundings = '';
  private catalog: KnownCatalog | undefined;
  private journeys = new WeakMap<KnownProbe, Journey>();
  /** The probes of the check at hand, each where its item stands among all. */
  private current: (Journey | undefined)[] = [];

  /** Starts a check: forgets everything when more than probes has changed. */
  begin(state: State, parsed: ParseResult): void {
    const surroundings = surroundingsOf(state, parsed);
    if (surroundings !== this.surroundings || state.catalog !== this.catalog) this.journeys = new WeakMap();
    this.surroundings = surroundings;
    this.catalog = state.catalog;
    const { items } = parsed.program;
    this.current = [];
    for (let index = 0; index < items.length; index++) {
      const item = items[index];
      if (item?.kind === 'probe') this.current[index] = this.journeyOf(state, item, parsed.known?.[index]);
    }
  }

  private journeyOf(state: State, probe: Probe, known: KnownProbe | undefined): Journey {
    if (known === undefined || mayExpandMacros(state, known)) return new Journey(probe, undefined);
    const journey = this.journeys.get(known);
    if (journey !== undefined) {
      journey.begin(probe);
      return journey;
    }
    const first = new Journey(probe, known);
    this.journeys.set(known, first);
    return first;
  }

  /** Ends a check: keeps what it found. */
  end(): void {
    for (const journey of this.current) journey?.end();
    this.current = [];
  }

  /** One pass over the probe that is the item of that number: told again where possible, else run and recorded. */
  pass(state: State, index: number, check: ProbeCheck): void {
    const journey = this.current[index];
    if (journey === undefined) return;
    const known = journey.recall(state);
    if (known !== undefined) {
      tellAgain(state, known);
      journey.add(known);
      return;
    }
    const { record, isRepeatable } = journey.run(state, check);
    if (isRepeatable) journey.add(record);
    else journey.goOnWithout(record);
  }

  /** What the last pass found in all probes, where it stands now; to be asked before any map changes again. */
  findings(state: State): { readonly diagnostics: Diagnostic[]; readonly unused: Diagnostic[] } {
    const diagnostics: Diagnostic[] = [];
    const unused: Diagnostic[] = [];
    for (const journey of this.current) {
      const last = journey?.last?.found;
      if (journey === undefined || last === undefined) continue;
      const offset = journey.probe.start - last.start;
      const elsewhere = last.outside.size === 0 ? undefined : placesNow(state, last);
      for (const diagnostic of last.diagnostics) diagnostics.push(move(diagnostic, offset, elsewhere));
      for (const diagnostic of last.unused) unused.push(move(diagnostic, offset));
    }
    return { diagnostics, unused };
  }

  /** What the traps need to know of the probe that is the item of that number; `find` is asked once for a text. */
  trapFacts(index: number, find: (index: number) => TrapFacts): TrapFacts {
    const journey = this.current[index];
    return journey === undefined ? find(index) : (journey.facts ??= find(index));
  }
}

/** An edit that changes a map's type and the one that takes it back: more than this is seldom met again. */
const mostJourneys = 3;

/** A probe on its way through the passes of a check, and what is remembered of its way through earlier ones. */
class Journey {
  readonly known: KnownProbe | undefined;
  probe: Probe;
  facts: TrapFacts | undefined;
  last: PassRecord | undefined;
  /** Whether the variables of the passes so far exist: they do when the passes were run, not when they were told again. */
  hasVariables = false;
  /** Its passes in the last checks that differed, the newest first. */
  private kept: readonly Passes[] = [];
  /** How many passes can be told again; all of this check so far, unless `isLost`. */
  private count = 0;
  private isLost: boolean;
  /** Which of the kept ones this check has been like so far, and goes on beyond its end; -1: none. */
  private follows = 0;
  /** The first of them that may still be like this check. */
  private candidate = 0;
  /** This check's passes, from where it went another way. */
  private own: PassRecord[] | undefined;

  constructor(probe: Probe, known: KnownProbe | undefined) {
    this.probe = probe;
    this.known = known;
    this.isLost = known === undefined;
  }

  /** Sets out anew, the probe's text being as it was. */
  begin(probe: Probe): void {
    this.probe = probe;
    this.last = undefined;
    this.hasVariables = false;
    this.count = 0;
    this.isLost = false;
    this.follows = 0;
    this.candidate = 0;
    this.own = undefined;
  }

  /** This check's passes so far. */
  get passes(): Passes {
    return this.own ?? this.kept[0]?.slice(0, this.count) ?? [];
  }

  /** The record of a pass that began as this one does, if there is one. */
  recall(state: State): PassRecord | undefined {
    if (this.isLost) return undefined;
    const { count, last } = this;
    const next = this.kept[this.follows]?.[count];
    if (next !== undefined) {
      if (isSameEntry(state, next)) return next;
      this.follows = -1;
    }
    // The pass before has changed nothing, so that another one from the same maps finds the same
    if (last !== undefined && isAtRest(last) && isSameEntry(state, last)) return last;
    for (; this.candidate < this.kept.length; this.candidate++) {
      const journey = this.kept[this.candidate] ?? [];
      const record = journey[count];
      if (record === undefined || !isSameEntry(state, record)) continue;
      if (!hasSameEntries(journey, this.passes, count)) continue;
      this.follows = this.candidate;
      return record;
    }
    return undefined;
  }

  /**
   * Makes a pass. A known probe is looked at where it was read first, so that it need not be copied to where it is now
   * and variables are still those of the same nodes.
   */
  run(state: State, check: ProbeCheck): { readonly record: PassRecord; readonly isRepeatable: boolean } {
    const { known, last } = this;
    if (known === undefined) return recordPass(state, this.probe, undefined, check);
    const { source, syntaxErrors } = state;
    state.origin = known;
    state.shift = known.start - known.tree.start;
    state.source = known.source;
    state.syntaxErrors = [];
    if (!this.hasVariables && last !== undefined) restoreVariables(state, last.found.variables);
    this.hasVariables = true;
    const outcome = recordPass(state, known.tree, last?.found.variables, check);
    Object.assign(state, { origin: textOrigin, shift: 0, source, syntaxErrors });
    return outcome;
  }

  /** Goes on with a pass that can be told again. */
  add(record: PassRecord): void {
    this.last = record;
    if (this.own !== undefined || record !== this.kept[0]?.[this.count]) {
      this.own ??= [...this.passes];
      this.own.push(record);
    }
    this.count++;
  }

  /** Goes on with a pass that cannot. */
  goOnWithout(record: PassRecord): void {
    this.last = record;
    this.isLost = true;
  }

  end(): void {
    const { own, kept, follows } = this;
    // Where nothing was new, the newest has all
    if (this.isLost || own === undefined) return;
    const others = kept.filter((_, index) => index !== follows);
    // A check with fewer passes than the one that it follows takes nothing away from that
    const rest = follows < 0 ? [] : (kept[follows]?.slice(own.length) ?? []);
    this.kept = [[...own, ...rest], ...others].slice(0, mostJourneys);
  }
}

/** Everything outside of probes that the meaning of a probe can depend on. */
function surroundingsOf(state: State, { program }: ParseResult): string {
  const parts = [`${state.version} ${state.unsafe} ${state.hasImports}`];
  for (const item of program.items)
    if (item.kind !== 'probe') parts.push(state.source.slice(item.start, item.end));
  return parts.join('\n');
}

/** Whether the first passes of two checks began with the same maps. */
function hasSameEntries(a: Passes, b: Passes, count: number): boolean {
  for (let index = 0; index < count; index++) {
    const [one, other] = [a[index], b[index]];
    if (one === undefined || other === undefined || !hasSameEntry(one, other)) return false;
  }
  return true;
}

/**
 * Whether the probe may use a macro of bpftrace's: what stands in it has places of the newest text, and macros are
 * bounded over the whole script, so that what one probe expands matters to the next.
 */
function mayExpandMacros(state: State, { text }: KnownProbe): boolean {
  if (state.macros.size === 0) return false;
  if (state.c.macros.size > 0) return true;
  for (const name of state.macros.keys()) if (text.includes(name)) return true;
  return false;
}
