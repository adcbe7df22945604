import type { KnownCatalog } from '../known-catalog.ts';
import type { Diagnostic, Fix, Span } from '../diagnostic.ts';
import type { Probe } from '../syntax/ast.ts';
import type { ParseResult } from '../syntax/parser.ts';
import { Report } from './report.ts';
import type { MapState, State } from './state.ts';
import type { TrapFacts } from './traps.ts';
import type { Type } from './types.ts';

/** What one pass over one probe found, and what it depended on. Places are those of the text it was made for. */
interface PassRecord {
  /** Where the probe began then. */
  readonly start: number;
  /** The maps that the probe meets, as they were before the pass; undefined: not known yet. */
  readonly entry: ReadonlyMap<string, MapState | undefined>;
  readonly exit: ReadonlyMap<string, MapState>;
  readonly changed: boolean;
  readonly settled: boolean;
  readonly diagnostics: readonly Diagnostic[];
  readonly unused: readonly Diagnostic[];
}

/** A probe on its way through the passes of one check. */
interface Journey {
  readonly text: string;
  facts: TrapFacts | undefined;
  /** What earlier checks recorded for the same text and what still fits. */
  candidates: readonly (readonly PassRecord[])[];
  /** This check's passes so far; undefined as soon as one cannot be told again. */
  records: PassRecord[] | undefined;
  /** Whether the variables of the passes so far exist: they do when the passes were run, not when they were told again. */
  hasVariables: boolean;
}

/** What a pass over a probe yields: its findings, and the variables that nothing reads. */
export interface Outcome {
  readonly unused: readonly Diagnostic[];
}

/** What is remembered of a text. */
interface Known {
  readonly journeys: (readonly PassRecord[])[];
  readonly facts: TrapFacts | undefined;
}

/** A text's records for more than this many different surroundings are of no use: it is a template. */
const mostJourneys = 8;

/**
 * What checking found out about each probe of a script, for the next check of almost the same script. A probe whose
 * text and everything it depends on (the maps it meets, in each pass; macros, functions, C definitions, settings,
 * release and catalog) are as they were is not looked at again: what was found is told again, moved to where the
 * probe stands now. The answers are those of a check without memory.
 */
export class CheckMemory {
  private surroundings = '';
  private catalog: KnownCatalog | undefined;
  private known = new Map<string, Known>();
  /** Made anew for each check: a map that is cleared keeps its old tables linked to the new ones until a full collection. */
  private current = new Map<Probe, Journey>();

  /** Starts a check: forgets everything when more than probes has changed. */
  begin(state: State, parsed: ParseResult): void {
    const surroundings = surroundingsOf(state, parsed);
    if (surroundings !== this.surroundings || state.catalog !== this.catalog) this.known = new Map();
    this.surroundings = surroundings;
    this.catalog = state.catalog;
    this.current = new Map();
  }

  /** Ends a check: keeps what it found, and nothing of probes that are gone. */
  end(): void {
    this.known = new Map();
    for (const { text, records, facts } of this.current.values()) {
      const known = this.known.get(text);
      if (known === undefined)
        this.known.set(text, { journeys: records === undefined ? [] : [records], facts });
      else if (records !== undefined && known.journeys.length < mostJourneys) known.journeys.push(records);
    }
    this.current = new Map();
  }

  /** One pass over one probe: told again where possible, else run and recorded. */
  pass(state: State, probe: Probe, run: () => Outcome): Outcome {
    const journey = this.journeyOf(state, probe);
    const index = state.pass - 1;
    if (journey.candidates.length > 0)
      journey.candidates = journey.candidates.filter((records) => {
        const record = records[index];
        return record !== undefined && isSameEntry(state, record);
      });
    const known = journey.candidates[0]?.[index];
    if (known !== undefined && journey.records !== undefined) {
      journey.records.push(known);
      return tellAgain(state, probe, known);
    }
    if (!journey.hasVariables) catchUp(state, journey.records ?? [], probe.start, run);
    journey.hasVariables = true;
    const record = recordPass(state, probe, run);
    if (record.repeatable === undefined) journey.records = undefined;
    else journey.records?.push(record.repeatable);
    return record.outcome;
  }

  /** What the probe's traps need to know of it; `find` is asked once for a text. */
  trapFacts(state: State, probe: Probe, find: () => TrapFacts): TrapFacts {
    const journey = this.journeyOf(state, probe);
    return (journey.facts ??= find());
  }

