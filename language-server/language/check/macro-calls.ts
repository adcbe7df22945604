import type { Span } from '../diagnostic.ts';
import type { Expression, Macro } from '../syntax/ast.ts';
import { typeOf } from './expressions.ts';
import { Report } from './report.ts';
import type { MacroFrame, State } from './state.ts';
import { checkBlock } from './statements.ts';
import { unknown, voidType, type Type } from './types.ts';
import { findVariable, popScope, pushScope, declare } from './variables.ts';

/** Macros may call macros, but not without end: 30 that call the next one twice would be expanded 2^30 times. */
const deepestExpansion = 32;
const mostExpansions = 2000;

/** Checks a macro's body with the arguments of one call; its type is that of its last expression. */
export function expandMacro(state: State, name: string, args: readonly Expression[], call: Span): Type {
  const candidates = state.macros.get(name) ?? [];
  if (isOpenInside(state, candidates)) {
    state.report.error(call, 'macro-call', `The macro \`${name}\` calls itself without end.`);
    return unknown;
  }
  const macro = candidates.find((candidate) => matches(candidate, args));
  if (macro === undefined) {
    for (const argument of args)
      if (argument.kind !== 'map' && argument.kind !== 'typeof-type') typeOf(state, argument);
    const [first] = candidates;
    const counts = new Set(candidates.map((candidate) => candidate.parameters.length));
    state.report.error(
      call,
      'macro-call',
      counts.has(args.length)
        ? `The arguments do not fit the parameters of the macro \`${name}\`: \`$x\` takes a variable, \`@x\` a map, a bare word any expression.`
        : `The macro \`${name}\` takes ${[...counts].join(' or ')} arguments; there are ${args.length}.`,
      first === undefined
        ? {}
        : { related: [{ start: first.name.start, end: first.name.end, message: 'It is defined here.' }] },
    );
    return unknown;
  }
  if (depthOf(state) >= deepestExpansion || ++state.expansions > mostExpansions) return unknown;
  for (const argument of args)
    if (argument.kind !== 'map' || argument.keys !== undefined) lookAt(state, argument);
  return expand(state, macro, args, call);
}

/** An argument is put where its parameter stands, so that what is wrong in it matters only where the macro uses it. */
function lookAt(state: State, argument: Expression): void {
  const { report } = state;
  state.report = new Report();
  typeOf(state, argument);
  report.addAll(state.report.diagnostics.filter(({ severity }) => severity !== 'error'));
  state.report = report;
}

function depthOf(state: State): number {
  let depth = 0;
  for (let frame = state.frame; frame !== undefined; frame = frame.caller) depth++;
  return depth;
}

function isOpenInside(state: State, candidates: readonly Macro[]): boolean {
  for (let frame = state.frame; frame !== undefined; frame = frame.caller)
    if (candidates.includes(frame.macro)) return true;
  return false;
}

function matches(macro: Macro, args: readonly Expression[]): boolean {
  if (macro.parameters.length !== args.length) return false;
  return macro.parameters.every((parameter, index) => {
    const argument = args[index];
    if (argument === undefined || argument.kind === 'broken-expression') return true;
    switch (parameter.kind) {
      case 'variable':
        return argument.kind === 'variable';
      case 'map':
        return argument.kind === 'map' && argument.keys === undefined;
      case 'identifier':
        return true;
    }
  });
}

function expand(state: State, macro: Macro, args: readonly Expression[], call: Span): Type {
  const variables = new Map<string, { name: string; frame: MacroFrame | undefined }>();
  const maps = new Map<string, string>();
  const expressions = new Map<string, Expression>();
  for (const [index, parameter] of macro.parameters.entries()) {
    const argument = args[index];
    if (argument === undefined) continue;
    if (parameter.kind === 'variable' && argument.kind === 'variable')
      variables.set(parameter.name, { name: argument.name, frame: state.frame });
    else if (parameter.kind === 'map' && argument.kind === 'map') maps.set(parameter.name, argument.name);
    else if (parameter.kind === 'identifier') expressions.set(parameter.name, argument);
  }
  const [outer, report, scopes] = [state.frame, state.report, state.scopes];
  const frame: MacroFrame = {
    macro,
    call,
    variables,
    maps,
    expressions,
    caller: outer,
    scopeDepth: state.scopes.length,
  };
  // A macro is checked anew for each call, so its own scopes must not remember the last one
  const inner = new Report();
  state.frame = frame;
  state.report = inner;
  state.scopes = [...scopes];
  pushScope(state, macro);
  for (const [index, parameter] of macro.parameters.entries()) {
    const argument = args[index];
    if (parameter.kind === 'variable' && argument !== undefined && argument.kind !== 'variable')
      declare(state, parameter.name, parameter, withFrame(state, outer, argument), { assigned: true });
  }
  const type = checkBlock(state, macro.body, false) ?? voidType;
  popScope(state);
  state.frame = outer;
  state.report = report;
  state.scopes = scopes;
  forward(state, inner, macro, call);
  for (const passed of variables.values()) {
    const variable = findVariable(state, passed.name);
    if (variable !== undefined) variable.used = true;
  }
  return type;
}

function withFrame(state: State, frame: MacroFrame | undefined, expression: Expression): Type {
  const inner = state.frame;
  state.frame = frame;
  const type = typeOf(state, expression);
  state.frame = inner;
  return type;
}

/**
 * What is wrong in the body for these arguments stands there, as bpftrace says it from 0.24 on, and leads to the call; what is wrong
 * in an argument stands in the call.
 */
function forward(state: State, inner: Report, macro: Macro, call: Span): void {
  for (const diagnostic of inner.diagnostics) {
    if (diagnostic.severity !== 'error') continue;
    const isInCall = diagnostic.start >= call.start && diagnostic.end <= call.end;
    const { related = [], code, message, hint } = diagnostic;
    state.report.error(diagnostic, code as 'macro-call', message, {
      ...(hint === undefined ? {} : { hint }),
      related: isInCall
        ? related
        : [
            ...related,
            { start: call.start, end: call.end, message: `\`${macro.name.text}\` is called here.` },
          ],
    });
  }
}
