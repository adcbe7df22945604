import { readFileSync } from 'node:fs';
import type { FetchArgument } from '../tracefs/definition.ts';
import type { TraceRecord } from '../tracefs/record.ts';
import { TracefsSession, type AttachedEvent, type TracefsSessionOptions } from '../tracefs/session.ts';
import { CallPairing, type Frame } from './pairing.ts';

/** Where calls begin, begin again and end, as offsets in the file. */
export interface TimedPlaces {
  readonly path: string;
  readonly entries: readonly number[];
  readonly restarts: readonly number[];
  readonly exits: readonly number[];
}

/** One function whose calls are timed. */
export interface Timing {
  readonly pairing: CallPairing;
  readonly events: readonly AttachedEvent[];
  /** What happens from then on counts (CLOCK_MONOTONIC); Infinity: nothing. */
  openedNs: number;
  /** What happens from then on counts no more. */
  closedNs: number;
  /** Records since some were lost last, by which a loss is divided. */
  records: number;
}

type Kind = 'enter' | 'restart' | 'exit';

/** A hit, or records that the kernel had no room for before one. */
type Pending =
  | { readonly timing: Timing; readonly kind: Kind; readonly timeNs: number; readonly frame: Frame }
  | { readonly lost: number; readonly timeNs: number };

/**
 * The kernel's reader looks at one CPU's records after the other and may be interrupted in between, so a record may come before an
 * earlier one of another CPU: those of the last 50 ms wait.
 */
const HOLD_NS = 50e6;
/** Records are given to their pairings so often. */
const FLUSH_MS = 100;
const SWEEP_MS = 5000;
/** How long nothing of the last records may come of a function that is not timed any more. */
const LAST_RECORDS_MS = 300;

/** The goroutine, the upper end of its stack (runtime.g begins with stack{lo, hi}), and the stack pointer. */
function frameArguments(): readonly FetchArgument[] {
  const goroutine = { op: 'register', name: process.arch === 'arm64' ? 'x28' : 'r14' } as const;
  const stored = { as: 'integer', bytes: 8 } as const;
  return [
    { name: 'g', fetch: goroutine, stored },
    { name: 'hi', fetch: { op: 'memory', base: goroutine, offsetBytes: 8 }, stored },
    { name: 'sp', fetch: { op: 'register', name: 'sp' }, stored },
  ];
}

/** Timings of one process, or of all that run the binaries, in one tracefs session. */
export class Recorder {
  readonly session: TracefsSession;
  readonly #pid: number | undefined;
  readonly #timings = new Set<Timing>();
  readonly #processes = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  #pending: Pending[] = [];
  #lost = 0;
  #newestNs = 0;
  #flushedNs = 0;
  #sweptMs = Date.now();