  private journeyOf(state: State, probe: Probe): Journey {
    let journey = this.current.get(probe);
    if (journey === undefined) {
      const isClean = !state.syntaxErrors.some(
        (error) => error.start <= probe.end && error.end >= probe.start,
      );
      const text = state.source.slice(probe.start, probe.end);
      const known = this.known.get(text);
      journey = {
        text,
        facts: known?.facts,
        candidates: isClean ? (known?.journeys ?? []) : [],
        records: isClean ? [] : undefined,
        hasVariables: false,
      };
      this.current.set(probe, journey);
    }
    return journey;
  }
}

/** Everything outside of probes that the meaning of a probe can depend on. */
function surroundingsOf(state: State, { program }: ParseResult): string {
  const parts = [`${state.version} ${state.unsafe} ${/\bimport\s+"/.test(state.source)}`];
  for (const item of program.items)
    if (item.kind !== 'probe') parts.push(state.source.slice(item.start, item.end));
  return parts.join('\n');
}

/** Runs earlier passes again for the variables that they leave, where those passes were only told. */
function catchUp(state: State, records: readonly PassRecord[], start: number, run: () => Outcome): void {
  if (records.length === 0) return;
  const { maps, pass, final, changed, settled, report } = state;
  for (const [index, record] of records.entries()) {
    state.maps = new Map();
    for (const [name, map] of record.entry)
      if (map !== undefined) state.maps.set(name, moved(map, start - record.start));
    state.pass = index + 1;
    state.final = index > 0;
    state.settled = record.settled;
    state.report = new Report();
    run();
  }
  Object.assign(state, { maps, pass, final, changed, settled, report });
}

function recordPass(
  state: State,
  probe: Probe,
  run: () => Outcome,
): { readonly outcome: Outcome; readonly repeatable: PassRecord | undefined } {
  const { changed, expansions, report } = state;
  const touched = new Map<string, MapState | undefined>();
  const own = new Report();
  state.changed = false;
  state.touched = touched;
  state.report = own;
  const outcome = run();
  state.touched = undefined;
  state.report = report;
  report.addAll(own.diagnostics);
  const record: PassRecord = {
    start: probe.start,
    entry: touched,
    exit: new Map(
      [...touched.keys()].flatMap((name) => {
        const map = state.maps.get(name);
        return map === undefined ? [] : [[name, map] as const];
      }),
    ),
    changed: state.changed,
    settled: state.settled,
    diagnostics: own.diagnostics,
    unused: outcome.unused,
  };
  state.changed ||= changed;
  // Macros are bounded over the whole script, so that what one probe expands matters to the next
  const repeatable =
    state.expansions === expansions && own.diagnostics.every((one) => isMovable(one, probe, touched));
  return { outcome, repeatable: repeatable ? record : undefined };
}

const mapSpans = ['firstUse', 'firstAssigned', 'shapeDecidedAt'] as const;

const isInside = (span: Span, around: Span): boolean => span.start >= around.start && span.end <= around.end;

const samePlace = (a: Span | undefined, b: Span | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.start === b.start && a.end === b.end);

/** Whether every place of the diagnostic lies in the probe or is one that its maps remember. */
function isMovable(
  diagnostic: Diagnostic,
  probe: Probe,
  entry: ReadonlyMap<string, MapState | undefined>,
): boolean {
  if (!isInside(diagnostic, probe)) return false;
  if (diagnostic.fixes?.some(({ edits }) => !edits.every((edit) => isInside(edit, probe))) === true)
    return false;
  return (
    diagnostic.related?.every((span) => isInside(span, probe) || remembered(span, entry) !== undefined) ??
    true
  );
}

/** The map, and which of its places, that a span outside of the probe is. */
function remembered(
  span: Span,
  entry: ReadonlyMap<string, MapState | undefined>,
): { readonly name: string; readonly place: (typeof mapSpans)[number] } | undefined {
  for (const [name, map] of entry)
    for (const place of mapSpans) if (samePlace(map?.[place], span)) return { name, place };
  return undefined;
}

function isSameEntry(state: State, record: PassRecord): boolean {
  if (record.settled !== state.settled) return false;
  for (const [name, then] of record.entry) {
    const now = state.maps.get(name);
    if (now === then) continue;
    if (now === undefined || then === undefined || !isSameMap(state, now, then)) return false;
  }
  return true;
}

