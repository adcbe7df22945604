/** Opens `*.probescope` files: a page with their time line, and their probes in the tree and at their lines, labelled as recorded. */
import type { Uri } from 'vscode';
import {
  commands,
  TabInputText,
  window,
  type CustomReadonlyEditorProvider,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
  type WebviewPanel,
} from 'vscode';
import { asProblem } from '../../protocol/errors.ts';
import type { Drawn } from '../../protocol/panel.ts';
import type {
  HostToRecording,
  LaneAction,
  RecordingAction,
  RecordingToHost,
  ShownRange,
} from '../../protocol/recording-panel.ts';
import type { SourceFiles } from '../platform/open-source.ts';
import type { ShowProblem } from '../platform/problems.ts';
import type { ProbeList } from '../probes/probe-list.ts';
import type { ProfilePanels } from '../profiles/profile-panels.ts';
import { showPage } from '../webviews/panel-page.ts';
import { PictureGate } from '../webviews/picture-gate.ts';
import type { ShownProfile } from '../webviews/shown-profile.ts';
import { OpenRecording } from './open-recording.ts';

export interface RecordingEditorServices {
  readonly context: ExtensionContext;
  readonly log: LogOutputChannel;
  readonly tracing: ProbeList;
  readonly files: SourceFiles;
  readonly show: ShowProblem;
  readonly shown: ShownProfile;
  readonly profiles: ProfilePanels;
}

const VIEW_TYPE = 'probescope.recording';

export function registerRecordingEditor(services: RecordingEditorServices): Disposable {
  const registered = window.registerCustomEditorProvider(VIEW_TYPE, new RecordingEditor(services));
  void takeOver().catch((error: unknown) => services.log.warn(`Recording not taken over: ${String(error)}`));
  return registered;
}

/** What a window begins with is open before VS Code knows the editors of a new extension: as text, which a recording is not. */
async function takeOver(): Promise<void> {
  for (const tab of window.tabGroups.all.flatMap(({ tabs }) => tabs)) {
    if (!(tab.input instanceof TabInputText) || !tab.input.uri.path.endsWith('.probescope')) continue;
    await commands.executeCommand('vscode.openWith', tab.input.uri, VIEW_TYPE, tab.group.viewColumn);
    await window.tabGroups.close(tab);
  }
}

class RecordingEditor implements CustomReadonlyEditorProvider<OpenRecording> {
  readonly #services: RecordingEditorServices;

  constructor(services: RecordingEditorServices) {
    this.#services = services;
  }

