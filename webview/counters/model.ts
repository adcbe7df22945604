import { formatCount } from '../../protocol/format.ts';
import type { CounterInterval, CounterReading } from '../../protocol/events.ts';

/** So many intervals are drawn: an hour of seconds. */
export const MOST_POINTS = 3600;

export interface Point {
  readonly atSeconds: number;
  /** A second; for a ratio its value. Null where nothing was counted: the line has a gap. */
  readonly value: number | null;
}

/** A line of the table: a counter, or a ratio of two. */
export interface CounterRow {
  readonly name: string;
  readonly isRatio: boolean;
  readonly unit: string;
  /** `100 × cache-misses ÷ cache-references`; empty for counters. */
  formula: string;
  /** What the last interval said in words: not supported, scaled up. */
  state: string;
  supported: boolean;
  total: number;
  readonly points: Point[];
}

/** Time that was used: perf counts it in milliseconds, and a second holds 1,000 of them a CPU. */
const isTime = (unit: string): boolean => unit === 'msec';

/** Counters and ratios over the intervals of one `perf stat`. */
export class CounterTable {
  readonly rows: CounterRow[] = [];
  atSeconds = 0;

  add({ atSeconds, intervalSeconds, counters, ratios }: CounterInterval): void {
    this.atSeconds = atSeconds;
    for (const counter of counters) {
      const row = this.#row(counter.event, false, isTime(counter.unit) ? 'CPUs' : '/s');
      const { value } = counter;
      const scale = isTime(counter.unit) ? 1000 : 1;
      row.state = stateOf(counter);
      row.supported = counter.state !== 'not-supported';
      row.total += value ?? 0;
      const rate = value === undefined || intervalSeconds <= 0 ? null : value / scale / intervalSeconds;
      push(row, { atSeconds, value: rate });
    }
    for (const { name, unit, formula, value } of ratios) {
      const row = this.#row(name, true, unit);
      row.formula = formula;
      push(row, { atSeconds, value });
    }
    // a ratio whose counters did not count in this interval
    for (const row of this.rows)
      if (row.points.at(-1)?.atSeconds !== atSeconds) push(row, { atSeconds, value: null });
  }

  #row(name: string, isRatio: boolean, unit: string): CounterRow {
    const known = this.rows.find((row) => row.name === name && row.isRatio === isRatio);
    if (known !== undefined) return known;
    const made = { name, isRatio, unit, formula: '', state: '', supported: true, total: 0, points: [] };
    this.rows.push(made);
    // ratios follow the counters, as they came
    this.rows.sort((a, b) => Number(a.isRatio) - Number(b.isRatio));
    return made;
  }
}

function push(row: CounterRow, point: Point): void {
  row.points.push(point);
  if (row.points.length > MOST_POINTS) row.points.shift();
}

function stateOf({ state, runningFraction }: CounterReading): string {
  switch (state) {
    case 'not-supported':
      return 'not supported by this CPU or virtual machine';
    case 'not-counted':
      return 'not counted: nothing ran';
    case 'counted':
      return runningFraction < 0.999
        ? `scaled up: shared its hardware, counted ${(runningFraction * 100).toFixed(1)} % of the time`
        : '';
  }
}

/** `1,234 /s`, `0.93 CPUs`, `1.31`; a dash where there is none. */
export function valueText(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return '–';
  const text =
    unit === '/s' && value >= 100
      ? formatCount(value)
      : value === 0
        ? '0'
        : String(Number(value.toPrecision(3)));
  return `${text} ${unit}`.trimEnd();
}

/** The sum since the start; of time in seconds. Ratios have none. */
export function totalText({ isRatio, unit, total, supported }: CounterRow): string {
  if (isRatio || !supported) return '–';
  return unit === 'CPUs' ? `${(total / 1000).toFixed(2)} s` : formatCount(total);
}

/** The table as text with tabs, with the last interval's values. */
export function tableText(table: CounterTable): string {
  const lines = table.rows.map((row) =>
    [row.name, valueText(row.points.at(-1)?.value, row.unit), totalText(row), row.state || row.formula].join(
      '\t',
    ),
  );
  return `${['counter\tnow\ttotal\tnote', ...lines].join('\n')}\n`;
}
