import type { WeightUnit } from '../protocol/profile.ts';

/** By digits after the point. Kept: making one takes longer than a hundred numbers do, and the first loads the locale. */
const formats: Intl.NumberFormat[] = [];

/** A number with its thousands set apart and at most so many digits after the point. */
export function formatNumber(value: number, maximumFractionDigits = 0): string {
  formats[maximumFractionDigits] ??= new Intl.NumberFormat('en-US', { maximumFractionDigits });
  return formats[maximumFractionDigits].format(value);
}

const digits = (value: number): string =>
  formatNumber(value, Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);

const steps: Record<WeightUnit, readonly (readonly [number, string])[]> = {
  samples: [],
  count: [],
  nanoseconds: [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ],
  bytes: [
    [2 ** 40, 'TiB'],
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
    [1, 'B'],
  ],
};

/** A weight with its unit: `1,234 samples`, `12.3 ms`, `4.5 MiB`. */
export function formatWeight(weight: number, unit: WeightUnit): string {
  const known = steps[unit];
  if (known.length === 0) {
    const noun = unit === 'samples' ? (weight === 1 ? 'sample' : 'samples') : weight === 1 ? 'time' : 'times';
    return `${formatNumber(weight, 2)} ${noun}`;
  }
  const size = Math.abs(weight);
  const [divisor, name] = known.find(([at]) => size >= at) ?? known.at(-1)!;
  return `${digits(weight / divisor)} ${name}`;
}

/** A share as a percentage; small shares are not rounded to nothing. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent !== 0 && Math.abs(percent) < 0.01) return '< 0.01 %';
  return `${formatNumber(percent, 2)} %`;
}

/** A difference with its sign, which says the same as the colour. */
export function formatChange(change: number, unit: WeightUnit): string {
  if (change === 0) return 'no change';
  return `${change > 0 ? '+' : '−'}${formatWeight(Math.abs(change), unit)}`;
}
