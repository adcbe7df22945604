import type { Problem } from '../../../protocol/errors.ts';
import {
  nothingLost,
  type LogLine,
  type RunId,
  type ScriptEnd,
  type ScriptLost,
  type ScriptMap,
  type ScriptOutput,
  type ScriptSpec,
} from '../../../protocol/script.ts';
import type { HelperConnection } from '../connection.ts';
import { Emitter, type Disposable } from '../emitter.ts';
import { uniqueId } from '../unique-id.ts';

/** Lines of a run's log that are kept; older ones are in the recording alone. */
export const LOG_KEPT = 100_000;

export type RunState = 'starting' | 'running' | 'stopping' | 'ended';

/** What changed: lines that came (and how many old ones went), maps that were printed anew. */
export interface RunChange {
  readonly lines: readonly LogLine[];
  readonly maps: readonly ScriptMap[];
}

const noChange: RunChange = { lines: [], maps: [] };

/** A script's run as this side knows it: its state, its maps as they were printed last, the end of its log. */
export class ScriptRun implements Disposable {
  readonly id: RunId;
  readonly #maps = new Map<string, ScriptMap>();
  readonly #log: LogLine[] = [];
  readonly #changed = new Emitter<RunChange>();
  readonly #ended = new Emitter<ScriptEnd>();
  readonly #subscriptions: Disposable[] = [];
  #connection: Pick<HelperConnection, 'call'> | undefined;
  #state: RunState = 'starting';
  #forgotten = 0;
  lost: ScriptLost = nothingLost;
  attached: number | undefined;
  engine = '';
  /** Since the start, as the target counts. */
  timeMs = 0;
  end: ScriptEnd | undefined;
  readonly onDidChange = this.#changed.on;
  readonly onDidEnd = this.#ended.on;

  constructor(id: RunId = uniqueId()) {
    this.id = id;
  }

  get state(): RunState {
    return this.#state;
  }

  get maps(): readonly ScriptMap[] {
    return [...this.#maps.values()];
  }

  get log(): readonly LogLine[] {
    return this.#log;
  }

  /** Lines that were in {@link log} and are not any more. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Starts it; what was refused is thrown, and also stands as its end. */
  async start(connection: HelperConnection, spec: Omit<ScriptSpec, 'run'>): Promise<void> {
    this.#connection = connection;
    this.#subscriptions.push(
      connection.onScriptOutput((output) => {
        if (output.run === this.id) this.add(output);
      }),
      connection.onScriptEnded((end) => {
        if (end.run === this.id) this.finish(end);
      }),
      connection.onClosed((problem) => {
        this.fail(problem);
      }),
    );
    try {
      const { engine } = await connection.call('startScript', { run: this.id, ...spec });
      this.engine = engine;
      if (this.#state === 'starting') this.#become('running');
      else this.#changed.fire(noChange);
    } catch (error) {
      this.fail(error as Problem);
      throw error;
    }
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    if (this.#state === 'ended' || this.#connection === undefined) return;
    this.#become('stopping');
    await this.#connection.call('stopScript', { run: this.id });
  }

  /** Takes in what the helper told, or a recording. */
  add(output: ScriptOutput): void {
    this.timeMs = output.timeMs;
    this.lost = output.lost;
    if (output.attached !== undefined) this.attached = output.attached;
    for (const map of output.maps) this.#maps.set(map.name, map);
    this.#log.push(...output.lines);
    // in steps, for shifting 100,000 lines with each message would be the most that is done
    if (this.#log.length > LOG_KEPT + LOG_KEPT / 10) {
      const surplus = this.#log.length - LOG_KEPT;
      this.#log.splice(0, surplus);
      this.#forgotten += surplus;
    }
    this.#changed.fire(output);
  }

  finish(end: ScriptEnd): void {
    if (this.end !== undefined) return;
    this.end = end;
    this.timeMs = end.timeMs;
    this.#state = 'ended';
    this.#release();
    this.#changed.fire(noChange);
    this.#ended.fire(end);
  }

  /** Ends it with a problem: it could not be started, or the connection was lost. */
  fail({ code, message, remedy }: Problem): void {
    this.finish({
      run: this.id,
      timeMs: this.timeMs,
      exitCode: null,
      stopped: false,
      remarks: [],
      problem: { code, message, ...(remedy === undefined ? {} : { remedy }) },
    });
  }

  dispose(): void {
    if (this.#state !== 'ended') void this.stop().catch(() => undefined);
    else this.#release();
  }

  #become(state: RunState): void {
    this.#state = state;
    this.#changed.fire(noChange);
  }

  #release(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.dispose();
  }
}
