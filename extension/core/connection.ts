import type { Readable, Writable } from 'node:stream';
import {
  CancellationTokenSource,
  createMessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import type { MethodName, ParamsOf, ResultOf } from '../../protocol/channel.ts';
import { ProbeError, problemCodes, type Problem } from '../../protocol/errors.ts';
import { PROTOCOL_VERSION, type HelperApi, type HelperEvents } from '../../protocol/helper.ts';
import { Emitter, type Disposable } from './emitter.ts';
import { HELPER_SILENCE_MS, KeepAlive, type ClockOffset } from './keep-alive.ts';

/** The two streams of a helper that runs, as `startHelper` of `targets/` gives them. */
export interface HelperStreams {
  readonly input: Writable;
  readonly output: Readable;
  /** Settles when the helper ended. */
  readonly ended: Promise<{ readonly stderr: string }>;
  stop(): void;
}

type EventOf<K extends keyof HelperEvents> = Parameters<HelperEvents[K]>[0];

/**
 * A helper one can call. Every call settles: with the result, with the helper's ProbeError, with `cancelled`, or with
 * `target-disconnected` when the helper ends first.
 */
export class HelperConnection implements Disposable {
  readonly #connection: MessageConnection;
  readonly #streams: HelperStreams;
  readonly #closed = new Emitter<Problem>();
  readonly #snapshot = new Emitter<EventOf<'snapshot'>>();
  readonly #sessionState = new Emitter<EventOf<'sessionState'>>();
  readonly #probeEnded = new Emitter<EventOf<'probeEnded'>>();
  readonly #logValues = new Emitter<EventOf<'logValues'>>();
  readonly #logpointEnded = new Emitter<EventOf<'logpointEnded'>>();
  readonly #callBatch = new Emitter<EventOf<'callBatch'>>();
  readonly #callsEnded = new Emitter<EventOf<'callsEnded'>>();
  readonly #log = new Emitter<EventOf<'log'>>();
  readonly #searchProgress = new Emitter<EventOf<'searchProgress'>>();
  readonly #eventRows = new Emitter<EventOf<'eventRows'>>();
  readonly #eventStacks = new Emitter<EventOf<'eventStacks'>>();
  readonly #eventsState = new Emitter<EventOf<'eventsState'>>();
  readonly #scriptOutput = new Emitter<EventOf<'scriptOutput'>>();
  readonly #scriptEnded = new Emitter<EventOf<'scriptEnded'>>();
  readonly #profileDelta = new Emitter<EventOf<'profileDelta'>>();
  readonly #profileEnded = new Emitter<EventOf<'profileEnded'>>();
  readonly #statInterval = new Emitter<EventOf<'statInterval'>>();
  readonly #syscallSummary = new Emitter<EventOf<'syscallSummary'>>();
  readonly #pending = new Set<(problem: Problem) => void>();
  #problem: Problem | undefined;
  #keepAlive: KeepAlive | undefined;

  /** Fires once, when the helper ended without being asked to. */
  readonly onClosed = this.#closed.on;
  readonly onSnapshot = this.#snapshot.on;
  readonly onSessionState = this.#sessionState.on;
  readonly onProbeEnded = this.#probeEnded.on;
  readonly onLogValues = this.#logValues.on;
  readonly onLogpointEnded = this.#logpointEnded.on;
  readonly onCallBatch = this.#callBatch.on;
  readonly onCallsEnded = this.#callsEnded.on;
  readonly onLog = this.#log.on;
  readonly onSearchProgress = this.#searchProgress.on;
  readonly onEventRows = this.#eventRows.on;
  readonly onEventStacks = this.#eventStacks.on;
  readonly onEventsState = this.#eventsState.on;
  readonly onScriptOutput = this.#scriptOutput.on;
  readonly onScriptEnded = this.#scriptEnded.on;
  readonly onProfileDelta = this.#profileDelta.on;
  readonly onProfileEnded = this.#profileEnded.on;
  readonly onStatInterval = this.#statInterval.on;
  readonly onSyscallSummary = this.#syscallSummary.on;
  /** What the target is called here. */
  target = 'local';
  helperVersion = '';
  /** Process of the helper on its host. */
  helperPid = 0;

  private constructor(streams: HelperStreams) {
    this.#streams = streams;
    this.#connection = createMessageConnection(
      new StreamMessageReader(streams.output),
      new StreamMessageWriter(streams.input),
    );
    this.#connection.onError(() => undefined);
    this.#connection.onNotification('snapshot', (event: EventOf<'snapshot'>) => this.#snapshot.fire(event));
    this.#connection.onNotification('sessionState', (event: EventOf<'sessionState'>) =>
      this.#sessionState.fire(event),
    );
    this.#connection.onNotification('probeEnded', (event: EventOf<'probeEnded'>) =>
      this.#probeEnded.fire(event),
    );
    this.#connection.onNotification('logValues', (event: EventOf<'logValues'>) =>
      this.#logValues.fire(event),
    );
    this.#connection.onNotification('logpointEnded', (event: EventOf<'logpointEnded'>) =>
      this.#logpointEnded.fire(event),
    );
    this.#connection.onNotification('eventRows', (event: EventOf<'eventRows'>) =>
      this.#eventRows.fire(event),
    );
    this.#connection.onNotification('eventStacks', (event: EventOf<'eventStacks'>) =>
      this.#eventStacks.fire(event),
    );
    this.#connection.onNotification('eventsState', (event: EventOf<'eventsState'>) =>
      this.#eventsState.fire(event),
    );
    this.#connection.onNotification('statInterval', (event: EventOf<'statInterval'>) =>
      this.#statInterval.fire(event),
    );
    this.#connection.onNotification('syscallSummary', (event: EventOf<'syscallSummary'>) =>
      this.#syscallSummary.fire(event),
    );
    this.#connection.onNotification('scriptOutput', (event: EventOf<'scriptOutput'>) =>
      this.#scriptOutput.fire(event),
    );
    this.#connection.onNotification('scriptEnded', (event: EventOf<'scriptEnded'>) =>
      this.#scriptEnded.fire(event),
    );
    this.#connection.onNotification('callBatch', (event: EventOf<'callBatch'>) =>
      this.#callBatch.fire(event),
    );
    this.#connection.onNotification('callsEnded', (event: EventOf<'callsEnded'>) =>
      this.#callsEnded.fire(event),
    );
    this.#connection.onNotification('profileDelta', (event: EventOf<'profileDelta'>) =>
      this.#profileDelta.fire(event),
    );
    this.#connection.onNotification('profileEnded', (event: EventOf<'profileEnded'>) =>
      this.#profileEnded.fire(event),
    );
    this.#connection.onNotification('log', (event: EventOf<'log'>) => this.#log.fire(event));
    this.#connection.onNotification('searchProgress', (event: EventOf<'searchProgress'>) =>
      this.#searchProgress.fire(event),
    );
    this.#connection.onClose(() => this.#end(''));
    void streams.ended.then(({ stderr }) => this.#end(stderr.trim()));
    this.#connection.listen();
  }

  /**
   * Shakes hands. Throws `version-mismatch` when the helper speaks another protocol. With `keepAlive` both ends notice within
   * seconds when the other one has gone without a word, as over a link that was cut.
   */
  static async open(
    streams: HelperStreams,
    client: string,
    { keepAlive = false, target = 'local' }: { readonly keepAlive?: boolean; readonly target?: string } = {},
  ): Promise<HelperConnection> {
    const connection = new HelperConnection(streams);
    try {
      const hello = await connection.call('hello', { protocol: PROTOCOL_VERSION, client });
      if (hello.protocol !== PROTOCOL_VERSION)
        throw new ProbeError({
          code: 'version-mismatch',
          message: `The helper speaks protocol ${hello.protocol}, this side ${PROTOCOL_VERSION}.`,
          remedy: 'Reload the window, so that both come from the same installation.',
        });
      connection.target = target;
      connection.helperVersion = hello.helper;
      connection.helperPid = hello.pid;
      if (keepAlive) connection.#keepAliveOn();
      return connection;
    } catch (error) {
      connection.dispose();
      throw error;
    }
  }

  /** Round trip to the helper in ns, the median of the last few; undefined without keep-alive. */
  get latencyNs(): number | undefined {
    return this.#keepAlive?.latencyNs;
  }

  /** How far the target's clock is ahead of ours; undefined without keep-alive. */
  get clockOffset(): ClockOffset | undefined {
    return this.#keepAlive?.clockOffset;
  }

  /** True until the helper ended. */
  get isOpen(): boolean {
    return this.#problem === undefined;
  }

  async call<K extends MethodName<HelperApi>>(
    method: K,
    params: ParamsOf<HelperApi, K>,
    cancelled?: AbortSignal,
  ): Promise<ResultOf<HelperApi, K>> {
    if (this.#problem !== undefined) throw new ProbeError(this.#problem);
    const source = new CancellationTokenSource();
    const onAbort = (): void => source.cancel();
    cancelled?.addEventListener('abort', onAbort, { once: true });
    if (cancelled?.aborted) source.cancel();
    let rejectPending: (problem: Problem) => void = () => undefined;
    const ended = new Promise<never>((_, reject) => {
      rejectPending = (problem) => reject(new ProbeError(problem));
      this.#pending.add(rejectPending);
    });
    try {
      return await Promise.race([
        this.#connection.sendRequest<ResultOf<HelperApi, K>>(method, params, source.token),
        ended,
      ]);
    } catch (error) {
      throw this.#asProbeError(error, cancelled?.aborted === true);
    } finally {
      this.#pending.delete(rejectPending);
      cancelled?.removeEventListener('abort', onAbort);
      source.dispose();
    }
  }

  /** Ends the helper, and with it every session it holds. */
  dispose(): void {
    this.#problem ??= { code: 'target-disconnected', message: 'The connection to the helper was closed.' };
    this.#keepAlive?.dispose();
    this.#rejectAll(this.#problem);
    this.#connection.dispose();
    this.#streams.input.end();
    // The helper ends with its input; one that hangs is told so by a signal.
    const timer = setTimeout(() => this.#streams.stop(), 1000);
    timer.unref();
    void this.#streams.ended.then(() => clearTimeout(timer));
  }

  #end(stderr: string): void {
    if (this.#problem !== undefined) return;
    this.#problem = {
      code: 'target-disconnected',
      message: `The helper ended${stderr === '' ? '' : `: ${lastLine(stderr)}`}.`,
      remedy: 'All probes are detached by now. Resume them to connect again; the log has the details.',
    };
    this.#keepAlive?.dispose();
    this.#rejectAll(this.#problem);
    this.#closed.fire(this.#problem);
  }

  #keepAliveOn(): void {
    this.#keepAlive = new KeepAlive(
      () => this.call('ping', { endAfterSilenceMs: HELPER_SILENCE_MS }),
      () => {
        this.#end('it does not answer any more');
        this.#streams.stop();
      },
    );
  }

  #rejectAll(problem: Problem): void {
    for (const reject of this.#pending) reject(problem);
    this.#pending.clear();
  }

  #asProbeError(error: unknown, aborted: boolean): ProbeError {
    if (error instanceof ProbeError) return error;
    if (aborted) return new ProbeError({ code: 'cancelled', message: 'Cancelled.' });
    if (error instanceof ResponseError && isProblem(error.data)) return new ProbeError(error.data);
    if (this.#problem !== undefined) return new ProbeError(this.#problem, { cause: error });
    return new ProbeError(
      { code: 'internal', message: error instanceof Error ? error.message : String(error) },
      { cause: error },
    );
  }
}

function lastLine(text: string): string {
  return text.split('\n').at(-1) ?? text;
}

function isProblem(data: unknown): data is Problem {
  if (typeof data !== 'object' || data === null || !('code' in data) || !('message' in data)) return false;
  return problemCodes.some((code) => code === data.code) && typeof data.message === 'string';
}
