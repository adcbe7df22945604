import type { Call, Expression } from '../syntax/ast.ts';
import { exists } from '../tables/entry.ts';
import { builtinByName } from '../tables/builtins.ts';
import { registersX86, signalNames, stackModeByName } from '../tables/words.ts';
import { constant, constantInteger, isLiteral, isPositional } from './fold.ts';
import { conversionProblem, conversions } from './format-string.ts';
import { libraryRules } from './library-rules.ts';
import { mapRules } from './map-rules.ts';
import type { State } from './state.ts';
import { isInteger, isMultiValue, isOpen, sizeOf, typeName, unknown, type Type } from './types.ts';
import { wrongType } from './calls.ts';

/** What else a function demands, once number and kinds of its arguments are right. */
export type CallRule = (state: State, call: Call, types: readonly Type[]) => void;

const format: CallRule = (state, call, types) => {
  const text = call.args[0] === undefined ? undefined : constant(state, call.args[0]);
  if (text?.kind !== 'string') return;
  const found = conversions(text.value, state.version);
  const given = types.length - 1;
  const name = call.callee.text;
  if (found.length !== given) {
    state.report.error(
      call,
      'format-arguments',
      `The format has ${count(found.length, 'conversion')} and \`${name}()\` gets ${count(given, 'value')}.`,
      {
        hint:
          given < found.length
            ? 'Add the missing values; a percent sign is written `%%`.'
            : 'Add conversions, or leave out values.',
      },
    );
    return;
  }
  for (const [index, conversion] of found.entries()) {
    const problem = conversionProblem(conversion, types[index + 1] ?? unknown, state.version);
    const argument = call.args[index + 1];
    if (problem !== undefined && argument !== undefined)
      state.report.error(
        argument,
        'format-type',
        problem,
        formatHint(types[index + 1], conversion.specifier, argument),
      );
  }
};

function formatHint(type: Type | undefined, specifier: string, argument: Expression): { hint?: string } {
  if (specifier === 's' && argument.kind === 'positional')
    return { hint: `\`str($${argument.index})\` is its text.` };
  if (specifier === 's' && (type?.kind === 'integer' || type?.kind === 'pointer'))
    return { hint: '`str(…)` reads the string at an address; `%d` and `%x` print numbers.' };
  if (specifier === 's' && type?.kind === 'buffer') return { hint: '`%r` prints buffers.' };
  if (type?.kind === 'string') return { hint: '`%s` prints strings.' };
  if (type?.kind === 'aggregation') return { hint: '`print(@m)` prints aggregations.' };
  return {};
}

const count = (number: number, noun: string): string =>
  number === 0 ? `no ${noun}s` : number === 1 ? `one ${noun}` : `${number} ${noun}s`;

const debug: CallRule = (state, call, types) => {
  format(state, call, types);
  state.report.warning(
    call.callee,
    'deprecated',
    '`debugf()` writes to a pipe that all tools share; it is not for production.',
    { hint: 'Use `printf()`.' },
  );
  if (types.length > 4)
    state.report.error(call, 'format-arguments', '`debugf()` prints at most three values.');
  if (state.version < 24) return;
  const text = call.args[0] === undefined ? undefined : constant(state, call.args[0]);
  if (text?.kind !== 'string') return;
  for (const [index, conversion] of conversions(text.value, state.version).entries()) {
    const type = types[index + 1] ?? unknown;
    const argument = call.args[index + 1];
    if (argument === undefined || isOpen(type)) continue;
    if (!/^[duxps]$/.test(conversion.specifier))
      state.report.error(argument, 'format-type', `\`debugf()\` does not know \`${conversion.text}\`.`);
    else if (
      (conversion.specifier === 's') !== (type.kind === 'string') ||
      (conversion.specifier !== 's' && type.kind !== 'integer')
    )
      state.report.error(
        argument,
        'format-type',
        `\`${conversion.text}\` of \`debugf()\` cannot print ${typeName(type)}.`,
      );
  }
};

const negative = (state: State, call: Call, index: number): void => {
  const argument = call.args[index];
  const value = argument === undefined ? undefined : constantInteger(state, argument);
  if (argument !== undefined && value !== undefined && value < 0n)
    state.report.error(argument, 'argument-value', `A length cannot be negative.`);
};

