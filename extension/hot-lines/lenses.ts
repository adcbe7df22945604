import {
  CodeLens,
  EventEmitter,
  l10n,
  Range,
  type CodeLensProvider,
  type Disposable,
  type TextDocument,
} from 'vscode';
import { declarationLine } from '../editor/bare-name.ts';
import type { Settings } from '../platform/settings.ts';
import type { HotLineSource } from './source.ts';
import { lensText, STALE_TEXT } from './texts.ts';

/** Functions below a thousandth of the whole get no lens: their lines can be hovered. */
const LEAST_SHARE = 0.001;

/** `self 12.3 % · total 40.1 % of 1,234 samples` above each function that the shown profile has stacks of. */
export class HotLineLenses implements CodeLensProvider, Disposable {
  readonly #source: HotLineSource;
  readonly #settings: Settings;
  readonly #changed = new EventEmitter<void>();
  readonly #disposables: Disposable[];
  readonly onDidChangeCodeLenses = this.#changed.event;

  constructor(source: HotLineSource, settings: Settings) {
    this.#source = source;
    this.#settings = settings;
    const tell = (): void => {
      this.#changed.fire();
    };
    this.#disposables = [this.#changed, source.onDidChange(tell), settings.onDidChange(tell)];
  }

  provideCodeLenses(document: TextDocument): CodeLens[] {
    const { hot } = this.#source;
    const here = this.#source.of(document);
    if (hot === undefined || here === undefined || !this.#settings.get('codeLens.enabled')) return [];
    const textOf = (line: number): string => document.lineAt(line - 1).text;
    return here.file.functions.flatMap((each) => {
      const first = here.lineNow(each.firstLine);
      if (first === undefined || first > document.lineCount || each.total < hot.whole * LEAST_SHARE)
        return [];
      const line = declarationLine(each.name, first, document.lineCount, textOf) - 1;
      const text = lensText(each, hot.whole, hot.unit);
      return new CodeLens(new Range(line, 0, line, 0), {
        command: 'probescope.revealHotLines',
        title: here.stale === undefined ? text : `${text} (${STALE_TEXT})`,
        tooltip: l10n.t('{0} in the profile “{1}”: show its hot lines', each.name, hot.title),
      });
    });
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }
}
