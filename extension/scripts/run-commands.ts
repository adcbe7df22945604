/** *Run bpftrace Script*: from the editor's title, a code lens or the palette; its questions, its panel, its end. */
import { basename } from 'node:path';
import {
  commands,
  l10n,
  Uri,
  window,
  workspace,
  type Disposable,
  type ExtensionContext,
  type TextDocument,
} from 'vscode';
import type { Problem } from '../../protocol/errors.ts';
import type { ScriptSpec } from '../../protocol/script.ts';
import type { HelperConnection } from '../core/connection.ts';
import { isScriptRun, readScriptRun } from '../core/scripts/recorded.ts';
import { ScriptRun } from '../core/scripts/script-run.ts';
import type { ShowProblem } from '../platform/problems.ts';
import type { NewRecordings } from '../recordings/new-recordings.ts';
import { RunDiagnostics } from './diagnostics.ts';
import { questionsOf, splitWords } from './question.ts';
import { recordRun } from './run-files.ts';
import type { RunPanels, ShownRun } from './run-panels.ts';

export interface ScriptServices {
  readonly context: ExtensionContext;
  readonly recordings: NewRecordings;
  readonly panels: RunPanels;
  readonly connect: () => Promise<HelperConnection>;
  readonly targetName: () => string;
  readonly show: ShowProblem;
  readonly mapKeys: () => number;
  /** Puts a count into the lens that asked for it. */
  readonly tellAttachCount: (attachPoint: string, title: string) => void;
}

interface RunOptions {
  readonly seconds?: number;
}

export function registerScriptCommands(services: ScriptServices): Disposable[] {
  const runner = new Runner(services);
  const { show } = services;
  return [
    runner,
    commands.registerCommand('probescope.runScript', (uri?: Uri | string, options?: RunOptions) =>
      runner.run(uri, options).catch(show),
    ),
    commands.registerCommand('probescope.stopScript', () => runner.stopAll().catch(show)),
    commands.registerCommand('probescope.countAttachPoints', (_uri: string, attachPoint: string) =>
      countAttachPoints(services, attachPoint).catch(show),
    ),
    commands.registerCommand('probescope.openRun', (path: string) =>
      openRecordedRun(services, path).catch(show),
    ),
  ];
}

class Runner implements Disposable {
  readonly #services: ScriptServices;
  readonly #diagnostics = new RunDiagnostics();

  constructor(services: ScriptServices) {
    this.#services = services;
  }

