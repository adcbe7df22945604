import { asProblem, ProbeError, type Problem } from '../../protocol/errors.ts';
import type { Measure, ProbeId } from '../../protocol/probe.ts';
import type { SessionState, Snapshot } from '../../protocol/snapshot.ts';
import { costLabel, type CostTable } from '../../protocol/cost.ts';
import { cheaperWays, type CheaperAdvice } from './cheaper.ts';
import { hitCost } from './cost.ts';
import type { Governor, Verdict } from './governor.ts';
import type { HelperConnection } from './connection.ts';
import { Emitter, type Disposable } from './emitter.ts';
import {
  cheaperMeasures,
  Probe,
  sameSubject,
  subjectAnew,
  subjectName,
  toSpec,
  type NewProbe,
  type StoredProbe,
  type ProbeState,
} from './probe.ts';
import { recordedProbe, showMoment, type RecordedMoment, type RecordedProbeView } from './recorded-probe.ts';
import type { SnapshotSink } from './recording/trace-recorder.ts';
import { TraceSession } from './session.ts';

/** The first seconds belong to the first figure. */
const CALIBRATE_AFTER_MS = 3000;

export interface RegistryOptions {
  /** Gives the helper, starting it when it does not run. Called again after it ended. */
  readonly connect: (cancelled?: AbortSignal) => Promise<HelperConnection>;
  readonly intervalMs: number;
  /** Ends probes that cost too much; without one nothing is watched. */
  readonly governor?: Governor;
  /** Records what is measured. */
  readonly recorder?: SnapshotSink;
}

/**
 * All probes of one target, in one session of its helper.
 *
 * Changes run one after the other; a probe that cannot be attached ends with its problem and leaves the others as they
 * were. `onDidChange` gives the keys of the probes whose state or figures changed, or none when probes came or went.
 */