const str: CallRule = (state, call, types) => {
  const [type] = types;
  const [argument] = call.args;
  if (type === undefined || argument === undefined) return;
  if (
    !isOpen(type) &&
    type.kind !== 'integer' &&
    type.kind !== 'pointer' &&
    !(type.kind === 'string' && state.version >= 24)
  )
    wrongType(state, argument, 'str', 0, type, 'an address');
  if (state.version < 24) checkPositional(state, argument);
  negative(state, call, 1);
  const length = call.args[1] === undefined ? undefined : constantInteger(state, call.args[1]);
  if (length !== undefined && length + 1n > BigInt(state.maxStringBytes) && state.version >= 20)
    state.report.warning(
      call.args[1] ?? call,
      'truncation',
      `At most ${state.maxStringBytes} bytes are read.`,
      { hint: 'Raise `max_strlen` in the `config` block.' },
    );
};

function checkPositional(state: State, argument: Expression): void {
  if (argument.kind === 'parameter-count')
    state.report.error(
      argument,
      'argument-value',
      '`$#` is a number; `str()` of it is refused before 0.24.',
      { hint: 'Use `$#` itself.' },
    );
  if (argument.kind !== 'binary') return;
  const hasCount = argument.left.kind === 'parameter-count' || argument.right.kind === 'parameter-count';
  if (!isPositional(argument) && !hasCount) return;
  const isOffset = (side: Expression): boolean => side.kind === 'integer';
  const fine =
    argument.operator === '+' &&
    ((argument.left.kind === 'positional' && isOffset(argument.right)) ||
      (argument.right.kind === 'positional' && isOffset(argument.left)));
  if (!fine)
    state.report.error(
      argument,
      'argument-value',
      'Before 0.24 `str()` takes a positional parameter alone or with one constant added.',
    );
}

const buf: CallRule = (state, call, types) => {
  const [type] = types;
  const [argument] = call.args;
  if (type === undefined || argument === undefined) return;
  if (!isOpen(type) && !['integer', 'string', 'pointer', 'array'].includes(type.kind))
    wrongType(state, argument, 'buf', 0, type, 'an address, a string or an array');
  else if (types.length === 1 && !isOpen(type) && type.kind !== 'array')
    state.report.error(call, 'argument-count', '`buf()` needs a length, except for arrays.', {
      hint: '`buf(address, length)`',
    });
  negative(state, call, 1);
};

const ntop: CallRule = (state, call, types) => {
  const index = types.length - 1;
  const [type, argument] = [types[index], call.args[index]];
  if (
    types.length === 2 &&
    types[0] !== undefined &&
    !isOpen(types[0]) &&
    !isInteger(types[0]) &&
    call.args[0] !== undefined
  )
    wrongType(state, call.args[0], 'ntop', 0, types[0], 'an address family (an integer)');
  if (type === undefined || argument === undefined || isOpen(type)) return;
  if (!['integer', 'string', 'array'].includes(type.kind)) {
    wrongType(state, argument, 'ntop', index, type, 'an integer or an array');
    return;
  }
  const size = sizeOf(type);
  if (type.kind !== 'integer' && size !== undefined && size !== 4 && size !== 16)
    state.report.error(argument, 'argument-value', `An IP address has 4 or 16 bytes; this has ${size}.`);
};

const pton: CallRule = (state, call) => {
  const [argument] = call.args;
  const value = argument === undefined ? undefined : constant(state, argument);
  if (argument === undefined) return;
  if (value?.kind !== 'string') {
    if (argument.kind !== 'broken-expression' && !isLiteral(state, argument))
      state.report.error(argument, 'literal-required', '`pton()` needs a string literal.');
    else if (value !== undefined)
      state.report.error(argument, 'literal-required', '`pton()` needs a string literal.');
    return;
  }
  if (!isAddress(value.value))
    state.report.error(argument, 'argument-value', `"${value.value}" is no IP address.`);
};

/** As inet_pton(3) reads it: four decimal numbers, or hexadecimal groups with one `::`. */
export function isAddress(text: string): boolean {
  if (text.includes('.') && !text.includes(':'))
    return /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(text);
  if (text.includes('.')) return false;
  if (!text.includes(':')) return false;
  const parts = text.split('::');
  if (parts.length > 2) return false;
  const groups = parts.flatMap((part) => (part === '' ? [] : part.split(':')));
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return parts.length === 2 ? groups.length <= 7 : groups.length === 8;
}

