/** What hot lines say: shares with what they are of, weights with their unit. Pure. */
import { formatCount, formatDuration } from '../../protocol/format.ts';
import type { WeightUnit } from '../../protocol/profile.ts';
import type { PlaceWeight } from '../../profile/hot-lines.ts';
import { formatWeight } from '../../profile/weights.ts';

/** Steps of heat: a line's share of the whole profile, doubling from step to step. */
export const HEAT_STEPS = 8;

/** The step of a line by what is charged to it: 1 below 0.5 %, 2 below 1 %, … 8 from 32 % on; 0 when nothing is. */
export function heatStep(charged: number, whole: number): number {
  if (!(charged > 0) || whole <= 0) return 0;
  const step = 2 + Math.floor(Math.log2((200 * charged) / whole));
  return Math.max(1, Math.min(HEAT_STEPS, step));
}

/** `12.3 %`: always one decimal, so that lines compare at a glance; what is not nothing is never written as nothing. */
export function percentOf(part: number, whole: number): string {
  if (whole <= 0 || part === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent < 0.05) return '< 0.1 %';
  if (percent >= 99.95 && part < whole) return '> 99.9 %';
  return part === whole ? '100 %' : `${percent.toFixed(1)} %`;
}

/** `1,234 samples`, `12.3 ms`, `4.5 MiB`, `1,234 events`. */
export function weightText(weight: number, unit: WeightUnit): string {
  if (unit === 'nanoseconds') return formatDuration(weight, 3);
  if (unit === 'count') return `${formatCount(weight)} ${weight === 1 ? 'event' : 'events'}`;
  return formatWeight(weight, unit);
}

/**
 * `self 12.3 % · total 40.1 %`. Where stacks end below the line in code whose source is not here, `here` says what is charged to
 * it: `here 35.2 % · total 40.1 %`, with `self` before it when that is not nothing.
 */
export const sharesText = (place: PlaceWeight, whole: number): string => sharesOf(place, whole).join(' · ');

/** The same one by one: what is charged to the place last but one, where anything is, and the total last. */
export function sharesOf({ self, charged, total }: PlaceWeight, whole: number): string[] {
  return [
    ...(self > 0 ? [`self ${percentOf(self, whole)}`] : []),
    ...(charged > self ? [`here ${percentOf(charged, whole)}`] : []),
    `total ${percentOf(total, whole)}`,
  ];
}

/** At the end of a line; lines below a thousandth of the whole, or that only hand on less than 1 %, say nothing: hover tells. */
export function lineText(place: PlaceWeight, whole: number): string {
  return place.charged < whole / 1000 && place.total < whole / 100 ? '' : sharesText(place, whole);
}

/** Above a function: `self 12.3 % · total 40.1 % of 1,234 samples`. */
export function lensText({ self, total }: PlaceWeight, whole: number, unit: WeightUnit): string {
  return `self ${percentOf(self, whole)} · total ${percentOf(total, whole)} of ${weightText(whole, unit)}`;
}

export type Staleness = 'edited' | 'newer-than-binary' | 'newer-than-profile';

/** Short, for marks and lenses. */
export const STALE_TEXT = 'source changed since';

/** The reason, as a sentence. */
export function staleSentence(stale: Staleness): string {
  switch (stale) {
    case 'edited':
      return 'This file was edited here after the profile was taken: the figures belong to the older code.';
    case 'newer-than-binary':
      return 'This file was written after the binary was built: the figures belong to the older code.';
    case 'newer-than-profile':
      return 'This file was written after the profile was taken: the figures may belong to older code.';
  }
}
