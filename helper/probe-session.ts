import { attachable } from './engines/bpftrace/generate.ts';
import { BpftraceSession, type SessionHost } from './engines/bpftrace/session.ts';
import { addTotals, noTotals } from './engines/bpftrace/totals.ts';
import { SiteCounter, type CounterHost, type CountPlan } from './engines/count/counter.ts';
import { CallTimer, type TimePlan, type TimerHost } from './engines/time/timer.ts';
import type { EngineCommand } from './engines/bpftrace/engine.ts';
import { asProblem, ProbeError } from '../protocol/errors.ts';
import type { CallBounds, ProbeId, ProbeSpec, Site } from '../protocol/probe.ts';
import { countsOnly, measureRefusal, usedSites } from '../protocol/sites.ts';
import type {
  ProbeNote,
  ProbeTotals,
  SessionAttached,
  SessionId,
  SessionState,
  Snapshot,
} from '../protocol/snapshot.ts';

export interface ProbeSessionHost extends Omit<SessionHost, 'command' | 'samePids'> {
  /** How bpftrace is run; asked only when a probe needs it. Throws what is missing. */
  readonly command: () => Promise<EngineCommand>;
  /** See {@link SessionHost.samePids}. */
  readonly samePids: (command: EngineCommand) => boolean;
  readonly counter: CounterHost;
  readonly timer: TimerHost;
}

/** Probes sorted by the engine that measures them. */
interface Split {
  /** Attached by name, in bpftrace. */
  readonly named: readonly ProbeSpec[];
  /** Counted at addresses, by perf. */
  readonly counted: readonly ProbeSpec[];
  /** Timed between addresses, through tracefs. What else they measure is in `named`. */
  readonly timed: readonly ProbeSpec[];
}

/**
 * A trace session: what bpftrace can attach by name in one {@link BpftraceSession}, what can only be counted, inlined
 * copies above all, in a {@link SiteCounter}, and durations of Go's calls in a {@link CallTimer}. Snapshots hold all, and a probe that moves from one
 * to the other keeps its totals.
 */
export class ProbeSession {
  readonly #id: SessionId;
  readonly #host: ProbeSessionHost;
  readonly #counter: SiteCounter;
  readonly #callTimer: CallTimer;
  #intervalMs: number;
  #bpftrace: BpftraceSession | undefined;
  #split: Split = { named: [], counted: [], timed: [] };
  /** Totals of bpftrace's sessions that were closed while this one went on. */
  readonly #closed = new Map<ProbeId, ProbeTotals>();
  /** What bpftrace said last. */
  #named = new Map<ProbeId, ProbeTotals>();
  #sequence = 0;
  #timer: NodeJS.Timeout | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #leaving: Promise<unknown> = Promise.resolve();
  #ended = false;

  constructor(id: SessionId, intervalMs: number, host: ProbeSessionHost) {
    this.#id = id;
    this.#intervalMs = intervalMs;
    this.#host = host;
    this.#counter = new SiteCounter(host.counter);
    this.#callTimer = new CallTimer(host.timer);
  }

  get script(): string {
    return this.#bpftrace?.script ?? '';
  }

