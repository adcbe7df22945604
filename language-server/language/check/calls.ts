import type { Fix, Span } from '../diagnostic.ts';
import type { Call, Expression } from '../syntax/ast.ts';
import { builtinByName } from '../tables/builtins.ts';
import { exists } from '../tables/entry.ts';
import { functionByName, functions } from '../tables/functions.ts';
import type { ArgumentKind, FunctionWord, Signature } from '../tables/signature.ts';
import { clockByName, keywordByName } from '../tables/words.ts';
import type { ProbeTypeName } from '../tables/probes.ts';
import { returnTypeOf } from './call-results.ts';
import { callRules } from './call-rules.ts';
import { typeOf } from './expressions.ts';
import { constant, isLiteral } from './fold.ts';
import { expandMacro } from './macro-calls.ts';
import { builtinType, notNow, warnDeprecated } from './names.ts';
import { nearest, replace } from './report.ts';
import { unevaluated } from './sizeof.ts';
import type { State } from './state.ts';
import { typeTakers } from './type-arguments.ts';
import { isOpen, opaque, typeName, unknown, type Type } from './types.ts';

/** Where a call stands; aggregations only work when assigned to a map, and some calls give no value. */
export type CallPlace = 'statement' | 'map-assignment' | 'value';

/** A call inside an expression. */
export function callType(state: State, call: Call): Type {
  return checkCall(state, call, 'value').type;
}

export interface CheckedCall {
  readonly type: Type;
  /** Types of the arguments, by position. */
  readonly arguments: readonly Type[];
  /** The function, when one of this name exists. */
  readonly word?: FunctionWord;
}

export function checkCall(state: State, call: Call, place: CallPlace): CheckedCall {
  const name = call.callee.text;
  if (state.macros.has(name) && state.version >= 24) {
    if (name === 'exit') checkExit(state, call);
    return { type: expandMacro(state, name, call.args, call), arguments: [] };
  }
  const word = functionByName.get(name);
  if (word === undefined || !exists(word, state.version)) return unknownCall(state, call, word);
  warnDeprecated(state, call.callee, `\`${name}()\``, word);
  if (word.unsafe === true && !state.unsafe)
    state.report.error(
      call.callee,
      'unsafe-function',
      `\`${name}()\` changes the system and is refused without \`--unsafe\`.`,
      {
        hint: 'Run bpftrace with `--unsafe` if that is what you want.',
      },
    );
  checkProbes(state, call, word);
  if (word.returns === 'aggregation' && place !== 'map-assignment') {
    for (const argument of call.args) typeOf(state, argument);
    state.report.error(call, 'map-function-only', `\`${name}()\` has to be assigned directly to a map.`, {
      hint: `Write \`@ = ${name}(…);\`.`,
    });
    return { type: unknown, arguments: [], word };
  }
  const signature = signatureFor(word, state.version);
  const types = call.args.map((argument, index) => argumentType(state, word, argument, index, signature));
  if (signature === undefined || !checkCount(state, call, signature))
    return { type: returnTypeOf(state, call, word, types), arguments: types, word };
  for (const [index, type] of types.entries()) {
    const argument = call.args[index];
    if (argument !== undefined) checkKind(state, call, index, argument, type, kindAt(signature, index));
  }
  callRules[name]?.(state, call, types);
  if (name === 'exit') checkExit(state, call);
  return { type: returnTypeOf(state, call, word, types), arguments: types, word };
}

/** From 0.25 on `exit()` is followed by a `return` that nobody wrote, whoever defines it. */
function checkExit(state: State, call: Call): void {
  if (state.version >= 25 && state.loops.includes('for'))
    state.report.error(call, 'loop-only', '`exit()` cannot be called inside `for`.', {
      hint: 'Note in a variable that it is time, `break`, and call it behind the loop.',
    });
}

function unknownCall(state: State, call: Call, word: FunctionWord | undefined): CheckedCall {
  const name = call.callee.text;
  for (const argument of call.args) typeOf(state, argument);
  if (word !== undefined) {
    notNow(state, call.callee, `\`${name}()\``, word);
    return { type: unknown, arguments: [] };
  }
  const builtin = builtinByName.get(name);
  if (builtin?.callable !== undefined && exists(builtin, state.version)) {
    if (state.version < builtin.callable) {
      notNow(state, call, `\`${name}()\``, { since: builtin.callable });
      return { type: unknown, arguments: [] };
    }
    const most = name === 'comm' && state.version >= 25 ? 1 : 0;
    if (call.args.length > most)
      state.report.error(
        call,
        'argument-count',
        `\`${name}()\` takes ${most === 0 ? 'no arguments' : 'at most one argument'}.`,
      );
    if (name === 'comm') checkCommOf(state, call);
    return { type: builtinType(state, builtin, call), arguments: [] };
  }
  // Functions of imported libraries and the library's own inner ones
  if (name.startsWith('__') && state.version >= 24) return { type: unknown, arguments: [] };
  if (state.hasImports && state.version >= 24) return { type: unknown, arguments: [] };
  reportUnknown(state, call);
  return { type: unknown, arguments: [] };
}