const uaddr: CallRule = (state, call) => {
  const [argument] = call.args;
  const value = argument === undefined ? undefined : constant(state, argument);
  if (argument !== undefined && value?.kind === 'string' && !/^[a-zA-Z0-9./_-]+$/.test(value.value))
    state.report.error(argument, 'argument-value', `"${value.value}" cannot be the name of a symbol.`);
};

const reg: CallRule = (state, call) => {
  const [argument] = call.args;
  const value = argument === undefined ? undefined : constant(state, argument);
  if (
    argument === undefined ||
    value?.kind !== 'string' ||
    (state.catalog?.target.arch ?? 'x86_64') !== 'x86_64'
  )
    return;
  if (value.value === 'pc' && state.version >= 27) return;
  if (!registersX86.has(value.value))
    state.report.error(argument, 'argument-value', `x86_64 has no register "${value.value}".`, {
      hint: `It has ${[...registersX86].join(', ')}.`,
    });
};

const macaddr: CallRule = (state, call, types) => {
  const [type] = types;
  const [argument] = call.args;
  if (type === undefined || argument === undefined || isOpen(type)) return;
  if (!['integer', 'array', 'string', 'pointer', 'buffer'].includes(type.kind)) {
    wrongType(state, argument, 'macaddr', 0, type, 'an address or an array');
    return;
  }
  const size = type.kind === 'array' || type.kind === 'string' ? sizeOf(type) : undefined;
  const isWrong = size !== undefined && (state.version >= 24 ? size < 6 : size !== 6);
  if (isWrong || (type.kind === 'string' && constant(state, argument) !== undefined))
    state.report.error(
      argument,
      'argument-value',
      size === undefined || !isWrong
        ? 'A literal is no MAC address.'
        : `A MAC address has 6 bytes; this has ${size}.`,
    );
};

const bswap: CallRule = (state, call, types) => {
  const [type] = types;
  if (type !== undefined && call.args[0] !== undefined && !isOpen(type) && type.kind !== 'integer')
    wrongType(state, call.args[0], 'bswap', 0, type, 'an integer');
};

const strncmp: CallRule = (state, call) => {
  const value = call.args[2] === undefined ? undefined : constantInteger(state, call.args[2]);
  if (value !== undefined && value < 0n)
    state.report.error(call.args[2] ?? call, 'argument-value', 'The number of bytes cannot be negative.');
};

const strftime: CallRule = (state, call, types) => {
  const type = types[1];
  const argument = call.args[1];
  if (argument === undefined) return;
  if (type?.kind === 'integer' && type.clock === 'monotonic')
    state.report.error(
      argument,
      'argument-value',
      'The monotonic clock cannot be turned into a time of day.',
      { hint: 'Use `nsecs` or `nsecs(boot)`.' },
    );
  const value = constantInteger(state, argument);
  if (state.version >= 27 && value !== undefined && value < 0n)
    state.report.error(argument, 'argument-value', 'A timestamp cannot be negative.');
};

const stack: CallRule = (state, call) => {
  const [first, second] = call.args;
  const name = call.callee.text;
  if (first === undefined) return;
  let limit: Expression | undefined = first;
  if (
    first.kind === 'identifier' &&
    state.frame?.expressions.has(first.name) !== true &&
    !state.c.macros.has(first.name)
  ) {
    const mode = stackModeByName.get(first.name);
    if (mode === undefined || !exists(mode, state.version)) {
      if (state.version >= 24 || mode !== undefined || builtinByName.has(first.name))
        state.report.error(first, 'argument-value', `There is no stack mode \`${first.name}\`.`, {
          hint: `There are ${[...stackModeByName.values()]
            .filter((word) => exists(word, state.version))
            .map((word) => `\`${word.name}\``)
            .join(', ')}.`,
        });
      return;
    }
    if (first.name === 'build_id' && name === 'kstack')
      state.report.error(first, 'argument-value', '`build_id` works for `ustack` only.');
    limit = second;
  } else if (second !== undefined) {
    state.report.error(
      first,
      'argument-type',
      `With two arguments, the first of \`${name}()\` is a stack mode.`,
    );
    return;
  }
  if (limit === undefined) return;
  const value = constantInteger(state, limit);
  if (value === undefined) {
    const known = constant(state, limit);
    const isTruth = limit.kind === 'identifier' && (limit.name === 'true' || limit.name === 'false');
    if (isTruth || !isLiteral(state, limit) || known?.kind === 'string' || known?.kind === 'boolean')
      state.report.error(limit, 'literal-required', 'The limit of frames has to be an integer literal.');
  } else if (value > 1024n || value < 0n)
    state.report.error(limit, 'argument-value', `The limit of frames is at most 1024.`);
};

