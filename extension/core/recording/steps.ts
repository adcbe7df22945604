/** The moments of a recording that can be shown, the columns of its time line, and where nothing was read; pure but for one query. */
import type { DatabaseSync } from 'node:sqlite';

/** An interval's end. */
export interface Step {
  readonly interval: number;
  /** Since the recording's start, on the target's CLOCK_MONOTONIC. */
  readonly timeNs: number;
  readonly wallClockMs: number;
}

/** Five and a half hours of a snapshot a second; of longer recordings every second, third … one is a step. */
const MOST_STEPS = 20_000;
/** Columns of the time line: three pixels each in a panel of ordinary width. */
const MOST_COLUMNS = 300;
/** Gaps that are shown; what is one is told by the longest of them. */
const MOST_GAPS = 40;
/** An interval so many times as long as the usual one is a gap: figures were not read meanwhile. */
const GAP_FACTOR = 3;

export function readSteps(database: DatabaseSync, most = MOST_STEPS): Step[] {
  const { last } = database.prepare('SELECT coalesce(max(id), 0) AS last FROM intervals').get() as {
    last: number;
  };
  const every = Math.max(1, Math.ceil(last / most));
  const rows = database
    .prepare(
      'SELECT id AS interval, time_ns AS timeNs, wall_clock_ms AS wallClockMs FROM intervals WHERE (id - 1) % ? = 0 OR id = ? ORDER BY id',
    )
    .all(every, last) as unknown as Step[];
  // several targets' clocks, or a damaged file: a time line goes forward
  let before = -Infinity;
  return rows.filter(({ timeNs }) => {
    const forward = timeNs > before;
    if (forward) before = timeNs;
    return forward;
  });
}

/** Index of the last step at or before a time; -1 before the first. */
export function stepAt(steps: readonly { readonly timeNs: number }[], timeNs: number): number {
  return lastUpTo(steps, (step) => step.timeNs, timeNs);
}

/** Index of the last interval at or before one; -1 before the first. */
export function stepAtInterval(steps: readonly Step[], interval: number): number {
  return lastUpTo(steps, (step) => step.interval, interval);
}

function lastUpTo<T>(ascending: readonly T[], value: (item: T) => number, most: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(ascending[middle]!) <= most) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Indexes of steps before which nothing was read for long, in order. */
export function gapsOf(steps: readonly Step[]): number[] {
  const lengths = steps.slice(1).map(({ timeNs }, index) => timeNs - steps[index]!.timeNs);
  const usual = [...lengths].sort((a, b) => a - b)[lengths.length >> 1] ?? 0;
  return lengths
    .map((length, index) => ({ length, step: index + 1 }))
    .filter(({ length }) => length > GAP_FACTOR * usual)
    .sort((a, b) => b.length - a.length)
    .slice(0, MOST_GAPS)
    .map(({ step }) => step)
    .sort((a, b) => a - b);
}

/** Indexes of the steps at the edges of columns: equally many steps apart, and at both ends of each gap. */
export function edgesOf(steps: readonly Step[], gaps: readonly number[], most = MOST_COLUMNS): number[] {
  if (steps.length === 0) return [];
  const every = Math.max(1, Math.ceil((steps.length - 1) / most));
  const edges = new Set<number>([0, steps.length - 1]);
  for (let step = 0; step < steps.length; step += every) edges.add(step);
  for (const gap of gaps) edges.add(gap - 1).add(gap);
  return [...edges].sort((a, b) => a - b);
}
