/** What the latency panel knows of a probe beyond its figures: single calls, a selection, a baseline. */
import { basename } from 'node:path';
import { EventEmitter, l10n, window, type CancellationToken, type Disposable } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import type { CallRange, DetailAction, LatencyPicture } from '../../protocol/latency.ts';
import type { Profile } from '../../protocol/profile.ts';
import { CallRecorder } from '../core/call-recorder.ts';
import { callsPicture, callsProfile } from '../core/calls-picture.ts';
import { compareLatency, type Baseline } from '../core/comparison.ts';
import type { HelperConnection } from '../core/connection.ts';
import { heatmapOf, selectionOf } from '../core/heatmap.ts';
import { subjectName } from '../core/probe.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { withProgress } from '../platform/progress.ts';
import type { ProbeDetails } from '../probes/probe-view.ts';

export interface DetailServices {
  readonly probes: ProbeDetails;
  readonly connect: () => Promise<HelperConnection>;
  readonly show: ShowProblem;
  readonly openSelection: (key: string) => void;
}

interface Detail {
  readonly recorder: CallRecorder;
  range?: CallRange | undefined;
  baseline?: Baseline | undefined;
}

/** Details by probe; kept while the probe is, lost with the window. */
export class LatencyDetails implements Disposable {
  readonly #services: DetailServices;
  readonly #details = new Map<string, Detail>();
  readonly #changed = new EventEmitter<string>();
  readonly onDidChange = this.#changed.event;
  readonly #subscription: Disposable;

