import { compareLatency } from '../comparison.ts';
import { subjectName } from '../probe.ts';
import type { Comparison } from '../../../protocol/latency.ts';
import type { RecordedProbe } from './replay.ts';

/** One probe in two recordings; what only one of them has stands alone. */
export interface ProbeComparison {
  readonly name: string;
  readonly binary: string;
  /** Calls counted in each; undefined where it was not traced. */
  readonly countBefore?: number;
  readonly countAfter?: number;
  /** Where both measured its latency. */
  readonly latency?: Comparison;
}

/** Probes are the same when their names and their binaries' base names agree: a rebuilt program lies elsewhere at times. */
export function compareTraces(
  label: string,
  before: readonly RecordedProbe[],
  after: readonly RecordedProbe[],
): ProbeComparison[] {
  const old = byIdentity(before);
  const now = byIdentity(after);
  return [...new Set([...old.keys(), ...now.keys()])].map((key) => {
    const [a, b] = [old.get(key), now.get(key)];
    const { spec } = (a ?? b)!;
    const [beforeLatency, afterLatency] = [a?.totals.latency, b?.totals.latency];
    return {
      name: subjectName(spec.subject),
      binary: spec.binary,
      ...(a === undefined ? {} : { countBefore: a.totals.count }),
      ...(b === undefined ? {} : { countAfter: b.totals.count }),
      ...(beforeLatency === undefined || afterLatency === undefined
        ? {}
        : { latency: compareLatency({ label, latency: beforeLatency, ownUntilNow: false }, afterLatency) }),
    };
  });
}

/** Of a probe that was removed and added again, the last one. */
function byIdentity(probes: readonly RecordedProbe[]): Map<string, RecordedProbe> {
  return new Map(
    probes.map((probe) => {
      const { subject, binary } = probe.spec;
      return [`${subjectName(subject)}\0${binary.slice(binary.lastIndexOf('/') + 1)}`, probe];
    }),
  );
}
