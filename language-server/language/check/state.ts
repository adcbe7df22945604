import type { KnownCatalog } from '../known-catalog.ts';
import type { Span } from '../diagnostic.ts';
import type { Block, Expression, For, Macro, Probe, Subprogram } from '../syntax/ast.ts';
import type { ProbeTypeName, ProbeWord } from '../tables/probes.ts';
import type { Version } from '../version.ts';
import type { CTypes } from './c-types.ts';
import type { Report } from './report.ts';
import type { Type } from './types.ts';

/** What places are counted from: a probe moves as a whole when something before it is edited. */
export interface Origin {
  readonly start: number;
}

/** A place in an item, which stays true when the item moves. */
export interface Place {
  readonly origin: Origin;
  /** From the origin on, as are the characters of `end`. */
  readonly start: number;
  readonly end: number;
}

/** What is known of one map over all probes. Grows from pass to pass. */
export interface MapState {
  readonly name: string;
  value: Type;
  /** The type of its key, a tuple for several; `none` until seen. */
  key: Type;
  /** Used with keys, without, or not decided yet. */
  shape: 'scalar' | 'keyed' | undefined;
  shapeDecidedAt: Place | undefined;
  firstUse: Place;
  firstAssigned: Place | undefined;
  /** Read or written as a value, not only handed to `print()`, `clear()` and the like. */
  accessed: boolean;
  /** Its value is read. */
  read: boolean;
  /** The declared kind: `hash`, `percpuhash`, … */
  declared: string | undefined;
  /** Bounds of `lhist()` or bits of `hist()` in this pass, which one map must share. */
  bounds: string | undefined;
  /** Sign of what aggregations were given in this pass (0.24 on). */
  argument: Type | undefined;
}

export interface VariableState {
  readonly name: string;
  type: Type;
  /** The pass in which it was last declared: older ones are not in scope yet. */
  pass: number;
  declaredAt: Span;
  /** By `let`, not by an assignment. */
  byLet: boolean;
  /** `let $x : TYPE`: the type stays. */
  fixed: boolean;
  assigned: boolean;
  used: boolean;
}

export type ScopeNode = Probe | Subprogram | Block | For | Macro;

export interface Scope {
  readonly node: ScopeNode;
  readonly variables: Map<string, VariableState>;
}

/** The probe around, as far as its attach points could be understood. */
export interface ProbeContext {
  readonly node: Probe;
  readonly words: readonly ProbeWord[];
  readonly types: readonly ProbeTypeName[];
}

/** Inside an expanded macro: what its parameters stand for. */
export interface MacroFrame {
  readonly macro: Macro;
  readonly call: Span;
  readonly variables: ReadonlyMap<string, { readonly name: string; readonly frame: MacroFrame | undefined }>;
  readonly maps: ReadonlyMap<string, string>;
  readonly expressions: ReadonlyMap<string, Expression>;
  readonly caller: MacroFrame | undefined;
  readonly scopeDepth: number;
}

export interface State {
  readonly version: Version;
  readonly unsafe: boolean;
  /** The text whose places those of the item at hand are. */
  source: string;
  /** The whole script. */
  readonly script: string;
  /** Whether it imports a file, whose names are not known here. */
  readonly hasImports: boolean;
  /** How far the item at hand stands behind its place in `source`, which may be an earlier text that has it too. */
  shift: number;
  /** What the parser has reported already. */
  syntaxErrors: readonly Span[];
  readonly catalog: KnownCatalog | undefined;
  readonly c: CTypes;
  maps: Map<string, MapState>;
  /** With a memory: the maps that the item at hand has met, as they were before it. They do not change any more. */
  touched: Map<string, MapState | undefined> | undefined;
  /** The item at hand, where it can move as a whole; else the beginning of the text. */
  origin: Origin;
  readonly scopesByNode: Map<ScopeNode, Map<string, VariableState>>;
  /** The scopes that this pass has opened in the probe at hand, macros' bodies aside. */
  opened: Map<ScopeNode, Map<string, VariableState>>;
  readonly macros: ReadonlyMap<string, readonly Macro[]>;
  readonly subprograms: ReadonlyMap<string, Subprogram>;
  /** Unstable features that are on. */
  readonly features: Set<string>;
  /** What is still of no type counts as an int8 (from 0.25 on, change 5007, once nothing else changes). */
  settled: boolean;
  /** Whether something in the item at hand depended on `settled`. */
  asksSettled: boolean;
  /** Settings of the `config` block that the rules depend on. */
  maxStringBytes: number;
  report: Report;
  pass: number;
  /** A type became known in this pass, so that another one is due. */
  changed: boolean;
  /** A variable became known in this pass, be it of no type yet. */
  grew: boolean;
  /** No pass has to follow: what is still unknown stays so. */
  final: boolean;
  scopes: Scope[];
  probe: ProbeContext | undefined;
  subprogram: Subprogram | undefined;
  /** Loops around, from outside in. */
  loops: ('while' | 'for' | 'unroll')[];
  frame: MacroFrame | undefined;
  /** How many macros were expanded in this pass. */
  expansions: number;
  /** How many uses of C macros were looked at in this pass over the probe. */
  cExpansions: number;
  /** Inside `sizeof`, `typeof` … nothing is evaluated. */
  unevaluated: number;
  /** The call whose argument is looked at, and which one. */
  callName: string;
  callArgument: number;
  readonly contexts: Map<Probe, ProbeContext>;
  /** Types of expressions that the editor asks for. */
  readonly typesOf: Map<Expression, Type>;
}

/** The beginning of the text, which does not move. */
export const textOrigin: Origin = { start: 0 };

export const placeOf = ({ origin, shift }: State, { start, end }: Span): Place => ({
  origin,
  start: start + shift - origin.start,
  end: end + shift - origin.start,
});

/** Where a place is, counted as the item at hand is. */
export const spanOf = ({ shift }: State, { origin, start, end }: Place): Span => ({
  start: origin.start + start - shift,
  end: origin.start + end - shift,
});

/** The map of that name as the item at hand may change it, if any item has met it yet. */
export function knownMap(state: State, name: string): MapState | undefined {
  const map = state.maps.get(name);
  if (state.touched?.has(name) !== false) return map;
  // What was before stays as it is, for whoever remembers it; from here on a copy changes
  state.touched.set(name, map);
  if (map === undefined) return undefined;
  const copy = { ...map };
  state.maps.set(name, copy);
  return copy;
}

export function mapState(state: State, name: string, span: Span): MapState {
  let map = knownMap(state, name);
  if (map === undefined) {
    map = {
      name,
      value: { kind: 'none' },
      key: { kind: 'none' },
      shape: undefined,
      shapeDecidedAt: undefined,
      firstUse: placeOf(state, span),
      firstAssigned: undefined,
      accessed: false,
      read: false,
      declared: undefined,
      bounds: undefined,
      argument: undefined,
    };
    state.maps.set(name, map);
  }
  return map;
}
