/** The panels of runs: one a script, and one a recording of a run. */
import {
  env,
  l10n,
  Position,
  Selection,
  Uri,
  ViewColumn,
  window,
  workspace,
  type ExtensionContext,
  type LogOutputChannel,
} from 'vscode';
import type { FlameFrame } from '../../protocol/flame.ts';
import type { HostToRun, RunHeader, RunToHost } from '../../protocol/run-panel.ts';
import type { LogLine, ScriptMap } from '../../protocol/script.ts';
import type { ScriptRun } from '../core/scripts/script-run.ts';
import { PanelHost } from '../webviews/panel-host.ts';

/** Lines that a panel is filled with when it becomes visible. */
const LINES_AT_ONCE = 20_000;
const REFRESH_MS = 100;

/** A run with what the panel says about it. */
export interface ShownRun {
  readonly name: string;
  /** The script's place; empty when it is not known on this machine. */
  readonly uri: string;
  readonly target: string;
  readonly run: ScriptRun;
  readonly notes: string[];
  recording?: string;
  /** Starts it anew; absent for a recording. */
  readonly again?: () => void;
}

export interface RunActions {
  openSource(frame: FlameFrame, beside: boolean): void;
  traceFunction(frame: FlameFrame): void;
  show(thrown: unknown): Promise<void>;
}

interface Held {
  readonly shown: ShownRun;
  lines: LogLine[];
  maps: Map<string, ScriptMap>;
  timer?: NodeJS.Timeout;
}

export class RunPanels {
  readonly #panels: PanelHost<HostToRun, RunToHost>;
  readonly #held = new Map<string, Held>();
  readonly #actions: RunActions;
  readonly #log: LogOutputChannel;

  constructor(context: ExtensionContext, log: LogOutputChannel, actions: RunActions) {
    this.#actions = actions;
    this.#log = log;
    this.#panels = new PanelHost<HostToRun, RunToHost>(context, log, {
      viewType: 'probescope.run',
      bundle: 'run',
      title: (key) => l10n.t('Run: {0}', this.#held.get(key)?.shown.name ?? nameOf(key)),
      picture: (key) => this.#picture(key),
      receive: (key, message) => {
        this.#receive(key, message).catch((error: unknown) => void actions.show(error));
      },
    });
    context.subscriptions.push(this.#panels, {
      dispose: () => {
        for (const { shown } of this.#held.values()) shown.run.dispose();
      },
    });
  }

  /** Shows a run in the panel of `key`; the one before makes room for it. */
  open(key: string, shown: ShownRun): void {
    const before = this.#held.get(key);
    clearTimeout(before?.timer);
    before?.shown.run.dispose();
    const held: Held = { shown, lines: [], maps: new Map() };
    this.#held.set(key, held);
    shown.run.onDidChange(({ lines, maps }) => {
      if (this.#held.get(key) !== held) return;
      held.lines.push(...lines);
      for (const map of maps) held.maps.set(map.name, map);
      held.timer ??= setTimeout(() => {
        delete held.timer;
        this.#update(key, held);
      }, REFRESH_MS);
    });
    this.#panels.open(key);
    this.#panels.refresh(key);
  }

  runOf(key: string): ShownRun | undefined {
    return this.#held.get(key)?.shown;
  }

  get runs(): readonly ShownRun[] {
    return [...this.#held.values()].map(({ shown }) => shown);
  }

  #update(key: string, held: Held): void {
    const { lines, maps, shown } = held;
    held.lines = [];
    held.maps = new Map();
    this.#panels.post(key, { type: 'update', header: headerOf(shown), lines, maps: [...maps.values()] });
  }

  #picture(key: string): HostToRun {
    const held = this.#held.get(key);
    if (held === undefined)
      return { type: 'run', header: goneHeader(key), lines: [], maps: [], forgotten: 0 };
    held.lines = [];
    held.maps = new Map();
    const { run } = held.shown;
    const lines = run.log.slice(-LINES_AT_ONCE);
    const forgotten = run.forgotten + run.log.length - lines.length;
    return { type: 'run', header: headerOf(held.shown), maps: run.maps, lines, forgotten };
  }

  async #receive(key: string, message: RunToHost): Promise<void> {
    const shown = this.#held.get(key)?.shown;
    switch (message.type) {
      case 'ready':
        return;
      case 'stop':
        return shown?.run.stop();
      case 'runAgain':
        shown?.again?.();
        return;
      case 'openPlace':
        return openPlace(shown?.uri ?? key, message.line, message.character);
      case 'openSource':
        this.#actions.openSource(message.frame, message.beside);
        return;
      case 'traceFunction':
        this.#actions.traceFunction(message.frame);
        return;
      case 'copy':
        return env.clipboard.writeText(message.text);
      case 'save':
        if (shown !== undefined) await saveRun(shown);
        return;
      case 'saveText':
        return writeTo(
          message.suggestedName,
          typeof message.content === 'string'
            ? new TextEncoder().encode(message.content)
            : new Uint8Array(message.content),
        );
      case 'problem':
        this.#log.error(`Run panel: ${message.message}`);
    }
  }
}

