import type { KnownCatalog } from '../known-catalog.ts';
import type { Diagnostic } from '../diagnostic.ts';
import type { Expression, Macro, Probe, Subprogram } from '../syntax/ast.ts';
import type { ParseResult } from '../syntax/parser.ts';
import { newestVersion, type Version } from '../version.ts';
import { probeContext } from './attach-points.ts';
import { checkCDefinitions } from './c-definitions.ts';
import { CTypes } from './c-types.ts';
import { checkCondition, typeOf } from './expressions.ts';
import type { CheckMemory } from './memory.ts';
import type { Outcome } from './pass-record.ts';
import { Report } from './report.ts';
import {
  checkConfigEntry,
  checkDeclaredMaps,
  checkMacroDefinition,
  checkMapDeclaration,
  checkSubprogram,
} from './script.ts';
import { textOrigin, type MapState, type State, type VariableState } from './state.ts';
import { checkBlock } from './statements.ts';
import { checkTraps } from './traps.ts';
import type { Type } from './types.ts';
import { popScope, pushScope } from './variables.ts';

export interface CheckOptions {
  /** The release whose rules hold; the newest one by default. See `chooseVersion`. */
  readonly version?: Version;
  /** Whether the script will run with `--unsafe`. */
  readonly unsafe?: boolean;
  readonly catalog?: KnownCatalog;
}

export interface CheckResult {
  /** What the checker found, syntax errors left out; sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  /** What maps hold, by name. */
  readonly maps: ReadonlyMap<string, MapState>;
  /** The types of all expressions that were reached. */
  readonly types: ReadonlyMap<Expression, Type>;
  /** Variables by the block, probe, loop or function in which they live. */
  readonly variables: ReadonlyMap<object, ReadonlyMap<string, VariableState>>;
}

/** Types settle within three passes in real scripts; chains of maps that feed each other need one a link. */
const mostPasses = 12;

/**
 * Checks what a script means, for one release of bpftrace. Has an `error` exactly for what that release would refuse
 * for reasons of the language (not of privileges or of the kernel it runs on). Never throws, also for trees of
 * broken programs.
 */
export function check(source: string, parsed: ParseResult, options: CheckOptions = {}): CheckResult {
  const state = newState(source, parsed, options);
  const diagnostics = run(state, parsed, undefined);
  return { diagnostics, maps: state.maps, types: state.typesOf, variables: state.scopesByNode };
}

/**
 * The diagnostics of `check()`, found with the help of what the last check of almost the same script found out: only
 * probes that changed, or that depend on what changed, are looked at.
 */
export function checkAgain(
  source: string,
  parsed: ParseResult,
  options: CheckOptions,
  memory: CheckMemory,
): readonly Diagnostic[] {
  const state = newState(source, parsed, options);
  memory.begin(state, parsed);
  const diagnostics = run(state, parsed, memory);
  memory.end();
  return diagnostics;
}

