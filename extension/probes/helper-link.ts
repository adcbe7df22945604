/** The helper of the local target: started at the first need, and again after it ended. */
import type { Disposable, LogOutputChannel } from 'vscode';
import type { Problem } from '../../protocol/errors.ts';
import { HelperConnection } from '../core/connection.ts';
import { startHelper } from '../core/targets/start-helper.ts';

export interface HelperLinkOptions {
  /** The helper's bundle. */
  readonly bundle: string;
  /** Node that runs it; read at each start. */
  readonly nodePath: () => string;
  readonly log: LogOutputChannel;
}

export type HelperState = 'off' | 'starting' | 'on' | 'failed';

export class HelperLink implements Disposable {
  readonly #options: HelperLinkOptions;
  #connecting: Promise<HelperConnection> | undefined;
  #connection: HelperConnection | undefined;
  #disposed = false;
  state: HelperState = 'off';

  constructor(options: HelperLinkOptions) {
    this.#options = options;
  }

  /** The helper, started when it does not run. Throws ProbeError when it cannot be started or speaks another protocol. */
  connect(): Promise<HelperConnection> {
    this.#connecting ??= this.#start().catch((error: unknown) => {
      this.#connecting = undefined;
      this.state = 'failed';
      throw error;
    });
    return this.#connecting;
  }

  dispose(): void {
    this.#disposed = true;
    this.#connection?.dispose();
  }

  async #start(): Promise<HelperConnection> {
    const { bundle, log, nodePath } = this.#options;
    this.state = 'starting';
    const startedMs = performance.now();
    const node = nodePath();
    const streams = await startHelper(
      { kind: 'local', name: 'this machine' },
      {
        bundle,
        ...(node === '' ? {} : { localNode: node }),
        log: (line) => {
          log.debug(`Helper: ${line}`);
        },
      },
    );
    const connection = await HelperConnection.open(streams, 'Probescope');
    if (this.#disposed) connection.dispose();
    this.#connection = connection;
    this.state = 'on';
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
    this.state = 'failed';
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
