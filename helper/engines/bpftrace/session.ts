import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { ProbeId, ProbeSpec, Subject } from '../../../protocol/probe.ts';
import type { ProbeTotals, SessionId, SessionState, Snapshot } from '../../../protocol/snapshot.ts';
import type { Stack } from '../../../protocol/source.ts';
import type { Printout } from './engine.ts';
import { Generation, type EngineHost, type Sums } from './generation.ts';
import { addCallers, addTotals, noTotals, type RawStack, type RawTotals } from './totals.ts';
import { giveOrder } from './supervisor.ts';

export interface SessionHost extends EngineHost {
  /** Frames of a stack of a process, innermost first; inlined ones included. */
  readonly symbolise: (stack: Pick<RawStack, 'pid' | 'addresses'>) => Promise<Stack>;
  readonly onSnapshot: (snapshot: Snapshot) => void;
  readonly onState: (state: SessionState) => void;
}

/** The engine is asked fast at first: somebody waits for the first figure, unless figures are wanted seldom. Then at the session's own pace. */
const FIRST_DELAYS_MS = [30, 120, 250];
/** The engine is asked this often at least, also where snapshots are wanted seldom: one that is killed takes no more with it. */
const KEPT_EVERY_MS = 1000;
/** Stacks are long and change slowly. */
const STACKS_EVERY_MS = 1000;
/** Maps are allocated at the start and hardly grow; to read their size, all files that the engine holds open are looked at. */
const MEMORY_EVERY_MS = 30_000;

