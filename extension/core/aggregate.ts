import { bucketBounds, mergeBuckets, percentile, type BucketCounts } from '../../protocol/buckets.ts';
import type { CallerTotals, LatencyTotals, LostCounts, ProbeTotals } from '../../protocol/snapshot.ts';

/** What is shown of a probe. Durations in ns; latency figures are absent until the first call returned. */
export interface Figures {
  readonly count: number;
  /** Calls a second over the last second or so; absent until two snapshots came. */
  readonly rateHz?: number;
  readonly lost: LostCounts;
  /** Calls whose duration is known. */
  readonly returned: number;
  readonly p50Ns?: number;
  readonly p90Ns?: number;
  readonly p99Ns?: number;
  readonly maxNs?: number;
  readonly meanNs?: number;
}

/** What one interval added; the newest last. */
export interface HistoryPoint {
  /** CLOCK_MONOTONIC of the target at the interval's end. */
  readonly monotonicNs: number;
  readonly wallClockMs: number;
  readonly durationNs: number;
  readonly count: number;
  readonly buckets: BucketCounts;
  readonly sumNs: number;
}

const noLoss: LostCounts = { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 };
/** 10 minutes at 4 snapshots a second. */
const HISTORY_POINTS = 2400;
/** The rate is taken over at least this long: single intervals of 250 ms jump. */
const RATE_WINDOW_NS = 1e9;

interface Mark {
  readonly monotonicNs: number;
  readonly count: number;
}

/**
 * The one place where a probe's snapshots come together; overlay, tree, panels and CLI read it.
 * Totals are cumulative within a session of the helper; {@link pause} keeps them over the next one.
 */
export class ProbeAggregate {
  /** Totals of earlier sessions, before a pause or a reconnection. */
  #earlier: ProbeTotals | undefined;
  #current: ProbeTotals | undefined;
  #marks: Mark[] = [];
  readonly #history: HistoryPoint[] = [];
  #recorded: { readonly read: () => readonly HistoryPoint[]; points?: readonly HistoryPoint[] } | undefined;

