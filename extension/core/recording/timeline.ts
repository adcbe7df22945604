/** What the probes of a recording had measured at any moment, and over any part of it. */
import { bucketBounds, mergeBuckets, type BucketCounts } from '../../../protocol/buckets.ts';
import type { ProbeId, ProbeSpec } from '../../../protocol/probe.ts';
import type { LatencyTotals, LostCounts } from '../../../protocol/snapshot.ts';
import type { HistoryPoint } from '../aggregate.ts';
import { BucketHistory, bucketsBetween } from './bucket-history.ts';
import type { Recording } from './reader.ts';
import { laneName, readSpec } from './replay.ts';
import { hasIndex } from './sqlite.ts';
import { edgesOf, gapsOf, readSteps, stepAt, stepAtInterval, type Step } from './steps.ts';

/** A probe as the time line shows it: one that was paused and resumed has several numbers, and is one all the same. */
export interface Lane {
  readonly name: string;
  /** As it was attached last. */
  readonly spec: ProbeSpec;
  readonly spans: readonly Span[];
}

/** The intervals in which one of a lane's numbers was attached. */
export interface Span {
  readonly probe: ProbeId;
  readonly first: number;
  readonly last: number;
}

/** The intervals after `from` up to and including `to`: of the whole recording when `from` is 0. Interval ids. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** What a lane measured in a part. */
export interface PartFigures {
  readonly count: number;
  readonly lost: LostCounts;
  /** How long it was attached meanwhile, ns, and what was counted in that time; 0 where that is not known. */
  readonly attachedNs: number;
  readonly timedCount: number;
  /** Absent where latency was not measured. */
  readonly latency?: LatencyTotals;
  /** The true maximum is at most {@link LatencyTotals.maxNs}: a part's own is known to the width of a bucket (3 %). */
  readonly maxIsBound: boolean;
}

/** Ten minutes of a snapshot a second: what the heatmap of a probe that is measured holds, too. */
const MOST_POINTS = 600;

interface TotalsRow {
  readonly probe: number;
  readonly interval: number;
  readonly count: number;
  readonly sum_ns: number | null;
  readonly max_ns: number | null;
  readonly missed_entries: number;
  readonly abandoned_calls: number;
  readonly dropped_by_engine: number;
}

/** Counts by column, and where the lane was attached. */
export interface LaneColumns {
  readonly counts: readonly number[];
  readonly attached: readonly boolean[];
}

export class RecordingTimeline {
  readonly steps: readonly Step[];
  /** Indexes into {@link steps} at the columns' edges. */
  readonly edges: readonly number[];
  /** Indexes into {@link steps}: the interval that ends there was a gap. */
  readonly gaps: readonly number[];
  readonly lanes: readonly Lane[];
  readonly buckets: BucketHistory;
  readonly #recording: Recording;
  /** Totals that were asked for, by probe and interval: the last rows of those that have left, above all. */
  readonly #last = new Map<ProbeId, TotalsRow>();

  /** Throws ProbeError `malformed-file` when a probe cannot be read. */
  constructor(recording: Recording) {
    this.#recording = recording;
    this.steps = readSteps(recording.database);
    this.gaps = gapsOf(this.steps);
    this.edges = edgesOf(this.steps, this.gaps);
    this.lanes = readLanes(recording);
    this.buckets = new BucketHistory(recording.database);
  }

  /** The last interval; 0 in a recording that has none. */
  get last(): number {
    return this.steps.at(-1)?.interval ?? 0;
  }

  /** The intervals that end after `fromNs`, where given, and by `toNs`. */
  partOf(fromNs: number | undefined, toNs: number): Part {
    const at = (timeNs: number): number => this.steps[stepAt(this.steps, timeNs)]?.interval ?? 0;
    const first = this.steps[0];
    // from the very start: what the first interval counted has begun before it, and belongs to it
    const from = fromNs === undefined || first === undefined || fromNs <= first.timeNs ? 0 : at(fromNs);
    return { from, to: Math.max(from, at(toNs)) };
  }

