import { Hover, l10n, MarkdownString, type HoverProvider, type Position, type TextDocument } from 'vscode';
import type { HotLine, HotLines, LineCaller } from '../../profile/hot-lines.ts';
import type { HotDocument, HotLineSource } from './source.ts';
import { percentOf, staleSentence, weightText } from './texts.ts';

const SHOWN_CALLERS = 5;

/** Self and total of a line and its top callers, on hovering the figures at its end or the blanks before its code. */
export class HotLineHover implements HoverProvider {
  readonly #source: HotLineSource;

  constructor(source: HotLineSource) {
    this.#source = source;
  }

  provideHover(document: TextDocument, position: Position): Hover | undefined {
    const { hot } = this.#source;
    const here = this.#source.of(document);
    if (hot === undefined || here === undefined) return undefined;
    const { text, firstNonWhitespaceCharacterIndex: start } = document.lineAt(position.line);
    // words keep the hover of their language
    if (position.character > start && position.character < text.trimEnd().length) return undefined;
    const lines = [...here.file.lines.values()].filter(
      ({ line }) => here.lineNow(line) === position.line + 1,
    );
    if (lines.length === 0) return undefined;
    return new Hover(lines.map((line) => describe(hot, here, line, document.uri.fsPath)));
  }
}

function describe(hot: HotLines, here: HotDocument, line: HotLine, path: string): MarkdownString {
  const { whole, unit } = hot;
  const text = new MarkdownString('', true);
  text.isTrusted = { enabledCommands: ['probescope.openHotLine', 'probescope.revealHotLines'] };
  text.appendMarkdown('**Probescope** · ').appendText(l10n.t('line {0} of {1}', line.line, namesOf(line)));
  const rows = [
    [l10n.t('self'), line.self],
    ...(line.charged > line.self
      ? [[l10n.t('here: self, and callees whose source is not here'), line.charged]]
      : []),
    [l10n.t('total, with all it called'), line.total],
  ] as const;
  text.appendMarkdown('\n\n| | | |\n|---|---:|---:|\n');
  for (const [label, weight] of rows)
    text.appendMarkdown(
      `| ${String(label)} | ${percentOf(Number(weight), whole)} | ${weightText(Number(weight), unit)} |\n`,
    );
  text.appendMarkdown('\n').appendText(l10n.t('Of {0} in “{1}”.', weightText(whole, unit), hot.title));
  const callers = hot.callersOf(line).filter(({ name }) => name !== '');
  if (callers.length > 0) {
    text.appendMarkdown(`\n\n${l10n.t('Called from, in shares of the total of this line:')}\n\n`);
    for (const caller of callers.slice(0, SHOWN_CALLERS)) describeCaller(text, caller, line);
    if (callers.length > SHOWN_CALLERS)
      text.appendMarkdown(`- ${l10n.t('{0} more', callers.length - SHOWN_CALLERS)}\n`);
  }
  if (here.stale !== undefined) text.appendMarkdown('\n\n$(warning) ').appendText(staleSentence(here.stale));
  if (here.file.spelled !== path)
    text.appendMarkdown('\n\n').appendText(l10n.t('The profile names this file {0}.', here.file.spelled));
  text.appendMarkdown(`\n\n[${l10n.t('Hot lines')}](command:probescope.revealHotLines)`);
  return text;
}

function describeCaller(text: MarkdownString, { name, file, line, weight }: LineCaller, hot: HotLine): void {
  text.appendMarkdown(`- ${percentOf(weight, hot.total)} `);
  if (file === undefined || line === undefined) {
    text.appendText(name).appendMarkdown('\n');
    return;
  }
  const place = `${file.slice(file.lastIndexOf('/') + 1)}:${line}`;
  const target = encodeURIComponent(JSON.stringify([{ file, line }]));
  text
    .appendText(`${name} `)
    .appendMarkdown(
      `[${place.replace(/[[\]\\`*_<>]/g, '\\$&')}](command:probescope.openHotLine?${target})\n`,
    );
}

/** `clamp_price (inlined), show_product` */
const namesOf = ({ functions }: HotLine): string =>
  functions.map(({ name, inlined }) => (inlined ? l10n.t('{0} (inlined)', name) : name)).join(', ');
