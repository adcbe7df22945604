/** The probes of this workspace: kept over reloads, attached by core's registry, read by everything that shows them. */
import { EventEmitter, type CancellationToken, type Disposable, type Memento } from 'vscode';
import { ProbeError, type Problem } from '../../protocol/errors.ts';
import type { BinaryCandidate, FunctionQuery, SearchProgress, SourceQuery } from '../../protocol/helper.ts';
import type { Measure, ProbeSpec, Subject } from '../../protocol/probe.ts';
import type { CallerTotals } from '../../protocol/snapshot.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import type { HistoryPoint } from '../core/aggregate.ts';
import { BinarySearches } from '../core/binary-searches.ts';
import type { CheaperAdvice } from '../core/cheaper.ts';
import type { Governor } from '../core/governor.ts';
import type { NewProbe, Probe } from '../core/probe.ts';
import type { SnapshotSink } from '../core/recording/trace-recorder.ts';
import { ProbeRegistry } from '../core/registry.ts';
import type { SessionStatus } from '../views/status.ts';
import type { HelperLink } from './helper-link.ts';
import type { ProbeView } from './probe-view.ts';
import { readStored } from './stored.ts';
import type { Tracing } from './tracing.ts';
import { viewOf, type Sighting } from './view-of.ts';

const MEMENTO_KEY = 'probescope.probes';
/** Four a second: what the overlay draws at most. */
const SNAPSHOT_INTERVAL_MS = 250;

export class ProbeList implements Tracing, Disposable {
  readonly #changed = new EventEmitter<readonly string[]>();
  readonly onDidChange = this.#changed.event;
  readonly #ended = new EventEmitter<Problem>();
  /** Probes that ran have ended by themselves, and why; once for all that ended together. */
  readonly onDidEnd = this.#ended.event;
  readonly #told = new EventEmitter<string>();
  /** What the governor did or found. */
  readonly onDidTell = this.#told.event;
  readonly #link: HelperLink;
  readonly #registry: ProbeRegistry;
  readonly #memento: Memento;
  /** Where edits moved the code of each probe, and whether it is newer than the binary. */
  readonly #sightings = new Map<string, Sighting>();
  readonly #searches: BinarySearches;
  #running = new Set<string>();
  /** Probes that a command is attaching: it tells what goes wrong itself. */
  #attended = 0;