  async run(place: Uri | string | undefined, { seconds }: RunOptions = {}): Promise<void> {
    if (!(await isTrusted())) return;
    const document = await documentOf(place);
    const script = document.getText();
    const asked = await this.#ask(document, script);
    if (asked === undefined) return;
    const mapKeys = this.#services.mapKeys();
    await this.#start(document, {
      script,
      ...asked,
      ...(seconds === undefined ? {} : { durationMs: seconds * 1000 }),
      ...(mapKeys > 0 ? { mapKeys } : {}),
    });
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#services.panels.runs.map(({ run }) => run.stop()));
  }

  dispose(): void {
    this.#diagnostics.dispose();
  }

  /** Its arguments and leave to be unsafe; undefined when the user would rather not. */
  async #ask(
    document: TextDocument,
    script: string,
  ): Promise<Pick<ScriptSpec, 'args' | 'unsafe'> | undefined> {
    const { parameters, unsafe } = questionsOf(script);
    const args = parameters === 0 ? [] : await this.#askArguments(document, parameters);
    if (args === undefined) return undefined;
    if (unsafe.length === 0) return { args, unsafe: false };
    const run = l10n.t('Run with --unsafe');
    const chosen = await window.showWarningMessage(
      l10n.t('{0} uses {1}.', basename(document.uri.path), unsafe.map((name) => `${name}()`).join(', ')),
      {
        modal: true,
        detail: l10n.t(
          'bpftrace runs it with --unsafe only: the script can then run commands and change programs as root on {0}.',
          this.#services.targetName(),
        ),
      },
      run,
    );
    return chosen === run ? { args, unsafe: true } : undefined;
  }

  async #askArguments(document: TextDocument, count: number): Promise<string[] | undefined> {
    const key = `run.arguments ${document.uri.toString()}`;
    const { workspaceState } = this.#services.context;
    const text = await window.showInputBox({
      title: l10n.t('Arguments of {0}', basename(document.uri.path)),
      prompt:
        count === 1
          ? l10n.t('What $1 stands for')
          : l10n.t('What $1 to ${0} stand for, parted by blanks', count),
      value: workspaceState.get(key, ''),
      ignoreFocusOut: true,
      validateInput: (typed) =>
        splitWords(typed) === undefined ? l10n.t('A quote is left open.') : undefined,
    });
    if (text === undefined) return undefined;
    await workspaceState.update(key, text);
    return splitWords(text);
  }

  async #start(document: TextDocument, spec: Omit<ScriptSpec, 'run'>): Promise<void> {
    const { recordings, panels, connect, show, targetName } = this.#services;
    const { uri } = document;
    const name = basename(uri.path);
    this.#diagnostics.forget(uri);
    const run = new ScriptRun();
    const notes: string[] = [];
    const recording = await recordRun(
      recordings,
      { ...spec, name, uri: uri.toString() },
      targetName(),
      (reason) => notes.push(reason),
    );
    if ('refusal' in recording) notes.push(recording.refusal);
    const shown: ShownRun = {
      ...{ name, uri: uri.toString(), target: targetName(), run, notes },
      again: () => void commands.executeCommand('probescope.runScript', uri.toString()),
      ...('refusal' in recording ? {} : { recording: recording.path }),
    };
    // Before the panel: what it shows at the end must be in the recording by then.
    run.onDidEnd((end) => {
      this.#diagnostics.show(uri, end, run.engine);
      if (!('refusal' in recording)) {
        recording.setEngine(run.engine);
        recording.recorder.finish(end);
        recordings.ended();
      }
      if (end.problem !== undefined && needsButtons(end.problem)) void show(end.problem);
    });
    panels.open(uri.toString(), shown);
    try {
      const connection = await connect();
      if (!('refusal' in recording)) {
        const listener = connection.onScriptOutput((output) => {
          if (output.run === run.id) recording.recorder.add(output);
        });
        run.onDidEnd(() => {
          listener.dispose();
        });
      }
      await run.start(connection, spec);
    } catch (error) {
      // The run has ended by it, and its panel says so; a connection that could not be made is told by nothing else.
      if (run.end === undefined) run.fail(error as Problem);
    }
  }
}

function needsButtons({ code }: Problem): boolean {
  return code === 'engine-missing' || code === 'engine-too-old' || code === 'no-privileges';
}

async function isTrusted(): Promise<boolean> {
  if (workspace.isTrusted) return true;
  const manage = l10n.t('Manage Workspace Trust');
  const chosen = await window.showWarningMessage(
    l10n.t('Scripts do not run in Restricted Mode: they run as root, and this workspace is not trusted.'),
    manage,
  );
  if (chosen === manage) await commands.executeCommand('workbench.trust.manage');
  return false;
}

/** The document as it stands in the editor, saved or not. */
async function documentOf(place: Uri | string | undefined): Promise<TextDocument> {
  if (place !== undefined)
    return workspace.openTextDocument(typeof place === 'string' ? Uri.parse(place) : place);
  const document = window.activeTextEditor?.document;
  if (document?.languageId === 'bpftrace') return document;
  return workspace.openTextDocument({
    language: 'bpftrace',
    content: 'BEGIN { printf("hello\\n"); exit(); }\n',
  });
}

async function countAttachPoints(
  { connect, tellAttachCount, targetName }: ScriptServices,
  attachPoint: string,
): Promise<void> {
  if (!(await isTrusted())) return;
  const { count, examples } = await (await connect()).call('countAttachPoints', { attachPoint });
  const title =
    count === 1 ? l10n.t('1 probe on {0}', targetName()) : l10n.t('{0} probes on {1}', count, targetName());
  tellAttachCount(attachPoint, title);
  const names = examples.slice(0, 3).join(', ');
  window.setStatusBarMessage(
    `${attachPoint}: ${title}${names === '' ? '' : ` (${names}${count > 3 ? ', …' : ''})`}`,
    8000,
  );
}

async function openRecordedRun({ panels }: ScriptServices, path: string): Promise<void> {
  const { Recording } = await import('../core/recording/reader.ts');
  const recording = new Recording(path);
  try {
    if (!isScriptRun(recording.meta())) return;
    const { run, script } = readScriptRun(recording);
    panels.open(Uri.file(path).toString(), {
      ...{ name: script.name, uri: script.uri, target: '', run, recording: path },
      notes: [l10n.t('Recorded; nothing runs now.'), ...recording.notices()],
    });
  } finally {
    recording.close();
  }
}
