/** Figures at the end of each traced function's line, and a mark in the gutter. Drawn in visible editors only. */
import {
  DecorationRangeBehavior,
  Range,
  ThemeColor,
  Uri,
  window,
  workspace,
  type DecorationOptions,
  type Disposable,
  type TextEditor,
  type TextEditorDecorationType,
} from 'vscode';
import type { Settings } from '../platform/settings.ts';
import { HEAT_LEVELS } from './heat.ts';
import { heatOf, overlayText } from './labels.ts';
import type { ProbeSource, ProbeView } from '../probes/probe-view.ts';

/** Ten decoration types for everything: eight of heat, one for probes that do not run, one for stale ones. */
type Mark = `heat-${number}` | 'paused' | 'stale';
const MARKS: readonly Mark[] = [
  ...Array.from({ length: HEAT_LEVELS }, (_, index): Mark => `heat-${index + 1}`),
  'paused',
  'stale',
];

export class Overlay implements Disposable {
  readonly #probes: ProbeSource;
  readonly #settings: Settings;
  readonly #types: ReadonlyMap<Mark, TextEditorDecorationType>;
  readonly #disposables: Disposable[];
  /** What each editor shows now; an editor whose text stays the same is not touched. */
  readonly #drawn = new WeakMap<TextEditor, string>();
  #timer: NodeJS.Timeout | undefined;
  #lastDrawnMs = 0;

  constructor(extensionUri: Uri, probes: ProbeSource, settings: Settings) {
    this.#probes = probes;
    this.#settings = settings;
    this.#types = new Map(
      MARKS.map((mark) => [
        mark,
        window.createTextEditorDecorationType({
          gutterIconPath: Uri.joinPath(extensionUri, 'media', 'gutter', `${mark}.svg`),
          gutterIconSize: 'contain',
          rangeBehavior: DecorationRangeBehavior.ClosedClosed,
          after: { margin: '0 0 0 2.5em', color: new ThemeColor('editorCodeLens.foreground') },
        }),
      ]),
    );
    this.#disposables = [
      ...this.#types.values(),
      probes.onDidChange(() => {
        this.#schedule();
      }),
      settings.onDidChange(() => {
        this.#schedule();
      }),
      window.onDidChangeVisibleTextEditors(() => {
        this.#draw();
      }),
      // lines moved: the places have moved with them before this listener is called
      workspace.onDidChangeTextDocument(() => {
        this.#schedule();
      }),
    ];
    this.#draw();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const intervalMs = 1000 / Math.min(4, this.#settings.get('overlay.updatesPerSecond'));
    const waitMs = Math.max(0, this.#lastDrawnMs + intervalMs - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#draw();
    }, waitMs);
  }

  #draw(): void {
    this.#lastDrawnMs = Date.now();
    const shown = this.#settings.get('overlay.enabled') ? this.#probes.probes : [];
    for (const editor of window.visibleTextEditors) this.#drawEditor(editor, shown);
  }

  #drawEditor(editor: TextEditor, probes: readonly ProbeView[]): void {
    const { document } = editor;
    const lines = linesOf(document.uri.fsPath, probes, document.lineCount);
    const content = JSON.stringify([...lines]);
    const before = this.#drawn.get(editor);
    if (content === (before ?? '[]')) return;
    this.#drawn.set(editor, content);
    const options = new Map<Mark, DecorationOptions[]>(MARKS.map((mark) => [mark, []]));
    for (const [line, { mark, text }] of lines) {
      const end = document.lineAt(line).range.end;
      options
        .get(mark)
        ?.push({ range: new Range(end, end), renderOptions: { after: { contentText: text } } });
    }
    for (const [mark, type] of this.#types) editor.setDecorations(type, options.get(mark) ?? []);
  }
}

/** Text and mark of each line that has probes (lines count from 0); several probes of one line share its text. */
function linesOf(
  file: string,
  probes: readonly ProbeView[],
  lineCount: number,
): ReadonlyMap<number, { mark: Mark; text: string }> {
  const lines = new Map<number, { mark: Mark; text: string }>();
  for (const probe of probes) {
    if (probe.place?.file !== file || probe.place.line > lineCount) continue;
    const line = probe.place.line - 1;
    const own = overlayText(probe.state, probe.figures, probe.stale, probe.origin, probe.moment);
    const text = probe.kind === 'usdt' ? `${probe.title} ${own}` : own;
    const before = lines.get(line);
    lines.set(line, {
      mark: before?.mark ?? markOf(probe),
      text: before === undefined ? text : `${before.text}  |  ${text}`,
    });
  }
  return lines;
}

function markOf({ state, stale, figures }: ProbeView): Mark {
  if (state === 'paused' || state === 'ended') return 'paused';
  if (stale) return 'stale';
  return figures === undefined ? 'heat-1' : `heat-${heatOf(figures)}`;
}
