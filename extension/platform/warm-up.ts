/** Starts the helper ahead of the first right-click, when a file that can be traced is looked at. */
import {
  TextEditorSelectionChangeKind,
  window,
  workspace,
  type Disposable,
  type Extension,
  type LogOutputChannel,
  type TextEditor,
} from 'vscode';
import { asProblem } from '../../protocol/errors.ts';
import type { Tracing } from '../probes/tracing.ts';

const LANGUAGE_EVENT = 'onLanguage:';
/** Languages with native code, as the manifest's activation events name them; VS Code has read the manifest already. */
function traceableLanguages({ packageJSON }: Extension<unknown>): ReadonlySet<string> {
  const { activationEvents } = packageJSON as { readonly activationEvents: readonly string[] };
  return new Set(
    activationEvents
      .filter((event) => event.startsWith(LANGUAGE_EVENT))
      .map((event) => event.slice(LANGUAGE_EVENT.length)),
  );
}

/** The editor draws first; nobody reaches a menu sooner. */
const DELAY_MS = 300;

/**
 * Once a file is warm, the helper runs and has indexed the binaries that were built from it, so that the first figure
 * is a matter of attaching. Never in a workspace that is not trusted, and never for files that cannot be traced.
 */
export function warmUp(extension: Extension<unknown>, tracing: Tracing, log: LogOutputChannel): Disposable {
  const traceable = traceableLanguages(extension);
  const warm = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const consider = (editor: TextEditor | undefined): void => {
    clearTimeout(timer);
    if (editor === undefined || !workspace.isTrusted) return;
    const { uri, languageId } = editor.document;
    if (uri.scheme !== 'file' || !traceable.has(languageId) || warm.has(uri.fsPath)) return;
    timer = setTimeout(() => {
      warm.add(uri.fsPath);
      void prepare(tracing, uri.fsPath, log);
    }, DELAY_MS);
  };
  consider(window.activeTextEditor);
  const listeners = [
    window.onDidChangeActiveTextEditor(consider),
    // a click in the code may be the one that opens the menu: the search runs while the user reads it
    window.onDidChangeTextEditorSelection(({ textEditor, kind }) => {
      const file = textEditor.document.uri.fsPath;
      if (kind !== TextEditorSelectionChangeKind.Mouse || !warm.has(file) || !workspace.isTrusted) return;
      tracing.findBinaries(file).catch((error: unknown) => {
        log.debug(`${file}: ${asProblem(error).message}`);
      });
    }),
    workspace.onDidGrantWorkspaceTrust(() => {
      consider(window.activeTextEditor);
    }),
  ];
  return {
    dispose: () => {
      clearTimeout(timer);
      for (const listener of listeners) listener.dispose();
    },
  };
}

async function prepare(tracing: Tracing, file: string, log: LogOutputChannel): Promise<void> {
  try {
    const startedMs = performance.now();
    const found = await tracing.findBinaries(file);
    const binaries = found.map(({ binary }) => binary).join(', ');
    log.info(
      `${file}: ${binaries === '' ? 'no binary was built from it' : `built into ${binaries}`} (${Math.round(performance.now() - startedMs)} ms).`,
    );
  } catch (error) {
    // nobody asked yet: the log is told now, the user when a probe is wanted
    log.warn(`Warming up for ${file}: ${asProblem(error).message}`);
  }
}
