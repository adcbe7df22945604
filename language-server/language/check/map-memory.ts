import type { MapState, Place } from './state.ts';
import type { Type } from './types.ts';

/** The places that a map remembers. Each is noted once in a check and stays then. */
export const mapPlaces = ['firstUse', 'firstAssigned', 'shapeDecidedAt'] as const;
export type MapPlace = (typeof mapPlaces)[number];

const isSamePlace = (a: Place | undefined, b: Place | undefined): boolean =>
  a === b ||
  (a !== undefined && b !== undefined && a.origin === b.origin && a.start === b.start && a.end === b.end);

/** Whether no rule can tell the maps apart: only where they were met first may differ. */
export function isSameMap(a: MapState | undefined, b: MapState | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    hasSameContent(a, b) &&
    (a.firstAssigned === undefined) === (b.firstAssigned === undefined) &&
    (a.shapeDecidedAt === undefined) === (b.shapeDecidedAt === undefined) &&
    isSamePlace(a.firstUse, a.firstAssigned) === isSamePlace(b.firstUse, b.firstAssigned) &&
    isSamePlace(a.firstUse, a.shapeDecidedAt) === isSamePlace(b.firstUse, b.shapeDecidedAt) &&
    isSamePlace(a.firstAssigned, a.shapeDecidedAt) === isSamePlace(b.firstAssigned, b.shapeDecidedAt)
  );
}

/** Whether the maps are the same, places included. */
export const isVerySameMap = (a: MapState, b: MapState): boolean =>
  hasSameContent(a, b) && mapPlaces.every((place) => isSamePlace(a[place], b[place]));

const hasSameContent = (a: MapState, b: MapState): boolean =>
  a.shape === b.shape &&
  a.accessed === b.accessed &&
  a.read === b.read &&
  a.declared === b.declared &&
  a.bounds === b.bounds &&
  isSame(a.argument, b.argument) &&
  isSame(a.value, b.value) &&
  isSame(a.key, b.key);

/** Types that no rule can tell apart: `equal()` leaves out what only messages and literals look at. */
const isSame = (a: Type | undefined, b: Type | undefined): boolean => isDeeplyEqual(a, b);

/** Of plain data: objects, lists and what JSON has besides. */
function isDeeplyEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in one) if (!isDeeplyEqual(one[key], other[key])) return false;
  for (const key in other) if (other[key] !== undefined && one[key] === undefined) return false;
  return true;
}

/** Gives `to`, which a pass once made of `then`, the places of `now` where that pass noted none. */
export function keepPlaces(to: MapState, then: MapState | undefined, now: MapState): void {
  if (to.firstUse === then?.firstUse) to.firstUse = now.firstUse;
  if (to.firstAssigned === then?.firstAssigned) to.firstAssigned = now.firstAssigned;
  if (to.shapeDecidedAt === then?.shapeDecidedAt) to.shapeDecidedAt = now.shapeDecidedAt;
}
