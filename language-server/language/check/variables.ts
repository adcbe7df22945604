import type { Span } from '../diagnostic.ts';
import type { Expression, Variable } from '../syntax/ast.ts';
import { compatible, promote, signedFor } from './compatible.ts';
import { constantInteger } from './fold.ts';
import { nearest, replace } from './report.ts';
import type { MacroFrame, Scope, State, VariableState } from './state.ts';
import {
  equal,
  int64,
  isCastable,
  isOpen,
  none,
  sizeOf,
  string,
  typeName,
  unknown,
  type IntegerType,
  type Type,
} from './types.ts';

/** Opens a scope; variables of earlier passes keep their types but have to be declared again. */
export function pushScope(state: State, node: Scope['node']): void {
  // A macro's body is checked anew for each call: nothing is kept of the last one
  let variables = state.frame === undefined ? state.scopesByNode.get(node) : undefined;
  if (variables === undefined) state.scopesByNode.set(node, (variables = new Map<string, VariableState>()));
  else for (const variable of variables.values()) variable.pass = 0;
  if (state.frame === undefined) state.opened.set(node, variables);
  state.scopes.push({ node, variables });
}

export function popScope(state: State): void {
  state.scopes.pop();
}

/**
 * The variable that a name means here. In a macro's body it is the caller's when it was passed, else the macro's own.
 */
export function findVariable(state: State, name: string): VariableState | undefined {
  return lookUp(state, name, state.frame, state.scopes.length);
}

function lookUp(
  state: State,
  name: string,
  frame: MacroFrame | undefined,
  top: number,
): VariableState | undefined {
  const passed = frame?.variables.get(name);
  if (frame !== undefined && passed !== undefined)
    return lookUp(state, passed.name, passed.frame, frame.scopeDepth);
  for (let index = frame?.scopeDepth ?? 0; index < top; index++) {
    const variable = state.scopes[index]?.variables.get(name);
    if (variable?.pass === state.pass) return variable;
  }
  return undefined;
}

/** The scope that an assignment declares in: the probe's up to 0.21, the innermost block's from 0.22. */
function declaringScope(state: State): Scope | undefined {
  if (state.version >= 22) return state.scopes.at(-1);
  return state.scopes[state.frame?.scopeDepth ?? 0];
}

export function declare(
  state: State,
  name: string,
  span: Span,
  type: Type,
  more: Partial<VariableState> = {},
): VariableState {
  const scope = declaringScope(state);
  const earlier = scope?.variables.get(name);
  const variable: VariableState =
    earlier === undefined
      ? {
          name,
          type,
          pass: state.pass,
          declaredAt: span,
          byLet: false,
          fixed: false,
          assigned: false,
          used: false,
        }
      : earlier;
  if (earlier === undefined) {
    state.grew = true;
    state.changed ||= !isOpen(type) && state.frame === undefined;
  } else {
    variable.pass = state.pass;
    variable.used = false;
    variable.assigned = false;
    variable.declaredAt = span;
    // What earlier passes found out stays, so that wider types reach earlier uses
    if (isOpen(earlier.type)) setType(state, variable, type);
    else if (state.version < 25 && !isOpen(type)) setType(state, variable, widen(earlier.type, type));
  }
  Object.assign(variable, more);
  scope?.variables.set(name, variable);
  return variable;
}

const widen = (earlier: Type, type: Type): Type =>
  earlier.kind === 'string' && type.kind === 'string' && earlier.size > type.size ? earlier : type;

function setType(state: State, variable: VariableState, type: Type): void {
  if (equal(variable.type, type)) return;
  variable.type = type;
  state.changed ||= state.frame === undefined;
}

/** Reads a variable. */
export function variableType(state: State, variable: Variable): Type {
  const found = findVariable(state, variable.name);
  if (found === undefined) {
    if (isDeclaredLater(state, variable.name)) {
      state.report.error(variable, 'undefined-variable', `${variable.name} is used before it is assigned.`, {
        hint: `Assign ${variable.name} before this line.`,
      });
      return unknown;
    }
    undefinedVariable(state, variable);
    return unknown;
  }
  found.used = true;
  const isUntyped = found.type.kind === 'none' && state.final && found.byLet && !found.fixed;
  if (!found.assigned && state.unevaluated === 0 && found.byLet && !isUntyped)
    state.report.warning(variable, 'unassigned', `${variable.name} has not been assigned yet.`, {
      hint: `Assign it where it is declared: \`let ${variable.name} = …\`.`,
    });
  if (isUntyped)
    state.report.error(
      variable,
      'unassigned',
      `The type of ${variable.name} cannot be known: it is never assigned.`,
    );
  return found.type;
}

function isDeclaredLater(state: State, name: string): boolean {
  return state.scopes.some((scope) => state.version < 22 && scope.variables.get(name)?.pass === 0);
}

