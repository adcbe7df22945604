import type { Problem } from '../../protocol/errors.ts';
import type { ProbeId, ProbeSpec } from '../../protocol/probe.ts';
import type { SessionAttached, SessionDescription, SessionState, Snapshot } from '../../protocol/snapshot.ts';
import type { HelperConnection } from './connection.ts';
import type { Disposable } from './emitter.ts';
import { uniqueId } from './unique-id.ts';

export interface SessionListener {
  onSnapshot(snapshot: Snapshot): void;
  /** The session ended without being asked to. */
  onEnded(problem: Problem): void;
  /** One probe cannot go on; the others do. */
  onProbeEnded?(probe: ProbeId, problem: Problem): void;
  /** A probe was attached otherwise than it was asked for. */
  onNote?(probe: ProbeId, message: string): void;
}

/** One trace session of a helper: probes that are attached together. */
export class TraceSession implements Disposable {
  readonly #connection: HelperConnection;
  readonly #id = uniqueId();
  readonly #listener: SessionListener;
  readonly #subscriptions: Disposable[] = [];
  #state: SessionState = { kind: 'starting' };
  #lastSequence = -1;

  constructor(connection: HelperConnection, listener: SessionListener) {
    this.#connection = connection;
    this.#listener = listener;
    this.#subscriptions.push(
      connection.onSnapshot((snapshot) => {
        if (snapshot.session !== this.#id || snapshot.sequence <= this.#lastSequence) return;
        this.#lastSequence = snapshot.sequence;
        this.#listener.onSnapshot({ ...snapshot, target: connection.target });
      }),
      connection.onSessionState(({ session, state }) => {
        if (session === this.#id) this.#become(state);
      }),
      connection.onProbeEnded(({ session, probe, problem }) => {
        if (session === this.#id) this.#listener.onProbeEnded?.(probe, problem);
      }),
      connection.onClosed((problem) => this.#become({ kind: 'ended', problem })),
    );
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Resolves when all probes are attached and count, with the number of sites. */
  async open(probes: readonly ProbeSpec[], intervalMs: number, cancelled?: AbortSignal): Promise<number> {
    const params = { session: this.#id, probes, intervalMs };
    const attached = await this.#connection.call('openSession', params, cancelled);
    this.#tell(attached);
    return attached.attachedSites;
  }

  /** Replaces the probes; those whose id stays keep their totals. On an error the old ones go on. */
  async update(probes: readonly ProbeSpec[], cancelled?: AbortSignal): Promise<void> {
    this.#tell(await this.#connection.call('updateSession', { session: this.#id, probes }, cancelled));
  }

  async pace(intervalMs: number): Promise<void> {
    await this.#connection.call('paceSession', { session: this.#id, intervalMs });
  }

  /** What it is measured with: the script, the tools, the traced files. */
  async describe(): Promise<SessionDescription> {
    return this.#connection.call('describeSession', { session: this.#id });
  }

  /** Detaches; the final snapshot is delivered before it resolves. */
  async close(): Promise<void> {
    try {
      if (this.#state.kind !== 'ended' && this.#connection.isOpen)
        await this.#connection.call('closeSession', { session: this.#id });
    } finally {
      this.#unsubscribe();
    }
  }

  /** Ends it without waiting. */
  dispose(): void {
    this.#unsubscribe();
    if (this.#state.kind !== 'ended' && this.#connection.isOpen)
      this.#connection.call('closeSession', { session: this.#id }).catch(() => undefined);
    this.#state = { kind: 'ended' };
  }

  #tell({ notes = [] }: SessionAttached): void {
    for (const { probe, message } of notes) this.#listener.onNote?.(probe, message);
  }

  #become(state: SessionState): void {
    if (this.#state.kind === 'ended') return;
    this.#state = state;
    if (state.kind !== 'ended') return;
    this.#unsubscribe();
    if (state.problem !== undefined) this.#listener.onEnded(state.problem);
  }

  #unsubscribe(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.dispose();
  }
}
