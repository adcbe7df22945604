/** What the page of a recording shows and where its scrubber goes, worked out without a page; pure. */
import { formatCount, formatDuration, formatPosition, formatRate } from '../../protocol/format.ts';
import type { LaneFigures, LaneUnit, RecordedLane, ShownRange } from '../../protocol/recording-panel.ts';

export const speeds = [1, 2, 10, 60] as const;
export type Speed = (typeof speeds)[number];

/** Where the scrubber is, and what is chosen. Times are ns since the recording's start. */
export interface Playback {
  readonly positionNs: number;
  /** A part that was brushed: its figures are shown, not those up to the scrubber. */
  readonly range?: { readonly fromNs: number; readonly toNs: number };
  readonly playing: boolean;
  readonly speed: Speed;
}

/** Index of the last of ascending times at or before `timeNs`; -1 before the first. */
export function indexAt(timesNs: readonly number[], timeNs: number): number {
  let [low, high] = [0, timesNs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timesNs[middle]! <= timeNs) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What is shown of a playback: up to the last interval that had ended at the scrubber, or the brushed range. */
export function shownOf({ positionNs, range }: Playback, stepsNs: readonly number[]): ShownRange {
  const at = (ns: number): number => stepsNs[Math.max(0, indexAt(stepsNs, ns))] ?? 0;
  if (range === undefined) return { toNs: at(positionNs) };
  return { fromNs: at(range.fromNs), toNs: at(range.toNs) };
}

export const sameRange = (a: ShownRange | undefined, b: ShownRange | undefined): boolean =>
  a?.fromNs === b?.fromNs && a?.toNs === b?.toNs;

/** `by` intervals on from wherever the scrubber is; it stays within the recording. */
export function stepped(stepsNs: readonly number[], positionNs: number, by: number): number {
  const at = indexAt(stepsNs, positionNs);
  // between two intervals the first step back leads to the one that has ended
  const between = stepsNs[at] !== positionNs && by < 0 ? 1 : 0;
  const next = Math.min(stepsNs.length - 1, Math.max(0, at + by + between));
  return stepsNs[next] ?? 0;
}

/** After some time of playing: it stops at the recording's end. */
export function advanced(playback: Playback, elapsedMs: number, endNs: number): Playback {
  const positionNs = playback.positionNs + elapsedMs * 1e6 * playback.speed;
  return positionNs >= endNs
    ? { ...playback, positionNs: endNs, playing: false }
    : { ...playback, positionNs };
}

/** Steps of PageUp and PageDown. */
const PAGE = 10;

/** What a key does to a playback; undefined for keys that mean nothing here. */
export function keyed(
  playback: Playback,
  { key, shiftKey }: { readonly key: string; readonly shiftKey: boolean },
  stepsNs: readonly number[],
): Playback | undefined {
  const endNs = stepsNs.at(-1) ?? 0;
  const { range, ...rest } = playback;
  switch (key) {
    case ' ':
      return toggled(playback, endNs);
    case 'Escape':
      return range === undefined ? undefined : rest;
    case 'ArrowLeft':
    case 'ArrowRight': {
      const by = key === 'ArrowLeft' ? -1 : 1;
      return shiftKey
        ? extended(playback, by, stepsNs)
        : moved(playback, stepped(stepsNs, playback.positionNs, by));
    }
    case 'PageUp':
    case 'PageDown':
      return moved(playback, stepped(stepsNs, playback.positionNs, key === 'PageUp' ? -PAGE : PAGE));
    case 'Home':
      return moved(playback, stepsNs[0] ?? 0);
    case 'End':
      return moved(playback, endNs);
    default:
      return undefined;
  }
}

/** Plays, from the start when it is at its end; a range is given up, for the scrubber shows. */
export function toggled(playback: Playback, endNs: number): Playback {
  if (playback.playing) return { ...playback, playing: false };
  const { range: _, ...rest } = playback;
  return { ...rest, playing: true, positionNs: playback.positionNs >= endNs ? 0 : playback.positionNs };
}

/** The scrubber is put somewhere: playing and a range end by that. */
export function moved({ speed }: Playback, positionNs: number): Playback {
  return { speed, playing: false, positionNs };
}

/** A range that begins where the scrubber was, and grows or shrinks at the scrubber's end. */
function extended(playback: Playback, by: number, stepsNs: readonly number[]): Playback {
  const { positionNs, range, speed } = playback;
  const anchorNs = range === undefined ? positionNs : range.fromNs === positionNs ? range.toNs : range.fromNs;
  const next = stepped(stepsNs, positionNs, by);
  if (next === anchorNs) return moved(playback, next);
  return {
    ...{ speed, playing: false, positionNs: next },
    range: { fromNs: Math.min(anchorNs, next), toNs: Math.max(anchorNs, next) },
  };
}

/** A range that was drawn, held to intervals; one without an interval in it is none, and puts the scrubber there. */
export function brushed(
  playback: Playback,
  fromNs: number,
  toNs: number,
  stepsNs: readonly number[],
): Playback {
  const [from, to] = [fromNs, toNs].map((ns) => stepsNs[Math.max(0, indexAt(stepsNs, ns))] ?? 0);
  if (from === to) return moved(playback, to!);
  return {
    ...{ speed: playback.speed, playing: false, positionNs: to! },
    range: { fromNs: from!, toNs: to! },
  };
}

/** Counts a second in each column; undefined where it was not attached, or nothing was read. */
export function ratesOf(
  { counts, attached }: RecordedLane,
  edgesNs: readonly number[],
  gaps: readonly { readonly fromNs: number; readonly toNs: number }[],
): (number | undefined)[] {
  const begins = new Set(gaps.map(({ fromNs }) => fromNs));
  return counts.map((count, column) => {
    const [fromNs, toNs] = [edgesNs[column]!, edgesNs[column + 1]!];
    if (attached[column] !== true || begins.has(fromNs) || toNs <= fromNs) return undefined;
    return (count * 1e9) / (toNs - fromNs);
  });
}

/** A corner of a row's outline; without a rate it ends there. */
export interface OutlinePoint {
  readonly timeNs: number;
  readonly rate?: number;
}

/** The steps of a row: two corners a column, and a break where a column is unknown. */
export function outlineOf(
  rates: readonly (number | undefined)[],
  edgesNs: readonly number[],
): OutlinePoint[] {
  return rates.flatMap((rate, column) => {
    const [fromNs, toNs] = [edgesNs[column]!, edgesNs[column + 1]!];
    return rate === undefined
      ? [{ timeNs: fromNs }]
      : [
          { timeNs: fromNs, rate },
          { timeNs: toNs, rate },
        ];
  });
}

/** Columns in a row where a lane was not attached while others were. */
export function absences(
  { attached }: RecordedLane,
  edgesNs: readonly number[],
): readonly [number, number][] {
  const found: [number, number][] = [];
  attached.forEach((there, column) => {
    if (there) return;
    const last = found.at(-1);
    const [fromNs, toNs] = [edgesNs[column]!, edgesNs[column + 1]!];
    if (last?.[1] === fromNs) last[1] = toNs;
    else found.push([fromNs, toNs]);
  });
  return found;
}

/** Lanes in the order in which they are shown: the busiest first. */
export function busiest(lanes: readonly RecordedLane[]): number[] {
  const totals = lanes.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0));
  return [...lanes.keys()].sort((a, b) => totals[b]! - totals[a]! || a - b);
}