  /** Processes of the engines' supervisors. */
  get enginePids(): readonly number[] {
    const pid = this.#bpftrace?.enginePid;
    return [...(pid === undefined ? [] : [pid]), ...this.#counter.pids, ...this.#callTimer.pids];
  }

  pace(intervalMs: number): void {
    this.#intervalMs = intervalMs;
    this.#bpftrace?.pace(intervalMs);
    this.#schedule();
  }

  /** Attaches; resolves when hits count. Throws ProbeError when it could not be, with nothing left attached. */
  async open(probes: readonly ProbeSpec[], cancelled?: AbortSignal): Promise<SessionAttached> {
    try {
      return await this.#enqueue(() => this.#change(probes, cancelled));
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Replaces the probes; the old ones go on when the new set cannot be attached. */
  update(probes: readonly ProbeSpec[], cancelled?: AbortSignal): Promise<SessionAttached> {
    return this.#enqueue(() => {
      if (!this.#ended) return this.#change(probes, cancelled);
      throw new ProbeError({
        code: 'session-not-found',
        message: 'The trace session has ended.',
        remedy: 'Resume the probes to start another one.',
      });
    });
  }

  /** Detaches, and delivers the last snapshot before it resolves. */
  close(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#ended) return;
      this.#ended = true;
      clearTimeout(this.#timer);
      try {
        await Promise.all([this.#counter.finish(), this.#callTimer.finish()]);
        if (this.#bpftrace === undefined) this.#emit({ final: true });
        else await this.#bpftrace.close();
      } finally {
        this.#counter.dispose();
        this.#callTimer.dispose();
        this.#host.onState({ kind: 'ended' });
      }
    });
  }

  /** Ends without asking for figures. */
  dispose(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#bpftrace?.dispose();
    this.#counter.dispose();
    this.#callTimer.dispose();
  }

  /** Settles when no process of this session is left. */
  async gone(): Promise<void> {
    await Promise.all([this.#leaving, this.#bpftrace?.gone(), this.#counter.gone(), this.#callTimer.gone()]);
  }

  async #change(probes: readonly ProbeSpec[], cancelled: AbortSignal | undefined): Promise<SessionAttached> {
    for (const { subject, measures, binary } of probes) {
      const problem = measureRefusal(subject, measures, binary);
      if (problem !== undefined) throw new ProbeError(problem);
    }
    const old = this.#split;
    const wanted = splitByEngine(probes);
    const { added, notes, instead } = await this.#addCounted(wanted.counted);
    const passedOn = new Set(instead.map(({ id }) => id));
    const next: Split = {
      named: [...wanted.named, ...instead],
      counted: wanted.counted.filter(({ id }) => !passedOn.has(id)),
      timed: wanted.timed,
    };
    let namedSites: number;
    let timed: readonly ProbeId[] = [];
    try {
      timed = await this.#addTimed(wanted.timed);
      namedSites = await this.#changeNamed(next.named, cancelled);
    } catch (error) {
      for (const id of added) await this.#counter.remove(id);
      for (const id of timed) await this.#callTimer.remove(id);
      throw error;
    }
    const wereElsewhere = new Set([...old.named, ...old.timed].map(({ id }) => id));
    for (const id of added) {
      if (!wereElsewhere.has(id)) continue;
      await this.#counter.discard(id);
      this.#callTimer.stop(id);
    }
    for (const id of timed) {
      this.#counter.freeze(id);
      this.#callTimer.start(id);
    }
    await this.#removeCounted(next);
    await this.#removeTimed(next);
    this.#split = next;
    const attachedSites =
      namedSites +
      [...next.counted, ...next.timed].reduce(
        (sum, { subject, measures }) => sum + usedSites(subject, measures).sites.length,
        0,
      );
    const [enginePid] = this.enginePids;
    this.#host.onState({
      kind: 'running',
      attachedSites,
      ...(enginePid === undefined ? {} : { enginePid }),
    });
    this.#schedule(true);
    return { attachedSites, notes };
  }

  /** Starts to count what is not counted yet. Where that cannot be, what bpftrace can attach of a function is measured `instead`. */
  async #addCounted(probes: readonly ProbeSpec[]): Promise<{
    readonly added: readonly ProbeId[];
    readonly instead: readonly ProbeSpec[];
    readonly notes: readonly ProbeNote[];
  }> {
    const added: ProbeId[] = [];
    const instead: ProbeSpec[] = [];
    const notes: ProbeNote[] = [];
    try {
      for (const probe of probes) {
        const plan = planOf(probe);
        const running = this.#counter.plan(probe.id);
        if (running !== undefined && JSON.stringify(running) === JSON.stringify(plan)) continue;
        try {
          if (running !== undefined) await this.#counter.remove(probe.id);
          await this.#counter.add(plan);
          added.push(probe.id);
        } catch (error) {
          if (!probe.subject.sites.some(attachable)) throw error;
          instead.push(probe);
          notes.push({ probe: probe.id, message: passedOverNote(probe, error) });
        }
      }
    } catch (error) {
      for (const id of added) await this.#counter.remove(id);
      throw error;
    }
    return { added, instead, notes };
  }

  /** Attaches what is not timed yet; nothing of it counts so far. With nothing left of it when one cannot be. */
  async #addTimed(probes: readonly ProbeSpec[]): Promise<readonly ProbeId[]> {
    const added: ProbeId[] = [];
    try {
      for (const probe of probes) {
        const plan = timePlanOf(probe);
        const running = this.#callTimer.plan(probe.id);
        if (plan === undefined || JSON.stringify(running) === JSON.stringify(plan)) continue;
        if (running !== undefined) await this.#callTimer.remove(probe.id);
        await this.#callTimer.add(plan);
        added.push(probe.id);
      }
    } catch (error) {
      for (const id of added) await this.#callTimer.remove(id);
      throw error;
    }
    return added;
  }

  async #removeTimed({ timed }: Split): Promise<void> {
    const leaving = this.#callTimer.probes.filter((id) => !timed.some((probe) => probe.id === id));
    for (const id of leaving) await this.#callTimer.remove(id);
    if (leaving.length > 0) this.#emit({ final: false }, leaving);
  }

