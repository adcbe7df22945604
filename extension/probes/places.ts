/** Keeps probes at their code while it is edited, and marks those whose code is newer than the binary. */
import { stat } from 'node:fs/promises';
import { window, workspace, type Disposable, type TextDocument, type TextDocumentChangeEvent } from 'vscode';
import { shiftLine } from '../editor/line-shift.ts';
import type { ProbeList } from './probe-list.ts';
import type { ProbeView } from './probe-view.ts';

export class Places implements Disposable {
  readonly #list: ProbeList;
  readonly #disposables: Disposable[];
  #known = '';

  constructor(list: ProbeList) {
    this.#list = list;
    this.#disposables = [
      workspace.onDidChangeTextDocument((event) => {
        this.#shift(event);
      }),
      workspace.onDidSaveTextDocument((document) => {
        if (this.#at(document).length > 0) void this.#saved(document);
      }),
      window.onDidChangeVisibleTextEditors(() => void this.#age()),
      list.onDidChange((keys) => {
        if (keys.length > 0) return;
        const present = list.probes.map(({ key }) => key).join(' ');
        if (present !== this.#known) void this.#age();
        this.#known = present;
      }),
    ];
    void this.#age();
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #at(document: TextDocument): ProbeView[] {
    const file = document.uri.fsPath;
    return this.#list.probes.filter(({ place }) => place?.file === file);
  }

  #shift({ document, contentChanges }: TextDocumentChangeEvent): void {
    for (const { key, place, stale } of this.#at(document)) {
      if (place === undefined) continue;
      let line = place.line - 1;
      for (const change of contentChanges) line = shiftLine(line, change);
      const newer = stale || document.isDirty;
      if (line + 1 !== place.line || newer !== stale)
        this.#list.sight(key, { place: { ...place, line: line + 1 }, stale: newer });
    }
    // undone or reverted: the file may be as old as it was
    if (!document.isDirty) void this.#age();
  }

  async #saved(document: TextDocument): Promise<void> {
    await this.#list.persist();
    await this.#age(document.uri.fsPath);
  }

  /** A document is newer when it has unsaved changes, or when its file was written after the binary. */
  async #age(only?: string): Promise<void> {
    for (const { key, place, binary, stale } of this.#list.probes) {
      if (place === undefined || (only !== undefined && place.file !== only)) continue;
      const newer = isDirty(place.file) || (await isNewer(place.file, binary));
      const now = this.#list.find(key)?.place;
      if (newer !== stale && now !== undefined) this.#list.sight(key, { place: now, stale: newer });
    }
  }
}

const isDirty = (file: string): boolean =>
  workspace.textDocuments.some((document) => document.isDirty && document.uri.fsPath === file);

/** A binary that cannot be looked at (gone, or on another host) makes nothing stale. */
async function isNewer(file: string, binary: string): Promise<boolean> {
  try {
    const [source, built] = await Promise.all([stat(file), stat(binary)]);
    return source.mtimeMs > built.mtimeMs;
  } catch {
    return false;
  }
}