const signal: CallRule = (state, call, types) => {
  const [argument] = call.args;
  const [type] = types;
  if (argument === undefined || type === undefined) return;
  const value = constant(state, argument);
  if (value?.kind === 'string') {
    const name = value.value.toUpperCase().replace(/^SIG/, '');
    if (!signalNames.has(name) && !/^RTM(IN|AX)([+-]\d+)?$/.test(name))
      state.report.error(argument, 'argument-value', `There is no signal "${value.value}".`);
  } else if (value?.kind === 'integer') {
    if (value.value < 1n || value.value > 64n)
      state.report.error(argument, 'argument-value', 'Signals are numbered 1 … 64.');
  } else if (!isOpen(type) && type.kind !== 'integer')
    wrongType(state, argument, call.callee.text, 0, type, 'an integer or a string literal');
};

const path: CallRule = (state, call, types) => {
  const [type] = types;
  if (
    type !== undefined &&
    call.args[0] !== undefined &&
    !isOpen(type) &&
    type.kind !== 'pointer' &&
    type.kind !== 'struct'
  )
    wrongType(state, call.args[0], 'path', 0, type, 'a `struct path` or a pointer to one');
  negative(state, call, 1);
};

const skboutput: CallRule = (state, call) => {
  const wrong =
    state.version >= 24
      ? state.probe?.types.find((type) => type !== 'fentry' && type !== 'fexit')
      : undefined;
  if (wrong !== undefined)
    state.report.error(call.callee, 'wrong-probe-type', `\`skboutput()\` cannot be used in ${wrong} probes.`);
};

const getopt: CallRule = (state, call) => {
  const fallback = call.args[1];
  if (fallback !== undefined && !isLiteral(state, fallback))
    state.report.error(fallback, 'literal-required', 'The default of `getopt()` has to be a literal.');
  const description = call.args[2];
  if (description !== undefined && constant(state, description)?.kind !== 'string')
    state.report.error(
      description,
      'literal-required',
      'The description of `getopt()` has to be a string literal.',
    );
};

const comparable: CallRule = (state, call, types) => {
  for (const [index, type] of types.entries())
    if (
      !isOpen(type) &&
      type.kind !== 'string' &&
      type.kind !== 'array' &&
      type.kind !== 'pointer' &&
      call.args[index] !== undefined
    )
      wrongType(state, call.args[index], call.callee.text, index, type, 'a string');
};

const number: CallRule = (state, call, types) => {
  const [type] = types;
  if (
    type !== undefined &&
    call.args[0] !== undefined &&
    (isMultiValue(type) || ['string', 'stack', 'tuple'].includes(type.kind))
  )
    wrongType(state, call.args[0], call.callee.text, 0, type, 'an integer');
};

const fail: CallRule = (state, call) => {
  if (state.macros.size > 0 && state.frame !== undefined) return;
  for (const argument of call.args)
    if (!isLiteral(state, argument))
      state.report.error(argument, 'literal-required', 'All arguments of `fail()` have to be literals.');
  state.report.error(call, 'argument-value', '`fail()` refuses the script when the compiler gets here.', {
    hint: 'Put it inside `if comptime (…) { … }`.',
  });
};

export const callRules: Readonly<Record<string, CallRule>> = {
  ...mapRules,
  printf: format,
  errorf: format,
  warnf: format,
  system: format,
  cat: format,
  debugf: debug,
  fail,
  str,
  buf,
  ntop,
  pton,
  reg,
  uaddr,
  macaddr,
  bswap,
  strncmp,
  strftime,
  kstack: stack,
  ustack: stack,
  dw_ustack: stack,
  signal,
  signal_thread: signal,
  path,
  skboutput,
  getopt,
  strstr: comparable,
  strlen: comparable,
  strcap: comparable,
  str_concat: comparable,
  assert_str: comparable,
  ...libraryRules,
  signal_name: number,
  syscall_name: number,
};
