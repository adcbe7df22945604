import type { Call, Expression, MapReference } from '../syntax/ast.ts';
import type { CallRule } from './call-rules.ts';
import { deleteFixes } from './calls.ts';
import { typeOf } from './expressions.ts';
import { constant, constantInteger, isLiteral } from './fold.ts';
import { settleShape, useKey, useKeys } from './map-keys.ts';
import { resolveMap, undefinedMap } from './maps.ts';
import { replace } from './report.ts';
import type { MapState, State } from './state.ts';
import { isMultiValue, isOpen, typeName, unknown, type Type } from './types.ts';
import { findVariable } from './variables.ts';

/** A map handed over as a whole; reports a map that nothing is assigned to. */
function rawMap(state: State, reference: MapReference): MapState | undefined {
  const map = resolveMap(state, reference);
  if (map === undefined) return undefined;
  const isMissing =
    state.version >= 25 ? !map.accessed && map.firstAssigned === undefined : map.value.kind === 'none';
  if (state.final && isMissing) undefinedMap(state, map, reference);
  return map;
}

const needsMap = (state: State, argument: Expression, name: string): void =>
  state.report.error(argument, 'argument-type', `\`${name}()\` takes a map.`);

const print: CallRule = (state, call, types) => {
  const [argument] = call.args;
  if (argument === undefined) return;
  if (argument.kind === 'map' && argument.keys === undefined) {
    const map = rawMap(state, argument);
    for (const [index, extra] of call.args.slice(1).entries())
      checkPrintLimit(state, extra, types[index + 1]);
    if (map?.value.kind === 'aggregation' && map.value.name === 'stats' && call.args.length > 1)
      state.report.warning(
        call.args[1] ?? call,
        'argument-value',
        '`top` and `div` are ignored for `stats()`.',
      );
    if (state.loops.length > 0 && state.loops.some((loop) => loop !== 'unroll'))
      state.report.warning(
        call,
        'async-print',
        '`print()` of a map in a loop prints what the map holds later, not now.',
        { hint: 'Print values: `print((…))`.' },
      );
    return;
  }
  if (argument.kind === 'map' && state.version < 21) {
    state.report.error(argument, 'argument-type', 'Before 0.21 `print()` takes a whole map, not an entry.', {
      hint: 'Print the value as a tuple or by `printf()`.',
      fixes: [replace({ start: argument.nameEnd, end: argument.end }, '', 'Print the whole map', false)],
    });
    return;
  }
  const type = types[0] ?? unknown;
  if (isMultiValue(type)) {
    state.report.error(argument, 'not-printable', `One entry of ${typeName(type)} cannot be printed.`, {
      hint: 'Print the whole map.',
    });
    return;
  }
  if (!isPrintable(state, type))
    state.report.error(
      argument,
      'not-printable',
      type.kind === 'void' ? 'There is no value here to print.' : `${typeName(type)} cannot be printed.`,
      type.kind === 'pointer' ? { hint: 'Print the address by `printf("%p", …)`.' } : {},
    );
  else if (call.args.length !== 1)
    state.report.error(
      call,
      'argument-count',
      '`top` and `div` go with whole maps; a value is printed alone.',
    );
};

function isPrintable(state: State, type: Type): boolean {
  switch (type.kind) {
    case 'void':
      return false;
    case 'pointer':
      return type.context !== true && state.version >= 21;
    case 'struct':
      return type.args === undefined || type.args === 'function';
    case 'opaque':
      return type.name !== 'stack_mode';
    default:
      return true;
  }
}

function checkPrintLimit(state: State, argument: Expression, type: Type | undefined): void {
  if (constantInteger(state, argument) !== undefined) return;
  if (isLiteral(state, argument) && constant(state, argument) === undefined) return;
  if (type !== undefined && type.kind === 'unknown') return;
  state.report.error(
    argument,
    'literal-required',
    '`top` and `div` of `print()` have to be integer literals.',
  );
}

const wholeMap: CallRule = (state, call) => {
  const [argument] = call.args;
  if (argument === undefined) return;
  const name = call.callee.text;
  if (argument.kind !== 'map') {
    if (argument.kind !== 'broken-expression') needsMap(state, argument, name);
    return;
  }
  if (argument.keys !== undefined) {
    const key = state.source.slice(argument.nameEnd + 1, argument.end - 1);
    const fixes =
      name === 'clear'
        ? [
            replace(
              call,
              state.version >= 22
                ? `delete(${argument.name}, ${argument.keys.length > 1 ? `(${key})` : key})`
                : `delete(${argument.name}[${key}])`,
              'Delete this entry',
            ),
          ]
        : [];
    state.report.error(argument, 'argument-type', `\`${name}()\` takes a whole map, without a key.`, {
      fixes,
      ...(name === 'clear' ? { hint: '`delete()` removes one entry.' } : {}),
    });
    for (const item of argument.keys) typeOf(state, item);
    return;
  }
  rawMap(state, argument);
};

