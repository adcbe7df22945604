import type { Expression } from '../syntax/ast.ts';
import { isBuiltinWord } from '../syntax/types.ts';
import { builtinByName } from '../tables/builtins.ts';
import { exists } from '../tables/entry.ts';
import { isTypeNode, typeNodeType } from './casts.ts';
import { typeOf } from './expressions.ts';
import { identifierType } from './names.ts';
import { replace } from './report.ts';
import type { State } from './state.ts';
import { passedType } from './type-arguments.ts';
import { integer, uint64, unknown, type Type } from './types.ts';

/** Evaluates what is only looked at for its type. */
export function unevaluated(
  state: State,
  argument: (Expression & { kind: string }) | Parameters<typeof typeNodeType>[1],
): Type {
  state.unevaluated++;
  const type = isTypeNode(argument) ? typeNodeType(state, argument) : typeOf(state, argument);
  state.unevaluated--;
  return type;
}

/** `sizeof` and `offsetof` are literals, as wide as these are in the release. */
const sizeType = (state: State): Type => (state.version >= 25 ? integer(8, state.version >= 26) : uint64);

const isBuiltinHere = (state: State, name: string): boolean => {
  const word = builtinByName.get(name);
  return word !== undefined && exists(word, state.version) && state.frame?.expressions.has(name) !== true;
};

/** From 0.26 on most builtins are macros of the library, which `sizeof` and `offsetof` do not look up. */
export function refuseBareBuiltin(state: State, argument: Expression): boolean {
  if (state.version < 26 || argument.kind !== 'identifier' || !isBuiltinHere(state, argument.name))
    return false;
  // Kernels have structs of these names, which are what is meant
  if (['cpu', 'cgroup', 'probe'].includes(argument.name)) return false;
  if (isBuiltinWord(argument.name, state.version)) return false;
  state.report.error(
    argument,
    'unknown-identifier',
    `\`${argument.name}\` is a macro of the library, which is not looked up here.`,
    {
      hint: `Call it: \`${argument.name}()\`.`,
      fixes: [replace(argument, `${argument.name}()`, `Change to \`${argument.name}()\``)],
    },
  );
  return true;
}

/** `sizeof(…)` of a type or an expression. */
export function sizeofType(state: State, expression: Expression & { kind: 'sizeof' }): Type {
  const { argument } = expression;
  if (
    !isTypeNode(argument) &&
    argument.kind === 'identifier' &&
    state.frame?.expressions.has(argument.name)
  ) {
    if (passedType(state, argument.name) === undefined) unevaluated(state, argument);
    return sizeType(state);
  }
  if (!isTypeNode(argument) && argument.kind === 'identifier' && !state.c.constants.has(argument.name)) {
    if (isBuiltinHere(state, argument.name)) {
      if (refuseBareBuiltin(state, argument)) return unknown;
      identifierType(state, argument);
      return sizeType(state);
    }
    if (state.c.isOwn(`struct ${argument.name}`) && !state.macros.has(argument.name))
      state.report.error(
        argument,
        'unknown-identifier',
        `Nothing is called \`${argument.name}\`; the struct's name is \`struct ${argument.name}\`.`,
        {
          fixes: [replace(argument, `struct ${argument.name}`, `Change to \`struct ${argument.name}\``)],
        },
      );
    const named = typeNodeType(
      state,
      {
        kind: 'named-type',
        start: argument.start,
        end: argument.end,
        name: { kind: 'name', start: argument.start, end: argument.end, text: argument.name },
      },
      'quiet',
    );
    if (named.kind === 'none') identifierType(state, argument);
  } else unevaluated(state, argument);
  return sizeType(state);
}
