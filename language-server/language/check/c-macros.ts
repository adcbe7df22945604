import type { Expression, Identifier, Node } from '../syntax/ast.ts';
import { parse } from '../syntax/parser.ts';
import { isBuiltinWord } from '../syntax/types.ts';
import { builtinByName } from '../tables/builtins.ts';
import { typeOf } from './expressions.ts';
import { Report } from './report.ts';
import type { State } from './state.ts';
import { unknown, type Type } from './types.ts';

/** What stands for each use of a macro: its body as an expression, at the place of the use. */
const expansions = new WeakMap<
  Identifier,
  { readonly text: string; readonly body: Expression | undefined }
>();

const deepestMacro = 8;
const longestBody = 10_000;
/** Macros that name others twice each double the work. */
export const mostCExpansions = 20_000;

/** Macros whose bodies are looked at, from outside in: `#define A A + 1` has no end. */
const active: string[] = [];

/** The body of the `#define` that a bare word names, as an expression; undefined when it is none. */
export function expansionOf(state: State, word: Identifier): Expression | undefined {
  const own = state.c.macros.get(word.name) ?? '';
  const text = state.version < 24 ? replaced(state, own) : own;
  const known = expansions.get(word);
  if (known?.text === text) return known.body;
  const body = parseBody(text, state.version);
  if (body !== undefined) moveTo(body, word);
  expansions.set(word, { text, body });
  return body;
}

/** Up to 0.23 the lexer replaces macros within macros, as often as there are any. */
function replaced(state: State, text: string): string {
  let result = text;
  for (let round = 0; round < deepestMacro && result.length < longestBody; round++) {
    const before = result;
    result = before.replace(/"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*/g, (word) => state.c.macros.get(word) ?? word);
    if (result === before) break;
  }
  return result;
}

function parseBody(text: string, version: number): Expression | undefined {
  if (text === '') return undefined;
  const { program, diagnostics } = parse(`BEGIN{$x=${text};}`, { version });
  const [probe] = program.items;
  if (program.items.length !== 1 || probe?.kind !== 'probe' || probe.body.statements.length !== 1)
    return undefined;
  const [statement] = probe.body.statements;
  return statement?.kind === 'assignment' && diagnostics.every(({ severity }) => severity !== 'error')
    ? statement.value
    : undefined;
}

/** Gives a tree of its own text the place where the macro is used. */
function moveTo(node: Node, { start, end }: Identifier): void {
  Object.assign(node, { start, end });
  for (const value of Object.values(node) as unknown[])
    for (const item of Array.isArray(value) ? (value as unknown[]) : [value])
      if (typeof item === 'object' && item !== null && 'start' in item)
        moveTo(item as Node, { start, end } as Identifier);
}

/** The type of a macro of the script's `#define`s; reports a body that is no expression, or that means nothing. */
export function cMacroType(state: State, word: Identifier): Type {
  if (++state.cExpansions > mostCExpansions) return unknown;
  const body = expansionOf(state, word);
  const refused = active.includes(word.name)
    ? 'names itself without end.'
    : body === undefined
      ? 'is no expression.'
      : inner(state, body);
  if (refused !== undefined || body === undefined) {
    state.report.error(word, 'c-definition', `The body of the macro \`${word.name}\` ${refused ?? ''}`);
    return unknown;
  }
  const { report } = state;
  state.report = new Report();
  active.push(word.name);
  try {
    return typeOf(state, body);
  } finally {
    active.pop();
    for (const { severity, code, message } of state.report.diagnostics)
      if (severity === 'error')
        report.error(word, code as 'c-definition', `In the macro \`${word.name}\`: ${message}`);
    state.report = report;
  }
}

/** From 0.24 on a body that is one word is not replaced again, be it a macro or one of the library's. */
function inner(state: State, body: Expression): string | undefined {
  if (state.version < 24 || body.kind !== 'identifier') return undefined;
  const { name } = body;
  const isLibrary = state.version >= 26 && builtinByName.has(name) && !isBuiltinWord(name, state.version);
  return state.c.macros.has(name) || isLibrary
    ? `is the name of another one, \`${name}\`, which is not replaced again.`
    : undefined;
}
