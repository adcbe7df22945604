/** The Recordings view: a row for each recording, the newest first. */
import {
  commands,
  EventEmitter,
  l10n,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  Uri,
  window,
  type Disposable,
  type TreeDataProvider,
  type TreeView,
} from 'vscode';
import type { RecordingKind, RecordingSummary } from '../core/recording/summary.ts';
import type { RecordingLibrary } from './library.ts';
import { descriptionOf, factRows, kindNames, matches, titleOf, warningsOf } from './texts.ts';

const icons: Readonly<Record<RecordingKind, string>> = { trace: 'pulse', run: 'terminal', profile: 'flame' };
/** Rows of recordings that are being written are drawn anew this often. */
const REDRAW_MS = 5000;

export class RecordingsView implements TreeDataProvider<RecordingSummary>, Disposable {
  readonly #library: RecordingLibrary;
  readonly #changed = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: TreeView<RecordingSummary>;
  readonly #listener: Disposable;
  #filter = '';
  #all: readonly RecordingSummary[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(library: RecordingLibrary) {
    this.#library = library;
    this.#view = window.createTreeView('probescope.recordings', {
      treeDataProvider: this,
      canSelectMany: true,
    });
    this.#listener = library.onDidChange(() => {
      if (this.#view.visible) this.#changed.fire(undefined);
    });
    this.#view.onDidChangeVisibility(({ visible }) => {
      if (visible) this.#changed.fire(undefined);
    });
  }

  get filter(): string {
    return this.#filter;
  }

  setFilter(text: string): void {
    this.#filter = text.trim();
    void commands.executeCommand('setContext', 'probescope.filtersRecordings', this.#filter !== '');
    this.#changed.fire(undefined);
  }

  get selection(): readonly RecordingSummary[] {
    return this.#view.selection;
  }

  /** As they were listed last. */
  get all(): readonly RecordingSummary[] {
    return this.#all;
  }

  refresh(): void {
    this.#changed.fire(undefined);
  }

  async getChildren(row?: RecordingSummary): Promise<RecordingSummary[]> {
    if (row !== undefined) return [];
    this.#all = await this.#library.list();
    const shown = this.#all.filter((summary) => this.#filter === '' || matches(summary, this.#filter));
    this.#view.description =
      this.#filter === '' ? '' : l10n.t('“{0}”: {1} of {2}', this.#filter, shown.length, this.#all.length);
    clearTimeout(this.#timer);
    if (this.#all.some(({ facts }) => facts?.state === 'writing'))
      this.#timer = setTimeout(() => {
        if (this.#view.visible) this.#changed.fire(undefined);
      }, REDRAW_MS);
    return shown;
  }

  getTreeItem(summary: RecordingSummary): TreeItem {
    const { facts, path, problem } = summary;
    const title = titleOf(summary);
    const item = new TreeItem(title);
    item.id = path;
    item.description = descriptionOf(summary);
    item.iconPath = iconOf(summary);
    item.tooltip = tooltipOf(summary);
    item.contextValue = [
      'recording',
      ...(facts === undefined ? ['damaged'] : [facts.kind, facts.state]),
      ...((facts?.tags.length ?? 0) > 0 ? ['tagged'] : []),
    ].join(' ');
    item.accessibilityInformation = {
      label: [
        title,
        ...(facts === undefined ? [] : [kindNames[facts.kind]]),
        descriptionOf(summary),
        ...warningsOf(summary),
      ].join(', '),
    };
    if (problem === undefined)
      item.command = {
        command: 'probescope.openRecording',
        title: l10n.t('Open Recording'),
        arguments: [summary],
      };
    return item;
  }

  getParent(): undefined {
    return undefined;
  }

  /** Shows a recording that is new in the list, or has come back to it. */
  async reveal(path: string): Promise<void> {
    const found = this.#all.find((summary) => summary.path === path);
    if (found !== undefined && this.#view.visible) await this.#view.reveal(found, { select: true });
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#listener.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }
}

function iconOf({ facts }: RecordingSummary): ThemeIcon {
  if (facts === undefined) return new ThemeIcon('error', new ThemeColor('list.errorForeground'));
  if (facts.state === 'writing') return new ThemeIcon('record', new ThemeColor('charts.red'));
  const warn = facts.stopped !== undefined || facts.state === 'unclosed';
  return new ThemeIcon(icons[facts.kind], warn ? new ThemeColor('list.warningForeground') : undefined);
}

function tooltipOf(summary: RecordingSummary): MarkdownString {
  const tooltip = new MarkdownString('', true);
  // names, tags and paths are other people's words: as text, never as markup
  tooltip.appendMarkdown('**').appendText(titleOf(summary)).appendMarkdown('**\n\n');
  for (const warning of warningsOf(summary))
    tooltip.appendMarkdown('$(warning) ').appendText(warning).appendMarkdown('\n\n');
  for (const [label, value] of factRows(summary))
    tooltip.appendText(`${label}: ${value}`).appendMarkdown('\n\n');
  return tooltip;
}

/** Its place as the editor's own commands take it. */
export function uriOf({ path }: RecordingSummary): Uri {
  return Uri.file(path);
}
