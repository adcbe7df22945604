/**
 * Buckets made ready for a picture: tens of bars with round edges, on a linear or a logarithmic axis.
 *
 * Counts at a bar's edge are split in proportion, as if a bucket's calls were spread evenly over it. The same
 * assumption as {@link percentile}'s; it can misplace calls by less than one bucket, which is 3.125 % of the value.
 */
import { bucketBounds, type BucketCounts } from './buckets.ts';

export type AxisKind = 'log' | 'linear';

/** One bar: `lowNs <= duration < highNs`; `count` may be fractional at edges. */
export interface Bar {
  readonly lowNs: number;
  readonly highNs: number;
  readonly count: number;
}

const NICE_STEPS = [1, 2, 5] as const;
/** Bars an octave, finest first. 16 is half of what the buckets resolve, so that every bar holds two of them or more. */
const BARS_PER_OCTAVE = [16, 8, 4, 2, 1] as const;

/** Bars that cover all counts, at most `maxBars` of them, none where the histogram is empty. */
export function toBars(buckets: BucketCounts, axis: AxisKind, maxBars: number): readonly Bar[] {
  const first = buckets[0];
  const last = buckets.at(-1);
  if (first === undefined || last === undefined) return [];
  const lowNs = bucketBounds(first[0]).lowNs;
  const { lowNs: lastLowNs, highNs } = bucketBounds(last[0]);
  const edges =
    axis === 'linear'
      ? linearEdges(lowNs, highNs, highNs - lastLowNs, maxBars)
      : logEdges(lowNs, highNs, maxBars);
  return split(buckets, edges);
}

/** Multiples of 1, 2 or 5 · 10^n around `[lowNs, highNs]`, at least a bucket apart. */
function linearEdges(lowNs: number, highNs: number, bucketNs: number, maxBars: number): number[] {
  const least = Math.max(bucketNs, (highNs - lowNs) / Math.max(1, maxBars - 2));
  const power = 10 ** Math.floor(Math.log10(least));
  const step = (NICE_STEPS.find((nice) => nice * power >= least) ?? 10) * power;
  const edges: number[] = [];
  for (let index = Math.floor(lowNs / step); edges.length <= maxBars; index++) {
    edges.push(index * step);
    if (index * step >= highNs) break;
  }
  return edges;
}

/** 2^(k/n) around `[lowNs, highNs]`. A log axis cannot show 0: the first bar then begins there, in the place of 1 ns. */
function logEdges(lowNs: number, highNs: number, maxBars: number): number[] {
  const low = Math.log2(Math.max(1, lowNs));
  const high = Math.log2(Math.max(2, highNs));
  const perOctave =
    BARS_PER_OCTAVE.find((count) => (high - low) * count + 2 <= maxBars) ?? BARS_PER_OCTAVE.at(-1) ?? 1;
  const edges: number[] = [];
  // a bucket's bound may be a hair off the edge it equals: 1e-9 of an octave keeps it from adding an empty bar
  for (let k = Math.floor(low * perOctave + 1e-9); ; k++) {
    edges.push(2 ** (k / perOctave));
    if (k >= high * perOctave - 1e-9) break;
  }
  if (lowNs < 1) edges[0] = 0;
  return edges;
}

/** Counts between ascending edges; what lies outside them goes to the first and last. */
export function countsBetween(buckets: BucketCounts, edges: readonly number[]): readonly Bar[] {
  return split(buckets, edges);
}

function split(buckets: BucketCounts, edges: readonly number[]): readonly Bar[] {
  const bars = edges.slice(1).map((highNs, index) => ({ lowNs: edges[index] ?? 0, highNs, count: 0 }));
  let bar = 0;
  for (const [index, count] of buckets) {
    const { lowNs, highNs } = bucketBounds(index);
    while (bar < bars.length - 1 && (bars[bar]?.highNs ?? Infinity) <= lowNs) bar++;
    let rest = count;
    for (let at = bar; at < bars.length; at++) {
      const target = bars[at];
      if (target === undefined) break;
      const part = at === bars.length - 1 ? rest : Math.min(rest, share(target, lowNs, highNs) * count);
      target.count += part;
      rest -= part;
      if (target.highNs >= highNs) break;
    }
  }
  return bars;
}

function share(bar: Bar, lowNs: number, highNs: number): number {
  const overlap = Math.min(bar.highNs, highNs) - Math.max(bar.lowNs, lowNs);
  return Math.max(0, overlap) / (highNs - lowNs);
}
