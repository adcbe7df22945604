import { basename } from 'node:path';
import { access } from 'node:fs/promises';
import { l10n, Position, Range, TextEditorRevealType, Uri, ViewColumn, window, workspace } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { candidatePaths, normalise, prefixRule } from '../commands/source-files.ts';

/** Finds files that debug information names in this workspace, and learns from the files that were found. */
export class SourceFiles {
  readonly #rules = new Map<string, { readonly from: string; readonly to: string }>();
  readonly #known = new Map<string, string>();

  /** `spelled` in debug information is `local` here: other files of the same build are found by it. */
  learn(spelled: string, local: string): void {
    this.#known.set(spelled, local);
    const rule = prefixRule(spelled, local);
    if (rule !== undefined && rule.from !== rule.to) this.#rules.set(`${rule.from}\0${rule.to}`, rule);
  }

  /** The file's path here, or undefined when it is nowhere. */
  async locate(spelled: string): Promise<string | undefined> {
    const known = this.#known.get(spelled);
    if (known !== undefined) return known;
    const folders = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
    for (const path of candidatePaths(spelled, [...this.#rules.values()], folders))
      if (await exists(path)) return this.#remember(spelled, path);
    const found = await workspace.findFiles(`**/${escapeGlob(basename(spelled))}`, undefined, 50);
    const [best] = found
      .map(({ fsPath }) => fsPath)
      .sort((a, b) => commonTail(spelled, b) - commonTail(spelled, a) || a.length - b.length);
    return best === undefined ? undefined : this.#remember(spelled, best);
  }

  /** Opens a place in an editor. Throws ProbeError `file-not-found`. */
  async open(place: SourcePlace, beside = false): Promise<void> {
    const path = await this.locate(place.file);
    if (path === undefined)
      throw new ProbeError({
        code: 'file-not-found',
        message: l10n.t('The source file {0} is not on this machine.', place.file),
        remedy: l10n.t('Open the folder that holds it: its path may differ from the one it was built in.'),
      });
    const document = await workspace.openTextDocument(Uri.file(path));
    const column = Math.max(0, (place.column ?? 1) - 1);
    const at = new Position(Math.min(document.lineCount, place.line) - 1, column);
    const editor = await window.showTextDocument(document, {
      selection: new Range(at, at),
      ...(beside ? { viewColumn: ViewColumn.Beside } : { viewColumn: textColumn() }),
    });
    editor.revealRange(new Range(at, at), TextEditorRevealType.InCenterIfOutsideViewport);
  }

  #remember(spelled: string, path: string): string {
    this.#known.set(spelled, path);
    return path;
  }
}

/** Where text editors are: a click in a panel must not cover the panel. */
function textColumn(): ViewColumn {
  return (
    window.visibleTextEditors.find(({ viewColumn }) => viewColumn !== undefined)?.viewColumn ?? ViewColumn.One
  );
}

function commonTail(a: string, b: string): number {
  const left = normalise(a).split('/').reverse();
  const right = normalise(b).split('/').reverse();
  const end = left.findIndex((part, index) => part !== right[index]);
  return end === -1 ? left.length : end;
}

const escapeGlob = (name: string): string => name.replace(/[[\]{}*?]/g, '[$&]');

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
