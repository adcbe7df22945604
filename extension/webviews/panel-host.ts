import {
  ViewColumn,
  window,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  type WebviewPanel,
} from 'vscode';
import type { Drawn } from '../../protocol/panel.ts';
import type { Profile } from '../../protocol/profile.ts';
import { showPage } from './panel-page.ts';
import { PictureGate } from './picture-gate.ts';
import type { ShownProfile } from './shown-profile.ts';

/** What one kind of panel is made of. `key` names what it shows and survives a reload of the window. */
export interface PanelKind<ToPanel, FromPanel> {
  readonly viewType: string;
  /** The script's and stylesheet's name in `dist/webview`. */
  readonly bundle: string;
  title(key: string): string;
  /** Everything the panel shows now, or undefined when there is nothing. Asked for on `ready`, on becoming visible and on `refresh`. */
  picture(key: string): ToPanel | undefined;
  receive(key: string, message: FromPanel): void;
  /** The panel was closed. */
  closed?(key: string): void;
  /** Panels that show a profile: lines of code are marked with it while its panel is open. */
  readonly lines?: { readonly shown: ShownProfile; profile(key: string): Profile | undefined };
}

/** The panels of one kind, one a key. Hidden panels get nothing; a panel that becomes visible gets the full picture. */
export class PanelHost<ToPanel, FromPanel extends { readonly type: string }> implements Disposable {
  readonly #panels = new Map<string, WebviewPanel>();
  /** Of the panels whose page is there. */
  readonly #gates = new WeakMap<WebviewPanel, PictureGate>();
  readonly #kind: PanelKind<ToPanel, FromPanel>;
  readonly #context: ExtensionContext;
  readonly #log: LogOutputChannel;
  readonly #serializer: Disposable;

  constructor(context: ExtensionContext, log: LogOutputChannel, kind: PanelKind<ToPanel, FromPanel>) {
    this.#context = context;
    this.#log = log;
    this.#kind = kind;
    this.#serializer = window.registerWebviewPanelSerializer(kind.viewType, {
      deserializeWebviewPanel: (panel, state: { key?: unknown } | undefined) => {
        if (typeof state?.key === 'string') this.#adopt(state.key, panel);
        else panel.dispose();
        return Promise.resolve();
      },
    });
  }

  /** Shows the panel of `key`, beside the editor when it is new. */
  open(key: string): void {
    const known = this.#panels.get(key);
    if (known !== undefined) {
      known.reveal();
      return;
    }
    const { viewType } = this.#kind;
    this.#adopt(key, window.createWebviewPanel(viewType, this.#kind.title(key), ViewColumn.Beside));
  }

  get openKeys(): readonly string[] {
    return [...this.#panels.keys()];
  }

  /** Sends a new picture to the panels that are visible, for one key or all. */
  refresh(only?: string): void {
    for (const [key, panel] of this.#panels) {
      if (only !== undefined && key !== only) continue;
      this.#gates.get(panel)?.request();
      this.#kind.lines?.shown.update(this.#viewKey(key));
    }
  }

  /** Sends a message to a panel that is visible; one that is not gets the full picture when it is seen again. Whether it was sent. */
  post(key: string, message: ToPanel): boolean {
    const panel = this.#panels.get(key);
    const gate = panel === undefined ? undefined : this.#gates.get(panel);
    if (panel?.visible !== true || gate === undefined) return false;
    gate.sent();
    void panel.webview.postMessage(message);
    return true;
  }

  close(key: string): void {
    this.#panels.get(key)?.dispose();
  }

  /** Panels stay open: VS Code hands them to the serializer of the next window. */
  dispose(): void {
    this.#serializer.dispose();
    this.#panels.clear();
  }

  #adopt(key: string, panel: WebviewPanel): void {
    this.#panels.set(key, panel);
    const { webview } = panel;
    panel.onDidDispose(() => {
      this.#panels.delete(key);
      this.#gates.get(panel)?.dispose();
      this.#kind.lines?.shown.close(this.#viewKey(key));
      this.#kind.closed?.(key);
    });
    panel.onDidChangeViewState(() => {
      this.#gates.get(panel)?.request();
      if (panel.active) this.#markLines(key);
    });
    this.#markLines(key);
    webview.onDidReceiveMessage((message: FromPanel | Drawn) => {
      if (isDrawn(message)) this.#gates.get(panel)?.drawn();
      else if (message.type === 'ready') this.#gateOf(key, panel).restart();
      else this.#kind.receive(key, message);
    });
    const { bundle } = this.#kind;
    showPage(panel, this.#context.extensionUri, { bundle, title: this.#kind.title(key), key });
    this.#log.debug(`Panel ${this.#kind.viewType} shows ${key}.`);
  }

  #viewKey(key: string): string {
    return `${this.#kind.viewType} ${key}`;
  }

  #markLines(key: string): void {
    const { lines } = this.#kind;
    const viewKey = this.#viewKey(key);
    if (lines !== undefined && lines.shown.current?.key !== viewKey)
      lines.shown.show({ key: viewKey, profile: () => lines.profile(key) });
  }

  #gateOf(key: string, panel: WebviewPanel): PictureGate {
    let gate = this.#gates.get(panel);
    if (gate === undefined) {
      gate = new PictureGate(() => this.#send(key, panel));
      this.#gates.set(panel, gate);
    }
    return gate;
  }

  #send(key: string, panel: WebviewPanel): boolean {
    if (!panel.visible) return false;
    const picture = this.#kind.picture(key);
    if (picture === undefined) return false;
    panel.title = this.#kind.title(key);
    void panel.webview.postMessage(picture);
    return true;
  }
}

const isDrawn = (message: { readonly type: string }): message is Drawn => message.type === 'drawn';
