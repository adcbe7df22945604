import type { Catalog } from '../../../protocol/catalog.ts';
import type { Diagnostic } from '../diagnostic.ts';
import type { Expression, Macro, Probe, Subprogram } from '../syntax/ast.ts';
import type { ParseResult } from '../syntax/parser.ts';
import { newestVersion, type Version } from '../version.ts';
import { probeContext } from './attach-points.ts';
import { CTypes } from './c-types.ts';
import { checkCondition, typeOf } from './expressions.ts';
import { Report } from './report.ts';
import {
  checkConfigEntry,
  checkDeclaredMaps,
  checkMacroDefinition,
  checkMapDeclaration,
  checkSubprogram,
} from './script.ts';
import type { MapState, State, VariableState } from './state.ts';
import { checkBlock } from './statements.ts';
import { checkTraps } from './traps.ts';
import type { Type } from './types.ts';
import { popScope, pushScope } from './variables.ts';

export interface CheckOptions {
  /** The release whose rules hold; the newest one by default. See `chooseVersion`. */
  readonly version?: Version;
  /** Whether the script will run with `--unsafe`. */
  readonly unsafe?: boolean;
  readonly catalog?: Catalog;
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
  const { program } = parsed;
  // The first pass meets maps before it knows them; each later one may be the last
  for (;;) {
    state.pass++;
    state.final = state.pass > 1;
    state.changed = false;
    state.expansions = 0;
    state.report = new Report();
    runPass(state, parsed);
    if (state.final && (!state.changed || state.pass >= mostPasses)) break;
  }
  checkDeclaredMaps(state, program);
  warnUnused(state);
  checkTraps(state, program);
  const diagnostics = state.report.diagnostics.sort((a, b) => a.start - b.start || a.end - b.end);
  return { diagnostics, maps: state.maps, types: state.typesOf, variables: state.scopesByNode };
}

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
    syntaxErrors: parsed.diagnostics,
    catalog: options.catalog,
    c: new CTypes(parsed.program, options.catalog),
    maps: new Map(),
    scopesByNode: new Map(),
    macros,
    subprograms,
    maxStringBytes: version >= 23 ? 1024 : 64,
    report: new Report(),
    pass: 0,
    changed: false,
    final: false,
    scopes: [],
    probe: undefined,
    subprogram: undefined,
    loops: [],
    frame: undefined,
    expansions: 0,
    unevaluated: 0,
    callName: '',
    callArgument: -1,
    typesOf: new Map(),
    contexts: new Map(),
  };
}

function runPass(state: State, parsed: ParseResult): void {
  const macros = new Map<string, Macro[]>();
  const special = new Set<string>();
  for (const item of parsed.program.items)
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
        checkSubprogram(state, item);
        break;
      case 'probe':
        checkProbe(state, item, special);
        break;
      default:
    }
}

function checkProbe(state: State, probe: Probe, special: Set<string>): void {
  let context = state.contexts.get(probe);
  if (context === undefined || state.final) {
    context = probeContext(state, probe);
    state.contexts.set(probe, context);
  }
  state.probe = context;
  checkTwice(state, probe, special);
  pushScope(state, probe);
  if (probe.predicate !== undefined)
    checkCondition(state, probe.predicate, typeOf(state, probe.predicate), 17);
  checkBlock(state, probe.body, false);
  popScope(state);
  state.probe = undefined;
}

/** Before 0.24 a script has one BEGIN and one END at most. */
function checkTwice(state: State, probe: Probe, special: Set<string>): void {
  if (state.version >= 24) return;
  for (const point of probe.attachPoints) {
    const name = point.provider.text;
    if (name !== 'BEGIN' && name !== 'END') continue;
    if (special.has(name))
      state.report.error(
        point,
        'duplicate-probe',
        `A script has one \`${name}\` probe at most before 0.24.`,
        {
          hint: 'Move its statements into the other one.',
        },
      );
    special.add(name);
  }
}

function warnUnused(state: State): void {
  for (const variables of state.scopesByNode.values())
    for (const variable of variables.values()) {
      if (variable.pass !== state.pass || variable.used) continue;
      state.report.hint(variable.declaredAt, 'unused-variable', `${variable.name} is never read.`, {
        tags: ['unnecessary'],
      });
    }
}