export class ProbeRegistry implements Disposable {
  readonly #options: RegistryOptions;
  readonly #probes = new Map<string, Probe>();
  readonly #changed = new Emitter<readonly string[]>();
  readonly #told = new Emitter<string>();
  /** Causes that were told of and still last, by probe. */
  readonly #toldOf = new Set<string>();
  readonly #noted = new Set<string>();
  #mapBytes = 0;
  /** What the governor did or found, as a sentence for people. */
  readonly onDidTell = this.#told.on;
  readonly onDidChange = this.#changed.on;
  #session: TraceSession | undefined;
  #nextId: ProbeId = 1;
  #queue: Promise<unknown> = Promise.resolve();
  #costs: CostTable | undefined;
  #calibrated: HelperConnection | undefined;

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  get probes(): readonly Probe[] {
    return [...this.#probes.values()];
  }

  find(key: string): Probe | undefined {
    return this.#probes.get(key);
  }

  /** State of the helper's session; undefined while no probe is attached. */
  get sessionState(): SessionState | undefined {
    return this.#session?.state;
  }

  /** What a workspace stores; {@link restore} brings it back paused. */
  get stored(): readonly StoredProbe[] {
    return this.probes
      .filter(({ state }) => state.kind !== 'paused' || state.origin === undefined)
      .map(({ key, spec }) => ({ key, ...spec }));
  }

  /** Adds probes that somebody measured elsewhere, with their figures; the same recording replaces its own. */
  showRecorded(recorded: readonly RecordedProbeView[]): void {
    for (const view of recorded)
      // somebody has attached it here since: what it measures now is more than a recording
      if (this.#probes.get(view.key)?.isActive !== true) this.#probes.set(view.key, recordedProbe(view));
    this.#changed.fire([]);
  }

  /** Shows the figures of another moment; a probe that was removed, or attached here meanwhile, is left alone. */
  replay(moments: readonly RecordedMoment[]): void {
    const changed = moments.filter((moment) => showMoment(this.#probes.get(moment.key), moment));
    if (changed.length > 0) this.#changed.fire(changed.map(({ key }) => key));
  }

  restore(stored: readonly StoredProbe[]): void {
    for (const { key, ...spec } of stored)
      if (!this.#probes.has(key)) this.#probes.set(key, new Probe(spec, key));
    this.#changed.fire([]);
  }

  /**
   * Adds a probe and resolves when it counts. The same subject in the same binary and process is one probe: its
   * measures are joined. Throws what kept it from being attached; the probe then stays, ended, with that problem.
   */
  async add(spec: NewProbe, cancelled?: AbortSignal): Promise<Probe> {
    const known = this.probes.find((probe) => sameSubject(probe.spec, spec));
    if (known !== undefined) {
      const measures = [...new Set([...known.spec.measures, ...spec.measures])];
      const grew = measures.length > known.spec.measures.length;
      if (known.state.kind === 'running' && !grew) return known;
      const before = { spec: known.spec, state: known.state };
      known.spec = { ...spec, measures };
      try {
        await this.#restart([known], cancelled);
      } catch (error) {
        // The session goes on as it was: so does the probe, with the measures it had.
        if (before.state.kind === 'running' && this.#session !== undefined) Object.assign(known, before);
        this.#changed.fire([known.key]);
        throw error;
      }
      return known;
    }
    const probe = new Probe(spec);
    this.#probes.set(probe.key, probe);
    this.#changed.fire([]);
    await this.#restart([probe], cancelled);
    return probe;
  }

  async pause(keys: readonly string[]): Promise<void> {
    await this.#leave(this.#select(keys).filter((probe) => probe.isActive));
  }

  /** Attaches again what ended because the link was lost, once it is back. What was counted before stays. */
  async resumeLost(cancelled?: AbortSignal): Promise<void> {
    const lost = this.probes.filter(
      ({ state }) => state.kind === 'ended' && state.problem.code === 'target-disconnected',
    );
    await this.resume(
      lost.map(({ key }) => key),
      cancelled,
    );
  }

  /** Attaches again, after looking the functions up anew: the binary may have been rebuilt meanwhile. */
  async resume(keys: readonly string[], cancelled?: AbortSignal): Promise<void> {
    const probes = this.#select(keys).filter((probe) => !probe.isActive);
    if (probes.length === 0) return;
    const connection = await this.#options.connect(cancelled);
    const found: Probe[] = [];
    let failure: ProbeError | undefined;
    for (const probe of probes)
      try {
        probe.spec = { ...probe.spec, subject: await subjectAnew(connection, probe.spec, cancelled) };
        found.push(probe);
      } catch (error) {
        failure ??= this.#fail([probe], error);
      }
    // Somebody else may have resumed them while they were looked up: once is enough.
    await this.#restart(
      found.filter((probe) => !probe.isActive),
      cancelled,
    );
    if (failure !== undefined) throw failure;
  }

  async remove(keys: readonly string[]): Promise<void> {
    const probes = this.#select(keys);
    for (const probe of probes) this.#probes.delete(probe.key);
    this.#changed.fire([]);
    await this.#leave(probes.filter((probe) => probe.isActive));
  }

  /** The script that runs now. */
  async script(): Promise<string> {
    if (this.#session === undefined) return '';
    return (await this.#session.describe()).script;
  }

  /** How often snapshots come: often while somebody looks. */
  async pace(intervalMs: number): Promise<void> {
    await this.#session?.pace(intervalMs);
  }

  /** Detaches everything; the last figures are in the aggregates when it resolves. */
  async close(): Promise<void> {
    await this.pause(this.probes.map((probe) => probe.key));
  }

  dispose(): void {
    this.#session?.dispose();
    this.#options.recorder?.end();
    this.#changed.dispose();
    this.#told.dispose();
  }

  #select(keys: readonly string[]): Probe[] {
    return keys.flatMap((key) => this.#probes.get(key) ?? []);
  }

  /** Takes probes out of the session; `state` is what they are then. */
  async #leave(probes: readonly Probe[], state: ProbeState = { kind: 'paused' }): Promise<void> {
    if (probes.length === 0) return;
    await this.#enqueue(async () => {
      const leaving = probes.filter((probe) => probe.isActive);
      if (leaving.length === 0) return;
      const staying = this.probes.filter(
        (probe) => probe.state.kind === 'running' && !leaving.includes(probe),
      );
      try {
        await this.#apply(staying);
      } catch (error) {
        // Detaching must not fail: what cannot be reshaped is closed altogether.
        this.#session?.dispose();
        this.#session = undefined;
        this.#fail(staying, error);
      }
      for (const probe of leaving) {
        probe.aggregate.pause();
        probe.state = state;
      }
      this.#changed.fire(leaving.map((probe) => probe.key));
    });
  }

  async #restart(probes: readonly Probe[], cancelled?: AbortSignal): Promise<void> {
    if (probes.length === 0) return;
    for (const probe of probes) {
      // One that is attached keeps its number, and with it its totals.
      if (probe.state.kind !== 'running') probe.id = this.#nextId++;
      probe.state = { kind: 'starting' };
    }
    this.#changed.fire(probes.map((probe) => probe.key));
    await this.#enqueue(async () => {
      const joining = probes.filter((probe) => this.#probes.has(probe.key));
      const staying = this.probes.filter(
        (probe) => probe.state.kind === 'running' && !joining.includes(probe),
      );
      try {
        await this.#apply([...staying, ...joining], cancelled);
        for (const probe of joining) probe.state = { kind: 'running', sinceMs: Date.now() };
        this.#changed.fire(joining.map((probe) => probe.key));
      } catch (error) {
        throw this.#fail(joining, error);
      }
    });
  }

  /** Makes the session hold exactly these probes. */
  async #apply(probes: readonly Probe[], cancelled?: AbortSignal): Promise<void> {
    if (probes.length === 0) {
      const session = this.#session;
      this.#session = undefined;
      await session?.close();
      this.#options.recorder?.end();
      return;
    }
    const specs = probes.map(toSpec);
    if (this.#session !== undefined && this.#session.state.kind !== 'ended') {
      await this.#session.update(specs, cancelled);
      return;
    }
    const connection = await this.#options.connect(cancelled);
    const session = new TraceSession(connection, {
      onSnapshot: (snapshot) => this.#take(snapshot),
      onEnded: (problem) => this.#sessionEnded(session, problem),
      onNote: (id, message) => this.#note(id, message),
      onProbeEnded: (id, problem) => void this.#probeEnded(id, problem).catch(() => undefined),
    });
    this.#session = session;
    try {
      await session.open(specs, this.#options.intervalMs, cancelled);
      this.#calibrate(connection);
    } catch (error) {
      if (this.#session === session) this.#session = undefined;
      session.dispose();
      throw error;
    }
  }

  #take(snapshot: Snapshot): void {
    const byId = new Map(this.probes.map((probe) => [probe.id, probe]));
    const keys: string[] = [];
    for (const totals of snapshot.probes) {
      const probe = byId.get(totals.probe);
      if (probe === undefined || !probe.isActive) continue;
      probe.aggregate.add(totals, snapshot.monotonicNs, snapshot.wallClockMs);
      keys.push(probe.key);
    }
    if (keys.length > 0) this.#changed.fire(keys);
    const taken = snapshot.probes.flatMap(({ probe }) => byId.get(probe) ?? []);
    this.#options.recorder?.add(snapshot, taken.map(toSpec));
    this.#mapBytes = snapshot.mapBytes ?? 0;
    this.#govern();
  }

  /** Told once a probe and message: a session that is changed says it again. */
  #note(id: ProbeId, message: string): void {
    const probe = this.probes.find((one) => one.id === id);
    const cause = `${probe?.key ?? ''} ${message}`;
    if (probe === undefined || this.#noted.has(cause)) return;
    this.#noted.add(cause);
    this.#told.fire(`${subjectName(probe.spec.subject)}: ${message}`);
  }

  /** What a probe would cost before it is attached, in words; undefined until the target's costs were measured. */
  costBefore(spec: NewProbe): string | undefined {
    const { hitNs, calibrated } = hitCost(spec.subject, spec.measures, this.#costs);
    if (!calibrated) return undefined;
    const seen = this.probes.find((probe) => sameSubject(probe.spec, spec));
    return costLabel(hitNs, seen?.aggregate.lastRateHz);
  }

  /** What could make a probe cheaper on this target. Measures the target's costs when they are not known (2 s). */
  async advice(key: string): Promise<CheaperAdvice | undefined> {
    const probe = this.#probes.get(key);
    if (probe === undefined) return undefined;
    this.#costs ??= (await (await this.#options.connect()).call('hitCosts', { measure: true })).costs;
    if (this.#costs === undefined) return undefined;
    const { subject, measures } = probe.spec;
    return cheaperWays(subject, measures, this.#costs, probe.aggregate.lastRateHz);
  }

  /** Goes on with other measures; what the old ones counted stays. */
  async remeasure(key: string, measures: readonly Measure[]): Promise<void> {
    const probe = this.#probes.get(key);
    if (probe === undefined) return;
    probe.spec = { ...probe.spec, measures };
    if (probe.isActive) await this.#restart([probe]);
    else this.#changed.fire([key]);
  }

  /** What a hit of this probe costs on the target; undefined until it was measured there. */
  hitNs(probe: Probe): number | undefined {
    const { hitNs, calibrated } = hitCost(probe.spec.subject, probe.spec.measures, this.#costs);
    return calibrated ? hitNs : undefined;
  }

  #govern(): void {
    const running = this.probes.filter((probe) => probe.state.kind === 'running');
    const verdicts = this.#options.governor?.look({
      probes: running.map((probe) => ({
        key: probe.key,
        label: subjectName(probe.spec.subject),
        hitsHz: probe.aggregate.figures.rateHz ?? 0,
        ...hitCost(probe.spec.subject, probe.spec.measures, this.#costs),
        eventsHz: 0,
        attachedForMs: probe.state.kind === 'running' ? Date.now() - probe.state.sinceMs : 0,
        pinned: probe.pinned,
      })),
      mapBytes: this.#mapBytes,
    });
    for (const verdict of verdicts ?? []) this.#carryOut(verdict);
    const lasting = new Set(verdicts?.map(({ key, exceeded }) => `${exceeded} ${key}`));
    for (const cause of this.#toldOf) if (!lasting.has(cause)) this.#toldOf.delete(cause);
  }

  /** Nothing is done without a word; what goes on for long is told once. */
  #carryOut({ key, exceeded, action, message }: Verdict): void {
    const probe = this.#probes.get(key);
    if (probe === undefined) return;
    const cause = `${exceeded} ${key}`;
    if (this.#toldOf.has(cause)) return;
    this.#toldOf.add(cause);
    const cheaper = cheaperMeasures(probe.spec.measures);
    if (action === 'tell' || action === 'sample') {
      this.#told.fire(message);
    } else if (action === 'aggregate' && cheaper !== undefined) {
      this.#told.fire(`${message} From here on it is only counted.`);
      probe.spec = { ...probe.spec, measures: cheaper };
      void this.#restart([probe]).catch(() => undefined);
    } else {
      const remedy =
        action === 'detach'
          ? 'It was removed; raise its budget in the settings (probescope.budget) before you trace it again.'
          : 'Resume it to go on, pin it, or raise its budget in the settings (probescope.budget).';
      const problem: Problem = { code: 'budget-exceeded', message, remedy };
      const done = this.#probeEnded(probe.id, problem);
      if (action === 'detach') {
        this.#told.fire(`${message} ${remedy}`);
        void done.then(() => this.remove([key])).catch(() => undefined);
      } else void done.catch(() => undefined);
    }
  }

  /** Measures the target's costs once a connection, after the first figure is there: nobody waits for it. */
  #calibrate(connection: HelperConnection): void {
    if (this.#options.governor === undefined || this.#calibrated === connection) return;
    this.#calibrated = connection;
    this.#costs = undefined;
    const ask = async (measure: boolean): Promise<void> => {
      const { costs } = await connection.call('hitCosts', { measure });
      if (costs === undefined || this.#costs !== undefined) return;
      this.#costs = costs;
      this.#changed.fire(this.probes.map((probe) => probe.key));
    };
    // the usual costs go on to be taken; what failed here fails where it matters, with its message
    void ask(false).catch(() => undefined);
    setTimeout(() => void ask(true).catch(() => undefined), CALIBRATE_AFTER_MS).unref();
  }

  /** Takes the probe out of the session, with the figures it has, and lets it say why. */
  async #probeEnded(id: ProbeId, problem: Problem): Promise<void> {
    const ended = this.probes.filter((probe) => probe.id === id && probe.state.kind === 'running');
    await this.#leave(ended, { kind: 'ended', problem });
  }

  #sessionEnded(session: TraceSession, problem: Problem): void {
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#options.recorder?.end();
    this.#fail(
      this.probes.filter((probe) => probe.state.kind === 'running'),
      new ProbeError(problem),
    );
  }

  #fail(probes: readonly Probe[], error: unknown): ProbeError {
    const problem = asProblem(error);
    for (const probe of probes) {
      probe.aggregate.pause();
      probe.state = problem.code === 'cancelled' ? { kind: 'paused' } : { kind: 'ended', problem };
    }
    this.#changed.fire(probes.map((probe) => probe.key));
    return error instanceof ProbeError ? error : new ProbeError(problem, { cause: error });
  }

  #enqueue<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}
