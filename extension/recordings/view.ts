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

const icons: Readonly<Record<RecordingKind, string>> = {
  trace: 'pulse',
  run: 'terminal',
  profile: 'flame',
  events: 'list-flat',
};
/** Rows of recordings that are being written are drawn anew this often. */
const REDRAW_MS = 5000;

/** A recording's row, by its path: the summary is read when the row is drawn, and the row stays the same over changes. */
export interface RecordingRow {
  readonly path: string;
}

export class RecordingsView implements TreeDataProvider<RecordingRow>, Disposable {
  readonly #library: RecordingLibrary;
  readonly #changed = new EventEmitter<RecordingRow | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #view: TreeView<RecordingRow>;
  readonly #listener: Disposable;
  readonly #rows = new Map<string, RecordingRow>();
  #filter = '';
  #all: readonly RecordingSummary[] = [];
  #drawn: readonly RecordingSummary[] | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(library: RecordingLibrary) {
    this.#library = library;
    this.#view = window.createTreeView('probescope.recordings', {
      treeDataProvider: this,
      canSelectMany: true,
    });
    this.#listener = library.onDidChange(() => void this.#update());
    this.#view.onDidChangeVisibility(() => void this.#update());
  }

  get filter(): string {
    return this.#filter;
  }

  setFilter(text: string): void {
    this.#filter = text.trim();
    void commands.executeCommand('setContext', 'probescope.filtersRecordings', this.#filter !== '');
    this.#changed.fire(undefined);
  }

  get selection(): readonly RecordingRow[] {
    return this.#view.selection;
  }

  /** As they were listed last. */
  get all(): readonly RecordingSummary[] {
    return this.#all;
  }

  /** What is known of a row; undefined when its recording is gone. */
  summaryOf({ path }: RecordingRow): RecordingSummary | undefined {
    return this.#all.find((summary) => summary.path === path);
  }

  refresh(): void {
    this.#changed.fire(undefined);
  }

  async getChildren(row?: RecordingRow): Promise<RecordingRow[]> {
    if (row !== undefined) return [];
    const shown = await this.#list();
    this.#drawn = shown;
    return shown.map(({ path }) => this.#rowOf(path));
  }

  /**
   * Row by row, unless some came or went: drawing the whole tree anew forgets its rows for a moment, and what is chosen in an open
   * menu would come without its recording.
   */
  async #update(): Promise<void> {
    if (!this.#view.visible) return;
    const before = this.#drawn;
    const shown = await this.#list();
    const same = before?.length === shown.length && shown.every(({ path }, at) => path === before[at]?.path);
    if (!same) {
      this.#changed.fire(undefined);
      return;
    }
    this.#drawn = shown;
    for (const [at, summary] of shown.entries())
      if (summary !== before[at]) this.#changed.fire(this.#rowOf(summary.path));
  }

  async #list(): Promise<readonly RecordingSummary[]> {
    this.#all = await this.#library.list();
    const shown = this.#all.filter((summary) => this.#filter === '' || matches(summary, this.#filter));
    this.#view.description =
      this.#filter === '' ? '' : l10n.t('“{0}”: {1} of {2}', this.#filter, shown.length, this.#all.length);
    clearTimeout(this.#timer);
    if (this.#all.some(({ facts }) => facts?.state === 'writing'))
      this.#timer = setTimeout(() => void this.#update(), REDRAW_MS);
    return shown;
  }

  #rowOf(path: string): RecordingRow {
    const row = this.#rows.get(path) ?? { path };
    this.#rows.set(path, row);
    return row;
  }

  getTreeItem(row: RecordingRow): TreeItem {
    const summary = this.summaryOf(row);
    return summary === undefined ? new TreeItem('') : itemOf(row, summary);
  }

  getParent(): undefined {
    return undefined;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#listener.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }
}

function itemOf(row: RecordingRow, summary: RecordingSummary): TreeItem {
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
      arguments: [row],
    };
  return item;
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
