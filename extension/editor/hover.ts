import {
  ColorThemeKind,
  Hover,
  l10n,
  MarkdownString,
  window,
  type HoverProvider,
  type Position,
  type TextDocument,
} from 'vscode';
import { formatCount, formatRate } from '../../protocol/format.ts';
import { bareName } from './bare-name.ts';
import { refusalReasons } from '../../protocol/sites.ts';
import { histogramSvg, pictureColours, svgDataUri, type PictureColours } from './histogram-picture.ts';
import { describeDistribution, latencyRows, percentileMarks, percentileNs, totalLost } from './labels.ts';
import type { ProbeSource, ProbeView } from '../probes/probe-view.ts';

/** The commands that links in our hovers may run. */
const HOVER_COMMANDS = [
  'probescope.openLatency',
  'probescope.openFlameGraph',
  'probescope.pauseProbe',
  'probescope.resumeProbe',
  'probescope.removeProbe',
  'probescope.showLog',
];

/** The probe's figures on hovering the function's name, or the figure at the end of its line. */
export class ProbeHover implements HoverProvider {
  readonly #probes: ProbeSource;

  constructor(probes: ProbeSource) {
    this.#probes = probes;
  }

  provideHover(document: TextDocument, position: Position): Hover | undefined {
    const file = document.uri.fsPath;
    const here = this.#probes.probes.filter(
      ({ place }) => place?.file === file && place.line === position.line + 1,
    );
    const line = document.lineAt(position.line).text;
    const probes = here.filter(
      (probe) => position.character >= line.trimEnd().length || isOnName(line, position.character, probe),
    );
    if (probes.length === 0) return undefined;
    const colours = pictureColours[themeName(window.activeColorTheme.kind)];
    return new Hover(probes.map((probe) => describe(probe, colours)));
  }
}

function isOnName(line: string, character: number, { title, kind }: ProbeView): boolean {
  if (kind === 'usdt') return true;
  const name = bareName(title);
  for (let at = line.indexOf(name); at >= 0; at = line.indexOf(name, at + 1))
    if (character >= at && character <= at + name.length) return true;
  return false;
}

function themeName(kind: ColorThemeKind): keyof typeof pictureColours {
  switch (kind) {
    case ColorThemeKind.Light:
      return 'light';
    case ColorThemeKind.Dark:
      return 'dark';
    case ColorThemeKind.HighContrast:
      return 'highContrastDark';
    case ColorThemeKind.HighContrastLight:
      return 'highContrastLight';
  }
}

function describe(probe: ProbeView, colours: PictureColours): MarkdownString {
  const text = new MarkdownString('', true);
  text.isTrusted = { enabledCommands: HOVER_COMMANDS };
  text.appendMarkdown(`**Probescope** · \`${probe.title.replace(/`/g, "'")}\` · ${stateText(probe)}\n\n`);
  const { figures } = probe;
  if (figures?.latency !== undefined && figures.count > 0) {
    const { latency } = figures;
    const rows = latencyRows(latency, figures.count);
    text.appendMarkdown(`|${rows.map(([label]) => ` ${label} |`).join('')}\n`);
    text.appendMarkdown(`|${rows.map(() => ' ---: |').join('')}\n`);
    text.appendMarkdown(`|${rows.map(([, value]) => ` ${value} |`).join('')}\n\n`);
    const marks = percentileMarks
      .filter(({ label }) => label !== 'p99.9')
      .map(({ label, fraction }) => ({ label, durationNs: percentileNs(latency, fraction) ?? 0 }));
    const svg = histogramSvg(latency.buckets, marks, colours);
    const words = describeDistribution(latency);
    text.appendMarkdown(`![${words}](${svgDataUri(svg)})\n\n${words}\n\n`);
  }
  if (figures !== undefined) text.appendMarkdown(`${countText(probe)}\n\n`);
  for (const note of notes(probe)) {
    text.appendMarkdown('$(warning) ');
    text.appendText(note);
    text.appendMarkdown('\n\n');
  }
  text.appendMarkdown(links(probe));
  return text;
}

function stateText({ state, binary, pid }: ProbeView): string {
  const name = binary.slice(binary.lastIndexOf('/') + 1).replace(/[`|\\]/g, '');
  const where = pid === undefined ? `\`${name}\`` : `\`${name}\`, process ${pid}`;
  return `${{ starting: 'attaching', running: 'measuring', paused: 'paused', ended: 'stopped' }[state]} in ${where}`;
}

function countText({ figures, state, sites, refused }: ProbeView): string {
  if (figures === undefined) return '';
  const parts = [`${formatCount(figures.count)} ${figures.count === 1 ? 'call' : 'calls'}`];
  if (figures.rateHz !== undefined && state === 'running') parts.push(formatRate(figures.rateHz));
  const lost = totalLost(figures.lost);
  parts.push(lost === 0 ? 'nothing lost' : `${formatCount(lost)} lost`);
  if (refused.length > 0) parts.push(`${sites} of ${sites + refused.length} sites`);
  else if (sites > 1) parts.push(`${sites} sites`);
  return parts.join(' · ');
}

/** What a reader must know before trusting the figures; full sentences. */
export function notes({ stale, problem, refused, figures, origin, moment }: ProbeView): string[] {
  const { missedEntries = 0, abandonedCalls = 0, droppedByEngine = 0 } = figures?.lost ?? {};
  const rows: (string | undefined)[] = [
    origin &&
      l10n.t(
        'These figures were {0}{1}; nothing is measured here now.',
        origin,
        moment === undefined ? '' : `, ${moment}`,
      ),
    problem && `${problem.message}${problem.remedy === undefined ? '' : ` ${problem.remedy}`}`,
    stale
      ? l10n.t(
          'The source was changed after the binary was built: the figures belong to the older code. Rebuild and restart the program.',
        )
      : undefined,
    missedEntries > 0
      ? l10n.t(
          'Calls that had begun before the probe was attached, and are not measured: {0}.',
          formatCount(missedEntries),
        )
      : undefined,
    abandonedCalls > 0
      ? l10n.t(
          'Calls that never returned (longjmp, exception or end of thread), and are not measured: {0}.',
          formatCount(abandonedCalls),
        )
      : undefined,
    droppedByEngine > 0
      ? l10n.t(
          'Events that bpftrace dropped because a map or buffer was full: {0}.',
          formatCount(droppedByEngine),
        )
      : undefined,
    ...refusalReasons(refused),
  ];
  return rows.filter((row) => row !== undefined);
}

function links({ key, measures, state }: ProbeView): string {
  const link = (label: string, command: string): string =>
    `[${label}](command:probescope.${command}?${encodeURIComponent(JSON.stringify([key]))})`;
  return [
    measures.includes('latency') ? link('Latency panel', 'openLatency') : undefined,
    measures.includes('callers') ? link('Flame graph of callers', 'openFlameGraph') : undefined,
    state === 'paused' || state === 'ended' ? link('Resume', 'resumeProbe') : link('Pause', 'pauseProbe'),
    link('Remove', 'removeProbe'),
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}