function undefinedVariable(state: State, variable: Variable): void {
  const elsewhere = new Set<string>();
  for (const scope of state.scopes)
    for (const [name, known] of scope.variables) if (known.pass === state.pass) elsewhere.add(name);
  const similar = nearest(variable.name, elsewhere);
  const inBlock = state.version >= 22 && inClosedBlock(state, variable.name);
  const hint = inBlock
    ? `It was assigned inside a block that has ended; from 0.22 on such a variable ends with its block. Declare it before: \`let ${variable.name};\`.`
    : similar !== undefined
      ? `Did you mean ${similar}?`
      : 'Assign it before.';
  const fixes =
    similar !== undefined && !inBlock ? [replace(variable, similar, `Change to \`${similar}\``)] : [];
  state.report.error(variable, 'undefined-variable', `${variable.name} is not defined here.`, {
    hint,
    fixes,
  });
}

function inClosedBlock(state: State, name: string): boolean {
  for (const [node, variables] of state.opened)
    if (variables.get(name)?.pass === state.pass && !state.scopes.some((scope) => scope.node === node))
      return true;
  return false;
}

/** Whether storing the one in the other cannot change anything: literals' signs, also in tuples, may follow a partner's. */
const isPlainly = (stored: Type, type: Type): boolean =>
  equal(stored, type) &&
  stored.kind !== 'tuple' &&
  stored.kind !== 'record' &&
  (stored.kind !== 'integer' || stored.flexible !== true);

/** Stores a value in a variable, declaring it on first sight. */
export function assignVariable(
  state: State,
  variable: Variable,
  type: Type,
  span: Span,
  value: Expression | undefined,
): void {
  const assigned = storable(state, variable, type, span);
  if (assigned === undefined) {
    if (findVariable(state, variable.name) === undefined)
      declare(state, variable.name, variable, unknown, { assigned: true });
    return;
  }
  const found = findVariable(state, variable.name);
  if (found === undefined) {
    const isOwn = state.frame?.variables.has(variable.name) !== true;
    if (isOwn) {
      const declared = declare(state, variable.name, variable, assigned, { assigned: true });
      if (isOpen(assigned) || isPlainly(declared.type, assigned)) return;
      state.asksSettled = true;
      if (!state.settled) return;
      // What was of no type is one now, and may not be what later assignments made of the variable
      const refusal = mismatch(state, declared, assigned, value);
      if (refusal !== undefined) state.report.error(span, 'type-mismatch', refusal);
    } else undefinedVariable(state, variable);
    return;
  }
  found.assigned = true;
  if (isOpen(found.type)) {
    if (!found.fixed) setType(state, found, assigned);
    return;
  }
  if (isOpen(assigned)) return;
  const refusal = mismatch(state, found, assigned, value);
  if (refusal === undefined) return;
  const here = { start: span.start, end: span.end };
  const first = { start: found.declaredAt.start, end: found.declaredAt.end };
  const hint = conversionHint(found, assigned);
  // 0.25 lets integers have their way, and complains of the truth value that came first
  if (state.version === 25 && found.type.kind === 'boolean' && assigned.kind === 'integer')
    state.report.error(first, 'type-mismatch', refusal, {
      hint,
      related: [{ ...here, message: `${found.name} is ${typeName(assigned)} here.` }],
    });
  else
    state.report.error(here, 'type-mismatch', refusal, {
      hint,
      related: [{ ...first, message: `${found.name} got its type here.` }],
    });
}

function conversionHint(found: VariableState, assigned: Type): string {
  if (found.type.kind === 'integer' && assigned.kind === 'integer')
    return `Cast the value: \`(${typeName(found.type)})…\`, or give ${found.name} the wider type first.`;
  return `Use another variable for a value of another type.`;
}

/** The type that is stored; undefined (and reported) when nothing can be. */
function storable(state: State, variable: Variable, type: Type, span: Span): Type | undefined {
  if (type.kind === 'void') {
    state.report.error(span, 'no-value', `There is no value here to assign to ${variable.name}.`);
    return undefined;
  }
  if (type.kind === 'aggregation' && state.version >= 22) {
    if (isCastable(type)) return int64;
    state.report.error(
      span,
      'map-function-only',
      `${typeName(type)} is more than one number and cannot be assigned to ${variable.name}.`,
      {
        hint: 'Print the whole map instead.',
      },
    );
    return undefined;
  }
  if (type.kind === 'struct' && type.args === 'function' && state.version <= 18) {
    state.report.error(span, 'context-stored', '`args` cannot be assigned to a variable before 0.19.', {
      hint: 'Read its fields: `args->name`.',
    });
    return undefined;
  }
  return type;
}