/** A trace session: all its probes in one bpftrace at a time. */
export class BpftraceSession {
  readonly #id: SessionId;
  readonly #host: SessionHost;
  #intervalMs: number;
  #generation: Generation | undefined;
  /** Totals of earlier generations. */
  #earlier = new Map<ProbeId, ProbeTotals>();
  /** Stacks of the running generation, as of their last printout. */
  #stacks = new Map<ProbeId, readonly RawStack[]>();
  #sequence = 0;
  #shots = 0;
  #lastStacksMs = 0;
  #lastSnapshotMs = -Infinity;
  /** The newest printout, while no snapshot was made of it. */
  #kept: { readonly printout: Printout; readonly generation: Generation } | undefined;
  #memory = { readMs: 0, bytes: 0 };
  #timer: NodeJS.Timeout | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(id: SessionId, intervalMs: number, host: SessionHost) {
    this.#id = id;
    this.#intervalMs = intervalMs;
    this.#host = host;
  }

  /** What runs, for people to read: the secret words of the orders are left out. */
  get script(): string {
    return this.#generation?.shownScript ?? '';
  }

  /** Process of the engine's supervisor. */
  get enginePid(): number | undefined {
    return this.#generation?.engine.pid;
  }

  get probes(): readonly ProbeSpec[] {
    return this.#generation?.probes ?? [];
  }

  pace(intervalMs: number): void {
    this.#intervalMs = intervalMs;
    this.#schedule();
  }

  /** Attaches; resolves when hits count. Throws ProbeError when it could not be, with nothing left attached. */
  open(probes: readonly ProbeSpec[], cancelled?: AbortSignal): Promise<number> {
    return this.#enqueue(async () => {
      const generation = new Generation(probes, this.#host, undefined, true);
      try {
        await generation.ready(cancelled);
        const on = generation.engine.whenOn();
        giveOrder(generation.orders.on);
        await Promise.race([on, this.#engineFailure(generation)]);
      } catch (error) {
        generation.engine.kill();
        this.#ended = true;
        throw error;
      }
      this.#install(generation);
      return generation.sites;
    });
  }

  /** Replaces the probes; the old ones go on when the new set cannot be attached. */
  update(probes: readonly ProbeSpec[], cancelled?: AbortSignal): Promise<number> {
    return this.#enqueue(async () => {
      const old = this.#running();
      const next = new Generation(probes, this.#host, old.orders.off, false);
      let printout: Printout;
      try {
        await next.ready(cancelled);
        const on = next.engine.whenOn();
        const last = old.engine.expectFinish();
        // One name, two engines: the old one closes its gate, the new one opens its own.
        giveOrder(old.orders.off);
        [printout] = await Promise.all([last, Promise.race([on, this.#engineFailure(next)])]);
      } catch (error) {
        next.engine.kill();
        throw error;
      }
      clearTimeout(this.#timer);
      const sums = old.readLast(printout, next);
      await this.#emit(printout, sums, false);
      for (const [probe, totals] of await this.#withEarlier(sums)) this.#earlier.set(probe, totals);
      this.#stacks.clear();
      old.engine.kill();
      this.#install(next);
      return next.sites;
    });
  }

  /** Detaches, and delivers the last snapshot before it resolves. The kernel takes 80 ms and more a probe after that. */
  close(): Promise<void> {
    return this.#enqueue(async () => {
      const generation = this.#generation;
      if (generation === undefined || this.#ended) return;
      this.#ended = true;
      clearTimeout(this.#timer);
      try {
        const printout = await generation.engine.finish();
        await this.#emit(printout, generation.readLast(printout, undefined), true);
      } finally {
        generation.engine.kill();
        this.#host.onState({ kind: 'ended' });
      }
    });
  }

  /** Ends without asking for figures. */
  dispose(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#generation?.engine.kill();
  }

  /** Settles when no process of this session is left. */
  async gone(): Promise<void> {
    await this.#generation?.engine.ended;
  }

  #running(): Generation {
    if (this.#generation === undefined || this.#ended)
      throw new ProbeError({
        code: 'session-not-found',
        message: 'The trace session has ended.',
        remedy: 'Resume the probes to start another one.',
      });
    return this.#generation;
  }

  #install(generation: Generation): void {
    this.#generation = generation;
    this.#shots = 0;
    this.#lastStacksMs = 0;
    // the first printout is a snapshot whatever the pace: rates and recordings begin with it
    this.#lastSnapshotMs = -Infinity;
    this.#memory = { readMs: 0, bytes: 0 };
    void generation.engine.ended.then((problem) => this.#engineEnded(generation, problem));
    this.#host.onState({
      kind: 'running',
      attachedSites: generation.sites,
      enginePid: generation.engine.pid,
    });
    this.#schedule();
  }

  async #engineFailure(generation: Generation): Promise<never> {
    throw new ProbeError(await generation.engine.ended);
  }

  #engineEnded(generation: Generation, problem: Problem): void {
    if (this.#generation !== generation || this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    // after the snapshot that may be on its way
    void this.#enqueue(async () => {
      const kept = this.#kept;
      if (kept?.generation === generation)
        await this.#emit(kept.printout, generation.read(kept.printout), false);
    })
      .catch((error: unknown) => this.#host.log(String(error)))
      .finally(() => this.#host.onState({ kind: 'ended', problem }));
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#ended || this.#generation === undefined) return;
    const early = this.#intervalMs < KEPT_EVERY_MS ? FIRST_DELAYS_MS : FIRST_DELAYS_MS.slice(0, 1);
    const delayMs = Math.min(early[this.#shots] ?? KEPT_EVERY_MS, this.#intervalMs);
    this.#timer = setTimeout(() => {
      this.#shots++;
      void this.#enqueue(() => this.#shoot()).finally(() => this.#schedule());
    }, delayMs);
  }

  async #shoot(): Promise<void> {
    const generation = this.#generation;
    if (generation === undefined || this.#ended) return;
    const nowMs = Date.now();
    const withStacks = this.#intervalMs >= KEPT_EVERY_MS || nowMs - this.#lastStacksMs >= STACKS_EVERY_MS;
    try {
      const printout = await generation.engine.print(withStacks);
      if (withStacks) this.#lastStacksMs = nowMs;
      this.#kept = { printout, generation };
      // half a second early is nearer to the pace than half a second late
      if (nowMs - this.#lastSnapshotMs >= this.#intervalMs - KEPT_EVERY_MS / 2)
        await this.#emit(printout, generation.read(printout), false);
    } catch (error) {
      // An engine that ended says so itself; one that is slow is asked again.
      this.#host.log(error instanceof Error ? error.message : String(error));
    }
  }

  async #emit(printout: Printout, sums: Sums, final: boolean): Promise<void> {
    this.#kept = undefined;
    this.#lastSnapshotMs = Date.now();
    this.#host.onSnapshot({
      session: this.#id,
      sequence: this.#sequence++,
      monotonicNs: printout.monotonicNs,
      wallClockMs: Date.now(),
      probes: [...(await this.#withEarlier(sums)).values()],
      ...this.#mapBytes(),
      final,
    });
  }

  #mapBytes(): Pick<Snapshot, 'mapBytes'> {
    if (this.#generation === undefined) return {};
    const nowMs = Date.now();
    if (nowMs - this.#memory.readMs >= MEMORY_EVERY_MS)
      this.#memory = { readMs: nowMs, bytes: this.#generation.mapBytes };
    return { mapBytes: this.#memory.bytes };
  }

  /** Totals over all generations, stacks symbolised. */
  async #withEarlier(sums: Sums): Promise<Map<ProbeId, ProbeTotals>> {
    const result = new Map<ProbeId, ProbeTotals>();
    for (const [probe, raw] of sums) {
      if (raw.stacks !== undefined) this.#stacks.set(probe, raw.stacks);
      const spec = this.#generation?.probes.find(({ id }) => id === probe);
      const totals = await this.#totals(probe, raw, spec);
      result.set(probe, addTotals(this.#earlier.get(probe) ?? noTotals, totals));
    }
    return result;
  }

  async #totals(probe: ProbeId, raw: RawTotals, spec: ProbeSpec | undefined): Promise<ProbeTotals> {
    const stacks = this.#stacks.get(probe) ?? [];
    const measures = spec?.measures ?? [];
    const callers = await Promise.all(
      stacks.map(async (stack) => ({
        stack: fromProbed(await this.#host.symbolise(stack), spec?.subject),
        count: stack.count,
      })),
    );
    return {
      probe,
      count: raw.count,
      lost: raw.lost,
      ...(measures.includes('latency') ? { latency: raw.latency } : {}),
      ...(measures.includes('callers') ? { callers: addCallers(callers) } : {}),
    };
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/**
 * A kernel stack begins with the frames that recorded it (bpf programs and their trampoline): those are nobody's callers. A trampoline
 * farther out is that of another probe, which calls its function a second time.
 */
function fromProbed(stack: Stack, subject: Subject | undefined): Stack {
  if (subject?.kind !== 'kernel-function') return stack;
  const isTrampoline = (at: number): boolean => stack[at]?.function.startsWith('bpf_trampoline_') === true;
  const first = Math.max(
    0,
    stack.findIndex((frame) => frame.function === subject.function),
  );
  return stack.filter((_, at) => at >= first && !isTrampoline(at) && !(at > first && isTrampoline(at - 1)));
}
