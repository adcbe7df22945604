/** Heat behind the lines of visible editors, shares at their ends, and the hot ones in the overview ruler. */
import {
  DecorationRangeBehavior,
  OverviewRulerLane,
  ThemeColor,
  window,
  type DecorationOptions,
  type DecorationRenderOptions,
  type Disposable,
  type TextEditor,
  type TextEditorDecorationType,
} from 'vscode';
import type { HotLines } from '../../profile/hot-lines.ts';
import type { HotDocument, HotLineSource } from './source.ts';
import { HEAT_STEPS, heatStep, lineText, STALE_TEXT } from './texts.ts';

/** Ten decoration types: eight of heat, one for lines that only call hot ones, one for lines whose source changed since. */
type Mark = number | 'calls' | 'stale';
const MARKS: readonly Mark[] = [
  ...Array.from({ length: HEAT_STEPS }, (_, index) => index + 1),
  'calls',
  'stale',
];
/** From this step on (2 %) a line is hot enough for the ruler, which shows the whole document. */
const FIRST_IN_RULER = 4;

export class HotLineMarks implements Disposable {
  readonly #source: HotLineSource;
  readonly #types: ReadonlyMap<Mark, TextEditorDecorationType>;
  readonly #disposables: Disposable[];
  /** What each editor shows now; an editor in which nothing changes is not touched. */
  readonly #drawn = new WeakMap<TextEditor, string>();

  constructor(source: HotLineSource) {
    this.#source = source;
    this.#types = new Map(
      MARKS.map((mark) => [mark, window.createTextEditorDecorationType(appearance(mark))]),
    );
    this.#disposables = [
      ...this.#types.values(),
      source.onDidChange(() => {
        this.#draw();
      }),
      window.onDidChangeVisibleTextEditors(() => {
        this.#draw();
      }),
    ];
    this.#draw();
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #draw(): void {
    for (const editor of window.visibleTextEditors) this.#drawEditor(editor);
  }

  #drawEditor(editor: TextEditor): void {
    const { document } = editor;
    const { hot } = this.#source;
    const here = this.#source.of(document);
    const lines = hot && here ? marksOf(hot, here, document.lineCount) : [];
    const content = JSON.stringify(lines);
    if (content === (this.#drawn.get(editor) ?? '[]')) return;
    this.#drawn.set(editor, content);
    const options = new Map<Mark, DecorationOptions[]>(MARKS.map((mark) => [mark, []]));
    for (const { line, mark, text } of lines)
      options.get(mark)?.push({
        range: document.lineAt(line - 1).range,
        ...(text === '' ? {} : { renderOptions: { after: { contentText: text } } }),
      });
    for (const [mark, type] of this.#types) editor.setDecorations(type, options.get(mark) ?? []);
  }
}

interface LineMark {
  readonly line: number;
  readonly mark: Mark;
  readonly text: string;
}

function marksOf({ whole }: HotLines, document: HotDocument, lineCount: number): LineMark[] {
  const { file, stale } = document;
  const marks = new Map<number, LineMark>();
  // lines that fell together when text between them was deleted: the hottest of them is seen
  for (const hot of [...file.lines.values()].sort((a, b) => a.charged - b.charged)) {
    const line = document.lineNow(hot.line);
    const step = heatStep(hot.charged, whole);
    const text = lineText(hot, whole);
    if (line === undefined || line > lineCount || (step === 0 && text === '')) continue;
    marks.set(line, {
      line,
      mark: stale === undefined ? step || 'calls' : 'stale',
      text: stale === undefined || text === '' ? text : `${text} · ${STALE_TEXT}`,
    });
  }
  return [...marks.values()];
}

function appearance(mark: Mark): DecorationRenderOptions {
  const heat = typeof mark === 'number' ? mark : 0;
  const colour = new ThemeColor('probescope.hotLine');
  const border = {
    borderStyle: mark === 'stale' ? 'dashed' : 'solid',
    // wider with each second step, so that heat is not told by colour alone
    borderWidth: `0 0 0 ${Math.max(1, Math.ceil(heat / 2))}px`,
    borderColor: mark === 'stale' ? new ThemeColor('disabledForeground') : colour,
  };
  return {
    isWholeLine: true,
    rangeBehavior: DecorationRangeBehavior.ClosedClosed,
    after: {
      margin: '0 0 0 2.5em',
      color: new ThemeColor(heat > 0 ? 'editor.foreground' : 'editorCodeLens.foreground'),
    },
    ...(mark === 'calls' ? {} : border),
    ...(heat === 0 ? {} : { backgroundColor: new ThemeColor(`probescope.hotLineBackground${heat}`) }),
    ...(heat < FIRST_IN_RULER
      ? {}
      : { overviewRulerColor: colour, overviewRulerLane: OverviewRulerLane.Right }),
  };
}