/** Why the value does not fit the variable, or undefined; widens the variable where the release does. */
function mismatch(
  state: State,
  found: VariableState,
  type: Type,
  value: Expression | undefined,
): string | undefined {
  const { version } = state;
  const stored = found.type;
  const refusal = `${found.name} holds ${typeName(stored)}; ${typeName(type)} does not fit.`;
  if (stored.kind === 'integer' && type.kind === 'integer')
    return integerMismatch(state, found, stored, type, value, refusal);
  if (version < 22) {
    if (!sameSort(stored, type)) return refusal;
    if (stored.kind === 'tuple' && type.kind === 'tuple')
      return tupleFits(type, growStrings(stored, type)) ? grow(state, found, type) : refusal;
  } else if (!compatible(stored, type, version)) return refusal;
  if (found.fixed) {
    const promoted = promote(stored, type, version);
    if (stored.kind === 'string' && stored.size === 0) return undefined;
    const isLonger = stored.kind === 'string' && type.kind === 'string' && type.size > stored.size;
    if (version < 24) return isLonger ? refusal : undefined;
    return promoted === undefined || !equal(promoted, stored) ? refusal : undefined;
  }
  if (version >= 25) {
    const promoted = promote(stored, type, version);
    if (promoted === undefined) return refusal;
    setType(state, found, promoted);
    return undefined;
  }
  if (
    stored.kind === 'tuple' &&
    type.kind === 'tuple' &&
    version >= 22 &&
    !tupleFits(type, growStrings(stored, type))
  )
    return refusal;
  return grow(state, found, type);
}

function grow(state: State, found: VariableState, type: Type): undefined {
  setType(state, found, growStrings(found.type, type));
  return undefined;
}

/** Strings take the longer size, also inside tuples. */
export function growStrings(stored: Type, type: Type): Type {
  if (stored.kind === 'string' && type.kind === 'string')
    return stored.size >= type.size ? stored : string(type.size);
  if (stored.kind === 'tuple' && type.kind === 'tuple' && stored.elements.length === type.elements.length)
    return {
      kind: 'tuple',
      elements: stored.elements.map((element, index) => growStrings(element, type.elements[index] ?? none)),
    };
  return stored;
}

/** Same sort of type as 0.17 … 0.21 ask: sizes and signs of integers do not matter, structs have the same name. */
export function sameSort(a: Type, b: Type): boolean {
  if (isOpen(a) || isOpen(b)) return true;
  if (a.kind !== b.kind) return false;
  if (a.kind === 'struct') return a.name === (b as typeof a).name;
  if (a.kind === 'pointer') return sameSort(a.to, (b as typeof a).to);
  if (a.kind === 'stack') return a.user === (b as typeof a).user;
  if (a.kind === 'opaque') return a.name === (b as typeof a).name;
  if (a.kind === 'aggregation') return a.name === (b as typeof a).name;
  return true;
}

/** Whether a tuple can be stored where another one is: elements of the same sign and no larger. */
export function tupleFits(type: Type, stored: Type): boolean {
  if (isOpen(type) || isOpen(stored)) return true;
  if (type.kind !== stored.kind) return false;
  switch (type.kind) {
    case 'integer': {
      const other = stored as IntegerType;
      if (type.signed === other.signed) return type.bits <= other.bits;
      return !type.signed && type.bits < other.bits;
    }
    case 'string':
    case 'buffer':
      return type.size <= (stored as typeof type).size;
    case 'tuple': {
      const others = (stored as typeof type).elements;
      return (
        type.elements.length === others.length &&
        type.elements.every((element, index) => tupleFits(element, others[index] ?? none))
      );
    }
    default:
      return sameSort(type, stored);
  }
}

function integerMismatch(
  state: State,
  found: VariableState,
  stored: IntegerType,
  type: IntegerType,
  value: Expression | undefined,
  refusal: string,
): string | undefined {
  const { version } = state;
  if (version < 22) return undefined;
  const literal = value === undefined ? undefined : constantInteger(state, value);
  if (version >= 25) {
    const promoted = promote(stored, type, version, literal);
    if (promoted === undefined) return refusal;
    // From 0.26 on a declared type is kept by a cast, which only literals can be out of the range of
    const isCast = version >= 26 && literal === undefined;
    if (found.fixed && !isCast && !fitsFixed(promoted, stored, literal)) return refusal;
    if (!found.fixed) setType(state, found, promoted);
    return undefined;
  }
  if (literal !== undefined) {
    if (stored.signed) {
      const needed = signedFor(literal);
      if (needed === undefined || needed.bits > stored.bits)
        return `${literal} does not fit ${found.name}, which holds ${typeName(stored)}.`;
      return undefined;
    }
    if (literal < 0n) return refusal;
    return literal < 1n << BigInt(stored.bits)
      ? undefined
      : `${literal} does not fit ${found.name}, which holds ${typeName(stored)}.`;
  }
  if (stored.signed !== type.signed) return refusal;
  return (sizeOf(type) ?? 0) > (sizeOf(stored) ?? 0) ? refusal : undefined;
}

function fitsFixed(promoted: Type, stored: IntegerType, literal: bigint | undefined): boolean {
  if (promoted.kind !== 'integer') return false;
  if (promoted.bits === stored.bits && promoted.signed === stored.signed) return true;
  return literal !== undefined && literal >= 0n && !stored.signed && literal < 1n << BigInt(stored.bits);
}
