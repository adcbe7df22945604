/** A recording as its page shows it: a time line with rows, and figures of any range of it. */
import { percentile } from '../../../protocol/buckets.ts';
import type {
  Gap,
  LaneAction,
  LaneFigures,
  LaneUnit,
  RecordedLane,
  ShownRange,
} from '../../../protocol/recording-panel.ts';
import type { Profile } from '../../../protocol/profile.ts';
import { subjectName } from '../probe.ts';
import { stepAt } from './steps.ts';
import type { PartFigures, RecordingTimeline } from './timeline.ts';

/** Something with a time line: what probes counted, or the samples of a profile. */
export interface Replayed {
  readonly unit: LaneUnit;
  readonly stepsNs: readonly number[];
  readonly edgesNs: readonly number[];
  readonly gaps: readonly Gap[];
  lanes(): readonly RecordedLane[];
  figures(range: ShownRange): readonly LaneFigures[];
  wallClockMs(range: ShownRange): number | undefined;
}

export class ReplayedProbes implements Replayed {
  readonly unit = 'calls';
  readonly timeline: RecordingTimeline;
  readonly stepsNs: readonly number[];
  readonly edgesNs: readonly number[];
  readonly gaps: readonly Gap[];
  /** Share of the latencies that is read, see `BucketHistory.read`. */
  read: number;
  #last: { readonly key: string; readonly parts: readonly PartFigures[] } | undefined;

  constructor(timeline: RecordingTimeline) {
    this.timeline = timeline;
    const { steps, edges, gaps, buckets } = timeline;
    this.stepsNs = steps.map(({ timeNs }) => timeNs);
    this.edgesNs = edges.map((edge) => this.stepsNs[edge]!);
    this.gaps = gaps.map((gap) => ({ fromNs: this.stepsNs[gap - 1]!, toNs: this.stepsNs[gap]! }));
    this.read = buckets.isIndexed ? 1 : 0;
  }

  lanes(): readonly RecordedLane[] {
    const columns = this.timeline.columns();
    return this.timeline.lanes.map(({ spec }, index) => {
      const { declared } = spec.subject;
      const file = declared?.file.slice(declared.file.lastIndexOf('/') + 1);
      const opens: LaneAction[] = [
        ...(declared === undefined ? [] : (['source'] as const)),
        ...(spec.measures.includes('latency') ? (['latency'] as const) : []),
        ...(spec.measures.includes('callers') ? (['callers'] as const) : []),
      ];
      return {
        ...{ title: subjectName(spec.subject), opens, ...columns[index]! },
        ...(declared === undefined ? {} : { place: `${file}:${declared.line}` }),
      };
    });
  }

  /** What each lane measured in a range, buckets and all, in the order of the time line's lanes. */
  parts({ fromNs, toNs }: ShownRange): readonly PartFigures[] {
    const key = `${fromNs} ${toNs} ${this.read === 1}`;
    // page, code and panels ask for the same moment one after the other
    if (this.#last?.key !== key) {
      const part = this.timeline.partOf(fromNs, toNs);
      const parts = this.timeline.lanes.map((lane) => this.timeline.figures(lane, part, this.read === 1));
      this.#last = { key, parts };
    }
    return this.#last.parts;
  }

  figures(range: ShownRange): readonly LaneFigures[] {
    return this.parts(range).map(figuresOf);
  }

  wallClockMs({ toNs }: ShownRange): number | undefined {
    const { steps } = this.timeline;
    return steps[stepAt(steps, toNs)]?.wallClockMs;
  }
}

function figuresOf({ count, lost, attachedNs, timedCount, latency, maxIsBound }: PartFigures): LaneFigures {
  const figures = {
    ...{ count, maxIsBound, lost: lost.missedEntries + lost.abandonedCalls + lost.droppedByEngine },
    ...(attachedNs > 0 ? { rateHz: (timedCount * 1e9) / attachedNs } : {}),
  };
  if (latency === undefined || latency.buckets.length === 0) return figures;
  // interpolated in a bucket, none can exceed the maximum
  const at = (fraction: number): number =>
    Math.min(latency.maxNs || Infinity, percentile(latency.buckets, fraction) ?? 0);
  return { ...figures, p50Ns: at(0.5), p90Ns: at(0.9), p99Ns: at(0.99), maxNs: latency.maxNs };
}

