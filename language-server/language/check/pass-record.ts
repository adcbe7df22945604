import type { Diagnostic, Fix, Span } from '../diagnostic.ts';
import type { Probe } from '../syntax/ast.ts';
import { isSameMap, isVerySameMap, keepPlaces, mapPlaces, type MapPlace } from './map-memory.ts';
import { Report } from './report.ts';
import { spanOf, type MapState, type ScopeNode, type State, type VariableState } from './state.ts';

/** What one pass over one probe found, where every map was as it then was. */
export interface Found {
  /** Where the probe began then; places in diagnostics are those of that text. */
  readonly start: number;
  /** The maps that the probe meets. */
  readonly names: readonly string[];
  readonly changed: boolean;
  readonly grew: boolean;
  readonly final: boolean;
  readonly settled: boolean;
  readonly asksSettled: boolean;
  readonly diagnostics: readonly Diagnostic[];
  readonly unused: readonly Diagnostic[];
  /** The variables that the passes so far have left, by their scopes. */
  readonly variables: Variables;
  /** Places that diagnostics name and that lie outside of the probe, by what they are of which map. */
  readonly outside: ReadonlyMap<Span, { readonly name: string; readonly place: MapPlace }>;
}

/** The variables of scopes, as copies. */
export type Variables = ReadonlyMap<ScopeNode, readonly VariableState[]>;

/**
 * A pass over one probe, to be told again where the maps are the same. Each time it is told, it takes over the objects
 * that then stood for them: the next check meets these.
 */
export interface PassRecord {
  readonly found: Found;
  /** Each map of `found.names` as it was before the pass; undefined: not known yet. */
  readonly entries: (MapState | undefined)[];
  /** And as it was behind it: the same object where nothing changed. */
  readonly exits: (MapState | undefined)[];
}

export type ProbeCheck = (state: State, probe: Probe) => Outcome;

/** What a pass over a probe yields besides its findings: the variables that nothing reads. */
export interface Outcome {
  readonly unused: readonly Diagnostic[];
}

/** Whether another pass from the maps that it left would find the same. */
export const isAtRest = ({ found }: PassRecord): boolean => found.final && !found.changed && !found.grew;

const isSameList = <Item>(a: readonly Item[], b: readonly Item[]): boolean =>
  a.length === b.length && a.every((item, index) => item === b[index]);

const isAsSettled = ({ found }: PassRecord, settled: boolean): boolean =>
  found.settled === settled || !found.asksSettled;

/** Whether two passes began with the same maps. */
export function hasSameEntry(a: PassRecord, b: PassRecord): boolean {
  return (
    a === b ||
    (isAsSettled(a, b.found.settled) &&
      isSameList(a.found.names, b.found.names) &&
      a.entries.every((entry, index) => isSameMap(entry, b.entries[index])))
  );
}

/** Whether a pass from here finds what that one found. */
export function isSameEntry(state: State, record: PassRecord): boolean {
  if (!isAsSettled(record, state.settled)) return false;
  const { entries } = record;
  const { names } = record.found;
  for (let index = 0; index < names.length; index++)
    if (!isSameMap(state.maps.get(names[index] ?? ''), entries[index])) return false;
  return true;
}

/** The variables of the scopes that the pass has opened, and of those that only earlier passes have. */
function variablesBehind(state: State, before: Variables | undefined): Variables {
  const all = new Map(before);
  for (const [node, variables] of state.opened)
    if (variables.size > 0)
      all.set(
        node,
        [...variables.values()].map((variable) => ({ ...variable })),
      );
  return all;
}

/** Puts back the variables that passes which are only told again would have left. */
export function restoreVariables(state: State, variables: Variables): void {
  for (const [node, list] of variables)
    state.scopesByNode.set(node, new Map(list.map((variable) => [variable.name, { ...variable }])));
}

/** Makes a pass, with what it finds kept apart; `isRepeatable`: it can be told again wherever the maps are the same. */
export function recordPass(
  state: State,
  probe: Probe,
  before: Variables | undefined,
  check: ProbeCheck,
): { readonly record: PassRecord; readonly isRepeatable: boolean } {
  const { changed, expansions, report } = state;
  const touched = new Map<string, MapState | undefined>();
  const own = new Report();
  Object.assign(state, { changed: false, grew: false, asksSettled: false, touched, report: own });
  const { unused } = check(state, probe);
  Object.assign(state, { touched: undefined, report });
  const { exits, areInside } = exitsOf(state, probe, touched);
  const outside = outsideOf(state, own.diagnostics, probe, touched);
  const found: Found = {
    start: probe.start,
    names: [...touched.keys()],
    changed: state.changed,
    grew: state.grew,
    final: state.final,
    settled: state.settled,
    asksSettled: state.asksSettled,
    diagnostics: own.diagnostics,
    unused,
    variables: variablesBehind(state, before),
    outside: outside ?? new Map(),
  };
  const record: PassRecord = { found, entries: [...touched.values()], exits };
  state.changed ||= changed;
  // Macros are bounded over the whole script, so that what one probe expands matters to the next
  return { record, isRepeatable: state.expansions === expansions && areInside && outside !== undefined };
}