  openCustomDocument(uri: Uri): OpenRecording {
    return new OpenRecording(uri, this.#services);
  }

  async resolveCustomEditor(document: OpenRecording, panel: WebviewPanel): Promise<void> {
    // the page is fetched while the file is read
    const page = new RecordingPage(document, panel, this.#services);
    await page.load();
  }
}

/** The page of one open recording. */
class RecordingPage {
  readonly #document: OpenRecording;
  readonly #panel: WebviewPanel;
  readonly #services: RecordingEditorServices;
  readonly #gate: PictureGate;
  readonly #listeners: Disposable[];
  /** Why there is nothing to show. */
  #problem: string | undefined;
  #range: ShownRange | undefined;
  #completed = false;

  constructor(document: OpenRecording, panel: WebviewPanel, services: RecordingEditorServices) {
    this.#document = document;
    this.#panel = panel;
    this.#services = services;
    this.#gate = new PictureGate(() => this.#send());
    this.#listeners = [
      panel.webview.onDidReceiveMessage((message: RecordingToHost | Drawn) => {
        this.#receive(message);
      }),
      panel.onDidChangeViewState(() => {
        if (panel.active) this.#markLines();
        // covered before it was drawn: nobody waits for its first view
        if (!panel.visible) this.#complete();
      }),
      document.onDidChange(() => {
        this.#gate.request();
      }),
      document.onDidReadFigures(() => {
        const range = this.#document.figures(this.#range)?.range;
        if (range !== undefined) this.#show(range);
      }),
    ];
    panel.onDidDispose(() => {
      this.#gate.dispose();
      for (const listener of this.#listeners) listener.dispose();
      services.shown.close(this.#viewKey);
      document.rewind();
    });
    showPage(panel, services.context.extensionUri, {
      bundle: 'recording',
      title: 'Recording',
      key: document.uri.toString(),
    });
  }

  async load(): Promise<void> {
    try {
      await this.#document.load();
      this.#problem = undefined;
      this.#gate.request();
      if (!this.#panel.visible) this.#complete();
    } catch (error) {
      const { message, remedy } = asProblem(error);
      this.#problem = [message, remedy].filter(Boolean).join(' ');
      this.#gate.request();
      void this.#services.show(error);
    }
  }

  get #viewKey(): string {
    return `recording ${this.#document.uri.toString()}`;
  }

  #send(): boolean {
    if (!this.#panel.visible) return false;
    const { picture } = this.#document;
    if (this.#problem !== undefined) this.#post({ type: 'problem', message: this.#problem });
    else if (picture !== undefined) {
      const figures = this.#document.figures(this.#range);
      this.#post({ type: 'picture', picture, ...(figures === undefined ? {} : { figures }) });
    } else return false;
    return true;
  }

  #post(message: HostToRecording): void {
    void this.#panel.webview.postMessage(message);
  }

  #receive(message: RecordingToHost | Drawn): void {
    const { log } = this.#services;
    switch (message.type) {
      case 'ready':
        this.#gate.restart();
        break;
      case 'drawn':
        this.#gate.drawn();
        this.#complete();
        break;
      case 'show':
        this.#show(message.range);
        break;
      case 'openLane':
        this.#openLane(message.lane, message.action);
        break;
      case 'act':
        this.#act(message.action, message.range);
        break;
      case 'problem':
        log.error(`Recording: ${message.message}`);
        break;
    }
  }

  /** After the first view: what takes longer, and opens other editors. */
  #complete(): void {
    if (this.#completed || this.#document.picture === undefined) return;
    this.#completed = true;
    const { files, show } = this.#services;
    this.#document.complete().catch(show);
    this.#markLines();
    const first = this.#document.lanes.find(({ spec }) => spec.subject.declared !== undefined);
    if (first?.spec.subject.declared !== undefined)
      files.open(first.spec.subject.declared, true).catch(() => undefined);
  }

  #show(range: ShownRange): void {
    try {
      this.#range = range;
      const figures = this.#document.show(range);
      if (figures !== undefined && this.#panel.visible) {
        this.#gate.sent();
        this.#post({ type: 'figures', figures });
      }
      this.#services.profiles.showRange(this.#document.uri.fsPath, timeRangeOf(this.#document, range));
    } catch (error) {
      this.#post({ type: 'problem', message: asProblem(error).message });
    }
  }

  #openLane(index: number, action: LaneAction): void {
    const { files, show } = this.#services;
    const lane = this.#document.lanes[index];
    if (lane === undefined) return;
    const { declared } = lane.spec.subject;
    const key = this.#document.keyOf(lane);
    if (action === 'source') {
      if (declared !== undefined) files.open(declared, true).catch(show);
    } else
      void commands.executeCommand(
        action === 'latency' ? 'probescope.openLatency' : 'probescope.openFlameGraph',
        key,
      );
  }

  #act(action: RecordingAction, range: ShownRange | undefined): void {
    const { fsPath } = this.#document.uri;
    switch (action) {
      case 'flameGraph':
        void commands.executeCommand(
          'probescope.openProfile',
          fsPath,
          range && timeRangeOf(this.#document, range),
        );
        break;
      case 'run':
        void commands.executeCommand('probescope.openRun', fsPath);
        break;
      case 'readAgain':
        this.#completed = false;
        void this.load();
        break;
    }
  }

  /** Lines of code are marked with its profile while it is open. */
  #markLines(): void {
    const { shown } = this.#services;
    const key = this.#viewKey;
    if (this.#completed && this.#document.hasProfile && shown.current?.key !== key)
      shown.show({ key, profile: () => this.#document.profile() });
  }
}

/** As flame graphs take it; undefined for all of the recording. */
function timeRangeOf(
  { picture }: OpenRecording,
  { fromNs = 0, toNs }: ShownRange,
): readonly [number, number] | undefined {
  const endNs = picture?.stepsNs.at(-1) ?? 0;
  if (fromNs <= 0 && toNs >= endNs) return undefined;
  return [fromNs, toNs >= endNs ? endNs + 1 : toNs];
}
