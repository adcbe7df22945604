/** A panel of figures that a helper counts: counters of `perf stat`, or system calls. One panel a start. */
import {
  env,
  l10n,
  ViewColumn,
  window,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  type WebviewPanel,
} from 'vscode';
import type { CountingToHost, HostToCounting } from '../../protocol/counting-panel.ts';
import { asProblem } from '../../protocol/errors.ts';
import type { HelperConnection } from '../core/connection.ts';
import { uniqueId } from '../core/unique-id.ts';
import { showPage } from '../webviews/panel-page.ts';

export interface CountingServices {
  readonly context: ExtensionContext;
  readonly log: LogOutputChannel;
  readonly connect: () => Promise<HelperConnection>;
  readonly show: (thrown: unknown) => Promise<void>;
}

/** What is counted, and how. */
export interface CountingKind<Figures> {
  readonly viewType: string;
  /** The script's and stylesheet's name in `dist/webview`. */
  readonly bundle: string;
  readonly title: string;
  /** Starts counting; resolves with the engine's name. */
  start(connection: HelperConnection, stream: string): Promise<string>;
  stop(connection: HelperConnection, stream: string): Promise<unknown>;
  onFigures(
    connection: HelperConnection,
    listener: (figures: Figures & { readonly stream: string }) => void,
  ): Disposable;
}

/** A panel that is hidden keeps its figures: their course is nowhere else. Closing it ends the counting. */
export class CountingPanel<Figures> implements Disposable {
  readonly #services: CountingServices;
  readonly #kind: CountingKind<Figures>;
  readonly #panel: WebviewPanel;
  #listeners: Disposable[] = [];
  #stream: string | undefined;

  constructor(services: CountingServices, kind: CountingKind<Figures>, gone: () => void) {
    this.#services = services;
    this.#kind = kind;
    const { bundle, title } = kind;
    this.#panel = window.createWebviewPanel(kind.viewType, title, ViewColumn.Active, {
      retainContextWhenHidden: true,
    });
    this.#panel.webview.onDidReceiveMessage((message: CountingToHost) => this.#receive(message));
    showPage(this.#panel, services.context.extensionUri, { bundle, title, key: title });
    this.#panel.onDidDispose(() => {
      this.#leave();
      gone();
    });
  }

  async #receive(message: CountingToHost): Promise<void> {
    try {
      switch (message.type) {
        case 'ready':
        case 'start':
          return await this.#start();
        case 'stop':
          if (this.#stream !== undefined) await this.#kind.stop(await this.#services.connect(), this.#stream);
          return;
        case 'copy':
          await env.clipboard.writeText(message.text);
          window.setStatusBarMessage(l10n.t('Copied.'), 3000);
          return;
        case 'problem':
          this.#services.log.error(`${this.#kind.bundle}: ${message.message}`);
      }
    } catch (thrown) {
      await this.#services.show(thrown);
    }
  }

  async #start(): Promise<void> {
    this.#leave();
    const stream = uniqueId();
    this.#stream = stream;
    // Figures may arrive before the answer to the call that started them.
    let early: HostToCounting<Figures>[] | undefined = [];
    const deliver = (message: HostToCounting<Figures>): void => {
      if (this.#stream !== stream) return;
      if (early === undefined) this.#post(message);
      else early.push(message);
    };
    try {
      const connection = await this.#services.connect();
      this.#listeners = [
        this.#kind.onFigures(connection, (figures) => {
          if (figures.stream === stream) deliver({ type: 'figures', figures });
        }),
        connection.onEventsState(({ stream: which, state }) => {
          if (which === stream && state.kind === 'ended')
            deliver({ type: 'ended', ...(state.problem === undefined ? {} : { problem: state.problem }) });
        }),
        connection.onClosed((problem) => {
          deliver({ type: 'ended', problem });
        }),
      ];
      const engine = await this.#kind.start(connection, stream);
      this.#post({ type: 'begin', title: this.#kind.title, engine });
      for (const message of early) this.#post(message);
      early = undefined;
    } catch (thrown) {
      this.#post({ type: 'ended', problem: asProblem(thrown) });
    }
  }

  /** Ends what is counted and listens no more. */
  #leave(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    for (const listener of this.#listeners) listener.dispose();
    this.#listeners = [];
    if (stream === undefined) return;
    // A stream that has ended by itself is not known any more, which is what was wanted.
    this.#services
      .connect()
      .then((connection) => this.#kind.stop(connection, stream))
      .catch(() => undefined);
  }

  #post(message: HostToCounting<Figures>): void {
    void this.#panel.webview.postMessage(message);
  }

  dispose(): void {
    this.#panel.dispose();
  }
}
