import { commands, env, l10n, window, type Disposable } from 'vscode';
import type { CheaperWay } from '../core/cheaper.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { asking, withProgress } from '../platform/progress.ts';
import type { Tracing } from '../probes/tracing.ts';
import type { ProbeRow } from '../views/probes.ts';

/** *Make This Cheap…*: what a hit costs and why, and the ways to less. */
export function registerMakeCheap(services: {
  readonly tracing: Tracing;
  readonly show: ShowProblem;
}): Disposable {
  const { tracing, show } = services;
  return commands.registerCommand('probescope.makeCheap', async (argument?: ProbeRow | string) => {
    try {
      const key = typeof argument === 'string' ? argument : (argument?.key ?? (await pickProbe(tracing)));
      if (key !== undefined) await makeCheap(tracing, key);
    } catch (error) {
      await show(error);
    }
  });
}

async function pickProbe(tracing: Tracing): Promise<string | undefined> {
  const items = tracing.probes.map(({ key, title, measures }) => ({
    label: title,
    description: measures.join(', '),
    key,
  }));
  return (await window.showQuickPick(items, { title: l10n.t('Make which probe cheap?') }))?.key;
}

async function makeCheap(tracing: Tracing, key: string): Promise<void> {
  const advice = await withProgress(l10n.t('Measuring what a probe costs here'), () => tracing.advice(key));
  if (advice === undefined) return;
  if (advice.ways.length === 0) {
    void window.showInformationMessage(l10n.t('{0} There is no cheaper way.', advice.now));
    return;
  }
  const picked = await asking(
    window.showQuickPick(
      advice.ways.map((way) => ({
        label: way.label,
        detail: way.detail,
        description: way.measures === undefined ? l10n.t('copies what to add') : l10n.t('does it now'),
        way,
      })),
      { title: advice.now, matchOnDetail: true },
    ),
  );
  if (picked !== undefined) await take(tracing, key, picked.way);
}

async function take(tracing: Tracing, key: string, { copy, measures }: CheaperWay): Promise<void> {
  if (measures !== undefined) await tracing.remeasure(key, measures);
  if (copy === undefined) return;
  await env.clipboard.writeText(copy);
  window.setStatusBarMessage(l10n.t('Copied: {0}', copy.split('\n').at(-1) ?? copy), 5000);
}
