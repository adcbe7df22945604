import type { Expression, Name, NamedType, TypeNode, TypeofType } from '../syntax/ast.ts';
import { typeNodeType } from './casts.ts';
import type { MacroFrame, State } from './state.ts';
import { none, type Type } from './types.ts';

/** From 0.27 on (change 5234) a macro's parameter may stand for a type: `macro m(T) { (T)1 }`, `m(typeof($x))`. */
const since = 27;

interface Passed {
  readonly expression: Expression;
  /** The macro in whose body the expression stands; undefined for a probe's. */
  readonly frame: MacroFrame | undefined;
}

/** What a bare word stands for in the macro around, through macros that hand a parameter on. */
function passedAs(state: State, name: string): Passed | undefined {
  const expression = state.frame?.expressions.get(name);
  if (expression === undefined) return undefined;
  let passed: Passed = { expression, frame: state.frame?.caller };
  for (;;) {
    const { expression: word, frame } = passed;
    const outer = word.kind === 'identifier' ? frame?.expressions.get(word.name) : undefined;
    if (outer === undefined) return passed;
    passed = { expression: outer, frame: frame?.caller };
  }
}

function within<T>(state: State, frame: MacroFrame | undefined, look: () => T): T {
  const inner = state.frame;
  state.frame = frame;
  const result = look();
  state.frame = inner;
  return result;
}

/** The type that `typeof(…)` handed over for a bare word; undefined where the word stands for something else. */
export function passedType(state: State, name: string): Type | undefined {
  if (state.version < since) return undefined;
  const passed = passedAs(state, name);
  if (passed?.expression.kind !== 'typeof-type') return undefined;
  const { expression, frame } = passed;
  return within(state, frame, () => typeNodeType(state, expression));
}

/**
 * The type that a written name stands for in a macro: another name, or what `typeof(…)` handed over. Undefined when the
 * name is no parameter; `none`, and a report unless `quiet`, when what was passed is no type.
 */
export function substitutedType(state: State, node: NamedType, mode: 'report' | 'quiet'): Type | undefined {
  if (state.version < since) return undefined;
  const passed = passedAs(state, node.name.text);
  if (passed === undefined) return undefined;
  const { expression, frame } = passed;
  if (expression.kind === 'typeof-type' && node.keyword === undefined)
    return within(state, frame, () => typeNodeType(state, expression, mode));
  const name =
    expression.kind === 'identifier'
      ? expression.name
      : expression.kind === 'typeof-type'
        ? bareName(expression.argument)
        : undefined;
  if (name !== undefined)
    return within(state, frame, () =>
      typeNodeType(state, { ...node, name: { ...node.name, text: name } }, mode),
    );
  if (mode === 'report')
    state.report.error(
      expression,
      'macro-call',
      `\`${node.name.text}\` stands for a type in the macro, which this is not.`,
      { hint: 'Pass the name of a type, or `typeof(…)`.' },
    );
  return none;
}

function bareName(argument: Expression | TypeNode): string | undefined {
  if (argument.kind === 'identifier') return argument.name;
  return argument.kind === 'named-type' && argument.keyword === undefined ? argument.name.text : undefined;
}

/** The path of `offsetof(T, f)` in a macro: `f` may stand for a field, or for fields joined by dots. */
export function passedPath(state: State, path: readonly Name[]): readonly Name[] {
  const [only] = path;
  if (state.version < since || path.length !== 1 || only === undefined) return path;
  const passed = passedAs(state, only.text);
  return (passed === undefined ? undefined : fieldNames(passed.expression)) ?? path;
}

function fieldNames(expression: Expression): Name[] | undefined {
  if (expression.kind === 'identifier')
    return [{ kind: 'name', start: expression.start, end: expression.end, text: expression.name }];
  if (expression.kind !== 'field') return undefined;
  const before = fieldNames(expression.object);
  return before === undefined ? undefined : [...before, expression.field];
}

/** Functions of the library that look at a type only, and so take one too. */
export const typeTakers: ReadonlySet<string> = new Set([
  'is_str',
  'is_ptr',
  'is_array',
  'is_integer',
  'is_unsigned_integer',
  'is_literal',
  'container_of',
]);

/** The type of an argument `typeof(…)`, which only macros take. */
export function typeArgument(state: State, argument: TypeofType): Type {
  const type = typeNodeType(state, argument);
  if (!typeTakers.has(state.callName))
    state.report.error(argument, 'argument-type', '`typeof(…)` as an argument is a type, not a value.', {
      hint: 'Only macros take types, for parameters that they use as types.',
    });
  return type;
}
