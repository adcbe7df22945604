import { basename } from 'node:path';
import { access } from 'node:fs/promises';
import { l10n, Position, Range, TextEditorRevealType, Uri, ViewColumn, window, workspace } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { commonSuffix, normalisePath, type PrefixRule } from '../../protocol/source-path.ts';
import { candidatePaths, prefixRule } from '../commands/source-files.ts';

/** Finds files that debug information names in this workspace, and learns from the files that were found. */
export class SourceFiles {
  readonly #rules = new Map<string, PrefixRule>();
  readonly #known = new Map<string, string>();
  readonly #map: () => readonly PrefixRule[];

  /** `map`: the rules of `probescope.sourceMap`, read at each search. */
  constructor(map: () => readonly PrefixRule[]) {
    this.#map = map;
  }

  /** The source map was changed: what was found by the former one is looked for again. */
  forget(): void {
    this.#known.clear();
  }

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
    for (const path of candidatePaths(spelled, this.#map(), [...this.#rules.values()], folders))
      if (await exists(path)) return this.#remember(spelled, path);
    const shared = (path: string): number => commonSuffix(normalisePath(spelled), normalisePath(path));
    const found = await workspace.findFiles(`**/${escapeGlob(basename(spelled))}`, undefined, 50);
    const [best] = found
      .map(({ fsPath }) => fsPath)
      .sort((a, b) => shared(b) - shared(a) || a.length - b.length);
    return best === undefined ? undefined : this.#remember(spelled, best);
  }

  /** Opens a place in an editor. Throws ProbeError `file-not-found`. */
  async open(place: SourcePlace, beside = false): Promise<void> {
    const path = await this.locate(place.file);
    if (path === undefined)
      throw new ProbeError({
        code: 'file-not-found',
        message: l10n.t('The source file {0} is not on this machine.', place.file),
        remedy: l10n.t(
          'Open the folder that holds it, or name the folder that stands for it here in the setting probescope.sourceMap.',
        ),
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

const escapeGlob = (name: string): string => name.replace(/[[\]{}*?]/g, '[$&]');

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