  /** Takes a snapshot's totals. Totals that run backwards (a late, older snapshot) are ignored. */
  add(totals: ProbeTotals, monotonicNs: number, wallClockMs: number): void {
    // a recording's times are on another clock
    this.#recorded = undefined;
    const last = this.#marks.at(-1);
    if (last !== undefined && (monotonicNs < last.monotonicNs || totals.count < last.count)) return;
    if (last !== undefined) {
      const before = this.#current;
      this.#history.push({
        monotonicNs,
        wallClockMs,
        durationNs: monotonicNs - last.monotonicNs,
        count: totals.count - last.count,
        buckets: subtract(totals.latency?.buckets ?? [], before?.latency?.buckets ?? []),
        sumNs: (totals.latency?.sumNs ?? 0) - (before?.latency?.sumNs ?? 0),
      });
      if (this.#history.length > HISTORY_POINTS) this.#history.shift();
    }
    this.#current = totals;
    this.#marks.push({ monotonicNs, count: totals.count });
    while ((this.#marks[1]?.monotonicNs ?? Infinity) <= monotonicNs - RATE_WINDOW_NS) this.#marks.shift();
  }

  /** The session ends or the probe leaves it: what was counted stays, the rate does not. */
  pause(): void {
    const totals = this.totals;
    this.#earlier = totals.count === 0 && totals.latency === undefined ? undefined : totals;
    this.#current = undefined;
    this.#marks = [];
  }

  /**
   * Takes what was measured elsewhere in place of everything: a recording as it was at some moment. Its history is read when
   * somebody asks for it.
   */
  replace(totals: ProbeTotals, history: () => readonly HistoryPoint[] = () => []): void {
    this.pause();
    this.#earlier = totals;
    this.#history.length = 0;
    this.#recorded = { read: history };
  }

  /** Everything since the probe was created. */
  get totals(): ProbeTotals {
    const { buckets, sumNs, maxNs } = this.latency;
    const callers = this.callers;
    return {
      probe: this.#current?.probe ?? this.#earlier?.probe ?? 0,
      count: (this.#earlier?.count ?? 0) + (this.#current?.count ?? 0),
      lost: this.lost,
      ...(buckets.length === 0 ? {} : { latency: { buckets, sumNs, maxNs } }),
      ...(callers.length === 0 ? {} : { callers }),
    };
  }

  get latency(): LatencyTotals {
    const now = this.#current?.latency;
    const before = this.#earlier?.latency;
    if (before === undefined) return now ?? { buckets: [], sumNs: 0, maxNs: 0 };
    if (now === undefined) return before;
    return {
      buckets: mergeBuckets(before.buckets, now.buckets),
      sumNs: before.sumNs + now.sumNs,
      maxNs: Math.max(before.maxNs, now.maxNs),
    };
  }

  /** Call stacks, the most frequent first. */
  get callers(): readonly CallerTotals[] {
    const sums = new Map<string, CallerTotals>();
    for (const caller of [...(this.#earlier?.callers ?? []), ...(this.#current?.callers ?? [])]) {
      const key = JSON.stringify(caller.stack);
      const known = sums.get(key);
      sums.set(
        key,
        known === undefined ? caller : { stack: caller.stack, count: known.count + caller.count },
      );
    }
    return [...sums.values()].sort((a, b) => b.count - a.count);
  }

  get lost(): LostCounts {
    const [a, b] = [this.#earlier?.lost ?? noLoss, this.#current?.lost ?? noLoss];
    return {
      missedEntries: a.missedEntries + b.missedEntries,
      abandonedCalls: a.abandonedCalls + b.abandonedCalls,
      droppedByEngine: a.droppedByEngine + b.droppedByEngine,
    };
  }

  /** The rate now, or the last one that was seen: what a paused probe would cost is estimated by it. */
  get lastRateHz(): number | undefined {
    const now = this.#rateHz();
    if (now !== undefined) return now;
    let [count, durationNs] = [0, 0];
    for (let at = this.#history.length - 1; at >= 0 && durationNs < RATE_WINDOW_NS; at--) {
      count += this.#history[at]?.count ?? 0;
      durationNs += this.#history[at]?.durationNs ?? 0;
    }
    return durationNs === 0 ? undefined : (count * 1e9) / durationNs;
  }

  get history(): readonly HistoryPoint[] {
    const recorded = this.#recorded;
    if (recorded === undefined) return this.#history;
    recorded.points ??= recorded.read();
    return recorded.points;
  }

  get figures(): Figures {
    const latency = this.latency;
    const returned = latency.buckets.reduce((sum, [, count]) => sum + count, 0);
    const rateHz = this.#rateHz();
    const count = (this.#earlier?.count ?? 0) + (this.#current?.count ?? 0);
    return {
      count,
      lost: this.lost,
      returned,
      ...(rateHz === undefined ? {} : { rateHz }),
      ...(returned === 0 ? {} : latencyFigures(latency, returned)),
    };
  }

  #rateHz(): number | undefined {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (first === undefined || last === undefined || last.monotonicNs === first.monotonicNs) return undefined;
    return ((last.count - first.count) * 1e9) / (last.monotonicNs - first.monotonicNs);
  }
}

/** Percentiles are interpolated in buckets; none can exceed the exact maximum. */
export function latencyFigures(latency: LatencyTotals, returned: number): Omit<Figures, 'count' | 'lost'> {
  const at = (fraction: number): number =>
    Math.min(latency.maxNs || Infinity, percentile(latency.buckets, fraction) ?? 0);
  return {
    returned,
    p50Ns: at(0.5),
    p90Ns: at(0.9),
    p99Ns: at(0.99),
    maxNs: latency.maxNs,
    meanNs: latency.sumNs / returned,
  };
}

/** `a − b` of cumulative histograms. */
function subtract(a: BucketCounts, b: BucketCounts): BucketCounts {
  const before = new Map(b);
  return a
    .map(([index, count]) => [index, count - (before.get(index) ?? 0)] as const)
    .filter(([, count]) => count > 0);
}

/** A histogram with bounds, as the CLI prints it. */
export function withBounds(
  buckets: BucketCounts,
): { readonly lowNs: number; readonly highNs: number; readonly count: number }[] {
  return buckets.map(([index, count]) => ({ ...bucketBounds(index), count }));
}
