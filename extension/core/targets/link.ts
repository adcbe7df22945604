import { setTimeout as delay } from 'node:timers/promises';
import type { DetachReport, DetachScope } from '../../../protocol/detach.ts';
import { asProblem, type Problem } from '../../../protocol/errors.ts';
import type { HelperConnection } from '../connection.ts';
import { Emitter, type Disposable } from '../emitter.ts';
import type { ClockOffset } from '../keep-alive.ts';

/**
 * `off` until the first need; `lost` when it ended by itself and is sought again; `failed` when it could not be started,
 * or ended and is not sought.
 */
export type LinkState = 'off' | 'starting' | 'on' | 'lost' | 'failed';

export interface LinkOptions {
  /** Starts a helper on the target and shakes hands. */
  readonly start: () => Promise<HelperConnection>;
  /** A link can drop and come back; a helper beside us that ended is told, not sought. Read when one ends. */
  readonly seeksAgain: () => boolean;
  readonly log: (level: 'info' | 'error', message: string) => void;
  /** Waits between attempts, in ms; the last one repeats. */
  readonly pausesMs?: readonly number[];
}

/** After a blip at once, for long outages once in half a minute. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000];
/** How long a helper is given to end everything in good order before another one ends it. */
const GRACE_MS = 1000;

/** The one connection to the target in use: started at the first need, sought again when the link drops. */
export class TargetLink implements Disposable {
  readonly #options: LinkOptions;
  readonly #changed = new Emitter<void>();
  readonly #returned = new Emitter<HelperConnection>();
  #connecting: Promise<HelperConnection> | undefined;
  #connection: HelperConnection | undefined;
  #seeking: AbortController | undefined;
  #state: LinkState = 'off';
  #disposed = false;

  readonly onDidChangeState = this.#changed.on;
  /** Fires when a link that was lost is there again; nothing of the old helper is left on the target by then. */
  readonly onDidReturn = this.#returned.on;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Round trip to the helper in ns, the median of the last few; undefined until it was measured. */
  get latencyNs(): number | undefined {
    return this.#connection?.latencyNs;
  }

  /** How far the target's clock is ahead of ours; undefined until it was measured, and beside us. */
  get clockOffset(): ClockOffset | undefined {
    return this.#connection?.clockOffset;
  }

  /** The helper, started when it does not run. Throws ProbeError when it cannot be started or speaks another protocol. */
  connect(): Promise<HelperConnection> {
    this.#connecting ??= this.#start().catch((error: unknown) => {
      this.#connecting = undefined;
      if (this.#state !== 'lost') this.#become('failed');
      throw error;
    });
    return this.#connecting;
  }

  /** Ends the helper, and with it every session; the next need starts it where the target is then. */
  disconnect(): void {
    this.#seeking?.abort();
    this.#seeking = undefined;
    this.#connection?.dispose();
    this.#connection = undefined;
    this.#connecting = undefined;
    this.#become('off');
  }

  /**
   * Ends everything on the target. `detach` asks the helper in good order; when it has not answered within a second (it hangs),
   * another helper is started, which ends the first one with all that it started.
   */
  async detachEverything(detach: () => Promise<void>): Promise<DetachReport> {
    const connection = this.#connection;
    const answered = await Promise.race([
      detach().then(
        () => connection?.isOpen === true,
        () => false,
      ),
      delay(GRACE_MS, false),
    ]);
    if (answered && connection !== undefined)
      return connection.call('detachEverything', { scope: { kind: 'orphans' } });
    const scope: DetachScope =
      connection === undefined ? { kind: 'orphans' } : { kind: 'helper', pid: connection.helperPid };
    const other = await this.#options.start();
    try {
      return await other.call('detachEverything', { scope });
    } finally {
      other.dispose();
      if (this.#connection === connection) this.disconnect();
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.disconnect();
    this.#changed.dispose();
    this.#returned.dispose();
  }

  #become(state: LinkState): void {
    if (this.#state === state) return;
    this.#state = state;
    if (!this.#disposed || state === 'off') this.#changed.fire();
  }

  async #start(): Promise<HelperConnection> {
    if (this.#state !== 'lost') this.#become('starting');
    const connection = await this.#options.start();
    if (this.#disposed) connection.dispose();
    this.#connection = connection;
    connection.onClosed((problem) => this.#closed(connection, problem));
    this.#become('on');
    return connection;
  }

  #closed(connection: HelperConnection, problem: Problem): void {
    if (this.#connection !== connection) return;
    this.#connecting = undefined;
    this.#connection = undefined;
    this.#options.log('error', problem.message);
    if (this.#disposed || !this.#options.seeksAgain()) this.#become('failed');
    else void this.#seek(connection.helperPid);
  }

  /** Until the target answers or somebody disconnects. */
  async #seek(oldPid: number): Promise<void> {
    const seeking = new AbortController();
    this.#seeking = seeking;
    this.#become('lost');
    const pauses = this.#options.pausesMs ?? PAUSES_MS;
    for (let attempt = 0; !seeking.signal.aborted; attempt++) {
      await delay(pauses[Math.min(attempt, pauses.length - 1)], undefined, { signal: seeking.signal }).catch(
        () => undefined,
      );
      if (seeking.signal.aborted) return;
      try {
        const connection = await this.connect();
        if (seeking.signal.aborted) return;
        this.#seeking = undefined;
        // The old helper may not have noticed yet: two of them would trace the same functions twice.
        const { ended } = await connection.call('detachEverything', {
          scope: { kind: 'helper', pid: oldPid },
        });
        this.#options.log('info', `The link is back; ${ended.length} old processes were ended there.`);
        this.#returned.fire(connection);
        return;
      } catch (error) {
        this.#options.log('info', `Not back yet: ${asProblem(error).message}`);
      }
    }
  }
}