  /** What each lane counted in each column, in the order of {@link lanes}. */
  columns(): LaneColumns[] {
    const intervals = this.edges.map((edge) => this.steps[edge]!.interval);
    const select = this.#recording.database.prepare('SELECT probe, count FROM totals WHERE interval = ?');
    const counts = intervals.map(
      (interval) =>
        new Map(
          (select.all(interval) as unknown as { probe: number; count: number }[]).map(
            ({ probe, count }): [number, number] => [probe, count],
          ),
        ),
    );
    const at = ({ probe, first, last }: Span, edge: number): number => {
      const interval = intervals[edge]!;
      if (interval < first) return 0;
      return (
        counts[edge]!.get(probe) ?? this.#totals({ probe, first, last }, Math.min(interval, last))?.count ?? 0
      );
    };
    return this.lanes.map(({ spans }) => ({
      counts: intervals
        .slice(1)
        .map((_, column) =>
          spans.reduce((sum, span) => sum + Math.max(0, at(span, column + 1) - at(span, column)), 0),
        ),
      attached: intervals
        .slice(1)
        .map((interval, column) =>
          spans.some(({ first, last }) => first <= interval && last > intervals[column]!),
        ),
    }));
  }

  /** What a lane measured in a part. Latency is left out while `buckets` are not to be read (see {@link BucketHistory.read}). */
  figures(lane: Lane, { from, to }: Part, withBuckets = true): PartFigures {
    const ends = lane.spans.map((span) => ({
      span,
      before: this.#totals(span, from),
      after: this.#totals(span, to),
    }));
    const added = (value: (row: TotalsRow) => number): number =>
      ends.reduce(
        (sum, { before, after }) =>
          sum +
          Math.max(0, (after === undefined ? 0 : value(after)) - (before === undefined ? 0 : value(before))),
        0,
      );
    const count = added((row) => row.count);
    const figures = {
      count,
      lost: {
        missedEntries: added((row) => row.missed_entries),
        abandonedCalls: added((row) => row.abandoned_calls),
        droppedByEngine: added((row) => row.dropped_by_engine),
      },
      attachedNs: lane.spans.reduce((sum, span) => sum + this.#attachedNs(span, from, to), 0),
      // when the calls of a recording's first interval began nobody knows
      timedCount: count - (from > 0 ? 0 : this.#added(lane.spans, 0, Math.min(1, to)).count),
    };
    const measured = ends.some(({ after }) => after !== undefined && after.sum_ns !== null);
    if (!measured || !withBuckets) return { ...figures, maxIsBound: false };
    const [old, now] = [this.buckets.at(from), this.buckets.at(to)];
    const buckets = mergeBuckets(
      ...lane.spans.map(({ probe }) => bucketsBetween(old.get(probe), now.get(probe))),
    );
    const { maxNs, maxIsBound } = maximumOf(ends, buckets);
    return {
      ...figures,
      latency: { buckets, sumNs: added(({ sum_ns }) => sum_ns ?? 0), maxNs },
      maxIsBound,
    };
  }

  /** What each of a part's last intervals added to a lane, `most` of them at most; the newest last. */
  history(lane: Lane, { from, to }: Part, most = MOST_POINTS): HistoryPoint[] {
    const { database } = this.#recording;
    const intervals = database
      .prepare(
        'SELECT id, time_ns, wall_clock_ms FROM intervals WHERE id > ? AND id <= ? ORDER BY id DESC LIMIT ?',
      )
      .all(Math.max(from, 1), to, most) as unknown as {
      id: number;
      time_ns: number;
      wall_clock_ms: number;
    }[];
    const select = database.prepare(
      'SELECT bucket, count FROM buckets WHERE interval = ? AND probe = ? ORDER BY bucket',
    );
    return intervals.reverse().flatMap(({ id, time_ns, wall_clock_ms }): HistoryPoint[] => {
      const spans = lane.spans.filter(({ first, last }) => first <= id && id <= last);
      if (spans.length === 0) return [];
      const buckets = spans.map(({ probe }): BucketCounts =>
        (select.all(id, probe) as unknown as { bucket: number; count: number }[]).map(
          ({ bucket, count }): [number, number] => [bucket, count],
        ),
      );
      const { count, sumNs } = this.#added(spans, id - 1, id);
      return [
        {
          ...{ monotonicNs: time_ns, wallClockMs: wall_clock_ms, count, sumNs },
          durationNs: time_ns - this.#timeNs(id - 1),
          buckets: mergeBuckets(...buckets),
        },
      ];
    });
  }

  #added(spans: readonly Span[], from: number, to: number): { count: number; sumNs: number } {
    let [count, sumNs] = [0, 0];
    for (const span of spans) {
      const [before, after] = [this.#totals(span, from), this.#totals(span, to)];
      count += Math.max(0, (after?.count ?? 0) - (before?.count ?? 0));
      sumNs += Math.max(0, (after?.sum_ns ?? 0) - (before?.sum_ns ?? 0));
    }
    return { count, sumNs };
  }

  /** The totals of a span as they were at an interval; undefined before its first. */
  #totals({ probe, first, last }: Span, interval: number): TotalsRow | undefined {
    if (interval < first) return undefined;
    const at = Math.min(interval, last);
    const known = this.#last.get(probe);
    if (at === last && known !== undefined) return known;
    const { database } = this.#recording;
    const columns =
      'probe, interval, count, sum_ns, max_ns, missed_entries, abandoned_calls, dropped_by_engine';
    const row = (database
      .prepare(`SELECT ${columns} FROM totals WHERE interval = ? AND probe = ?`)
      .get(at, probe) ??
      // a snapshot that lacks it, as those of another target do
      database
        .prepare(
          `SELECT ${columns} FROM totals WHERE probe = ? AND interval <= ? ORDER BY interval DESC LIMIT 1`,
        )
        .get(probe, at)) as unknown as TotalsRow | undefined;
    if (at === last && row !== undefined) this.#last.set(probe, row);
    return row;
  }

  #attachedNs({ first, last }: Span, from: number, to: number): number {
    // it joined at some time between the snapshot before its first one and that one
    const began = Math.max(from, first - 1);
    const ended = Math.min(last, to);
    return ended <= began ? 0 : this.#timeNs(ended) - this.#timeNs(Math.max(1, began));
  }