  constructor(services: DetailServices) {
    this.#services = services;
    this.#subscription = services.probes.onDidChange((keys) => {
      if (keys.length === 0) this.#forgetRemoved();
    });
  }

  /** What to add to the probe's picture. */
  pictureOf(key: string): Partial<LatencyPicture> {
    const { probes } = this.#services;
    const probe = probes.find(key);
    const { latency } = probe?.figures ?? {};
    const history = probes.history(key);
    const heatmap = heatmapOf(history);
    const detail = this.#details.get(key);
    const { range, baseline } = detail ?? {};
    // a recording's probes and points have no calls to record
    const recordable = probe?.kind === 'function' && probe.origin === undefined;
    return {
      ...(heatmap === undefined ? {} : { heatmap }),
      ...(range === undefined || latency === undefined
        ? {}
        : { selection: selectionOf(range, history, latency.buckets) }),
      ...(recordable ? { calls: callsPicture(detail?.recorder ?? nothingRecorded, range) } : {}),
      ...(baseline === undefined
        ? {}
        : { comparison: compareLatency(baseline, latency ?? { buckets: [], sumNs: 0, maxNs: 0 }) }),
    };
  }

  /** The recorded calls of the selection as a profile; undefined where none was recorded. */
  profileOf(key: string): Profile | undefined {
    const detail = this.#details.get(key);
    const probe = this.#services.probes.find(key);
    if (detail === undefined || probe === undefined || detail.recorder.records.length === 0) return undefined;
    const title =
      detail.range === undefined
        ? l10n.t('Recorded calls of {0}', probe.title)
        : l10n.t('Selected calls of {0}', probe.title);
    return callsProfile(title, detail.recorder, detail.range);
  }

  /** A callee of the probe's function by its number, with the binary that it is in. */
  calleeOf(key: string, callee: number): { readonly function: string; readonly module: string } | undefined {
    const found = this.#details.get(key)?.recorder.started?.callees[callee];
    const probe = this.#services.probes.find(key);
    return found === undefined || probe === undefined
      ? undefined
      : { function: found.function, module: probe.binary };
  }

  select(key: string, range: CallRange | undefined): void {
    this.#detail(key).range = range;
    this.#changed.fire(key);
  }

  async act(action: DetailAction, key: string): Promise<void> {
    try {
      await this.#act(action, key);
    } catch (error) {
      await this.#services.show(error);
    }
  }

  async #act(action: DetailAction, key: string): Promise<void> {
    const detail = this.#detail(key);
    switch (action) {
      case 'recordCalls':
        await this.#record(key, detail.recorder);
        return;
      case 'stopCalls':
        await detail.recorder.stop();
        return;
      case 'openSelection':
        this.#services.openSelection(key);
        return;
      case 'baselineNow':
        detail.baseline = this.#baselineNow(key);
        break;
      case 'chooseBaseline': {
        const chosen = await this.#chooseBaseline(key);
        if (chosen === undefined) return;
        detail.baseline = chosen;
        break;
      }
      case 'clearBaseline':
        detail.baseline = undefined;
        break;
    }
    this.#changed.fire(key);
  }

  async #record(key: string, recorder: CallRecorder): Promise<void> {
    const spec = this.#services.probes.spec(key);
    if (spec === undefined) return;
    await withProgress(l10n.t('Recording calls'), async (token) => {
      const connection = await this.#services.connect();
      await recorder.start(connection, spec, abortOn(token));
    });
  }

  #baselineNow(key: string): Baseline | undefined {
    const latency = this.#services.probes.find(key)?.figures?.latency;
    if (latency === undefined) return undefined;
    return {
      label: l10n.t('until {0}', new Date().toLocaleTimeString('en-GB')),
      latency,
      ownUntilNow: true,
    };
  }

  async #chooseBaseline(key: string): Promise<Baseline | undefined> {
    const [file] =
      (await window.showOpenDialog({
        title: l10n.t('Recording to compare with'),
        filters: { [l10n.t('Recordings')]: ['probescope'] },
      })) ?? [];
    return file === undefined ? undefined : this.baselineFrom(key, file.fsPath);
  }

  /** The same function's figures in a recording. Throws `function-not-found` where it has none. */
  async baselineFrom(key: string, path: string): Promise<Baseline | undefined> {
    const probe = this.#services.probes.find(key);
    if (probe === undefined) return undefined;
    // SQLite is loaded with the first recording: Node has it from 22.13 on only
    const [{ Recording }, { recordedProbes }] = await Promise.all([
      import('../core/recording/reader.ts'),
      import('../core/recording/replay.ts'),
    ]);
    const recording = new Recording(path);
    try {
      const all = recordedProbes(recording).filter(({ totals }) => totals.latency !== undefined);
      const same = all.filter(({ spec }) => subjectName(spec.subject) === probe.title);
      const latency = same.at(-1)?.totals.latency;
      if (latency !== undefined) return { label: basename(path), latency, ownUntilNow: false };
      const others = all.map(({ spec }) => subjectName(spec.subject)).join(', ');
      throw new ProbeError({
        code: 'function-not-found',
        message: l10n.t('{0} holds no latency of {1}.', basename(path), probe.title),
        remedy:
          others === ''
            ? l10n.t('Choose a recording in which its latency was measured.')
            : l10n.t('It holds the latency of {0}.', others),
      });
    } finally {
      recording.close();
    }
  }

  dispose(): void {
    for (const { recorder } of this.#details.values()) recorder.dispose();
    this.#subscription.dispose();
    this.#changed.dispose();
  }

  #detail(key: string): Detail {
    let detail = this.#details.get(key);
    if (detail === undefined) {
      detail = { recorder: new CallRecorder() };
      detail.recorder.onDidChange(() => {
        this.#changed.fire(key);
      });
      this.#details.set(key, detail);
    }
    return detail;
  }

  #forgetRemoved(): void {
    for (const [key, { recorder }] of this.#details)
      if (this.#services.probes.find(key) === undefined) {
        this.#details.delete(key);
        recorder.dispose();
      }
  }
}

const nothingRecorded = new CallRecorder();

function abortOn(token: CancellationToken): AbortSignal {
  const controller = new AbortController();
  token.onCancellationRequested(() => {
    controller.abort();
  });
  return controller.signal;
}
