import { mergeBuckets } from '../../protocol/buckets.ts';
import type { Problem } from '../../protocol/errors.ts';
import type { ProbeId, ProbeSpec } from '../../protocol/probe.ts';
import type { CallerTotals, LatencyTotals, ProbeTotals, Snapshot } from '../../protocol/snapshot.ts';
import type { HelperConnection } from './connection.ts';
import type { Disposable } from './emitter.ts';
import { TraceSession } from './session.ts';

/** Probes of one target; those with the same id on several targets are one probe. */
export interface TargetProbes {
  readonly connection: HelperConnection;
  readonly probes: readonly ProbeSpec[];
}

export interface FleetListener {
  /** `snapshot.target` says whose it is. */
  onSnapshot(snapshot: Snapshot): void;
  /** One target's session ended by itself; the others go on. */
  onTargetEnded(target: string, problem: Problem): void;
}

/**
 * One session on a list of targets: attached together, each with its own snapshots, which carry the target's name. Buckets are the
 * same everywhere, so what all of them measured is the sum.
 */
export class FleetSession implements Disposable {
  readonly #sessions = new Map<string, TraceSession>();
  readonly #latest = new Map<string, Snapshot>();
  readonly #targets: readonly TargetProbes[];

  constructor(targets: readonly TargetProbes[], listener: FleetListener) {
    this.#targets = targets;
    for (const { connection } of targets)
      this.#sessions.set(
        connection.target,
        new TraceSession(connection, {
          onSnapshot: (snapshot) => {
            this.#latest.set(connection.target, snapshot);
            listener.onSnapshot(snapshot);
          },
          onEnded: (problem) => listener.onTargetEnded(connection.target, problem),
        }),
      );
  }

  /** Attaches on all targets at once. Throws the first refusal, with nothing left attached on any. */
  async open(intervalMs: number, cancelled?: AbortSignal): Promise<void> {
    const opened = await Promise.allSettled(
      this.#targets.map(async ({ connection, probes }) => {
        await this.#sessions.get(connection.target)?.open(probes, intervalMs, cancelled);
      }),
    );
    const refused = opened.find((outcome) => outcome.status === 'rejected');
    if (refused === undefined) return;
    await this.close();
    throw refused.reason as Error;
  }

  /** What all targets together measured of a probe, as of their last snapshots. */
  totals(probe: ProbeId): ProbeTotals | undefined {
    const all = [...this.#latest.values()].flatMap(({ probes }) =>
      probes.filter((own) => own.probe === probe),
    );
    return all.length === 0 ? undefined : all.reduce(mergeTotals);
  }

  /** Detaches everywhere; the last snapshots were delivered when it resolves. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#sessions.values()].map((session) => session.close()));
  }

  dispose(): void {
    for (const session of this.#sessions.values()) session.dispose();
  }
}

/** The sum of what two targets measured of the same probe. */
export function mergeTotals(a: ProbeTotals, b: ProbeTotals): ProbeTotals {
  const latency = mergeLatency(a.latency, b.latency);
  const callers = mergeCallers(a.callers, b.callers);
  return {
    probe: a.probe,
    count: a.count + b.count,
    lost: {
      missedEntries: a.lost.missedEntries + b.lost.missedEntries,
      abandonedCalls: a.lost.abandonedCalls + b.lost.abandonedCalls,
      droppedByEngine: a.lost.droppedByEngine + b.lost.droppedByEngine,
    },
    ...(latency === undefined ? {} : { latency }),
    ...(callers === undefined ? {} : { callers }),
  };
}

function mergeLatency(a: LatencyTotals | undefined, b: LatencyTotals | undefined): LatencyTotals | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    buckets: mergeBuckets(a.buckets, b.buckets),
    sumNs: a.sumNs + b.sumNs,
    maxNs: Math.max(a.maxNs, b.maxNs),
  };
}

/** Stacks are the same when their frames are, wherever the binary lies: addresses and modules differ by host. */
function mergeCallers(
  a: readonly CallerTotals[] | undefined,
  b: readonly CallerTotals[] | undefined,
): readonly CallerTotals[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const sums = new Map<string, CallerTotals>();
  for (const caller of [...a, ...b]) {
    const key = JSON.stringify(caller.stack.map(({ function: name, file, line }) => [name, file, line]));
    sums.set(key, { stack: caller.stack, count: caller.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()].sort((x, y) => y.count - x.count);
}