  constructor(
    link: HelperLink,
    where: () => Omit<SourceQuery, 'file' | 'search'>,
    memento: Memento,
    governor: Governor,
    recorder?: SnapshotSink,
  ) {
    this.#link = link;
    this.#searches = new BinarySearches(() => link.connect(), where);
    this.#memento = memento;
    this.#registry = new ProbeRegistry({
      connect: () => link.connect(),
      intervalMs: SNAPSHOT_INTERVAL_MS,
      governor,
      ...(recorder === undefined ? {} : { recorder }),
    });
    this.#registry.restore(readStored(memento.get(MEMENTO_KEY)));
    this.#registry.onDidTell((message) => {
      this.#told.fire(message);
    });
    this.#registry.onDidChange((keys) => {
      this.#noticeEnds();
      this.#changed.fire(keys);
    });
  }

  get probes(): readonly ProbeView[] {
    return this.#registry.probes.map((probe) => this.#view(probe));
  }

  find(key: string): ProbeView | undefined {
    const probe = this.#registry.find(key);
    return probe && this.#view(probe);
  }

  callers(key: string): readonly CallerTotals[] {
    return this.#registry.find(key)?.aggregate.callers ?? [];
  }

  history(key: string): readonly HistoryPoint[] {
    return this.#registry.find(key)?.aggregate.history ?? [];
  }

  spec(key: string): ProbeSpec | undefined {
    const probe = this.#registry.find(key);
    if (probe === undefined) return undefined;
    const { place: _, ...spec } = probe.spec;
    return { id: probe.id, ...spec };
  }

  get status(): SessionStatus {
    const state = this.#registry.sessionState;
    const enginePid = state?.kind === 'running' ? state.enginePid : undefined;
    return { helper: this.#link.state, ...(enginePid === undefined ? {} : { enginePid }) };
  }

  async connect(): Promise<void> {
    await this.#link.connect();
  }

  findBinaries(
    file: string,
    token?: CancellationToken,
    progress?: (progress: SearchProgress) => void,
  ): Promise<readonly BinaryCandidate[]> {
    const signal = abortOn(token);
    return this.#searches.find(file, {
      ...(signal === undefined ? {} : { signal }),
      ...(progress === undefined ? {} : { progress }),
    });
  }

  async lookUp(query: FunctionQuery, token?: CancellationToken): Promise<readonly Subject[]> {
    const connection = await this.#link.connect();
    return (await connection.call('lookUp', query, abortOn(token))).subjects;
  }

  async add(probe: NewProbe, token?: CancellationToken): Promise<string> {
    return this.#attend(async () => {
      const { key } = await this.#registry.add(probe, abortOn(token));
      this.#sightings.delete(key);
      this.#changed.fire([]);
      return key;
    });
  }

  async pause(keys: readonly string[]): Promise<void> {
    await this.#registry.pause(keys);
  }

  async resume(keys: readonly string[], token?: CancellationToken): Promise<void> {
    await this.#attend(() => this.#registry.resume(keys, abortOn(token)));
  }

  /** The link is back: what ended with it goes on. */
  async resumeLost(): Promise<void> {
    await this.#attend(() => this.#registry.resumeLost());
  }

  async remove(keys: readonly string[]): Promise<void> {
    const removal = this.#registry.remove(keys);
    for (const key of keys) this.#sightings.delete(key);
    await Promise.all([removal, this.#persist()]);
  }

  /** Shows the probes of a recording beside those of this workspace; they are not kept over reloads. */
  showRecorded(...recorded: Parameters<ProbeRegistry['showRecorded']>): void {
    this.#registry.showRecorded(...recorded);
  }

  /** Shows what the probes of a recording had measured at another moment of it. */
  replay(...moments: Parameters<ProbeRegistry['replay']>): void {
    this.#registry.replay(...moments);
  }

  /** A pinned probe does not expire. */
  pin(key: string, pinned: boolean): void {
    const probe = this.#registry.find(key);
    if (probe === undefined) return;
    probe.pinned = pinned;
    this.#changed.fire([key]);
  }

  costBefore(probe: NewProbe): string | undefined {
    return this.#registry.costBefore(probe);
  }

  async advice(key: string): Promise<CheaperAdvice | undefined> {
    return this.#registry.advice(key);
  }

  async remeasure(key: string, measures: readonly Measure[]): Promise<void> {
    await this.#attend(() => this.#registry.remeasure(key, measures));
  }

  async script(): Promise<string> {
    const script = await this.#registry.script();
    if (script === '')
      throw new ProbeError({
        code: 'session-not-found',
        message: 'No probe is running, so there is no script.',
        remedy: 'Trace a function or resume a probe first.',
      });
    return script;
  }

  /** Where a probe's code is now, as edits left it; see {@link Places}. */
  sight(key: string, sighting: Sighting): void {
    this.#sightings.set(key, sighting);
    this.#changed.fire([key]);
  }

  /** Keeps the probes, at the places that edits left them at. */
  async persist(): Promise<void> {
    await this.#persist();
  }

  dispose(): void {
    this.#registry.dispose();
    this.#changed.dispose();
    this.#ended.dispose();
    this.#told.dispose();
  }

  #view(probe: Probe): ProbeView {
    return viewOf(probe, this.#sightings.get(probe.key), this.#registry.hitNs(probe));
  }

  async #attend<T>(work: () => Promise<T>): Promise<T> {
    this.#attended++;
    try {
      return await work();
    } finally {
      this.#attended--;
      await this.#persist();
    }
  }

  /** Tells when probes that ran end without a command having been at work. */
  #noticeEnds(): void {
    const { probes } = this.#registry;
    const ended = probes.filter(({ key, state }) => state.kind === 'ended' && this.#running.has(key));
    this.#running = new Set(probes.filter(({ state }) => state.kind === 'running').map(({ key }) => key));
    const state = ended[0]?.state;
    if (this.#attended === 0 && state?.kind === 'ended') this.#ended.fire(state.problem);
  }

  async #persist(): Promise<void> {
    await this.#memento.update(
      MEMENTO_KEY,
      this.#registry.stored.map((stored) => {
        const place: SourcePlace | undefined = this.#sightings.get(stored.key)?.place ?? stored.place;
        return { ...stored, ...(place === undefined ? {} : { place }) };
      }),
    );
  }
}

function abortOn(token: CancellationToken | undefined): AbortSignal | undefined {
  if (token === undefined) return undefined;
  const controller = new AbortController();
  if (token.isCancellationRequested) controller.abort();
  else token.onCancellationRequested(() => controller.abort());
  return controller.signal;
}
