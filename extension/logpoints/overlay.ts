/** The newest value at the end of each logpoint's line, a mark in the gutter, and the history on hovering. */
import {
  DecorationRangeBehavior,
  Hover,
  l10n,
  MarkdownString,
  Range,
  ThemeColor,
  Uri,
  window,
  workspace,
  type Disposable,
  type HoverProvider,
  type Position,
  type TextDocument,
  type TextEditor,
} from 'vscode';
import { formatCount } from '../../protocol/format.ts';
import type { LogpointList, LogpointView } from '../core/logpoints.ts';
import { shiftLine } from '../editor/line-shift.ts';
import { lineText, lossText } from './labels.ts';

/** Redraws a second: as often as the overlay of probes. */
const DRAW_MS = 250;
const SHOWN_VALUES = 20;

export class LogpointOverlay implements Disposable, HoverProvider {
  readonly #list: LogpointList;
  readonly #type;
  readonly #disposables: Disposable[];
  readonly #drawn = new WeakMap<TextEditor, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(extensionUri: Uri, list: LogpointList) {
    this.#list = list;
    this.#type = window.createTextEditorDecorationType({
      gutterIconPath: Uri.joinPath(extensionUri, 'media', 'gutter', 'logpoint.svg'),
      gutterIconSize: 'contain',
      rangeBehavior: DecorationRangeBehavior.ClosedClosed,
      after: { margin: '0 0 0 2.5em', color: new ThemeColor('editorCodeLens.foreground') },
    });
    this.#disposables = [
      this.#type,
      list.onDidChange(() => {
        this.#timer ??= setTimeout(() => {
          this.#draw();
        }, DRAW_MS);
      }),
      window.onDidChangeVisibleTextEditors(() => {
        this.#draw();
      }),
      workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        list.move(
          document.uri.fsPath,
          (line) => contentChanges.reduce((shifted, change) => shiftLine(shifted, change), line - 1) + 1,
        );
        this.#draw();
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  provideHover(document: TextDocument, position: Position): Hover | undefined {
    const logpoint = this.#list.at(document.uri.fsPath, position.line + 1);
    if (logpoint === undefined || position.character < document.lineAt(position.line).text.trimEnd().length)
      return undefined;
    return new Hover(describe(logpoint));
  }

  #draw(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const editor of window.visibleTextEditors) this.#drawEditor(editor);
  }

  #drawEditor(editor: TextEditor): void {
    const { document } = editor;
    const here = this.#list.all.filter(
      ({ place }) => place.file === document.uri.fsPath && place.line <= document.lineCount,
    );
    const lines = here.map((logpoint) => ({
      line: logpoint.place.line - 1,
      contentText: lineText(logpoint),
    }));
    const content = JSON.stringify(lines);
    if (content === (this.#drawn.get(editor) ?? '[]')) return;
    this.#drawn.set(editor, content);
    editor.setDecorations(
      this.#type,
      lines.map(({ line, contentText }) => {
        const { end } = document.lineAt(line).range;
        return { range: new Range(end, end), renderOptions: { after: { contentText } } };
      }),
    );
  }
}

function describe(logpoint: LogpointView): MarkdownString {
  const { spec, history, received, sites, end, id } = logpoint;
  const text = new MarkdownString('', true);
  text.isTrusted = { enabledCommands: ['probescope.removeLogpoint', 'probescope.copyLogValues'] };
  const name = spec.binary.slice(spec.binary.lastIndexOf('/') + 1);
  text.appendMarkdown(`$(debug-breakpoint-log) **${l10n.t('Trace logpoint')}** · `);
  text.appendText(`${name}${spec.pid === undefined ? '' : `, ${l10n.t('process {0}', spec.pid)}`}`);
  text.appendMarkdown('\n\n');
  text.appendCodeblock(
    `${spec.template}${spec.condition === undefined ? '' : `\nif ${spec.condition}`}`,
    'c',
  );
  const all = sites.attached + sites.refused.length;
  text.appendText(l10n.t('{0} values · {1} of {2} sites', formatCount(received), sites.attached, all));
  text.appendMarkdown('\n\n');
  for (const reason of sites.refused) warn(text, reason);
  const losses = end?.counts === undefined ? undefined : lossText(end.counts);
  if (losses !== undefined) warn(text, losses);
  if (end?.problem !== undefined) warn(text, `${end.problem.message} ${end.problem.remedy ?? ''}`);
  const rows = history.slice(-SHOWN_VALUES).reverse();
  if (rows.length > 0)
    text.appendCodeblock(
      rows.map(({ wallClockMs, tid, text: value }) => `${timeOf(wallClockMs)}  ${tid}  ${value}`).join('\n'),
      'text',
    );
  const argument = encodeURIComponent(JSON.stringify([id]));
  text.appendMarkdown(
    `[$(copy) ${l10n.t('Copy Values')}](command:probescope.copyLogValues?${argument}) · [$(close) ${l10n.t('Remove')}](command:probescope.removeLogpoint?${argument})`,
  );
  return text;
}

function warn(text: MarkdownString, what: string): void {
  text.appendMarkdown('$(warning) ');
  text.appendText(what);
  text.appendMarkdown('\n\n');
}

export function timeOf(wallClockMs: number): string {
  const time = new Date(wallClockMs);
  return `${time.toLocaleTimeString([], { hour12: false })}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}
