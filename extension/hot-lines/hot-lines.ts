/** Puts the shown profile at the code: marks, lenses, hover, the list, and the commands that go with them. */
import { commands, l10n, languages, window, type Disposable, type Memento } from 'vscode';
import type { SourcePlace } from '../../protocol/source.ts';
import type { SourceFiles } from '../platform/open-source.ts';
import type { ShowProblem } from '../platform/problems.ts';
import type { Settings } from '../platform/settings.ts';
import type { ShownProfile } from '../webviews/shown-profile.ts';
import { HotLineHover } from './hover.ts';
import { HotLineLenses } from './lenses.ts';
import { HotLineMarks } from './marks.ts';
import { HotLineSource } from './source.ts';
import { HotLinesView } from './view.ts';

export interface HotLineServices {
  readonly shown: ShownProfile;
  readonly files: SourceFiles;
  readonly settings: Settings;
  readonly memory: Memento;
  readonly show: ShowProblem;
}

export function registerHotLines({ shown, files, settings, memory, show }: HotLineServices): Disposable[] {
  const source = new HotLineSource(shown, files, memory, show);
  const lenses = new HotLineLenses(source, settings);
  const sources = { scheme: 'file' };
  return [
    source,
    lenses,
    new HotLineMarks(source),
    new HotLinesView(source),
    languages.registerCodeLensProvider(sources, lenses),
    languages.registerHoverProvider(sources, new HotLineHover(source)),
    commands.registerCommand('probescope.toggleHotLines', () => toggle(source, shown)),
    commands.registerCommand('probescope.openHotLine', ({ file, line }: SourcePlace) =>
      files.open({ file, line: source.lineNow(file, line) }).catch(show),
    ),
    commands.registerCommand('probescope.revealHotLines', () =>
      commands.executeCommand('probescope.hotLines.focus'),
    ),
  ];
}

async function toggle(source: HotLineSource, shown: ShownProfile): Promise<void> {
  await source.enable(!source.enabled);
  if (source.enabled && shown.current === undefined)
    void window.showInformationMessage(
      l10n.t('Lines are marked as soon as a profile is open. Open a recording of one, or a flame graph.'),
    );
}
