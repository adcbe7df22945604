import { bucketBounds, mergeBuckets, percentile, type BucketCounts } from '../../protocol/buckets.ts';
import { countsBetween, toBars } from '../../protocol/histogram.ts';
import type { CallRange, Heatmap, Selection } from '../../protocol/latency.ts';
import type { HistoryPoint } from './aggregate.ts';

/** About 8 pixels a column and 5 a row in a panel of ordinary width. */
const MOST_COLUMNS = 120;
const MOST_ROWS = 40;
/** FlameScope's rows: 20 ms each. */
const ROWS_A_SECOND = 50;
const SECOND_NS = 1e9;

/**
 * Calls by time and latency, from what each interval added. Columns are equally wide, at least as wide as the median interval;
 * rows are the bars of a logarithmic histogram. Undefined while there are less than two intervals with calls.
 */
export function heatmapOf(history: readonly HistoryPoint[]): Heatmap | undefined {
  const all = mergeBuckets(...history.map(({ buckets }) => buckets));
  const bars = toBars(all, 'log', MOST_ROWS);
  const [first] = history;
  const last = history.at(-1);
  if (first === undefined || last === undefined || bars.length === 0 || history.length < 2) return undefined;
  const fromNs = first.monotonicNs - first.durationNs;
  const spanNs = last.monotonicNs - fromNs;
  const typicalNs = median(history.map(({ durationNs }) => durationNs));
  const columns = Math.max(1, Math.min(MOST_COLUMNS, Math.round(spanNs / typicalNs)));
  const rowNs = [bars[0]!.lowNs, ...bars.map(({ highNs }) => highNs)];
  const widthNs = spanNs / columns;
  const perColumn: BucketCounts[][] = Array.from({ length: columns }, () => []);
  for (const { monotonicNs, durationNs, buckets } of history)
    perColumn[columnAt(monotonicNs - durationNs / 2, fromNs, widthNs, columns)]!.push(buckets);
  return {
    timeNs: Array.from({ length: columns + 1 }, (_, i) => fromNs + i * widthNs),
    rowNs,
    counts: perColumn.flatMap((buckets) =>
      buckets.length === 0
        ? bars.map(() => 0)
        : countsBetween(mergeBuckets(...buckets), rowNs).map(({ count }) => count),
    ),
    wallClockOffsetMs: last.wallClockMs - last.monotonicNs / 1e6,
  };
}

/** A column a second, a row for each 20 ms of it, by the start of each call; the last {@link MOST_COLUMNS} seconds. */
export function subsecondHeatmap(
  startsNs: readonly number[],
  wallClockOffsetMs: number,
): Heatmap | undefined {
  const seconds = startsNs.map((ns) => Math.floor(ns / SECOND_NS));
  const last = seconds.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!Number.isFinite(last)) return undefined;
  const first = Math.max(
    last - MOST_COLUMNS + 1,
    seconds.reduce((a, b) => Math.min(a, b), Infinity),
  );
  const columns = last - first + 1;
  const counts = new Array<number>(columns * ROWS_A_SECOND).fill(0);
  startsNs.forEach((ns, i) => {
    const column = seconds[i]! - first;
    if (column < 0) return;
    const row = Math.floor(((ns % SECOND_NS) / SECOND_NS) * ROWS_A_SECOND);
    counts[column * ROWS_A_SECOND + row]!++;
  });
  return {
    timeNs: Array.from({ length: columns + 1 }, (_, i) => (first + i) * SECOND_NS),
    rowNs: Array.from({ length: ROWS_A_SECOND + 1 }, (_, i) => (i * SECOND_NS) / ROWS_A_SECOND),
    counts,
    wallClockOffsetMs,
  };
}

/**
 * The calls of a range, of all that were measured. Intervals count by their middle, buckets by theirs: the range's edges are those
 * of a picture, which are no finer. Without bounds in time the totals are taken, which know more than the history keeps.
 */
export function selectionOf(
  range: CallRange,
  history: readonly HistoryPoint[],
  totals: BucketCounts,
): Selection {
  const { fromNs, toNs, lowNs = 0, highNs = Infinity } = range;
  const timed =
    fromNs === undefined && toNs === undefined
      ? totals
      : mergeBuckets(
          ...history
            .filter(({ monotonicNs, durationNs }) => {
              const middle = monotonicNs - durationNs / 2;
              return middle >= (fromNs ?? -Infinity) && middle < (toNs ?? Infinity);
            })
            .map(({ buckets }) => buckets),
        );
  const chosen = timed.filter(([index]) => {
    const bounds = bucketBounds(index);
    const middle = (bounds.lowNs + bounds.highNs) / 2;
    return middle >= lowNs && middle < highNs;
  });
  const count = (buckets: BucketCounts): number => buckets.reduce((sum, [, calls]) => sum + calls, 0);
  const calls = count(chosen);
  const [p50Ns, p99Ns] = [percentile(chosen, 0.5), percentile(chosen, 0.99)];
  return {
    range,
    calls,
    share: calls / Math.max(1, count(totals)),
    ...(p50Ns === undefined ? {} : { p50Ns }),
    ...(p99Ns === undefined ? {} : { p99Ns }),
  };
}

const columnAt = (ns: number, fromNs: number, widthNs: number, columns: number): number =>
  Math.min(columns - 1, Math.max(0, Math.floor((ns - fromNs) / widthNs)));

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.max(1, sorted[sorted.length >> 1] ?? 1);
}