  #timeNs(interval: number): number {
    const step = this.steps[stepAtInterval(this.steps, interval)];
    if (step?.interval === interval) return step.timeNs;
    const row = this.#recording.database
      .prepare('SELECT time_ns AS timeNs FROM intervals WHERE id <= ? ORDER BY id DESC LIMIT 1')
      .get(interval) as { timeNs: number } | undefined;
    return row?.timeNs ?? step?.timeNs ?? 0;
  }
}

/**
 * Totals carry the maximum since a probe was attached. A part's own is the same when it grew in it, or begins with the probe;
 * otherwise it lies in the highest bucket that the part has.
 */
function maximumOf(
  ends: readonly { readonly before: TotalsRow | undefined; readonly after: TotalsRow | undefined }[],
  buckets: BucketCounts,
): { readonly maxNs: number; readonly maxIsBound: boolean } {
  let [exact, overall] = [0, 0];
  for (const { before, after } of ends) {
    const max = after?.max_ns ?? 0;
    overall = Math.max(overall, max);
    if (after !== undefined && max > (before?.max_ns ?? 0)) exact = Math.max(exact, max);
  }
  const highest = buckets.at(-1);
  if (highest === undefined) return { maxNs: 0, maxIsBound: false };
  const { lowNs, highNs } = bucketBounds(highest[0]);
  if (exact >= lowNs) return { maxNs: exact, maxIsBound: false };
  return { maxNs: Math.min(overall, highNs), maxIsBound: true };
}

/** First and last interval of each probe: two look-ups where there is an index for it, or all totals read once. */
const SPANS = {
  seek: `SELECT probe, first, last FROM (SELECT id AS probe,
      (SELECT min(interval) FROM totals INDEXED BY totals_by_probe WHERE probe = probes.id) AS first,
      (SELECT max(interval) FROM totals INDEXED BY totals_by_probe WHERE probe = probes.id) AS last FROM probes)
    WHERE first IS NOT NULL ORDER BY probe`,
  scan: 'SELECT probe, min(interval) AS first, max(interval) AS last FROM totals GROUP BY probe ORDER BY probe',
} as const;

function readLanes(recording: Recording): Lane[] {
  const { database } = recording;
  const specs = new Map(
    (database.prepare('SELECT id, spec FROM probes ORDER BY id').all() as { id: number; spec: string }[]).map(
      ({ id, spec }) => [id, readSpec(recording, spec)],
    ),
  );
  const spans = database
    .prepare(SPANS[hasIndex(database, 'totals_by_probe') ? 'seek' : 'scan'])
    .all() as unknown as Span[];
  const lanes = new Map<string, Lane>();
  for (const span of spans) {
    const spec = specs.get(span.probe);
    if (spec === undefined) continue;
    const name = laneName(spec);
    lanes.set(name, { name, spec, spans: [...(lanes.get(name)?.spans ?? []), span] });
  }
  return [...lanes.values()];
}
