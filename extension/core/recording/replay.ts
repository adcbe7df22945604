import { mergeBuckets, type BucketCounts } from '../../../protocol/buckets.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import type { ProbeSpec } from '../../../protocol/probe.ts';
import type { CallerTotals, ProbeTotals } from '../../../protocol/snapshot.ts';
import type { Frame } from '../../../protocol/source.ts';
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

/** The probes of a recording with their last totals. Throws `malformed-file` when a probe cannot be read. */
export function recordedProbes(recording: Recording): RecordedProbe[] {
  const rows = recording.database
    .prepare(
      `SELECT spec, count, sum_ns, max_ns, missed_entries, abandoned_calls, dropped_by_engine, time_ns, wall_clock_ms
       FROM probes JOIN totals ON totals.probe = probes.id JOIN intervals ON intervals.id = totals.interval
       WHERE intervals.id = (SELECT max(interval) FROM totals AS last WHERE last.probe = probes.id) ORDER BY probes.id`,
    )
    .all() as unknown as TotalsRow[];
  return rows.map((row) => {
    const spec = specOf(recording, row.spec);
    const buckets = bucketsOf(recording, spec.id);
    const callers = spec.measures.includes('callers') ? callersOf(recording, spec.id) : undefined;
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
        ...(row.sum_ns === null ? {} : { latency: { buckets, sumNs: row.sum_ns, maxNs: row.max_ns ?? 0 } }),
        ...(callers === undefined ? {} : { callers }),
      },
      timeNs: row.time_ns,
      wallClockMs: row.wall_clock_ms,
    };
  });
}

function specOf(recording: Recording, text: string): ProbeSpec {
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

/** Intervals hold what each of them added. */
function bucketsOf(recording: Recording, probe: number): BucketCounts {
  const rows = recording.database
    .prepare(
      'SELECT bucket, sum(count) AS count FROM buckets WHERE probe = ? GROUP BY bucket ORDER BY bucket',
    )
    .all(probe) as unknown as { bucket: number; count: number }[];
  return mergeBuckets(rows.map(({ bucket, count }) => [bucket, count]));
}

function callersOf(recording: Recording, probe: number): CallerTotals[] {
  const { database } = recording;
  const samples = database
    .prepare(
      `SELECT stack, sum(weight) AS weight FROM samples JOIN profiles ON profiles.id = samples.profile
       WHERE profiles.probe = ? GROUP BY stack ORDER BY weight DESC`,
    )
    .all(probe) as unknown as { stack: number; weight: number }[];
  // from the innermost frame to the root, as stacks are everywhere
  const walk = database.prepare(
    `WITH RECURSIVE chain(id, depth) AS (SELECT ?, 0 UNION ALL SELECT parent, depth + 1 FROM chain JOIN stacks USING (id)
       WHERE parent IS NOT NULL AND depth < 10000)
     SELECT n.text AS name, f.text AS file, frames.line AS line, m.text AS module FROM chain JOIN stacks USING (id)
     JOIN frames ON frames.id = stacks.frame JOIN strings n ON n.id = frames.name LEFT JOIN strings f ON f.id = frames.file
     LEFT JOIN strings m ON m.id = frames.module ORDER BY depth`,
  );
  return samples.map(({ stack, weight }) => ({
    count: weight,
    stack: (
      walk.all(stack) as unknown as {
        name: string;
        file: string | null;
        line: number | null;
        module: string | null;
      }[]
    ).map(({ name, file, line, module }): Frame => ({
      function: name,
      ...(file === null || file === '' ? {} : { file }),
      ...(line === null || line === 0 ? {} : { line }),
      ...(module === null || module === '' ? {} : { module }),
    })),
  }));
}

/** `recorded on HOST (Linux 6.1.0), 2026-11-23 14:05 UTC`: stands wherever a recording's figures do. */
export function originOf(meta: ReadonlyMap<string, string>): string {
  const started = Number(meta.get('created_ms'));
  const when = started > 0 ? `, ${new Date(started).toISOString().slice(0, 16).replace('T', ' ')} UTC` : '';
  const kernel = meta.get('kernel');
  return `recorded on ${meta.get('host') ?? meta.get('target') ?? 'an unknown host'}${kernel === undefined ? '' : ` (Linux ${kernel})`}${when}`;
}