function run(state: State, parsed: ParseResult, memory: CheckMemory | undefined): Diagnostic[] {
  let unused: readonly Diagnostic[] = [];
  // The first pass meets maps before it knows them; each later one may be the last
  for (;;) {
    state.pass++;
    state.final = state.pass > 1;
    state.changed = false;
    state.expansions = 0;
    state.report = new Report();
    forgetArguments(state);
    unused = runPass(state, parsed, memory);
    if (!state.final || (state.changed && state.pass < mostPasses)) continue;
    if (state.settled || state.version < 25 || !hasUntyped(state)) break;
    state.settled = true;
  }
  state.touched = undefined;
  const found = memory?.findings(state);
  state.report.addAll(found?.diagnostics ?? []);
  checkDeclaredMaps(state, parsed.program);
  checkCDefinitions(state, parsed.program);
  state.report.addAll(unused);
  state.report.addAll(found?.unused ?? []);
  checkTraps(state, parsed.program, memory);
  const own = withoutPlacesOf(parsed.diagnostics, state.report.diagnostics);
  return own.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** What the parser has refused needs no second word. */
function withoutPlacesOf(refused: readonly Diagnostic[], diagnostics: Diagnostic[]): Diagnostic[] {
  if (refused.length === 0) return diagnostics;
  const ends = new Map<number, number[]>();
  for (const { start, end } of refused) {
    const known = ends.get(start);
    if (known === undefined) ends.set(start, [end]);
    else known.push(end);
  }
  return diagnostics.filter(({ start, end }) => ends.get(start)?.includes(end) !== true);
}

const withoutArguments = new WeakMap<MapState, MapState>();

/** What functions were given has to agree within a pass. */
function forgetArguments(state: State): void {
  for (const [name, map] of state.maps) {
    if (map.bounds === undefined && map.argument === undefined) continue;
    let clean = withoutArguments.get(map);
    if (clean === undefined)
      withoutArguments.set(map, (clean = { ...map, bounds: undefined, argument: undefined }));
    state.maps.set(name, clean);
  }
}

/** Unstable features that need no setting; a `config` block can switch them off. */
const featuresOn = [
  'unstable_map_decl',
  'unstable_macro',
  'unstable_import',
  'unstable_tseries',
  'unstable_addr',
  'unstable_dw_ustack',
];

const hasUntyped = (state: State): boolean =>
  [...state.maps.values()].some((map) => map.accessed && map.value.kind === 'none');

function newState(source: string, parsed: ParseResult, options: CheckOptions): State {
  const version = options.version ?? parsed.version ?? newestVersion;
  const macros = new Map<string, Macro[]>();
  const subprograms = new Map<string, Subprogram>();
  for (const item of parsed.program.items)
    if (item.kind === 'macro') {
      const known = macros.get(item.name.text);
      if (known === undefined) macros.set(item.name.text, [item]);
      else known.push(item);
    } else if (item.kind === 'subprogram') subprograms.set(item.name.text, item);
  return {
    version,
    unsafe: options.unsafe === true,
    source,
    script: source,
    hasImports: source.includes('import') && /\bimport\s+"/.test(source),
    shift: 0,
    syntaxErrors: parsed.diagnostics,
    catalog: options.catalog,
    c: new CTypes(parsed.program, options.catalog),
    maps: new Map(),
    touched: undefined,
    origin: textOrigin,
    scopesByNode: new Map(),
    opened: new Map(),
    macros,
    subprograms,
    features: new Set(featuresOn),
    settled: false,
    asksSettled: false,
    maxStringBytes: version >= 23 ? 1024 : 64,
    report: new Report(),
    pass: 0,
    changed: false,
    grew: false,
    final: false,
    scopes: [],
    probe: undefined,
    subprogram: undefined,
    loops: [],
    frame: undefined,
    expansions: 0,
    cExpansions: 0,
    unevaluated: 0,
    callName: '',
    callArgument: -1,
    typesOf: new Map(),
    contexts: new Map(),
  };
}

/** One pass over the script; answers which variables nothing reads. */
function runPass(state: State, parsed: ParseResult, memory: CheckMemory | undefined): Diagnostic[] {
  const unused: Diagnostic[] = [];
  const macros = new Map<string, Macro[]>();
  const special = new Set<string>();
  const { items } = parsed.program;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (item === undefined) continue;
    // Of probes, the memory sees to what they meet
    if (memory !== undefined && item.kind !== 'probe') state.touched = new Map();
    switch (item.kind) {
      case 'config':
        for (const entry of item.entries) checkConfigEntry(state, entry);
        break;
      case 'map-declaration':
        checkMapDeclaration(state, item);
        break;
      case 'macro': {
        const earlier = macros.get(item.name.text) ?? [];
        checkMacroDefinition(state, item, earlier);
        macros.set(item.name.text, [...earlier, item]);
        break;
      }
      case 'subprogram':
        state.opened = new Map();
        checkSubprogram(state, item);
        unused.push(...unusedVariables(state));
        break;
      case 'probe': {
        // Looked up where it was read first: a probe that has moved need not be copied for this
        checkTwice(state, item, parsed.known?.[index]?.tree ?? item, special);
        if (memory === undefined) unused.push(...checkProbe(state, item).unused);
        else memory.pass(state, index, checkProbe);
        break;
      }
      default:
    }
  }
  return unused;
}

function checkProbe(state: State, probe: Probe): Outcome {
  state.opened = new Map();
  state.cExpansions = 0;
  let context = state.contexts.get(probe);
  if (context === undefined || state.final) {
    context = probeContext(state, probe);
    state.contexts.set(probe, context);
  }
  state.probe = context;
  pushScope(state, probe);
  if (probe.predicate !== undefined)
    checkCondition(state, probe.predicate, typeOf(state, probe.predicate), 17);
  checkBlock(state, probe.body, false);
  popScope(state);
  state.probe = undefined;
  return { unused: unusedVariables(state) };
}

/** Before 0.24 a script has one BEGIN and one END at most. */
function checkTwice(state: State, probe: Probe, { attachPoints }: Probe, special: Set<string>): void {
  if (state.version >= 24) return;
  for (const [index, point] of attachPoints.entries()) {
    const name = point.provider.text;
    if (name !== 'BEGIN' && name !== 'END') continue;
    if (special.has(name))
      state.report.error(
        probe.attachPoints[index] ?? probe,
        'duplicate-probe',
        `A script has one \`${name}\` probe at most before 0.24.`,
        {
          hint: 'Move its statements into the other one.',
        },
      );
    special.add(name);
  }
}

/** The variables of the scopes that were opened last and that nothing reads. */
function unusedVariables(state: State): Diagnostic[] {
  const report = new Report();
  if (!state.final) return [];
  for (const variables of state.opened.values())
    for (const variable of variables.values())
      if (
        variable.pass === state.pass &&
        variable.byLet &&
        variable.type.kind === 'none' &&
        state.version === 25
      )
        // Only 0.25 wants a type for what is never used
        report.error(
          variable.declaredAt,
          'unassigned',
          `The type of ${variable.name} cannot be known: it is never assigned.`,
        );
      else if (variable.pass === state.pass && !variable.used)
        report.hint(variable.declaredAt, 'unused-variable', `${variable.name} is never read.`, {
          tags: ['unnecessary'],
        });
  return report.diagnostics;
}
