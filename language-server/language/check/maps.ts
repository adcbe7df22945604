import type { Span } from '../diagnostic.ts';
import type { Expression, MapReference } from '../syntax/ast.ts';
import type { AggregationName } from '../tables/aggregations.ts';
import { compatible, promote, signedFor } from './compatible.ts';
import { typeOf } from './expressions.ts';
import { constantInteger } from './fold.ts';
import { mapState, placeOf, spanOf, type MapState, type State } from './state.ts';
import {
  equal,
  int64,
  integer,
  isCastable,
  isContext,
  isMultiValue,
  isOpen,
  none,
  typeName,
  uint64,
  type AggregationType,
  type TupleType,
  type Type,
} from './types.ts';
import { growStrings, sameSort, tupleFits } from './variables.ts';

/** The map that a reference means here: inside a macro the one that the caller passed. Undefined and reported if none. */
export function resolveMap(state: State, reference: MapReference): MapState | undefined {
  let name = reference.name;
  for (let frame = state.frame; frame !== undefined; frame = frame.caller) {
    const passed = frame.maps.get(name);
    if (passed === undefined) {
      if (frame !== state.frame) break;
      state.report.error(
        reference,
        'macro-call',
        `A macro cannot use ${reference.name}: maps have to be passed to it.`,
        {
          hint: `Add ${reference.name} to the macro's parameters and pass it.`,
        },
      );
      return undefined;
    }
    name = passed;
  }
  return mapState(state, name, reference);
}

const nameSpan = (reference: MapReference): Span => ({ start: reference.start, end: reference.nameEnd });

/** Evaluates the keys and settles the map's key type and whether it has keys at all. */
export function useKeys(state: State, map: MapState, reference: MapReference): void {
  map.accessed = true;
  if (reference.keys === undefined) {
    settleShape(state, map, 'scalar', reference);
    return;
  }
  const types = reference.keys.map((key) => keyType(state, key));
  if (!settleShape(state, map, 'keyed', reference)) return;
  const [only] = types;
  const type: Type = types.length === 1 && only !== undefined ? only : { kind: 'tuple', elements: types };
  useKey(state, map, type, reference, reference.keys.length === 1 ? reference.keys[0] : undefined);
}

/** A key given to the map: by brackets, or as an argument of `delete()` and `has_key()`. */
export function useKey(
  state: State,
  map: MapState,
  type: Type,
  span: Span,
  expression: Expression | undefined,
): void {
  if (isOpen(type)) return;
  const wide = state.version < 25 ? wideKey(type, state.version) : type;
  if (isOpen(map.key)) {
    setKey(state, map, wide);
    return;
  }
  const refusal = `${map.name} has keys of type ${typeName(map.key)}; ${typeName(type)} does not fit.`;
  if (!keysMatch(state, map, wide, expression)) {
    state.report.error(span, 'key-mismatch', refusal, {
      hint: 'All entries of a map have keys of one type.',
      related: [{ ...spanOf(state, map.firstUse), message: `${map.name} is first used here.` }],
    });
    return;
  }
  if (state.version >= 25)
    setKey(state, map, promote(map.key, type, state.version, literal(state, expression)) ?? map.key);
  else setKey(state, map, growStrings(map.key, wide));
}

const literal = (state: State, expression: Expression | undefined): bigint | undefined =>
  expression === undefined ? undefined : constantInteger(state, expression);

/** Up to 0.24 integers in keys are widened to 64 bits, and up to 0.23 their sign does not matter. */
function wideKey(type: Type, version: number): Type {
  if (type.kind === 'integer') return version < 24 ? uint64 : integer(64, type.signed);
  if (type.kind === 'tuple')
    return { kind: 'tuple', elements: type.elements.map((element) => wideKey(element, version)) };
  if (isCastable(type) && version >= 24) return int64;
  return type;
}