const remove: CallRule = (state, call, types) => {
  if (state.version < 22) {
    const fixes = deleteFixes(state, call);
    if (fixes.length > 0) {
      state.report.error(call, 'argument-type', 'The key is an argument of its own since 0.22.', { fixes });
      return;
    }
    for (const argument of call.args) deleteEntry(state, argument);
    return;
  }
  const [argument, key] = call.args;
  if (argument === undefined) return;
  if (argument.kind !== 'map') {
    needsMap(state, argument, 'delete');
    return;
  }
  if (key === undefined) {
    deleteEntry(state, argument);
    return;
  }
  if (argument.keys !== undefined) {
    state.report.error(
      argument,
      'argument-type',
      '`delete()` with two arguments takes a whole map and a key.',
      {
        hint: 'Call it once for each entry.',
        fixes: call.args.every((one) => one.kind === 'map' && one.keys !== undefined)
          ? [
              replace(
                call,
                call.args.map((one) => `delete(${state.source.slice(one.start, one.end)})`).join('; '),
                'Delete one entry after the other',
              ),
            ]
          : [],
      },
    );
    return;
  }
  const map = rawMap(state, argument);
  if (map === undefined) return;
  keyArgument(state, map, argument, key, types[1] ?? unknown, 'delete');
};

/** `delete(@m[k])` and `delete(@m)`. */
function deleteEntry(state: State, argument: Expression): void {
  if (argument.kind !== 'map') {
    needsMap(state, argument, 'delete');
    return;
  }
  const map =
    argument.keys === undefined && state.version >= 24
      ? rawMap(state, argument)
      : resolveMap(state, argument);
  if (map === undefined) return;
  useKeys(state, map, argument);
  if (state.final && map.value.kind === 'none' && map.firstAssigned === undefined)
    undefinedMap(state, map, argument);
  if (argument.keys !== undefined && state.version >= 22) suggestDelete(state, argument);
}

function suggestDelete(state: State, argument: MapReference): void {
  const key = state.source.slice(argument.nameEnd + 1, argument.end - 1);
  const written = (argument.keys?.length ?? 0) > 1 ? `(${key})` : key;
  state.report.hint(argument, 'deprecated', 'From 0.22 on the key is an argument of its own.', {
    tags: ['deprecated'],
    fixes: [
      replace(argument, `${argument.name}, ${written}`, `Write \`delete(${argument.name}, ${written})\``),
    ],
  });
}

function keyArgument(
  state: State,
  map: MapState,
  reference: MapReference,
  key: Expression,
  type: Type,
  name: string,
): void {
  if (map.shape === 'scalar') {
    state.report.error(
      reference,
      'scalar-mismatch',
      `${map.name} has no keys, which \`${name}()\` with a key needs.`,
    );
    return;
  }
  settleShape(state, map, 'keyed', reference, true);
  if (state.version >= 25 && map.value.kind === 'none' && map.firstAssigned === undefined && state.final)
    undefinedMap(state, map, reference);
  useKey(state, map, type, key, key);
}

const hasKey: CallRule = (state, call, types) => {
  const [argument, key] = call.args;
  const name = call.callee.text;
  if (argument === undefined || key === undefined) return;
  if (argument.kind !== 'map' || argument.keys !== undefined) {
    needsMap(state, argument, name);
    return;
  }
  const map = rawMap(state, argument);
  if (map === undefined) return;
  keyArgument(state, map, argument, key, types[1] ?? unknown, name);
  const result = call.args[2];
  if (name !== 'find' || result === undefined) return;
  if (result.kind !== 'variable')
    state.report.error(
      result,
      'argument-type',
      'The third argument of `find()` is a variable for the value.',
    );
  else {
    const variable = findVariable(state, result.name);
    if (variable !== undefined) {
      variable.assigned = true;
      if (isOpen(variable.type) && !isOpen(map.value)) {
        variable.type = map.value;
        state.changed = true;
      } else if (!isOpen(map.value) && !isOpen(variable.type) && variable.type.kind !== map.value.kind)
        state.report.error(
          result,
          'type-mismatch',
          `${result.name} holds ${typeName(variable.type)}; ${map.name} has values of type ${typeName(map.value)}.`,
        );
    }
  }
};

