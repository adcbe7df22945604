import type { ProbeSpec } from '../../../protocol/probe.ts';
import type { SessionId, Snapshot } from '../../../protocol/snapshot.ts';
import { subjectName } from '../probe.ts';
import type { RecordingMeta, RecordingWriter } from './writer.ts';

/** What `meta` says of a recording that holds what probes measured. */
export const TRACE_RUN = 'trace';

/** The editor's probes measure four times a second; a recording of once a second is a quarter of the size and loses no call. */
const WRITE_EVERY_NS = 0.95e9;

/** Takes what a session of probes measures. */
export interface SnapshotSink {
  /** A snapshot, with the probes that it is of. */
  add(snapshot: Snapshot, probes: readonly ProbeSpec[]): void;
  /** No probe is attached any more. */
  end(): void;
}

export interface TraceRecorderOptions {
  /** Makes the recording's file, or says that there is to be none. Called when the first call was counted. */
  readonly open: (meta: RecordingMeta) => Promise<RecordingWriter | undefined>;
  /** It could not be opened, or not be ended well. */
  readonly onProblem: (thrown: unknown) => void;
  readonly onEnded?: (path: string) => void;
  /** Adds how the session is measured; called when its recording was opened, and when its probes have changed. */
  readonly describe?: (session: SessionId, writer: RecordingWriter) => Promise<void>;
}

interface Taken {
  readonly snapshot: Snapshot;
  readonly probes: readonly ProbeSpec[];
}

/**
 * Records what probes measure, from when something was counted until the last probe is detached: one recording for each such time.
 * Totals are cumulative, so that of the snapshots of a second the last one tells all.
 */
export class TraceRecorder implements SnapshotSink {
  readonly #options: TraceRecorderOptions;
  #waiting: Taken | undefined;
  #writtenNs = -Infinity;
  /** Specifications as they were written, by id. */
  #known = new Map<number, string>();
  /** `off`: this time is not recorded. */
  #state: 'idle' | 'opening' | 'off' | RecordingWriter = 'idle';
  #ending = false;

  constructor(options: TraceRecorderOptions) {
    this.#options = options;
  }

  add(snapshot: Snapshot, probes: readonly ProbeSpec[]): void {
    if (this.#state === 'off') return;
    const before = this.#waiting;
    this.#waiting = { snapshot, probes };
    if (this.#state === 'idle') {
      if (snapshot.probes.some(({ count }) => count > 0)) void this.#open(snapshot, probes);
      return;
    }
    if (this.#state === 'opening') return;
    // a probe that has left comes in no later snapshot
    if (before !== undefined && left(before.snapshot, snapshot)) this.#write(this.#state, before);
    if (snapshot.final || snapshot.monotonicNs - this.#writtenNs >= WRITE_EVERY_NS)
      this.#write(this.#state, this.#waiting);
  }

  end(): void {
    if (this.#state === 'opening') {
      this.#ending = true;
      return;
    }
    const writer = this.#state;
    const waiting = this.#waiting;
    this.#reset();
    if (typeof writer === 'string') return;
    try {
      if (waiting !== undefined) this.#write(writer, waiting);
      writer.finish();
    } catch (error) {
      this.#options.onProblem(error);
    }
    this.#reset();
    this.#options.onEnded?.(writer.path);
  }

  async #open(first: Snapshot, probes: readonly ProbeSpec[]): Promise<void> {
    this.#state = 'opening';
    try {
      const names = [...new Set(probes.map(({ subject }) => subjectName(subject)))];
      const writer = await this.#options.open({
        kind: TRACE_RUN,
        title: names.slice(0, 3).join(', ') + (names.length > 3 ? `, ${names.length - 3} more` : ''),
        monotonic_start_ns: first.monotonicNs,
        ...(first.target === undefined ? {} : { target: first.target }),
      });
      this.#state = writer ?? 'off';
      if (writer !== undefined) {
        this.#write(writer, { snapshot: first, probes });
        const { snapshot, probes: now } = this.#waiting ?? { snapshot: first, probes };
        if (snapshot.monotonicNs - first.monotonicNs >= WRITE_EVERY_NS)
          this.#write(writer, { snapshot, probes: now });
      }
    } catch (error) {
      this.#state = 'off';
      this.#options.onProblem(error);
    }
    if (this.#ending) this.end();
  }

  #write(writer: RecordingWriter, { snapshot, probes }: Taken): void {
    let changed = false;
    for (const spec of probes) {
      const text = JSON.stringify(spec);
      if (this.#known.get(spec.id) === text) continue;
      this.#known.set(spec.id, text);
      writer.addProbe(spec, subjectName(spec.subject));
      changed = true;
    }
    if (changed)
      this.#options.describe?.(snapshot.session, writer).catch((error: unknown) => {
        this.#options.onProblem(error);
      });
    writer.addSnapshot(snapshot);
    this.#writtenNs = snapshot.monotonicNs;
    if (this.#waiting?.snapshot === snapshot) this.#waiting = undefined;
  }

  #reset(): void {
    this.#state = 'idle';
    this.#waiting = undefined;
    this.#writtenNs = -Infinity;
    this.#known = new Map();
    this.#ending = false;
  }
}

function left(before: Snapshot, now: Snapshot): boolean {
  const there = new Set(now.probes.map(({ probe }) => probe));
  return before.probes.some(({ probe }) => !there.has(probe));
}
