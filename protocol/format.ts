/**
 * How figures are written for people: the same in the editor, the panels and the terminal.
 *
 * Two significant digits below 100 of a unit and whole numbers above it: latencies come from buckets up to 3.1 % wide,
 * so a third digit of `1.23 ms` would be invented. `digits: 3` is for tables whose exact rows stand beside them.
 */

const durationUnits = ['ns', 'µs', 'ms', 's'] as const;
const countUnits = ['', 'k', 'M', 'G'] as const;
const STEP = 1000;

export type Digits = 2 | 3;

/** `value` of the unit `units[0]` in the largest unit that keeps it ≥ 1: `[mantissa, unit]`. */
function scaled<U extends string>(
  value: number,
  units: readonly U[],
  digits: Digits,
): [string, U | undefined] {
  let rest = value;
  let unit = 0;
  while (rest >= STEP && unit < units.length - 1) {
    rest /= STEP;
    unit++;
  }
  // 999.6 would be written as 1000: the next unit says it with the digits it has
  if (Math.round(rest) >= STEP && unit < units.length - 1) {
    rest /= STEP;
    unit++;
  }
  return [mantissa(rest, unit === 0 && Number.isInteger(value) ? 0 : digits), units[unit]];
}

function mantissa(value: number, digits: 0 | Digits): string {
  if (digits === 0) return value.toFixed(0);
  const integerDigits = value < 9.995 ? 1 : value < 99.95 ? 2 : 3;
  const decimals = Math.max(0, digits - integerDigits);
  // 9.96 rounds to 10.0 with one decimal: drop the digit that rounding added
  const text = value.toFixed(decimals);
  return decimals > 0 && text.replace('.', '').length > digits ? value.toFixed(decimals - 1) : text;
}

/** `23 µs`, `1.2 ms`, `850 ns`, `2 h 5 min`. Negative and non-finite durations do not occur and are written as `–`. */
export function formatDuration(durationNs: number, digits: Digits = 2): string {
  if (!Number.isFinite(durationNs) || durationNs < 0) return '–';
  const seconds = durationNs / 1e9;
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  if (seconds >= 120) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  const [text, unit] = scaled(durationNs, durationUnits, digits);
  return `${text} ${unit}`;
}

/** Events a second: `4.3 k/s`, `120 /s`, `0.25 /s`, `0 /s`. */
export function formatRate(rateHz: number): string {
  if (!Number.isFinite(rateHz) || rateHz < 0) return '–';
  if (rateHz === 0) return '0 /s';
  if (rateHz < 0.01) return '< 0.01 /s';
  if (rateHz < 1) return `${Number(rateHz.toPrecision(2))} /s`;
  const [text, unit] = scaled(rateHz, countUnits, 2);
  return `${text} ${unit}/s`;
}

/** All digits, in groups of three: `12,345`. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A fraction (0…1) as `12 %`, `0.4 %`, `< 0.01 %`; `100 %` and `0 %` only when exact. */
export function formatShare(fraction: number): string {
  const percent = fraction * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (percent < 0.01) return '< 0.01 %';
  if (percent > 99.99) return '> 99.99 %';
  const decimals = percent < 1 || percent > 99 ? 2 : percent < 10 ? 1 : 0;
  return `${percent.toFixed(decimals)} %`;
}

/** A place in a recording: `0:12.3`, `1:02:05.0`; tenths of a second, none of them rounded up. */
export function formatPosition(ns: number): string {
  if (!Number.isFinite(ns) || ns < 0) return '–';
  const tenths = Math.floor(ns / 1e8);
  const [hours, minutes, seconds] = [
    Math.floor(tenths / 36_000),
    Math.floor(tenths / 600) % 60,
    Math.floor(tenths / 10) % 60,
  ];
  const two = (value: number): string => String(value).padStart(2, '0');
  const head = hours > 0 ? `${hours}:${two(minutes)}` : String(minutes);
  return `${head}:${two(seconds)}.${tenths % 10}`;
}