const weights: Readonly<
  Record<LaneUnit, { readonly title: string; readonly format: (value: number) => string }>
> = {
  calls: { title: 'Calls', format: formatCount },
  samples: { title: 'Samples', format: formatCount },
  count: { title: 'Count', format: formatCount },
  nanoseconds: { title: 'Time', format: (ns) => formatDuration(ns, 3) },
  bytes: { title: 'Bytes', format: formatCount },
};

/** How a lane's weights are headed and written. */
export const weightTitle = (unit: LaneUnit): string => weights[unit].title;
export const formatWeight = (unit: LaneUnit, value: number): string => weights[unit].format(value);

/** A rate of weights: `120 /s`; for time, how many threads' worth of it: `1.25 s/s`. */
export function formatWeightRate(unit: LaneUnit, rateHz: number): string {
  if (unit === 'nanoseconds') return `${formatDuration(rateHz, 3)}/s`;
  return formatRate(rateHz);
}

/** Cells of a lane's row, without its name. `read`: share of the latencies that is known. */
export function cellsOf(
  { count, lost, rateHz, p50Ns, p90Ns, p99Ns, maxNs, maxIsBound }: LaneFigures,
  unit: LaneUnit,
  read: number,
): readonly string[] {
  const duration = (ns: number | undefined): string =>
    ns === undefined ? (read < 1 && count > 0 ? '…' : '–') : formatDuration(ns, 3);
  const weight = [formatWeight(unit, count), rateHz === undefined ? '–' : formatWeightRate(unit, rateHz)];
  if (unit !== 'calls') return weight;
  return [
    ...weight,
    ...[p50Ns, p90Ns, p99Ns].map(duration),
    maxNs === undefined ? duration(maxNs) : `${maxIsBound ? '≤ ' : ''}${duration(maxNs)}`,
    formatCount(lost),
  ];
}

export const columnTitles = (unit: LaneUnit): readonly string[] =>
  unit === 'calls'
    ? [weightTitle(unit), 'Rate', 'p50', 'p90', 'p99', 'Max', 'Lost']
    : [weightTitle(unit), 'Rate'];

/** `0:12.0 of 0:30.0`, or `0:05.0 to 0:12.0 (7.0 s) of 0:30.0`: for eyes and for screen readers. */
export function positionText({ positionNs, range }: Playback, endNs: number): string {
  const end = formatPosition(endNs);
  return range === undefined
    ? `${formatPosition(positionNs)} of ${end}`
    : `${formatPosition(range.fromNs)} to ${formatPosition(range.toNs)} (${formatDuration(range.toNs - range.fromNs)}) of ${end}`;
}

/** What the table's figures are of. */
export function captionOf({ range, positionNs }: Playback, endNs: number): string {
  if (range !== undefined)
    return `Figures of the range from ${formatPosition(range.fromNs)} to ${formatPosition(range.toNs)}`;
  return positionNs >= endNs
    ? 'Figures of the whole recording'
    : `Figures from the start up to ${formatPosition(positionNs)}`;
}