/** Moments of a profile that can be shown. */
const STEPS = 240;
/** Samples of a column, at least, on average: rates of fewer jump between one and none. */
const SAMPLES_A_COLUMN = 8;
/** Threads with a row of their own; the others share one. */
const MOST_THREADS = 8;

/** Samples of a profile by thread, the busiest first. */
export class ReplayedProfile implements Replayed {
  readonly unit: LaneUnit;
  readonly stepsNs: readonly number[];
  readonly edgesNs: readonly number[];
  readonly gaps = [];
  readonly #profile: Profile;
  /** Row of each thread; the last row is that of the others. */
  readonly #rowOf: Uint32Array;
  readonly #titles: readonly string[];

  constructor(profile: Profile) {
    this.#profile = profile;
    this.unit = profile.unit;
    const lastNs = profile.samples?.timeNs.at(-1) ?? 0;
    const endNs = Math.max(profile.durationNs ?? 0, lastNs);
    const samples = profile.samples?.timeNs.length ?? 0;
    const columns = Math.max(1, Math.min(STEPS, Math.floor(samples / SAMPLES_A_COLUMN)));
    // a profile without times has them all at zero
    const parts = (count: number): number[] =>
      lastNs > 0 ? Array.from({ length: count + 1 }, (_, i) => (i * endNs) / count) : [];
    this.edgesNs = parts(columns);
    this.stepsNs = parts(STEPS);
    const { rowOf, titles } = rowsOf(profile);
    this.#rowOf = rowOf;
    this.#titles = titles;
  }

  lanes(): readonly RecordedLane[] {
    if (this.edgesNs.length === 0) return [];
    const columns = this.edgesNs.length - 1;
    const counts = this.#titles.map(() => new Array<number>(columns).fill(0));
    const { samples } = this.#profile;
    const columnNs = this.edgesNs[1]!;
    samples?.timeNs.forEach((timeNs, sample) => {
      const column = Math.min(columns - 1, Math.floor(timeNs / columnNs));
      const row = counts[this.#rowOf[samples.thread[sample]!]!];
      if (row?.[column] !== undefined) row[column] += samples.weight[sample]!;
    });
    return this.#titles.map((title, row) => ({
      ...{ title, opens: [], counts: counts[row]! },
      attached: counts[row]!.map(() => true),
    }));
  }

  figures({ fromNs = -1, toNs }: ShownRange): readonly LaneFigures[] {
    const counts = this.#titles.map(() => 0);
    const endNs = this.edgesNs.at(-1) ?? 0;
    const { samples } = this.#profile;
    samples?.timeNs.forEach((timeNs, sample) => {
      const row = this.#rowOf[samples.thread[sample]!]!;
      if (timeNs >= fromNs && (timeNs < toNs || toNs >= endNs)) counts[row]! += samples.weight[sample]!;
    });
    const seconds = (toNs - Math.max(0, fromNs)) / 1e9;
    return counts.map((count) => ({
      ...{ count, lost: 0, maxIsBound: false },
      ...(seconds > 0 ? { rateHz: count / seconds } : {}),
    }));
  }

  wallClockMs({ toNs }: ShownRange): number | undefined {
    const { startedAtMs } = this.#profile;
    return startedAtMs === undefined ? undefined : startedAtMs + toNs / 1e6;
  }
}

function rowsOf({ samples, threads }: Profile): { rowOf: Uint32Array; titles: string[] } {
  const weights = new Float64Array(threads.length);
  samples?.thread.forEach((thread, sample) => {
    if (thread < weights.length) weights[thread]! += samples.weight[sample]!;
  });
  const busiest = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]!);
  const own = busiest.length <= MOST_THREADS ? busiest : busiest.slice(0, MOST_THREADS - 1);
  const rowOf = new Uint32Array(threads.length).fill(own.length);
  own.forEach((thread, row) => (rowOf[thread] = row));
  const others = busiest.length - own.length;
  return {
    rowOf,
    titles: [
      ...own.map((thread) => {
        const { name, tid } = threads[thread]!;
        return tid === 0 ? name : `${name} ${tid}`;
      }),
      ...(others > 0 ? [`${others} other threads`] : []),
    ],
  };
}