function headerOf({ name, target, run, notes, recording, again }: ShownRun): RunHeader {
  const { end } = run;
  const error = end?.remarks.find(({ severity }) => severity === 'error');
  return {
    title: name,
    state: run.state,
    engine: run.engine,
    target,
    timeMs: run.timeMs,
    lost: run.lost,
    notes: [...notes, ...endNotes(run)],
    canRunAgain: again !== undefined,
    canSave: run.state === 'ended' && (recording !== undefined || run.log.length > 0),
    ...(run.attached === undefined ? {} : { attached: run.attached }),
    ...(end?.problem === undefined ? {} : { problem: end.problem }),
    ...(error === undefined || end?.problem === undefined
      ? {}
      : { place: { line: error.line, character: error.character } }),
  };
}

function endNotes({ end, maps, log }: ScriptRun): string[] {
  if (end === undefined || end.problem !== undefined) return [];
  if (end.exitCode !== null && end.exitCode !== 0 && !end.stopped)
    return [l10n.t('The script ended with exit code {0}.', end.exitCode)];
  return maps.length === 0 && log.length === 0
    ? [l10n.t('It printed nothing: none of its probes was hit, or none of them prints or counts.')]
    : [];
}

function goneHeader(key: string): RunHeader {
  return {
    ...{ title: nameOf(key), state: 'ended', engine: '', target: '', timeMs: 0 },
    lost: { events: 0, lines: 0, entries: 0 },
    notes: [l10n.t('This run ended with the window it was in. Run the script again, or open its recording.')],
    ...{ canRunAgain: false, canSave: false },
  };
}

function nameOf(key: string): string {
  return decodeURIComponent(key.slice(key.lastIndexOf('/') + 1));
}

async function openPlace(uri: string, line: number, character: number): Promise<void> {
  const document = await workspace.openTextDocument(uri.includes(':') ? Uri.parse(uri) : Uri.file(uri));
  const editor = await window.showTextDocument(document, { viewColumn: ViewColumn.One });
  const position = new Position(line, character);
  editor.selection = new Selection(position, position);
  editor.revealRange(editor.selection);
}

async function saveRun({ run, recording, name }: ShownRun): Promise<void> {
  const choices = [
    ...(recording === undefined
      ? []
      : [
          {
            label: l10n.t('Recording'),
            detail: l10n.t('Everything, to be opened again or queried'),
            what: 'recording' as const,
          },
        ]),
    { label: l10n.t('Log as text'), detail: l10n.t('{0} lines', run.log.length), what: 'log' as const },
    { label: l10n.t('Maps as JSON'), detail: l10n.t('{0} maps', run.maps.length), what: 'maps' as const },
  ];
  const picked = await window.showQuickPick(choices, { placeHolder: l10n.t('What to save of {0}', name) });
  if (picked === undefined) return;
  if (picked.what === 'recording' && recording !== undefined)
    return writeTo(`${name}.probescope`, await workspace.fs.readFile(Uri.file(recording)));
  const text =
    picked.what === 'log'
      ? `${run.log.map(({ text: line }) => line).join('\n')}\n`
      : `${JSON.stringify(run.maps, undefined, 2)}\n`;
  await writeTo(picked.what === 'log' ? `${name}.log` : `${name}.json`, new TextEncoder().encode(text));
}

async function writeTo(suggestedName: string, content: Uint8Array): Promise<void> {
  const [folder] = workspace.workspaceFolders ?? [];
  const target = await window.showSaveDialog({
    defaultUri: folder === undefined ? Uri.file(suggestedName) : Uri.joinPath(folder.uri, suggestedName),
  });
  if (target !== undefined) await workspace.fs.writeFile(target, content);
}
