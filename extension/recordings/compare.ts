/** Two recordings in one panel: traces and script runs as tables, profiles as a flame graph of their difference. */
import { basename } from 'node:path';
import { l10n, type Disposable, type ExtensionContext, type LogOutputChannel } from 'vscode';
import { encodeProfile } from '../../profile/codec.ts';
import { asProblem, ProbeError } from '../../protocol/errors.ts';
import type { FlameToHost, HostToFlame } from '../../protocol/flame.ts';
import type { ComparisonToHost, HostToComparison } from '../../protocol/recording-comparison.ts';
import type { RecordingSummary } from '../core/recording/summary.ts';
import type { SourceFiles } from '../platform/open-source.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { receiveFlame, type FrameActions } from '../webviews/callers-panel.ts';
import { PanelHost } from '../webviews/panel-host.ts';
import { kindNames, titleOf } from './texts.ts';
import { whenOf } from './library.ts';

export interface CompareServices {
  readonly context: ExtensionContext;
  readonly log: LogOutputChannel;
  readonly frames: FrameActions;
  readonly files: SourceFiles;
  readonly show: ShowProblem;
}

/** The paths of both; a panel's key, so that it is filled again after a reload. */
type Pair = readonly [before: string, after: string];

export class RecordingComparisons implements Disposable {
  readonly #services: CompareServices;
  readonly #tables: PanelHost<HostToComparison, ComparisonToHost>;
  readonly #flames: PanelHost<HostToFlame, FlameToHost>;
  readonly #pictures = new Map<string, HostToComparison>();
  readonly #flamePictures = new Map<string, HostToFlame>();
  readonly #titles = new Map<string, string>();

  constructor(services: CompareServices) {
    this.#services = services;
    const { context, log, frames, files, show } = services;
    this.#tables = new PanelHost<HostToComparison, ComparisonToHost>(context, log, {
      viewType: 'probescope.comparison',
      bundle: 'comparison',
      title: (key) => this.#titleOf(key),
      picture: (key) => this.#pictures.get(key) ?? this.#load(key),
      receive: (key, message) => {
        const [before, after] = pairOf(key);
        if (message.type === 'openSource') files.open(message.place, true).catch(show);
        else if (message.type === 'swap') this.#open([after, before], 'table').catch(show);
        else if (message.type === 'problem') log.error(`Comparison: ${message.message}`);
      },
      closed: (key) => this.#pictures.delete(key),
    });
    this.#flames = new PanelHost<HostToFlame, FlameToHost>(context, log, {
      viewType: 'probescope.profileComparison',
      bundle: 'flame',
      title: (key) => this.#titleOf(key),
      picture: (key) => this.#flamePictures.get(key) ?? this.#loadFlame(key),
      receive: (_key, message) => {
        receiveFlame(message, frames, log);
      },
      closed: (key) => this.#flamePictures.delete(key),
    });
  }

  /** The older one is the baseline. Throws ProbeError when the two hold different things. */
  async compare(a: RecordingSummary, b: RecordingSummary): Promise<void> {
    const [before, after] = whenOf(a) <= whenOf(b) ? [a, b] : [b, a];
    const [kindBefore, kindAfter] = [before.facts?.kind, after.facts?.kind];
    if (kindBefore === undefined || kindAfter === undefined || kindBefore !== kindAfter)
      throw new ProbeError({
        code: 'invalid-argument',
        message: l10n.t(
          '“{0}” and “{1}” hold different things: {2} and {3}.',
          titleOf(before),
          titleOf(after),
          kindBefore === undefined ? l10n.t('nothing that can be read') : kindNames[kindBefore],
          kindAfter === undefined ? l10n.t('nothing that can be read') : kindNames[kindAfter],
        ),
        remedy: l10n.t('Choose two traces, two profiles or two runs of a script.'),
      });
    await this.#open([before.path, after.path], kindBefore === 'profile' ? 'flame' : 'table');
  }

  async #open(pair: Pair, as: 'table' | 'flame'): Promise<void> {
    const key = JSON.stringify(pair);
    if (as === 'table') {
      this.#pictures.set(key, await this.#tablePicture(key));
      this.#tables.open(key);
      this.#tables.refresh(key);
    } else {
      this.#flamePictures.set(key, await this.#flamePicture(key));
      this.#flames.open(key);
      this.#flames.refresh(key);
    }
  }

  dispose(): void {
    this.#tables.dispose();
    this.#flames.dispose();
  }

  #titleOf(key: string): string {
    return (
      this.#titles.get(key) ??
      pairOf(key)
        .map((path) => basename(path, '.probescope'))
        .join(' → ')
    );
  }

  /** After a reload of the window. */
  #load(key: string): undefined {
    this.#tablePicture(key)
      .catch((error: unknown): HostToComparison => ({ type: 'problem', message: asProblem(error).message }))
      .then((picture) => {
        this.#pictures.set(key, picture);
        this.#tables.refresh(key);
      }, this.#services.show);
    return undefined;
  }

  #loadFlame(key: string): undefined {
    this.#flamePicture(key)
      .catch((error: unknown): HostToFlame => ({ type: 'ended', notice: asProblem(error).message }))
      .then((picture) => {
        this.#flamePictures.set(key, picture);
        this.#flames.refresh(key);
      }, this.#services.show);
    return undefined;
  }

  async #tablePicture(key: string): Promise<HostToComparison> {
    const [{ Recording }, { compareRuns, compareTraces }, { isScriptRun }, { namesOf }] = await Promise.all([
      import('../core/recording/reader.ts'),
      import('../core/recording/compare.ts'),
      import('../core/scripts/recorded.ts'),
      import('../core/recording/description.ts'),
    ]);
    const [from, to] = pairOf(key);
    const before = new Recording(from);
    try {
      const after = new Recording(to);
      try {
        const compared = isScriptRun(after.meta())
          ? compareRuns(before, after)
          : compareTraces(before, after);
        const names = namesOf({ meta: before.meta(), path: from }, { meta: after.meta(), path: to });
        this.#titles.set(key, names.join(' → '));
        const [first, second] = names;
        return {
          type: 'comparison',
          comparison: {
            ...compared,
            before: { ...compared.before, name: first },
            after: { ...compared.after, name: second },
          },
        };
      } finally {
        after.close();
      }
    } finally {
      before.close();
    }
  }

  async #flamePicture(key: string): Promise<HostToFlame> {
    const [{ readProfile }, { namesOf }] = await Promise.all([
      import('../profiles/profile-files.ts'),
      import('../core/recording/description.ts'),
    ]);
    const [from, to] = pairOf(key);
    const [before, after] = [await readProfile(from), await readProfile(to)];
    const names = namesOf({ meta: before.meta, path: from }, { meta: after.meta, path: to });
    this.#titles.set(key, names.join(' → '));
    const notes = [
      l10n.t('“{0}” minus “{1}”.', names[1], names[0]),
      ...(before.profile.unit === after.profile.unit
        ? []
        : [l10n.t('The two were measured in different units; only their shares can be compared.')]),
      ...after.profile.notes,
      ...before.notices,
      ...after.notices,
    ];
    return {
      type: 'profile',
      profile: encodeProfile({ ...after.profile, notes }).buffer,
      baseline: encodeProfile(before.profile).buffer,
      live: false,
    };
  }
}

function pairOf(key: string): Pair {
  return JSON.parse(key) as [string, string];
}
