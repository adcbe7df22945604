import { ProbeError } from '../../../protocol/errors.ts';
import type { ProbeSpec } from '../../../protocol/probe.ts';
import type { ProbeTotals } from '../../../protocol/snapshot.ts';
import { subjectName } from '../probe.ts';
import { BucketHistory, bucketsBetween, type BucketSums } from './bucket-history.ts';
import { RecordedCallers } from './recorded-callers.ts';
import type { Recording } from './reader.ts';

/** A probe of a recording with what it had measured in the end. */
export interface RecordedProbe {
  readonly spec: ProbeSpec;
  readonly totals: ProbeTotals;
  /** Target's CLOCK_MONOTONIC since the recording's start, and wall clock, of its last interval. */
  readonly timeNs: number;
  readonly wallClockMs: number;
}

interface TotalsRow {
  readonly probe: number;
  readonly spec: string;
  readonly count: number;
  readonly sum_ns: number | null;
  readonly max_ns: number | null;
  readonly missed_entries: number;
  readonly abandoned_calls: number;
  readonly dropped_by_engine: number;
  readonly time_ns: number;
  readonly wall_clock_ms: number;
}

/**
 * The probes of a recording with their last totals; without their callers unless asked for. Throws `malformed-file` when a probe
 * cannot be read.
 */
export function recordedProbes(
  recording: Recording,
  { withCallers = false }: { readonly withCallers?: boolean } = {},
): RecordedProbe[] {
  const { database } = recording;
  const rows = database
    .prepare(
      `SELECT totals.probe, spec, count, sum_ns, max_ns, missed_entries, abandoned_calls, dropped_by_engine, time_ns, wall_clock_ms
       FROM (SELECT probe, max(interval) AS interval FROM totals GROUP BY probe) AS last
       JOIN totals ON totals.interval = last.interval AND totals.probe = last.probe
       JOIN probes ON probes.id = last.probe JOIN intervals ON intervals.id = last.interval ORDER BY last.probe`,
    )
    .all() as unknown as TotalsRow[];
  const { end } = database.prepare('SELECT coalesce(max(id), 0) AS end FROM intervals').get() as {
    end: number;
  };
  const buckets = rows.some(({ sum_ns }) => sum_ns !== null)
    ? new BucketHistory(database).at(end)
    : new Map<number, BucketSums>();
  const callers = withCallers ? new RecordedCallers(recording) : undefined;
  return rows.map((row) => {
    const spec = readSpec(recording, row.spec);
    const stacks = spec.measures.includes('callers') ? callers?.of([row.probe]) : undefined;
    return {
      spec,
      totals: {
        probe: spec.id,
        count: row.count,
        lost: {
          missedEntries: row.missed_entries,
          abandonedCalls: row.abandoned_calls,
          droppedByEngine: row.dropped_by_engine,
        },
        ...(row.sum_ns === null
          ? {}
          : {
              latency: {
                buckets: bucketsBetween(undefined, buckets.get(row.probe)),
                sumNs: row.sum_ns,
                maxNs: row.max_ns ?? 0,
              },
            }),
        ...(stacks === undefined ? {} : { callers: stacks }),
      },
      timeNs: row.time_ns,
      wallClockMs: row.wall_clock_ms,
    };
  });
}

/** A probe's specification as a recording holds it. Throws `malformed-file`. */
export function readSpec(recording: Recording, text: string): ProbeSpec {
  try {
    const spec = JSON.parse(text) as ProbeSpec;
    if (typeof spec.id === 'number' && typeof spec.binary === 'string' && Array.isArray(spec.measures))
      return spec;
  } catch {
    // said below
  }
  throw new ProbeError({
    code: 'malformed-file',
    message: `${recording.path} holds a probe that cannot be read (table probes).`,
  });
}

/**
 * What makes two probes of recordings one: one that was paused and resumed has several numbers and is one all the same; so is one of
 * a binary that was built anew elsewhere.
 */
export function laneName({ binary, subject }: ProbeSpec): string {
  return `${binary.slice(binary.lastIndexOf('/') + 1)} ${subject.kind} ${subjectName(subject)}`;
}

/** `recorded on HOST (Linux 6.1.0), 2026-11-23 14:05 UTC`: stands wherever a recording's figures do. */
export function originOf(meta: ReadonlyMap<string, string>): string {
  const started = Number(meta.get('created_ms'));
  const when = started > 0 ? `, ${new Date(started).toISOString().slice(0, 16).replace('T', ' ')} UTC` : '';
  const kernel = meta.get('kernel');
  return `recorded on ${meta.get('host') ?? meta.get('target') ?? 'an unknown host'}${kernel === undefined ? '' : ` (Linux ${kernel})`}${when}`;
}
