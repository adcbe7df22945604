import { kindOf, ProfileBuilder } from '../../profile/builder.ts';
import { asProblem, type Problem } from '../../protocol/errors.ts';
import {
  unitOf,
  type LiveProfileId,
  type ProfileDelta,
  type ProfileEnded,
  type ProfileSpec,
  type ProfileStarted,
} from '../../protocol/live-profile.ts';
import type { Profile } from '../../protocol/profile.ts';
import type { HelperConnection } from './connection.ts';
import { Emitter, type Disposable } from './emitter.ts';
import { uniqueId } from './unique-id.ts';

export type LiveProfileState = 'starting' | 'running' | 'stopping' | 'ended';

/** A profile that grows while it is measured, as this side knows it; it stays whole when it has ended. */
export class LiveProfile implements Disposable {
  readonly id: LiveProfileId = uniqueId();
  readonly spec: Omit<ProfileSpec, 'id'>;
  readonly #builder: ProfileBuilder;
  /** The helper's numbers of frames, nodes and threads as the builder's. */
  readonly #frames: number[] = [0];
  readonly #nodes: number[] = [0];
  readonly #threads: number[] = [];
  readonly #changed = new Emitter<void>();
  readonly #subscriptions: Disposable[] = [];
  #connection: Pick<HelperConnection, 'call'> | undefined;
  #resolveEnded: () => void = () => undefined;
  #state: LiveProfileState = 'starting';
  started: ProfileStarted | undefined;
  /** Since the start. */
  elapsedNs = 0;
  /** Weight so far, in the profile's unit. */
  total = 0;
  lost = 0;
  problem: Problem | undefined;
  /** Fires when stacks came and when the state changed. */
  readonly onDidChange = this.#changed.on;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;

  constructor(title: string, spec: Omit<ProfileSpec, 'id'>) {
    this.spec = spec;
    this.#builder = new ProfileBuilder(title, unitOf(spec.kind));
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
  }

  get title(): string {
    return this.#builder.title;
  }

  get state(): LiveProfileState {
    return this.#state;
  }

  /** Everything so far; costs a sort of the tree. */
  profile(): Profile {
    return this.#builder.build();
  }

  /** Starts it on the target; what was refused is thrown, and also stands as its problem. */
  async start(connection: HelperConnection): Promise<ProfileStarted> {
    this.#connection = connection;
    this.#subscriptions.push(
      connection.onProfileDelta((delta) => {
        if (delta.id === this.id) this.add(delta);
      }),
      connection.onProfileEnded((end) => {
        if (end.id === this.id) this.#finish(end);
      }),
      connection.onClosed((problem) => {
        this.fail(problem);
      }),
    );
    try {
      const started = await connection.call('startProfile', { id: this.id, ...this.spec });
      this.started = started;
      this.#builder.startedAtMs = started.startedAtMs;
      if (this.#state === 'starting') this.#become('running');
      // it was told to stop before there was anything to stop
      else if (this.#state === 'stopping') await connection.call('stopProfile', { id: this.id });
      return started;
    } catch (error) {
      this.fail(asProblem(error));
      throw error;
    }
  }

  /** Resolves when its last stacks have come. */
  async stop(): Promise<void> {
    if (this.#state === 'ended' || this.#state === 'stopping') return this.ended;
    const isStarting = this.#state === 'starting';
    this.#become('stopping');
    if (!isStarting) await this.#connection?.call('stopProfile', { id: this.id });
    await this.ended;
  }

  /** Takes in what the helper sent. */
  add({ frames, nodes, threads, samples, elapsedNs, total, lost }: ProfileDelta): void {
    const builder = this.#builder;
    for (const { function: name, module, file, line, inlined } of frames)
      this.#frames.push(builder.frame({ name, module, file, line, kind: kindOf(module, inlined === true) }));
    for (let i = 0; i + 1 < nodes.length; i += 2)
      this.#nodes.push(builder.trie.child(this.#nodes[nodes[i]!]!, this.#frames[nodes[i + 1]!]!));
    for (const thread of threads) this.#threads.push(builder.thread(thread));
    for (let i = 0; i + 3 < samples.length; i += 4) {
      const node = this.#nodes[samples[i]!]!;
      const thread = this.#threads[samples[i + 3]!];
      if (thread === undefined) builder.add(node, samples[i + 1]!);
      else builder.sample(node, samples[i + 1]!, samples[i + 2]!, thread);
    }
    this.elapsedNs = elapsedNs;
    builder.durationNs = elapsedNs;
    this.total = total;
    this.lost = lost;
    this.#changed.fire();
  }

  /** Ends it with a problem: it could not be started, or the connection was lost. What came before stays. */
  fail(problem: Problem): void {
    this.#finish({ id: this.id, notes: [], problem });
  }

  dispose(): void {
    if (this.#state !== 'ended') void this.stop().catch(() => undefined);
  }

  #finish({ notes, problem }: ProfileEnded): void {
    if (this.#state === 'ended') return;
    this.problem = problem;
    this.#builder.notes.push(...notes);
    for (const subscription of this.#subscriptions.splice(0)) subscription.dispose();
    this.#become('ended');
    this.#resolveEnded();
  }

  #become(state: LiveProfileState): void {
    this.#state = state;
    this.#changed.fire();
  }
}
