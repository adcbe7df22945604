import type { Span } from '../diagnostic.ts';
import type { Expression, MapReference } from '../syntax/ast.ts';
import type { AggregationName } from '../tables/aggregations.ts';
import { compatible, promote, signedFor } from './compatible.ts';
import { typeOf } from './expressions.ts';
import { literal, useKeys } from './map-keys.ts';
import { mapState, placeOf, spanOf, type MapState, type State } from './state.ts';
import {
  equal,
  hasOpen,
  int64,
  integer,
  isCastable,
  isContext,
  isOpen,
  none,
  typeName,
  uint64,
  type AggregationType,
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
