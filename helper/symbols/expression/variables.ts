import type { Variable } from '../model.ts';
import { expressionContext } from '../values/frame-base.ts';
import { evaluateLocation } from '../values/location.ts';
import { constant } from '../values/term.ts';
import type { TextRange } from './ast.ts';
import { ExpressionError } from './problem.ts';
import type { Scope } from './scope.ts';
import { integerKind, type Value } from './value.ts';

/** The variable that `name` means at the scope's address. */
export function findVariable(scope: Scope, name: string): Variable | undefined {
  return scope.variables.find((variable) => variable.name === name) ?? scope.global(name);
}

/** Where a variable is at the scope's address. Throws {@link ExpressionError} when it was optimised out there. */
export function variableValue(scope: Scope, variable: Variable, range: TextRange): Value {
  const type = variable.type();
  if (variable.constant !== undefined) {
    const kind = integerKind(type) ?? { bits: 64, signed: true };
    return { kind: 'number', term: constant(BigInt(variable.constant)), type, ...kind };
  }
  const { pc } = scope.address;
  const here = variable.locations().find(({ low, high }) => pc >= low && pc < high);
  if (here === undefined) throw optimisedOut(scope, variable, range);
  const context = expressionContext(scope.address, variable.die);
  const location = evaluateLocation(here.expression, context);
  if (location.kind === 'none') throw optimisedOut(scope, variable, range);
  return { kind: 'place', type, location };
}

/** Says where the variable is still alive: the nearest line at which a location exists. */
export function optimisedOut(scope: Scope, variable: Variable, range: TextRange): ExpressionError {
  const alive = aliveLines(scope, variable);
  return new ExpressionError(
    range,
    `${variable.name} was optimised out here.`,
    alive.length === 0
      ? 'It has no place anywhere in this function; build with -Og or -O0 to see it.'
      : `It is alive at line ${alive.join(', ')}.`,
    'expression-unsupported',
  );
}

/** Lines at which the variable can be read, nearest first, at most three. */
export function aliveLines(
  scope: { readonly address: { readonly pc: number }; readonly lineOf: Scope['lineOf'] },
  variable: Variable,
): number[] {
  const { pc } = scope.address;
  const starts = variable
    .locations()
    .filter(({ low, expression }) => Number.isFinite(low) && expression.length > 0)
    .map(({ low }) => low)
    .sort((a, b) => Math.abs(a - pc) - Math.abs(b - pc));
  const lines = starts.map((low) => scope.lineOf(low)).filter((line) => line !== undefined && line > 0);
  return [...new Set(lines as number[])].slice(0, 3);
}
