import { basename } from 'node:path';
import { access } from 'node:fs/promises';
import {
  l10n,
  Position,
  Range,
  TabInputWebview,
  TextEditorRevealType,
  Uri,
  ViewColumn,
  window,
  workspace,
} from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { commonSuffix, normalisePath, type PrefixRule } from '../../protocol/source-path.ts';
import { candidatePaths, prefixRule } from '../commands/source-files.ts';
import { textColumn, type EditorGroup } from './text-column.ts';

/** Names in one search: a glob of a hundred is still short. */
const SEARCHED_AT_ONCE = 100;

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
    return (await this.locateAll([spelled])).get(spelled);
  }

  /** The paths here of those files that are here. The workspace is searched once for a hundred of them. */
  async locateAll(spelled: Iterable<string>): Promise<ReadonlyMap<string, string>> {
    const folders = (workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
    const found = new Map<string, string>();
    const elsewhere: string[] = [];
    for (const each of spelled) {
      const known = this.#known.get(each) ?? (await this.#candidate(each, folders));
      if (known === undefined) elsewhere.push(each);
      else found.set(each, known);
    }
    for (let from = 0; from < elsewhere.length; from += SEARCHED_AT_ONCE) {
      const part = elsewhere.slice(from, from + SEARCHED_AT_ONCE);
      const names = [...new Set(part.map((each) => escapeGlob(basename(each))))];
      const files = await workspace.findFiles(`**/{${names.join(',')}}`, undefined, 50 * names.length);
      const paths = files.map(({ fsPath }) => fsPath);
      for (const each of part) {
        const shared = (path: string): number => commonSuffix(normalisePath(each), normalisePath(path));
        const [best] = paths
          .filter((path) => basename(path) === basename(each))
          .sort((a, b) => shared(b) - shared(a) || a.length - b.length);
        if (best !== undefined) found.set(each, this.#remember(each, best));
      }
    }
    return found;
  }

  /** Opens a place in an editor, where it covers no panel, or beside whatever is active. Throws ProbeError `file-not-found`. */
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
      viewColumn: beside ? ViewColumn.Beside : textColumn(editorGroups()),
    });
    editor.revealRange(new Range(at, at), TextEditorRevealType.InCenterIfOutsideViewport);
  }

  async #candidate(spelled: string, folders: readonly string[]): Promise<string | undefined> {
    for (const path of candidatePaths(spelled, this.#map(), [...this.#rules.values()], folders))
      if (await exists(path)) return this.#remember(spelled, path);
    return undefined;
  }

  #remember(spelled: string, path: string): string {
    this.#known.set(spelled, path);
    return path;
  }
}

function editorGroups(): EditorGroup[] {
  const withText = new Set(window.visibleTextEditors.map(({ viewColumn }) => viewColumn));
  return window.tabGroups.all.map(({ viewColumn, activeTab }) => ({
    column: viewColumn,
    shows: withText.has(viewColumn)
      ? 'text'
      : activeTab === undefined
        ? 'nothing'
        : activeTab.input instanceof TabInputWebview
          ? 'panel'
          : 'other',
  }));
}

const escapeGlob = (name: string): string => name.replace(/[[\]{}*?,]/g, '[$&]');

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
