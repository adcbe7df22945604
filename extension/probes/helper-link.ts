/** The helper of the target in use: started at the first need, and again after it ended. */
import { EventEmitter, type Disposable, type LogOutputChannel } from 'vscode';
import type { Problem } from '../../protocol/errors.ts';
import { HelperConnection } from '../core/connection.ts';
import { startHelper } from '../core/targets/start-helper.ts';
import type { Target } from '../core/targets/target.ts';

export interface HelperLinkOptions {
  /** The helper's bundle. */
  readonly bundle: string;
  /** Node that runs it; read at each start. */
  readonly nodePath: () => string;
  /** Where it runs; read at each start. */
  readonly target: () => Target;
  readonly log: LogOutputChannel;
}

export type HelperState = 'off' | 'starting' | 'on' | 'failed';

export class HelperLink implements Disposable {
  readonly #options: HelperLinkOptions;
  #connecting: Promise<HelperConnection> | undefined;
  #connection: HelperConnection | undefined;
  #disposed = false;
  readonly #changed = new EventEmitter<void>();
  readonly onDidChangeState = this.#changed.event;
  #state: HelperState = 'off';

  constructor(options: HelperLinkOptions) {
    this.#options = options;
  }

  get state(): HelperState {
    return this.#state;
  }

  /** The helper, started when it does not run. Throws ProbeError when it cannot be started or speaks another protocol. */
  connect(): Promise<HelperConnection> {
    this.#connecting ??= this.#start().catch((error: unknown) => {
      this.#connecting = undefined;
      this.#become('failed');
      throw error;
    });
    return this.#connecting;
  }

  /** Ends the helper, and with it every session; the next need starts it where the target is then. */
  disconnect(): void {
    this.#connection?.dispose();
    this.#connection = undefined;
    this.#connecting = undefined;
    this.#become('off');
  }

  dispose(): void {
    this.#disposed = true;
    this.#connection?.dispose();
    this.#changed.dispose();
  }

  #become(state: HelperState): void {
    this.#state = state;
    this.#changed.fire();
  }

  async #start(): Promise<HelperConnection> {
    const { bundle, log, nodePath } = this.#options;
    this.#become('starting');
    const startedMs = performance.now();
    const node = nodePath();
    const streams = await startHelper(this.#options.target(), {
      bundle,
      ...(node === '' ? {} : { localNode: node, nodePath: node }),
      log: (line) => {
        log.debug(`Helper: ${line}`);
      },
    });
    const connection = await HelperConnection.open(streams, 'Probescope');
    if (this.#disposed) connection.dispose();
    this.#connection = connection;
    this.#become('on');
    connection.onLog(({ level, message }) => {
      log[level](`Helper: ${message}`);
    });
    connection.onSessionState(({ session, state }) => {
      log.info(`Session ${session.slice(0, 8)}: ${state.kind}${detailOf(state)}`);
    });
    connection.onClosed((problem) => {
      this.#closed(problem);
    });
    log.info(
      `Helper ${connection.helperVersion} is process ${connection.helperPid}, ready after ${Math.round(performance.now() - startedMs)} ms.`,
    );
    return connection;
  }

  #closed({ message }: Problem): void {
    this.#connecting = undefined;
    this.#connection = undefined;
    this.#become('failed');
    this.#options.log.error(message);
  }
}

function detailOf(state: {
  readonly kind: string;
  readonly enginePid?: number;
  readonly problem?: Problem;
}): string {
  if (state.enginePid !== undefined) return `, bpftrace is process ${state.enginePid}`;
  return state.problem === undefined ? '' : `: ${state.problem.message}`;
}