/** `comm(PID)` asks the kernel for another task, which it answers to some programs only. */
function checkCommOf(state: State, call: Call): void {
  const [argument] = call.args;
  if (argument === undefined) return;
  const type = typeOf(state, argument);
  if (!isOpen(type) && type.kind !== 'integer') wrongType(state, argument, 'comm', 0, type, 'an integer');
  const refused = state.probe?.types.find((one) => withoutTasks.has(one));
  if (refused !== undefined)
    state.report.error(call, 'wrong-probe-type', `\`comm(PID)\` cannot be used in ${refused} probes.`, {
      hint: '`comm` is the name of the current thread.',
    });
}

const withoutTasks: ReadonlySet<ProbeTypeName> = new Set([
  'begin',
  'end',
  'self',
  'kprobe',
  'kretprobe',
  'uprobe',
  'uretprobe',
  'usdt',
]);

function reportUnknown(state: State, call: Call): void {
  const name = call.callee.text;
  const known = functions.filter((word) => exists(word, state.version)).map((word) => word.name);
  const similar = nearest(name, [...known, ...state.macros.keys()]);
  const isBuiltin = builtinByName.has(name) || keywordByName.has(name);
  const isSubprogram = state.subprograms.has(name);
  const hint = isSubprogram
    ? 'bpftrace reads functions defined by `fn` but cannot call them yet; use a macro.'
    : isBuiltin
      ? `\`${name}\` is a value: leave out the parentheses.`
      : similar === undefined
        ? undefined
        : `Did you mean \`${similar}()\`?`;
  const fixes =
    isBuiltin && call.args.length === 0
      ? [replace(call, name, 'Remove the parentheses')]
      : similar === undefined || isSubprogram
        ? []
        : [replace(call.callee, similar, `Change to \`${similar}\``)];
  state.report.error(call.callee, 'unknown-function', `There is no function \`${name}()\`.`, {
    fixes,
    ...(hint === undefined ? {} : { hint }),
  });
}

function checkProbes(state: State, call: Call, word: FunctionWord): void {
  if (word.probes === undefined || state.probe === undefined) return;
  if (word.name === 'skboutput') return;
  const wrong = state.probe.types.filter((type) => !isAllowed(state, word, type));
  for (const type of new Set(wrong))
    state.report.error(
      call.callee,
      'wrong-probe-type',
      `\`${word.name}()\` cannot be used in ${type} probes.`,
      {
        hint: `It can in ${word.probes.map((name) => `\`${name}\``).join(', ')}.`,
      },
    );
}

function isAllowed(state: State, word: FunctionWord, type: ProbeTypeName): boolean {
  if (word.name === 'reg' && (type === 'begin' || type === 'end')) return false;
  return word.probes?.includes(type) === true || (state.version < 17 && type === 'self');
}

export function signatureFor(word: FunctionWord, version: number): Signature | undefined {
  return word.signatures.find((signature) => exists(signature, version));
}

function argumentType(
  state: State,
  word: FunctionWord,
  argument: Expression,
  index: number,
  signature: Signature | undefined,
): Type {
  const [name, position] = [state.callName, state.callArgument];
  state.callName = word.name;
  state.callArgument = index;
  const type = evaluateArgument(state, word, argument, index, kindAt(signature, index));
  state.callName = name;
  state.callArgument = position;
  return type;
}

const rawMapFunctions: ReadonlySet<string> = new Set([
  'print',
  'clear',
  'zero',
  'len',
  'delete',
  'has_key',
  'find',
  'is_scalar',
]);

function evaluateArgument(
  state: State,
  word: FunctionWord,
  argument: Expression,
  index: number,
  kind: ArgumentKind,
): Type {
  // Bare maps, stack modes and clocks are no values; the function's own rule looks at them
  if (
    index === 0 &&
    argument.kind === 'map' &&
    rawMapFunctions.has(word.name) &&
    (argument.keys === undefined || word.name !== 'print')
  )
    return unknown;
  if (argument.kind === 'identifier') {
    if (kind === 'clock') {
      if (clockByName.has(argument.name))
        return { kind: 'integer', bits: 64, signed: false, clock: argument.name };
      state.report.error(argument, 'argument-value', `There is no clock \`${argument.name}\`.`, {
        hint: `There are ${[...clockByName.keys()].map((clock) => `\`${clock}\``).join(', ')}.`,
      });
      return unknown;
    }
    if (kind === 'namespace') {
      if (argument.name !== 'curr_ns' && argument.name !== 'init')
        state.report.error(
          argument,
          'argument-value',
          `There is no namespace \`${argument.name}\`; there are \`curr_ns\` and \`init\`.`,
        );
      return unknown;
    }
    if (
      word.name.endsWith('stack') &&
      index === 0 &&
      state.version >= 24 &&
      state.frame?.expressions.has(argument.name) !== true
    )
      return opaque('stack_mode');
    if (word.name === 'container_of') return unknown;
  }
  return typeTakers.has(word.name) ? unevaluated(state, argument) : typeOf(state, argument);
}

