/** Two recordings held against one another: traces side by side, profiles as a flame graph of their difference. */
import {
  l10n,
  Uri,
  ViewColumn,
  window,
  type Disposable,
  type ExtensionContext,
  type LogOutputChannel,
} from 'vscode';
import { encodeProfile } from '../../profile/codec.ts';
import { ProbeError } from '../../protocol/errors.ts';
import type { FlameToHost, HostToFlame } from '../../protocol/flame.ts';
import type { Profile } from '../../protocol/profile.ts';
import type { RecordingSummary } from '../core/recording/summary.ts';
import { receiveFlame, type FrameActions } from '../webviews/callers-panel.ts';
import { PanelHost } from '../webviews/panel-host.ts';
import { comparisonPage, type ComparedRecording } from './comparison-page.ts';
import { descriptionOf, kindNames, titleOf } from './texts.ts';

export class RecordingComparisons implements Disposable {
  readonly #context: ExtensionContext;
  readonly #panels: PanelHost<HostToFlame, FlameToHost>;
  readonly #pairs = new Map<string, { readonly before: Profile; readonly after: Profile }>();

  constructor(context: ExtensionContext, log: LogOutputChannel, frames: FrameActions) {
    this.#context = context;
    this.#panels = new PanelHost<HostToFlame, FlameToHost>(context, log, {
      viewType: 'probescope.comparison',
      bundle: 'flame',
      title: (key) => {
        const pair = this.#pairs.get(key);
        return pair === undefined
          ? l10n.t('Comparison')
          : l10n.t('{0} → {1}', pair.before.title, pair.after.title);
      },
      picture: (key) => {
        const pair = this.#pairs.get(key);
        if (pair === undefined)
          return {
            type: 'ended',
            notice: l10n.t('Compare the two recordings again, in the Recordings view.'),
          };
        return {
          type: 'profile',
          profile: encodeProfile(pair.after).buffer,
          baseline: encodeProfile(pair.before).buffer,
          live: false,
        };
      },
      receive: (_, message) => {
        receiveFlame(message, frames, log);
      },
      closed: (key) => this.#pairs.delete(key),
    });
  }

  /** Whichever was recorded first is the one before. Throws ProbeError where they hold nothing of one kind. */
  async compare(one: RecordingSummary, other: RecordingSummary): Promise<void> {
    for (const { problem } of [one, other]) if (problem !== undefined) throw new ProbeError(problem);
    const [before, after] = [one, other].sort(
      (a, b) => (a.facts?.createdMs ?? 0) - (b.facts?.createdMs ?? 0),
    ) as [RecordingSummary, RecordingSummary];
    const [{ Recording }, { recordedProbes }, { compareTraces }] = await Promise.all([
      import('../core/recording/reader.ts'),
      import('../core/recording/replay.ts'),
      import('../core/recording/compare.ts'),
    ]);
    const [old, now] = [new Recording(before.path), new Recording(after.path)];
    try {
      const kinds = [before.facts?.kind, after.facts?.kind];
      if (kinds.every((kind) => kind === 'trace')) {
        this.#showTraces(
          before,
          after,
          compareTraces(titleOf(before), recordedProbes(old), recordedProbes(now)),
        );
        return;
      }
      if (
        kinds.some((kind) => kind === 'trace') ||
        old.profiles().length === 0 ||
        now.profiles().length === 0
      )
        throw new ProbeError({
          code: 'invalid-argument',
          message: l10n.t(
            'A {0} and a {1} have nothing in common that could be compared.',
            kindNames[before.facts!.kind],
            kindNames[after.facts!.kind],
          ),
          remedy: l10n.t('Choose two traces, or two recordings that hold stacks.'),
        });
      const key = JSON.stringify([before.path, after.path]);
      this.#pairs.set(key, {
        before: { ...old.profile(), title: titleOf(before) },
        after: { ...now.profile(), title: titleOf(after) },
      });
      this.#panels.open(key);
      this.#panels.refresh(key);
    } finally {
      old.close();
      now.close();
    }
  }

  #showTraces(
    before: RecordingSummary,
    after: RecordingSummary,
    probes: Parameters<typeof comparisonPage>[2],
  ): void {
    const folder = Uri.joinPath(this.#context.extensionUri, 'media');
    const panel = window.createWebviewPanel(
      'probescope.traceComparison',
      l10n.t('{0} → {1}', titleOf(before), titleOf(after)),
      ViewColumn.Active,
      { enableScripts: false, localResourceRoots: [folder] },
    );
    const style = panel.webview.asWebviewUri(Uri.joinPath(folder, 'comparison.css')).toString();
    panel.webview.html = comparisonPage(compared(before), compared(after), probes, {
      cspSource: panel.webview.cspSource,
      style,
    });
  }

  dispose(): void {
    this.#panels.dispose();
  }
}

const compared = (summary: RecordingSummary): ComparedRecording => ({
  name: titleOf(summary),
  facts: [descriptionOf(summary), summary.facts?.target ?? ''].filter(Boolean).join(' · '),
});
