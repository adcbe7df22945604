/** What variables and maps are set to, and how variables are declared. */
import type { Assignment, VariableDeclaration } from '../syntax/ast.ts';
import { aggregations, type AggregationName } from '../tables/aggregations.ts';
import { typeNodeType } from './casts.ts';
import { checkCall, type CheckedCall } from './calls.ts';
import { typeOf } from './expressions.ts';
import { constantInteger } from './fold.ts';
import { useKeys } from './map-keys.ts';
import { aggregate, assignMap, countMap, mapType, resolveMap } from './maps.ts';
import { combine } from './operators.ts';
import type { State } from './state.ts';
import { int64, isOpen, typeName, type Type } from './types.ts';
import { assignVariable, declare, findVariable, variableType } from './variables.ts';

const aggregationNames: ReadonlySet<string> = new Set(aggregations.map((word) => word.name));

/** What `sizeof`, `offsetof` and `typeof` look at never runs; from 0.25 on they refuse to set a map. */
function refuseUnevaluated(state: State, statement: Assignment): void {
  if (state.unevaluated > 0 && state.version >= 25 && statement.target.kind === 'map')
    state.report.error(
      statement,
      'unevaluated-assignment',
      `${statement.target.name} would never be set: only the type of this is looked at.`,
      { hint: 'Assign outside of `sizeof`, `offsetof` and `typeof`.' },
    );
}

/** `target = value` and `target += value`. */
export function checkAssignment(state: State, statement: Assignment): void {
  const { target, value } = statement;
  if (statement.operator !== '=') {
    checkCompound(state, statement);
    return;
  }
  if (target.kind === 'map') {
    const map = resolveMap(state, target);
    if (map !== undefined && state.version < 24) useKeys(state, map, target);
    const isAggregation =
      value.kind === 'call' &&
      aggregationNames.has(value.callee.text) &&
      !state.macros.has(value.callee.text);
    if (isAggregation)
      assignAggregation(
        state,
        statement,
        target,
        checkCall(state, value, 'map-assignment'),
        value.callee.text as AggregationName,
      );
    else {
      refuseUnevaluated(state, statement);
      const type = typeOf(state, value);
      assignMap(state, target, type, statement, value);
    }
    if (map !== undefined && state.version >= 24) useKeys(state, map, target);
    return;
  }
  const type = typeOf(state, value);
  if (target.kind === 'variable') assignVariable(state, target, type, statement, value);
  else if (target.kind !== 'broken-expression') typeOf(state, target);
}

function assignAggregation(
  state: State,
  statement: Assignment,
  target: Assignment['target'] & { kind: 'map' },
  call: CheckedCall,
  name: AggregationName,
): void {
  if (call.word === undefined) return;
  aggregate(state, target, name, call.arguments[0], statement);
  const map = resolveMap(state, target);
  if (
    map === undefined ||
    statement.value.kind !== 'call' ||
    (name !== 'lhist' && name !== 'hist' && name !== 'tseries')
  )
    return;
  const bounds = statement.value.args
    .slice(1)
    .map((argument) => String(constantInteger(state, argument) ?? '?'))
    .join(', ');
  if (map.bounds === undefined) map.bounds = bounds;
  else if (
    map.bounds.replace(/^$/, '0') !== bounds.replace(/^$/, '0') &&
    !bounds.includes('?') &&
    !map.bounds.includes('?')
  )
    state.report.error(
      statement.value,
      'argument-value',
      `All \`${name}()\` of one map have the same bounds; ${map.name} has (${map.bounds}) elsewhere.`,
    );
}

/** `x += y` is `x = x + y`; a map that was never assigned counts from 0. */
function checkCompound(state: State, statement: Assignment): void {
  const { target, value } = statement;
  const operator = statement.operator.slice(0, -1) as Parameters<typeof combine>[1]['operator'];
  const { start, end } = statement;
  const combined = (left: Type, right: Type): Type =>
    combine(state, { operator, left: target, right: value, start, end }, left, right);
  if (target.kind === 'map') {
    refuseUnevaluated(state, statement);
    const map = resolveMap(state, target);
    const right = typeOf(state, value);
    if (map !== undefined && map.value.kind === 'none' && right.kind === 'integer')
      countMap(state, map, target);
    const left = mapType(state, target);
    const type = combined(left, right);
    assignMap(state, target, isOpen(left) ? int64 : type, statement, undefined);
    return;
  }
  const left = target.kind === 'variable' ? variableType(state, target) : typeOf(state, target);
  const type = combined(left, typeOf(state, value));
  if (target.kind === 'variable' && findVariable(state, target.name) !== undefined)
    assignVariable(state, target, type, statement, undefined);
}

/** `let $x: int32 = 1;` */
export function checkDeclaration(state: State, statement: VariableDeclaration): void {
  const { variable } = statement;
  const valueType = statement.value === undefined ? undefined : typeOf(state, statement.value);
  const declared = statement.type === undefined ? undefined : typeNodeType(state, statement.type);
  const earlier = findVariable(state, variable.name);
  if (state.frame?.variables.has(variable.name) === true) {
    state.report.error(variable, 'shadowing', `${variable.name} is a parameter of the macro already.`);
    return;
  }
  if (earlier !== undefined) {
    const isDeclared = earlier.byLet;
    state.report.error(
      variable,
      isDeclared ? 'shadowing' : 'declaration-order',
      isDeclared
        ? `${variable.name} is declared already; a variable cannot hide another one.`
        : `${variable.name} is used before it is declared here.`,
      {
        related: [
          {
            start: earlier.declaredAt.start,
            end: earlier.declaredAt.end,
            message: isDeclared ? 'It is declared here.' : 'It is first used here.',
          },
        ],
      },
    );
    return;
  }
  if (declared !== undefined && (declared.kind === 'aggregation' || declared.kind === 'void'))
    state.report.error(
      statement.type ?? variable,
      'map-function-only',
      `A variable cannot have the type ${typeName(declared)}.`,
    );
  const isSized =
    declared !== undefined &&
    !isOpen(declared) &&
    !((declared.kind === 'string' || declared.kind === 'buffer') && declared.size === 0);
  declare(state, variable.name, variable, declared ?? { kind: 'none' }, { byLet: true, fixed: isSized });
  if (valueType !== undefined) assignVariable(state, variable, valueType, statement, statement.value);
}