  private constructor(session: TracefsSession, pid: number | undefined) {
    this.session = session;
    this.#pid = pid;
    this.#timer = setInterval(() => {
      this.#flush(this.#newestNs === this.#flushedNs ? Infinity : this.#newestNs - HOLD_NS);
    }, FLUSH_MS);
  }

  static async open(options: TracefsSessionOptions): Promise<Recorder> {
    let lose = (_records: number): void => undefined;
    const session = await TracefsSession.open({ ...options, onLost: (records) => lose(records) });
    const recorder = new Recorder(session, options.pid);
    lose = (records) => (recorder.#lost += records);
    return recorder;
  }

  get isEmpty(): boolean {
    return this.#timings.size === 0;
  }

  /** Attaches; nothing counts until `openedNs` is set. Throws what the kernel refuses, with nothing left attached. */
  async add({ path, entries, restarts, exits }: TimedPlaces): Promise<Timing> {
    const events: AttachedEvent[] = [];
    const timing: Timing = {
      pairing: new CallPairing(),
      events,
      openedNs: Infinity,
      closedNs: Infinity,
      records: 0,
    };
    // Ends first and beginnings last, so that a call that is seen to begin is seen to end.
    const kinds: readonly (readonly [Kind, readonly number[]])[] = [
      ['exit', exits],
      ['restart', restarts],
      ['enter', entries],
    ];
    try {
      for (const [kind, offsets] of kinds) {
        if (offsets.length === 0) continue;
        const sites = offsets.map((fileOffsetBytes) => ({ fileOffsetBytes }));
        events.push(
          await this.session.attach({ path, sites, arguments: frameArguments() }, (record) =>
            this.#take(timing, kind, record),
          ),
        );
      }
    } catch (error) {
      for (const event of events) await event.remove().catch(() => undefined);
      throw error;
    }
    this.#timings.add(timing);
    return timing;
  }

  /** Detaches, after its last records. */
  async remove(timing: Timing): Promise<void> {
    timing.closedNs = Math.min(timing.closedNs, Number(process.hrtime.bigint()));
    for (const event of timing.events) await event.enable(false).catch(() => undefined);
    if (this.#timings.size === 1) await this.finish();
    else {
      await this.session.caughtUp(LAST_RECORDS_MS).catch(() => undefined);
      this.#flush(Infinity);
    }
    timing.openedNs = Infinity;
    for (const event of timing.events) await event.remove().catch(() => undefined);
    this.#timings.delete(timing);
  }

  /** Everything that was recorded until now is in the figures then, what could not be read any more among the lost; nothing more is recorded. */
  async finish(): Promise<void> {
    const counts = await this.session.drain().catch(() => undefined);
    this.#flush(Infinity);
    const unread = this.#lost + (counts?.pending ?? 0);
    this.#lost = 0;
    if (unread > 0) this.#divide(unread);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.session.close();
  }

  #take(timing: Timing, kind: Kind, { timestampNs, tid, values }: TraceRecord): void {
    const [goroutine, hi, sp] = values;
    if (typeof goroutine !== 'bigint' || typeof hi !== 'bigint' || typeof sp !== 'bigint') return;
    if (this.#lost > 0) this.#pending.push({ lost: this.#lost, timeNs: timestampNs });
    this.#lost = 0;
    this.#newestNs = Math.max(this.#newestNs, timestampNs);
    const frame = {
      process: this.#pid ?? this.#processOf(tid),
      goroutine: Number(goroutine),
      depthBytes: Number(hi - sp),
    };
    this.#pending.push({ timing, kind, timeNs: timestampNs, frame });
  }

  #flush(untilNs: number): void {
    this.#flushedNs = this.#newestNs;
    // Records of one microsecond stay in the order in which they came.
    const sorted = this.#pending.sort((a, b) => a.timeNs - b.timeNs);
    const end = untilNs === Infinity ? sorted.length : sorted.findIndex(({ timeNs }) => timeNs > untilNs);
    this.#pending = end < 0 ? [] : sorted.slice(end);
    for (const pending of end < 0 ? sorted : sorted.slice(0, end))
      if ('lost' in pending) this.#divide(pending.lost);
      else this.#give(pending);
    this.#sweep();
  }

  #give({ timing, kind, timeNs, frame }: Extract<Pending, { readonly kind: Kind }>): void {
    timing.records++;
    if (timeNs < timing.openedNs || timeNs >= timing.closedNs) return;
    if (kind === 'enter') timing.pairing.enter(frame, timeNs);
    else if (kind === 'exit') timing.pairing.exit(frame, timeNs);
    else timing.pairing.restart(frame);
  }

  /** The kernel does not say of which events it lost records: of each as many as its share of those that came. */
  #divide(lost: number): void {
    const all = [...this.#timings].reduce((sum, { records }) => sum + records, 0);
    for (const timing of this.#timings) {
      const share = all === 0 ? 1 / this.#timings.size : timing.records / all;
      timing.pairing.lose(Math.round(lost * share));
      timing.records = 0;
    }
  }

  /** Where all processes are traced, goroutines of two may have the same address. A thread that is gone already is a process of its own. */
  #processOf(tid: number): number {
    let found = this.#processes.get(tid);
    if (found === undefined) this.#processes.set(tid, (found = processOfThread(tid) ?? -tid));
    return found;
  }

  #sweep(): void {
    if (this.#pid !== undefined || Date.now() - this.#sweptMs < SWEEP_MS) return;
    this.#sweptMs = Date.now();
    this.#processes.clear();
    for (const { pairing } of this.#timings)
      pairing.forget((process) => process < 0 || processOfThread(process) === undefined);
  }
}

function processOfThread(tid: number): number | undefined {
  try {
    const group = /^Tgid:\t(\d+)$/m.exec(readFileSync(`/proc/${tid}/status`, 'latin1'))?.[1];
    return group === undefined ? undefined : Number(group);
  } catch {
    return undefined;
  }
}