/** The maps behind a pass, and whether all places that the pass noted in them lie in the probe. */
function exitsOf(
  state: State,
  probe: Probe,
  touched: ReadonlyMap<string, MapState | undefined>,
): { readonly exits: (MapState | undefined)[]; readonly areInside: boolean } {
  let areInside = true;
  const exits = [...touched].map(([name, entry]) => {
    const exit = state.maps.get(name);
    if (exit === undefined || entry === exit) return exit;
    if (entry !== undefined && isVerySameMap(entry, exit)) {
      state.maps.set(name, entry);
      return entry;
    }
    for (const key of mapPlaces) {
      const place = exit[key];
      if (place !== undefined && place !== entry?.[key] && !isInside(spanOf(state, place), probe))
        areInside = false;
    }
    return exit;
  });
  return { exits, areInside };
}

/** Where places are now that lie outside of the record's probe. */
export function placesNow(state: State, { outside }: Found): (span: Span) => Span | undefined {
  return (span) => {
    const found = outside.get(span);
    const place = found === undefined ? undefined : state.maps.get(found.name)?.[found.place];
    return place === undefined ? undefined : spanOf(state, place);
  };
}

const isInside = (span: Span, around: Span): boolean => span.start >= around.start && span.end <= around.end;

/**
 * The places outside of the probe that diagnostics are related to; undefined when one is none that a map remembers, or
 * when a diagnostic itself stands outside.
 */
function outsideOf(
  state: State,
  diagnostics: readonly Diagnostic[],
  probe: Probe,
  entry: ReadonlyMap<string, MapState | undefined>,
): Found['outside'] | undefined {
  const outside = new Map<Span, { readonly name: string; readonly place: MapPlace }>();
  for (const diagnostic of diagnostics) {
    if (!isInside(diagnostic, probe)) return undefined;
    for (const { edits } of diagnostic.fixes ?? [])
      if (!edits.every((edit) => isInside(edit, probe))) return undefined;
    for (const span of diagnostic.related ?? []) {
      if (isInside(span, probe)) continue;
      const found = remembered(state, span, entry);
      if (found === undefined) return undefined;
      outside.set(span, found);
    }
  }
  return outside;
}

/** The map, and which of its places, that a span outside of the probe is. */
function remembered(
  state: State,
  span: Span,
  entry: ReadonlyMap<string, MapState | undefined>,
): { readonly name: string; readonly place: MapPlace } | undefined {
  for (const [name, map] of entry)
    for (const place of mapPlaces) {
      const known = map?.[place];
      if (known === undefined) continue;
      const { start, end } = spanOf(state, known);
      if (start === span.start && end === span.end) return { name, place };
    }
  return undefined;
}

/** Does to the maps what the pass of the record did. */
export function tellAgain(state: State, { found, entries, exits }: PassRecord): void {
  const { names } = found;
  state.changed ||= found.changed;
  for (let index = 0; index < names.length; index++) {
    const name = names[index] ?? '';
    const [then, exit, now] = [entries[index], exits[index], state.maps.get(name)];
    if (now === then && exit === then) continue;
    const next = exit === undefined || exit === then ? now : now === then ? exit : exitFrom(exit, then, now);
    entries[index] = now;
    exits[index] = next;
    if (next !== undefined && next !== now) state.maps.set(name, next);
  }
}

/** The map after the pass: places that the pass did not note stay those of now. */
function exitFrom(exit: MapState, then: MapState | undefined, now: MapState | undefined): MapState {
  const next = { ...exit };
  if (now !== undefined) keepPlaces(next, then, now);
  return next;
}

/** The diagnostic some characters further on; `elsewhere` answers for places that did not move with it. */
export function move(
  diagnostic: Diagnostic,
  offset: number,
  elsewhere?: (span: Span) => Span | undefined,
): Diagnostic {
  const { fixes, related } = diagnostic;
  if (offset === 0 && related === undefined) return diagnostic;
  const copy = { ...diagnostic, start: diagnostic.start + offset, end: diagnostic.end + offset };
  if (fixes !== undefined && offset !== 0) copy.fixes = fixes.map((fix) => moveFix(fix, offset));
  if (related !== undefined)
    copy.related = related.map((span) => {
      const place = elsewhere?.(span) ?? { start: span.start + offset, end: span.end + offset };
      return { ...span, start: place.start, end: place.end };
    });
  return copy;
}

const moveFix = (fix: Fix, offset: number): Fix => ({
  ...fix,
  edits: fix.edits.map((edit) => ({ ...edit, start: edit.start + offset, end: edit.end + offset })),
});
