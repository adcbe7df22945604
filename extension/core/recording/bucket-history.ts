import type { DatabaseSync } from 'node:sqlite';
import type { BucketCounts } from '../../../protocol/buckets.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import type { ProbeId } from '../../../protocol/probe.ts';
import { hasTable } from './sqlite.ts';

/** Counts by bucket index. */
export type BucketSums = ReadonlyMap<number, number>;

interface State {
  /** Everything up to this interval is in it. */
  readonly interval: number;
  readonly sums: ReadonlyMap<ProbeId, BucketSums>;
}

/** States that are kept from earlier questions: a range asks for its two ends in turn. */
const KEPT = 4;
/** States of a recording that has none stored, over its whole length. */
const OWN_STATES = 64;
/** How long one part of the reading may take: the editor's other work has its turn in between. */
const TURN_MS = 15;

/**
 * The buckets of every probe, added up from a recording's first interval to any other. A question costs the rows since the nearest
 * state before: one that the recording holds (table `cumulative`), or one of the last answers, so that going forward is cheap.
 */
export class BucketHistory {
  readonly #database: DatabaseSync;
  /** The recording holds states itself, so that every question is answered at once. */
  readonly isIndexed: boolean;
  #own: State[] = [];
  #kept: State[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.isIndexed =
      hasTable(database, 'cumulative') &&
      database.prepare('SELECT 1 FROM cumulative LIMIT 1').get() !== undefined;
  }

  /** Sums of the intervals up to and including `interval`; probes without buckets are not in it. */
  at(interval: number): ReadonlyMap<ProbeId, BucketSums> {
    const known = this.#nearest(interval);
    if (known.interval === interval) return known.sums;
    const sums = new Map<ProbeId, Map<number, number>>();
    for (const [probe, counts] of known.sums) sums.set(probe, new Map(counts));
    this.#add(sums, known.interval, interval);
    this.#keep({ interval, sums });
    return sums;
  }

  /**
   * Reads a recording without stored states once, part by part, and keeps states of it; afterwards {@link at} answers as quickly as
   * with them. `tell` hears the share that was read, 0…1. Ends early when aborted.
   */
  async read(last: number, tell: (share: number) => void, aborted?: AbortSignal): Promise<void> {
    if (this.isIndexed) return;
    const apart = Math.max(1, Math.ceil(last / OWN_STATES));
    let state: State = { interval: 0, sums: new Map() };
    let stride = 1;
    while (state.interval < last) {
      if (aborted?.aborted === true) return;
      const began = performance.now();
      const border = (Math.floor(state.interval / apart) + 1) * apart;
      const interval = Math.min(last, border, state.interval + stride);
      const sums = state.sums as Map<ProbeId, Map<number, number>>;
      this.#add(sums, state.interval, interval);
      state = { interval, sums };
      if (interval === border || interval === last) this.#own.push({ interval, sums: copied(sums) });
      const took = performance.now() - began;
      stride = Math.max(1, Math.min(stride * 2, Math.round((stride * TURN_MS) / Math.max(0.1, took))));
      tell(interval / last);
      await new Promise((done) => setImmediate(done));
    }
  }

  #nearest(interval: number): State {
    let best: State = { interval: 0, sums: new Map() };
    for (const state of [...this.#own, ...this.#kept])
      if (state.interval <= interval && state.interval > best.interval) best = state;
    const stored = this.#storedUpTo(interval);
    return stored > best.interval ? this.#load(stored) : best;
  }

  #storedUpTo(interval: number): number {
    if (!this.isIndexed) return 0;
    const { last } = this.#database
      .prepare('SELECT max(interval) AS last FROM cumulative WHERE interval <= ?')
      .get(interval) as { last: number | null };
    return last ?? 0;
  }

  #load(interval: number): State {
    const rows = this.#database
      .prepare('SELECT probe, data FROM cumulative WHERE interval = ?')
      .all(interval) as { probe: number; data: string }[];
    return {
      interval,
      sums: new Map(rows.map(({ probe, data }) => [probe, new Map<number, number>(countsOf(data))])),
    };
  }

  #add(sums: Map<ProbeId, Map<number, number>>, after: number, upTo: number): void {
    const rows = this.#database
      .prepare(
        `SELECT probe, bucket, sum(count) AS count FROM buckets WHERE interval > ? AND interval <= ? GROUP BY probe, bucket`,
      )
      .iterate(after, upTo) as unknown as Iterable<{ probe: number; bucket: number; count: number }>;
    for (const { probe, bucket, count } of rows) {
      let counts = sums.get(probe);
      if (counts === undefined) {
        counts = new Map<number, number>();
        sums.set(probe, counts);
      }
      counts.set(bucket, (counts.get(bucket) ?? 0) + count);
    }
  }

  #keep(state: State): void {
    this.#kept = [state, ...this.#kept].slice(0, KEPT);
  }
}

function countsOf(text: string): BucketCounts {
  try {
    const read: unknown = JSON.parse(text);
    if (isCounts(read)) return read;
  } catch {
    // said below
  }
  throw new ProbeError({
    code: 'malformed-file',
    message: 'The recording holds buckets that cannot be read (table cumulative).',
    remedy: 'Copy it again from where it came.',
  });
}

const isCounts = (read: unknown): read is BucketCounts =>
  Array.isArray(read) &&
  read.every((pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every(Number.isFinite));

const copied = (sums: ReadonlyMap<ProbeId, BucketSums>): ReadonlyMap<ProbeId, BucketSums> =>
  new Map([...sums].map(([probe, counts]) => [probe, new Map(counts)]));

/** What lies between two moments: counts of `to` minus those of `from`, in ascending order of bucket. */
export function bucketsBetween(from: BucketSums | undefined, to: BucketSums | undefined): BucketCounts {
  return [...(to ?? [])]
    .map(([bucket, count]): [number, number] => [bucket, count - (from?.get(bucket) ?? 0)])
    .filter(([, count]) => count > 0)
    .sort((a, b) => a[0] - b[0]);
}