function keysMatch(state: State, map: MapState, type: Type, expression: Expression | undefined): boolean {
  const { version } = state;
  if (map.key.kind === 'array' && type.kind === 'array' && !hasOpen(map.key) && !hasOpen(type)) {
    if (version < 24) return equal(map.key, type);
  }
  if (version >= 25) {
    if (isCastable(type) || (isCastable(map.key) && type.kind === 'integer')) return true;
    return (
      compatible(map.key, type, version) &&
      promote(map.key, type, version, literal(state, expression)) !== undefined
    );
  }
  if (version < 22) return sameKeys(map.key, type);
  if (!compatible(map.key, type, version)) return false;
  if (version < 24 && map.key.kind === 'tuple' && type.kind === 'tuple' && !haveEqualArrays(map.key, type))
    return false;
  return version < 24 || keySignsMatch(map.key, type, literal(state, expression));
}

/** Arrays among several keys have to be of one length each. */
const haveEqualArrays = (a: TupleType, b: TupleType): boolean =>
  a.elements.every((element, index) => {
    const other = b.elements[index];
    return element.kind !== 'array' || other?.kind !== 'array' || equal(element, other);
  });

/** 0.17 … 0.21 compare keys exactly, strings' sizes excepted. */
function sameKeys(a: Type, b: Type): boolean {
  if (isOpen(a) || isOpen(b)) return true;
  if (a.kind === 'string' && b.kind === 'string') return true;
  if (a.kind === 'tuple' && b.kind === 'tuple')
    return (
      a.elements.length === b.elements.length &&
      a.elements.every((element, index) => sameKeys(element, b.elements[index] ?? none))
    );
  return a.kind === 'array' || a.kind === 'pointer'
    ? equal(a, b) || hasOpen(a) || hasOpen(b)
    : sameSort(a, b);
}

const hasOpen = (type: Type): boolean =>
  isOpen(type) ||
  (type.kind === 'pointer' && hasOpen(type.to)) ||
  (type.kind === 'array' && hasOpen(type.of));

function keySignsMatch(a: Type, b: Type, value: bigint | undefined): boolean {
  if (a.kind === 'integer' && b.kind === 'integer') {
    if (a.signed === b.signed) return true;
    return value !== undefined && (a.signed ? signedFor(value) !== undefined : value >= 0n);
  }
  if (a.kind === 'tuple' && b.kind === 'tuple')
    return a.elements.every((element, index) => keySignsMatch(element, b.elements[index] ?? none, undefined));
  return true;
}

function setKey(state: State, map: MapState, type: Type): void {
  if (equal(map.key, type)) return;
  map.key = type;
  state.changed = true;
}

/** Whether this use agrees with the first one about having keys; reports when it does not. */
export function settleShape(
  state: State,
  map: MapState,
  shape: 'scalar' | 'keyed',
  reference: MapReference | Span,
  quiet = false,
): boolean {
  if (map.shape === undefined) {
    map.shape = shape;
    map.shapeDecidedAt = placeOf(state, reference);
    return true;
  }
  if (map.shape === shape) return true;
  if (!quiet) {
    const first = map.shapeDecidedAt ?? map.firstUse;
    state.report.error(
      reference,
      'scalar-mismatch',
      shape === 'keyed'
        ? `${map.name} is used without a key elsewhere and cannot have one here.`
        : `${map.name} is used with a key elsewhere and needs one here.`,
      {
        hint: 'A map has keys everywhere or nowhere. Use two maps.',
        related: [{ ...spanOf(state, first), message: 'First used here.' }],
      },
    );
  }
  return false;
}

function keyType(state: State, key: Expression): Type {
  const type = typeOf(state, key);
  const elements = type.kind === 'tuple' ? type.elements : [type];
  if (type.kind === 'tuple' && state.version < 22 && key.kind !== 'broken-expression')
    state.report.error(key, 'key-mismatch', 'A tuple cannot be a key before 0.22.', {
      hint: 'Write the keys one after the other: `@m[a, b]`.',
    });
  for (const element of elements) {
    if (element.kind === 'void') state.report.error(key, 'no-value', 'There is no value here to be a key.');
    else if (isContext(element) && !(element.kind === 'struct' && state.version >= 24))
      state.report.error(key, 'context-stored', 'The probe’s context cannot be a key of a map.', {
        hint: 'Use a field of it.',
      });
    else if (isMultiValue(element) && state.version >= 22)
      state.report.error(
        key,
        'map-function-only',
        `${typeName(element)} is more than one number and cannot be a key.`,
      );
    else if (element.kind === 'opaque' && element.name === 'stack_mode')
      state.report.error(key, 'no-value', 'A stack mode is no value.');
  }
  return type;
}

