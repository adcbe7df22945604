/** *Hot Lines*: the lines of the shown profile by their weight; each leads to its code. */
import {
  EventEmitter,
  l10n,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  window,
  type Disposable,
  type TreeDataProvider,
  type TreeView,
} from 'vscode';
import { formatCount } from '../../protocol/format.ts';
import type { HotLine, HotLines } from '../../profile/hot-lines.ts';
import type { HotLineSource } from './source.ts';
import { heatStep, percentOf, sharesOf, weightText } from './texts.ts';

const SHOWN_LINES = 100;
/** From this step on (8 %) a row's icon bears the heat's colour. */
const HOT_STEP = 6;

export class HotLinesView implements TreeDataProvider<HotLine>, Disposable {
  readonly #source: HotLineSource;
  readonly #changed = new EventEmitter<void>();
  readonly #view: TreeView<HotLine>;
  readonly #listener: Disposable;
  #shown: unknown;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(source: HotLineSource) {
    this.#source = source;
    this.#view = window.createTreeView<HotLine>('probescope.hotLines', { treeDataProvider: this });
    this.#listener = source.onDidChange(() => {
      // typing moves marks and leaves the list as it is
      if (this.#shown === source.hot) return;
      this.#shown = source.hot;
      this.#changed.fire();
    });
  }

  getChildren(line?: HotLine): HotLine[] {
    const { hot } = this.#source;
    if (line !== undefined || hot === undefined) return [];
    const lines = hot.hottest();
    this.#view.message = messageOf(hot, lines.length);
    return lines.slice(0, SHOWN_LINES);
  }

  getTreeItem(hotLine: HotLine): TreeItem {
    const { file, line, functions, charged, total } = hotLine;
    const hot = this.#source.hot;
    const whole = hot?.whole ?? 0;
    const place = `${file.path.slice(file.path.lastIndexOf('/') + 1)}:${line}`;
    const names = functions.map(({ name }) => name).join(', ');
    const item = new TreeItem(place);
    item.id = `${file.path}:${line}`;
    // the view is narrow: what the list is ordered by comes first, whose code it is next
    const shares = sharesOf(hotLine, whole);
    const own = shares.splice(-2, 1);
    const text = [...own, names, ...shares].join(' · ');
    item.description = text;
    item.tooltip = l10n.t(
      '{0}, {1}: {2} ended here, or below in code whose source is not here; {3} with all it called.',
      ...[`${file.path}:${line}`, names],
      ...[weightText(charged, hot?.unit ?? 'samples'), weightText(total, hot?.unit ?? 'samples')],
    );
    const step = heatStep(charged, whole);
    item.iconPath = new ThemeIcon(
      'flame',
      step < HOT_STEP ? undefined : new ThemeColor('probescope.hotLine'),
    );
    item.accessibilityInformation = { label: `${place}, ${text}` };
    item.command = {
      command: 'probescope.openHotLine',
      title: l10n.t('Go to Source'),
      arguments: [{ file: file.path, line }],
    };
    return item;
  }

  dispose(): void {
    this.#listener.dispose();
    this.#view.dispose();
    this.#changed.dispose();
  }
}

/** What the percentages are of, and what the list leaves out. */
function messageOf(hot: HotLines, lineCount: number): string {
  const { whole, unit, title, elsewhere } = hot;
  if (whole === 0) return l10n.t('Nothing was measured in “{0}” so far.', title);
  const all = l10n.t('Of {0} in “{1}”', weightText(whole, unit), title);
  if (lineCount === 0)
    return l10n.t('{0} no line is here. Build the program with -g, and open the folder of its source.', all);
  return [
    all,
    ...(elsewhere > 0 ? [l10n.t('{0} in code whose source is not here', percentOf(elsewhere, whole))] : []),
    ...(lineCount > SHOWN_LINES
      ? [l10n.t('the hottest {0} of {1} lines', SHOWN_LINES, formatCount(lineCount))]
      : []),
  ].join(' · ');
}