function isSameMap({ pass }: State, a: MapState, b: MapState): boolean {
  return (
    a.shape === b.shape &&
    a.accessed === b.accessed &&
    a.read === b.read &&
    a.declared === b.declared &&
    (a.boundsPass === pass) === (b.boundsPass === pass) &&
    (a.boundsPass !== pass || a.bounds === b.bounds) &&
    (a.bounds === undefined) === (b.bounds === undefined) &&
    (a.argumentPass === pass) === (b.argumentPass === pass) &&
    isSame(a.argument, b.argument) &&
    (a.firstAssigned === undefined) === (b.firstAssigned === undefined) &&
    (a.shapeDecidedAt === undefined) === (b.shapeDecidedAt === undefined) &&
    samePlace(a.firstUse, a.firstAssigned) === samePlace(b.firstUse, b.firstAssigned) &&
    samePlace(a.firstUse, a.shapeDecidedAt) === samePlace(b.firstUse, b.shapeDecidedAt) &&
    samePlace(a.firstAssigned, a.shapeDecidedAt) === samePlace(b.firstAssigned, b.shapeDecidedAt) &&
    isSame(a.value, b.value) &&
    isSame(a.key, b.key)
  );
}

/** Types that no rule can tell apart: `equal()` leaves out what only messages and literals look at. */
function isSame(a: Type | undefined, b: Type | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}

function tellAgain(state: State, probe: Probe, record: PassRecord): Outcome {
  const offset = probe.start - record.start;
  const then = { start: record.start, end: record.start + probe.end - probe.start };
  const placeNow = (span: Span): Span | undefined => {
    const known = isInside(span, then) ? undefined : remembered(span, record.entry);
    return known === undefined ? undefined : state.maps.get(known.name)?.[known.place];
  };
  const again = (diagnostic: Diagnostic): Diagnostic => move(diagnostic, offset, placeNow);
  for (const diagnostic of record.diagnostics) state.report.take(again(diagnostic));
  state.changed ||= record.changed;
  for (const [name, exit] of record.exit) {
    const now = state.maps.get(name);
    const entry = record.entry.get(name);
    state.maps.set(name, offset === 0 && now === entry ? exit : exitOf(exit, entry, now, offset));
  }
  return { unused: offset === 0 ? record.unused : record.unused.map(again) };
}

/** The map after the pass: places that the pass did not change stay those of now. */
function exitOf(
  exit: MapState,
  then: MapState | undefined,
  now: MapState | undefined,
  offset: number,
): MapState {
  const place = (name: (typeof mapSpans)[number]): Span | undefined => {
    const span = exit[name];
    return span === then?.[name] ? now?.[name] : span && shifted(span, offset);
  };
  return {
    ...exit,
    firstUse: place('firstUse') ?? exit.firstUse,
    firstAssigned: place('firstAssigned'),
    shapeDecidedAt: place('shapeDecidedAt'),
  };
}

const shifted = (span: Span, offset: number): Span =>
  offset === 0 ? span : { start: span.start + offset, end: span.end + offset };

const moved = (map: MapState, offset: number): MapState => ({
  ...map,
  firstUse: shifted(map.firstUse, offset),
  firstAssigned: map.firstAssigned && shifted(map.firstAssigned, offset),
  shapeDecidedAt: map.shapeDecidedAt && shifted(map.shapeDecidedAt, offset),
});

/** The diagnostic some characters further on; `elsewhere` answers for places that did not move with it. */
export function move(
  diagnostic: Diagnostic,
  offset: number,
  elsewhere: (span: Span) => Span | undefined = () => undefined,
): Diagnostic {
  const { fixes, related } = diagnostic;
  if (offset === 0 && related === undefined) return diagnostic;
  const shiftFix = (fix: Fix): Fix => ({
    ...fix,
    edits: fix.edits.map((edit) => ({ ...edit, start: edit.start + offset, end: edit.end + offset })),
  });
  return {
    ...diagnostic,
    start: diagnostic.start + offset,
    end: diagnostic.end + offset,
    ...(fixes === undefined ? {} : { fixes: fixes.map(shiftFix) }),
    ...(related === undefined
      ? {}
      : {
          related: related.map((span) => {
            const place = elsewhere(span) ?? shifted(span, offset);
            return { ...span, start: place.start, end: place.end };
          }),
        }),
  };
}