/** Reads a map's value. */
export function mapType(state: State, reference: MapReference): Type {
  const map = resolveMap(state, reference);
  if (map === undefined) {
    for (const key of reference.keys ?? []) typeOf(state, key);
    return none;
  }
  useKeys(state, map, reference);
  if (state.final) {
    map.read = true;
    if (map.value.kind === 'none' && isUndefined(state, map)) undefinedMap(state, map, reference);
  }
  if (map.value.kind === 'none') state.asksSettled = true;
  if (state.settled && map.value.kind === 'none') return state.version >= 26 ? integer(8, true) : int64;
  return map.value;
}

/** A map that nothing gives a type. From 0.25 on (change 5007) it is taken for an integer. */
const isUndefined = (state: State, map: MapState): boolean => state.version < 25 && map.value.kind === 'none';

export function undefinedMap(state: State, map: MapState, reference: Span): void {
  state.report.error(reference, 'undefined-map', `Nothing is ever assigned to ${map.name}.`, {
    hint: `Assign it in a probe, or check the spelling.`,
  });
}

export function noteAssignment(state: State, map: MapState, reference: MapReference): void {
  map.firstAssigned ??= placeOf(state, nameSpan(reference));
}

/** `++`, `--`: what was never assigned counts from 0. */
export function countMap(state: State, map: MapState, reference: MapReference): void {
  noteAssignment(state, map, reference);
  if (map.value.kind === 'none') setValue(state, map, state.version >= 25 ? uint64 : int64);
}

function setValue(state: State, map: MapState, type: Type): void {
  if (equal(map.value, type)) return;
  map.value = type;
  state.changed = true;
}

/** Stores a value in a map. `span` is the assignment's, `value` the expression where there is one. */
export function assignMap(
  state: State,
  reference: MapReference,
  type: Type,
  span: Span,
  value: Expression | undefined,
): void {
  const map = resolveMap(state, reference);
  if (map === undefined) return;
  noteAssignment(state, map, reference);
  const stored = storable(state, map, type, span);
  if (stored === undefined) return;
  if (isOpen(stored)) {
    if (stored.kind === 'unknown' && map.value.kind === 'none') setValue(state, map, stored);
    return;
  }
  if (isOpen(map.value)) {
    setValue(
      state,
      map,
      stored.kind === 'integer' && state.version < 25
        ? {
            ...integer(64, stored.signed),
            ...(stored.enumName !== undefined ? { enumName: stored.enumName } : {}),
          }
        : stored,
    );
    return;
  }
  if (!valueFits(state, map, stored, span, value))
    state.report.error(
      span,
      'type-mismatch',
      `${map.name} holds ${typeName(map.value)}; ${typeName(stored)} does not fit.`,
      {
        hint: 'A map holds values of one type, over all probes. Use another map.',
        ...(map.firstAssigned === undefined
          ? {}
          : {
              related: [
                { ...spanOf(state, map.firstAssigned), message: `${map.name} is first assigned here.` },
              ],
            }),
      },
    );
}

function storable(state: State, map: MapState, type: Type, span: Span): Type | undefined {
  if (type.kind === 'void' || (type.kind === 'opaque' && type.name === 'stack_mode')) {
    state.report.error(span, 'no-value', `There is no value here to assign to ${map.name}.`);
    return undefined;
  }
  if (
    isContext(type) &&
    (type.kind === 'pointer'
      ? state.version < 24
      : state.version < 24 || (type.kind === 'struct' && type.args === 'tracepoint' && state.version < 27))
  ) {
    state.report.error(span, 'context-stored', 'The probe’s context cannot be stored in a map.', {
      hint: 'Store the fields that you need.',
    });
    return undefined;
  }
  if (type.kind === 'aggregation' && state.version >= 22) {
    // Up to 0.25 the copy must not be what gives the map its type
    const first = state.version < 25 && map.firstAssigned !== undefined && spanOf(state, map.firstAssigned);
    const isFirst = first !== false && first.start === span.start;
    if (isCastable(type) && map.value.kind === 'integer' && !isFirst) return map.value;
    if (isCastable(type) && map.value.kind === 'none' && !state.final) return none;
    state.report.error(
      span,
      'map-function-only',
      `The value of ${typeName(type)} cannot be copied to another map.`,
      {
        hint: isCastable(type)
          ? `Cast it to copy the number: \`(int64)…\`.`
          : 'Assign the function itself to this map too.',
      },
    );
    return undefined;
  }
  return type;
}

