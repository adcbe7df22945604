import type { Span } from '../diagnostic.ts';
import type { Expression, MapReference } from '../syntax/ast.ts';
import { compatible, promote, signedFor } from './compatible.ts';
import { typeOf } from './expressions.ts';
import { constantInteger } from './fold.ts';
import { placeOf, spanOf, type MapState, type State } from './state.ts';
import {
  equal,
  hasOpen,
  int64,
  integer,
  isCastable,
  isContext,
  isMultiValue,
  isOpen,
  none,
  typeName,
  uint64,
  type TupleType,
  type Type,
} from './types.ts';
import { growStrings, sameSort } from './variables.ts';
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

/** The value of an expression that is a constant. */
export const literal = (state: State, expression: Expression | undefined): bigint | undefined =>
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