function kindAt(signature: Signature | undefined, index: number): ArgumentKind {
  return signature?.arguments[index] ?? signature?.arguments.at(-1) ?? 'any';
}

/** Whether the number of arguments is right; reports when it is not. */
function checkCount(state: State, call: Call, signature: Signature): boolean {
  const count = call.args.length;
  if (count >= signature.min && count <= signature.max) return true;
  const wanted =
    signature.min === signature.max
      ? plural(signature.min)
      : count < signature.min
        ? `at least ${plural(signature.min)}`
        : `at most ${plural(signature.max)}`;
  state.report.error(
    call,
    'argument-count',
    `\`${call.callee.text}()\` takes ${wanted}; ${count === 0 ? 'there are none' : count === 1 ? 'there is one' : `there are ${count}`}.`,
    {
      hint: `\`${signature.label}\``,
      fixes: deleteFixes(state, call),
    },
  );
  return false;
}

/** `delete(@m, KEY)`, which is known since 0.22, as older releases write it. */
export function deleteFixes(state: State, call: Call): Fix[] {
  const [map, key] = call.args;
  if (call.callee.text !== 'delete' || state.version >= 22 || call.args.length !== 2) return [];
  if (map?.kind !== 'map' || map.keys !== undefined || key === undefined || key.kind === 'map') return [];
  const text =
    key.kind === 'tuple'
      ? key.elements.map((part) => state.source.slice(part.start, part.end)).join(', ')
      : state.source.slice(key.start, key.end);
  const written = `delete(${map.name}[${text}])`;
  return [replace(call, written, `Write \`${written}\``)];
}

const plural = (count: number): string =>
  count === 0 ? 'no arguments' : count === 1 ? 'one argument' : `${count} arguments`;

function checkKind(
  state: State,
  call: Call,
  index: number,
  argument: Expression,
  type: Type,
  kind: ArgumentKind,
): void {
  const span: Span = argument.kind === 'broken-expression' ? call : argument;
  const name = call.callee.text;
  switch (kind) {
    case 'integer':
    case 'integer-literal':
      if (
        kind === 'integer-literal' &&
        (!isLiteral(state, argument) || constant(state, argument)?.kind === 'string')
      ) {
        if (isOpen(type) && argument.kind === 'broken-expression') return;
        state.report.error(
          span,
          'literal-required',
          `Argument ${index + 1} of \`${name}()\` has to be an integer literal.`,
          { hint: 'bpftrace needs it when it compiles.' },
        );
        return;
      }
      if (isOpen(type) || type.kind === 'integer' || (type.kind === 'boolean' && state.version < 24)) return;
      wrongType(state, span, name, index, type, 'an integer');
      return;
    case 'string':
      if (!isOpen(type) && type.kind !== 'string') wrongType(state, span, name, index, type, 'a string');
      return;
    case 'string-literal':
      checkStringLiteral(state, argument, type, name, index);
      return;
    case 'integer-or-pointer':
      if (!isOpen(type) && type.kind !== 'integer' && type.kind !== 'pointer')
        wrongType(state, span, name, index, type, 'an integer or a pointer');
      return;
    case 'pointer':
      if (!isOpen(type) && type.kind !== 'pointer') wrongType(state, span, name, index, type, 'a pointer');
      return;
    case 'clock':
      if (argument.kind !== 'identifier' && !isOpen(type))
        wrongType(state, span, name, index, type, 'the name of a clock');
      return;
    case 'namespace':
      if (argument.kind !== 'identifier') wrongType(state, span, name, index, type, '`curr_ns` or `init`');
      return;
    case 'any':
    case 'map':
      return;
  }
}

function checkStringLiteral(
  state: State,
  argument: Expression,
  type: Type,
  name: string,
  index: number,
): void {
  const value = constant(state, argument);
  if (value?.kind === 'string' || argument.kind === 'broken-expression') return;
  if (
    value === undefined &&
    isLiteral(state, argument) &&
    argument.kind !== 'positional' &&
    type.kind !== 'integer'
  )
    return;
  state.report.error(
    argument,
    'literal-required',
    `Argument ${index + 1} of \`${name}()\` has to be a string literal.`,
    {
      hint:
        argument.kind === 'positional'
          ? `\`str($${argument.index})\` makes a string of the parameter.`
          : 'bpftrace needs it when it compiles.',
      ...(argument.kind === 'positional'
        ? { fixes: [replace(argument, `str($${argument.index})`, `Write \`str($${argument.index})\``)] }
        : {}),
    },
  );
}

export function wrongType(
  state: State,
  span: Span,
  name: string,
  index: number,
  type: Type,
  wanted: string,
): void {
  state.report.error(
    span,
    'argument-type',
    type.kind === 'void'
      ? `There is no value here for \`${name}()\`.`
      : `Argument ${index + 1} of \`${name}()\` has to be ${wanted}; this is ${typeName(type)}.`,
  );
}
