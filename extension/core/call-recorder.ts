import type { CallBatch, CalleeTotals, CallRecord, CallsStarted } from '../../protocol/calls.ts';
import { asProblem, type Problem } from '../../protocol/errors.ts';
import type { ProbeSpec } from '../../protocol/probe.ts';
import type { Stack } from '../../protocol/source.ts';
import type { HelperConnection } from './connection.ts';
import { Emitter, type Disposable } from './emitter.ts';
import { uniqueId } from './unique-id.ts';

/** About 6 MB; a thousand calls a second fill it in 20 s, then the oldest go, but for the longest of all. */
const MOST_RECORDS = 20_000;
const LONGEST_KEPT = 200;

export type RecorderState = 'off' | 'starting' | 'recording' | 'stopped';

/** The single calls of one probe: recorded while it is asked for, kept until they are recorded anew. */
export class CallRecorder implements Disposable {
  readonly #changed = new Emitter<void>();
  readonly onDidChange = this.#changed.on;
  readonly #subscriptions: Disposable[] = [];
  #connection: HelperConnection | undefined;
  #id = '';
  #records: CallRecord[] = [];
  #stacks = new Map<number, Stack>();
  #started: CallsStarted | undefined;
  #batch: Pick<CallBatch, 'calls' | 'abandoned' | 'callees' | 'wallClockOffsetMs'> = noBatch;
  #state: RecorderState = 'off';
  #problem: Problem | undefined;

  get state(): RecorderState {
    return this.#state;
  }

  /** Why recording did not begin, or ended by itself. */
  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** In order of their ends, but for long ones that were kept from earlier. */
  get records(): readonly CallRecord[] {
    return this.#records;
  }

  get started(): CallsStarted | undefined {
    return this.#started;
  }

  get returned(): number {
    return this.#batch.calls;
  }

  get callees(): readonly CalleeTotals[] {
    return this.#batch.callees;
  }

  get wallClockOffsetMs(): number {
    return this.#batch.wallClockOffsetMs;
  }

  stackOf({ stack }: CallRecord): Stack {
    return this.#stacks.get(stack) ?? [];
  }

  /** Begins anew. Throws what kept it from being attached. */
  async start(connection: HelperConnection, probe: ProbeSpec, cancelled?: AbortSignal): Promise<void> {
    await this.stop();
    const id = uniqueId();
    this.#id = id;
    this.#connection = connection;
    this.#records = [];
    this.#stacks = new Map();
    this.#batch = noBatch;
    this.#started = undefined;
    this.#become('starting', undefined);
    this.#subscriptions.push(
      connection.onCallBatch((batch) => {
        if (batch.id === id) this.#take(batch);
      }),
      connection.onCallsEnded((ended) => {
        if (ended.id === id) this.#end(ended.problem);
      }),
      connection.onClosed((problem) => {
        this.#end(problem);
      }),
    );
    try {
      this.#started = await connection.call('startCalls', { id, probe }, cancelled);
      if (this.#id === id && this.#state === 'starting') this.#become('recording', undefined);
    } catch (error) {
      this.#end(asProblem(error));
      throw error;
    }
  }

  /** Detaches; what was recorded stays. */
  async stop(): Promise<void> {
    const connection = this.#connection;
    if (this.#state !== 'recording' && this.#state !== 'starting') return;
    this.#state = 'stopped';
    try {
      if (connection?.isOpen === true) await connection.call('stopCalls', { id: this.#id });
    } finally {
      this.#end(undefined);
    }
  }

  dispose(): void {
    this.stop().catch(() => undefined);
    this.#changed.dispose();
  }

  #take(batch: CallBatch): void {
    for (const { stack, frames } of batch.stacks) this.#stacks.set(stack, frames);
    for (const record of batch.records) this.#records.push(record);
    this.#batch = batch;
    if (this.#records.length > MOST_RECORDS) this.#forget();
    this.#changed.fire();
  }

  /** Lets a quarter go at a time, so that it happens seldom. */
  #forget(): void {
    const cut = this.#records.length - Math.floor(MOST_RECORDS * 0.75);
    const old = this.#records.slice(0, cut).sort((a, b) => b.durationNs - a.durationNs);
    this.#records = [...old.slice(0, LONGEST_KEPT), ...this.#records.slice(cut)];
  }

  #end(problem: Problem | undefined): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.dispose();
    this.#connection = undefined;
    this.#become(this.#started === undefined ? 'off' : 'stopped', problem);
  }

  #become(state: RecorderState, problem: Problem | undefined): void {
    this.#state = state;
    this.#problem = problem?.code === 'cancelled' ? undefined : problem;
    this.#changed.fire();
  }
}

const noBatch = { calls: 0, abandoned: 0, callees: [], wallClockOffsetMs: 0 };