  /** Ends the counts that are not wanted any more, after a snapshot with their last hits. */
  async #removeCounted({ named, counted }: Split): Promise<void> {
    const leaving = this.#counter.probes.filter((id) => !counted.some((probe) => probe.id === id));
    if (leaving.length === 0) return;
    for (const { id } of named) this.#counter.freeze(id);
    for (const id of leaving) await this.#counter.remove(id);
    this.#emit({ final: false }, leaving);
  }

  /** The number of sites that bpftrace is attached to then. */
  async #changeNamed(probes: readonly ProbeSpec[], cancelled: AbortSignal | undefined): Promise<number> {
    if (this.#bpftrace === undefined) {
      if (probes.length === 0) return 0;
      const session = await this.#newBpftrace();
      const sites = await session.open(probes, cancelled);
      this.#bpftrace = session;
      return sites;
    }
    if (probes.length > 0) return await this.#bpftrace.update(probes, cancelled);
    const session = this.#bpftrace;
    await session.close();
    this.#bpftrace = undefined;
    this.#leaving = Promise.all([this.#leaving, session.gone()]);
    for (const [id, totals] of this.#named)
      this.#closed.set(id, addTotals(this.#closed.get(id) ?? noTotals, totals));
    this.#named.clear();
    return 0;
  }

  async #newBpftrace(): Promise<BpftraceSession> {
    const command = await this.#host.command();
    const session = new BpftraceSession(this.#id, this.#intervalMs, {
      ...this.#host,
      command,
      samePids: this.#host.samePids(command),
      onSnapshot: (snapshot) => {
        for (const totals of snapshot.probes) this.#named.set(totals.probe, totals);
        this.#emit({ ...snapshot, final: snapshot.final && this.#ended });
      },
      onState: (state) => this.#bpftraceBecame(session, state),
    });
    return session;
  }

  #bpftraceBecame(session: BpftraceSession, state: SessionState): void {
    // Other states are those of this session, which tells them itself.
    if (state.kind !== 'ended' || state.problem === undefined || this.#bpftrace !== session) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#counter.dispose();
    this.#callTimer.dispose();
    this.#host.onState(state);
  }

  /** While bpftrace runs its snapshots carry everything; without it they come from here. */
  #schedule(soon = false): void {
    clearTimeout(this.#timer);
    if (this.#ended || this.#bpftrace !== undefined) return;
    if (this.#counter.probes.length === 0 && this.#callTimer.probes.length === 0) return;
    this.#timer = setTimeout(
      () => {
        void this.#enqueue(async () => {
          if (this.#ended || this.#bpftrace !== undefined) return;
          await this.#counter.fresh();
          this.#emit({ final: false });
        }).finally(() => this.#schedule());
      },
      soon ? 0 : this.#intervalMs,
    );
  }

  #emit(given: Partial<Snapshot> & { readonly final: boolean }, only?: readonly ProbeId[]): void {
    const ids = only ?? [
      ...(given.probes ?? []).map(({ probe }) => probe),
      ...this.#counter.probes,
      ...this.#callTimer.probes,
    ];
    this.#host.onSnapshot({
      monotonicNs: Number(process.hrtime.bigint()),
      wallClockMs: Date.now(),
      ...given,
      session: this.#id,
      sequence: this.#sequence++,
      probes: [...new Set(ids)].map((id) => this.#totals(id)),
    });
  }

  #totals(probe: ProbeId): ProbeTotals {
    const counted: ProbeTotals = { ...noTotals, probe, count: this.#counter.hits(probe) };
    const isTimed = this.#callTimer.plan(probe) !== undefined;
    // bpftrace then saw the same calls, for their callers
    const named = [this.#closed.get(probe), this.#named.get(probe)].map((totals) =>
      isTimed ? callersOnly(totals) : totals,
    );
    const parts = [...named, counted, this.#callTimer.totals(probe)];
    return parts.reduce<ProbeTotals>(
      (sum, part) => (part === undefined ? sum : addTotals(sum, part)),
      noTotals,
    );
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

/**
 * What is only counted and has a place without a name, or begins again (Go), is counted at addresses, all its places together. Durations between addresses
 * are measured at those; callers of the same calls by name.
 */
export function splitByEngine(probes: readonly ProbeSpec[]): Split {
  const isCounted = ({ measures, subject }: ProbeSpec): boolean =>
    subject.kind === 'function' &&
    countsOnly(measures) &&
    (subject.bounds !== undefined || subject.sites.some(({ countedOnly }) => countedOnly !== undefined));
  const isTimed = ({ measures, subject }: ProbeSpec): boolean =>
    measures.includes('latency') && boundsOf(subject) !== undefined;
  const byName = (probe: ProbeSpec): readonly ProbeSpec[] => {
    if (!isTimed(probe)) return [probe];
    const measures = probe.measures.filter((measure) => measure !== 'latency' && measure !== 'count');
    return measures.length === 0 ? [] : [{ ...probe, measures }];
  };
  return {
    named: probes.filter((probe) => !isCounted(probe)).flatMap(byName),
    counted: probes.filter(isCounted),
    timed: probes.filter(isTimed),
  };
}

const boundsOf = (subject: ProbeSpec['subject']): CallBounds | undefined =>
  subject.kind === 'function' ? subject.bounds : undefined;

function planOf({ id, binary, pid, subject, measures }: ProbeSpec): CountPlan {
  const { sites } = usedSites(subject, measures);
  const restarts = boundsOf(subject)?.restarts ?? [];
  return {
    probe: id,
    path: binary,
    places: [
      ...sites.map(({ fileOffsetBytes, callsAHit = 1 }) => ({ fileOffsetBytes, weight: callsAHit })),
      // The call that begins again there has been counted.
      ...restarts.map(({ fileOffsetBytes }) => ({ fileOffsetBytes, weight: -1 })),
    ],
    ...(pid === undefined ? {} : { pid }),
  };
}

function timePlanOf({ id, binary, pid, subject }: ProbeSpec): TimePlan | undefined {
  const bounds = boundsOf(subject);
  if (bounds === undefined) return undefined;
  const offsets = (sites: readonly Site[]): number[] => sites.map(({ fileOffsetBytes }) => fileOffsetBytes);
  return {
    probe: id,
    path: binary,
    entries: offsets(bounds.entries),
    restarts: offsets(bounds.restarts),
    exits: offsets(bounds.exits),
    ...(pid === undefined ? {} : { pid }),
  };
}

/** Of what two engines saw of the same calls, the callers. */
function callersOnly(totals: ProbeTotals | undefined): ProbeTotals | undefined {
  if (totals?.callers === undefined) return undefined;
  return { ...noTotals, probe: totals.probe, callers: totals.callers };
}

function passedOverNote({ subject }: ProbeSpec, error: unknown): string {
  const { message } = asProblem(error);
  const named = subject.sites.filter(attachable).length;
  if (boundsOf(subject) !== undefined)
    return `its entry is counted by name, which a call of Go reaches again when its stack has grown: ${message}`;
  return `only ${named} of ${subject.sites.length} sites are counted, those that bpftrace can attach by name: ${message}`;
}