const len: CallRule = (state, call, types) => {
  const [argument] = call.args;
  if (argument === undefined) return;
  if (argument.kind === 'map' && argument.keys === undefined) {
    const map = rawMap(state, argument);
    if (map?.shape === 'scalar' && state.version >= 24 && map.value.kind !== 'stack')
      state.report.error(argument, 'scalar-mismatch', `${map.name} has no keys; there is nothing to count.`);
    return;
  }
  const type = argument.kind === 'map' ? typeOf(state, argument) : (types[0] ?? unknown);
  if (!isOpen(type) && type.kind !== 'stack')
    state.report.error(
      argument,
      'argument-type',
      `\`len()\` takes a map or a stack; this is ${typeName(type)}.`,
      type.kind === 'string' && state.version >= 25 ? { hint: '`strlen()` is the length of a string.' } : {},
    );
};

const isScalar: CallRule = (state, call) => {
  const [argument] = call.args;
  if (argument !== undefined && (argument.kind !== 'map' || argument.keys !== undefined))
    needsMap(state, argument, 'is_scalar');
  else if (argument?.kind === 'map') resolveMap(state, argument);
};

/** The value of a literal argument of a histogram; reports what is none. */
function bound(state: State, call: Call, index: number, what: string): bigint | undefined {
  const argument = call.args[index];
  if (argument === undefined) return undefined;
  const value = constantInteger(state, argument);
  if (value === undefined) {
    if (!isLiteral(state, argument) || constant(state, argument) !== undefined)
      state.report.error(
        argument,
        'literal-required',
        `${what} of \`${call.callee.text}()\` has to be an integer literal.`,
      );
    return undefined;
  }
  return value;
}

const lhist: CallRule = (state, call) => {
  const [min, max, step] = [
    bound(state, call, 1, 'The minimum'),
    bound(state, call, 2, 'The maximum'),
    bound(state, call, 3, 'The step'),
  ];
  if (min === undefined || max === undefined || step === undefined) return;
  const wrong = (index: number, message: string): void =>
    state.report.error(call.args[index] ?? call, 'argument-value', message);
  if (min < 0n) wrong(1, 'The minimum of `lhist()` cannot be negative.');
  if (state.version >= 24 && max < 0n) wrong(2, 'The maximum of `lhist()` cannot be negative.');
  if (step <= 0n) wrong(3, 'The step of `lhist()` is at least 1.');
  else if ((max - min) / step > 1000n)
    wrong(3, `This makes ${(max - min) / step} buckets; at most 1,000 are possible.`);
  if (min > max) wrong(1, 'The minimum of `lhist()` is above its maximum.');
  else if (step > 0n && max - min < step) wrong(3, 'The step of `lhist()` is larger than the range.');
};

const hist: CallRule = (state, call) => {
  if (call.args.length < 2) return;
  const bits = bound(state, call, 1, 'The number of bits');
  if (bits !== undefined && (bits < 0n || bits > 5n))
    state.report.error(call.args[1] ?? call, 'argument-value', 'The bits of `hist()` are 0 … 5.');
};

const tseries: CallRule = (state, call) => {
  if (!state.features.has('unstable_tseries'))
    state.report.error(call, 'not-in-version', '`tseries()` is switched off by the `config` block.', {
      hint: 'Write `unstable_tseries = enable` there.',
    });
  const [interval, number] = [
    bound(state, call, 1, 'The interval'),
    bound(state, call, 2, 'The number of intervals'),
  ];
  if (interval !== undefined && interval < 1n)
    state.report.error(
      call.args[1] ?? call,
      'argument-value',
      'The interval of `tseries()` is at least 1 ns.',
    );
  if (number !== undefined && (number < 1n || number > 1_000_000n))
    state.report.error(
      call.args[2] ?? call,
      'argument-value',
      'The number of intervals of `tseries()` is 1 … 1,000,000.',
    );
  const kind = call.args[3];
  if (kind === undefined) return;
  const value = constant(state, kind);
  if (value?.kind !== 'string' || !['avg', 'max', 'min', 'sum'].includes(value.value))
    state.report.error(
      kind,
      'argument-value',
      'The aggregation of `tseries()` is "avg", "max", "min" or "sum".',
    );
};

export const mapRules: Readonly<Record<string, CallRule>> = {
  print,
  clear: wholeMap,
  zero: wholeMap,
  delete: remove,
  has_key: hasKey,
  find: hasKey,
  len,
  is_scalar: isScalar,
  lhist,
  hist,
  tseries,
};