function valueFits(
  state: State,
  map: MapState,
  type: Type,
  span: Span,
  value: Expression | undefined,
): boolean {
  const { version } = state;
  const stored = map.value;
  if (stored.kind === 'aggregation') return type.kind === 'aggregation' && type.name === stored.name;
  if (stored.kind === 'buffer' && type.kind === 'buffer' && version < 25)
    return bufferFits(state, map, stored.size, type.size, span);
  if (stored.kind === 'array' && type.kind === 'array')
    return equal(stored, type) || hasOpen(stored) || hasOpen(type);
  if (version >= 25) {
    const promoted = compatible(stored, type, version)
      ? promote(stored, type, version, literal(state, value))
      : undefined;
    if (promoted === undefined) return false;
    setValue(state, map, promoted);
    return true;
  }
  if (stored.kind !== type.kind) return false;
  if (stored.kind === 'struct' || stored.kind === 'opaque' || stored.kind === 'stack')
    return version < 24 ? sameSort(stored, type) : compatible(stored, type, version);
  if (stored.kind === 'tuple') {
    if (!tupleFits(type, growStrings(stored, type))) return false;
  } else if (
    stored.kind === 'integer' &&
    type.kind === 'integer' &&
    version >= 24 &&
    stored.signed !== type.signed
  ) {
    const known = literal(state, value);
    if (known === undefined || !(stored.signed ? signedFor(known) !== undefined : known >= 0n)) return false;
  }
  setValue(state, map, growStrings(stored, type));
  return true;
}

function bufferFits(state: State, map: MapState, stored: number, size: number, span: Span): boolean {
  if (stored === 0 || size === 0 || size === stored) return true;
  if (size < stored) return false;
  state.report.warning(
    span,
    'truncation',
    `${map.name} holds buffers of ${stored} bytes; this one has ${size} and may be cut.`,
  );
  return true;
}

/** `@m = count()` and its like; `argument` is the type of what is counted. */
export function aggregate(
  state: State,
  reference: MapReference,
  name: AggregationName,
  argument: Type | undefined,
  span: Span,
): void {
  const map = resolveMap(state, reference);
  if (map === undefined) return;
  noteAssignment(state, map, reference);
  const signed = argument?.kind === 'integer' ? argument.signed : false;
  const type: AggregationType = { kind: 'aggregation', name, signed };
  if (map.value.kind === 'none') {
    setValue(state, map, type);
  } else if (map.value.kind !== 'unknown' && (map.value.kind !== 'aggregation' || map.value.name !== name)) {
    state.report.error(
      span,
      'type-mismatch',
      `${map.name} holds ${typeName(map.value)}; ${name}() does not fit.`,
      {
        hint: 'A map holds one aggregation, or plain values. Use another map.',
        ...(map.firstAssigned === undefined
          ? {}
          : {
              related: [
                { ...spanOf(state, map.firstAssigned), message: `${map.name} is first assigned here.` },
              ],
            }),
      },
    );
    return;
  }
  if (argument?.kind === 'integer') checkArgument(state, map, argument, name, span);
}

/** In 0.24 and 0.25 the values given to one map must agree in sign, or fit a wider signed type. */
function checkArgument(state: State, map: MapState, argument: Type, name: AggregationName, span: Span): void {
  if (state.version < 24 || state.version > 25) return;
  if (map.argument === undefined) {
    map.argument = argument;
    return;
  }
  const promoted =
    state.version === 25 ? promote(map.argument, argument, 25) : equalSign(map.argument, argument);
  if (promoted === undefined)
    state.report.error(
      span,
      'type-mismatch',
      `${name}() was given ${typeName(map.argument)} for ${map.name} before; ${typeName(argument)} has another sign.`,
      {
        hint: 'Cast the value to the same sign.',
      },
    );
  else map.argument = promoted;
}

const equalSign = (a: Type, b: Type): Type | undefined =>
  a.kind === 'integer' && b.kind === 'integer' && a.signed !== b.signed ? undefined : a;
