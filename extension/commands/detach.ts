import { commands, l10n, window, type Disposable } from 'vscode';
import type { LogpointList } from '../core/logpoints.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { withProgress } from '../platform/progress.ts';
import type { HelperLink } from '../probes/helper-link.ts';
import type { Tracing } from '../probes/tracing.ts';
import { DetachItem } from '../views/detach-item.ts';

export interface DetachServices {
  readonly tracing: Tracing;
  readonly logpoints: LogpointList;
  readonly link: HelperLink;
  readonly show: ShowProblem;
}

/** *Detach everything*: the command, and the red item in the status bar. */
export function registerDetach({ tracing, logpoints, link, show }: DetachServices): Disposable[] {
  const item = new DetachItem(() => ({
    probes: tracing.probes.filter(({ state }) => state === 'running' || state === 'starting').length,
    logpoints: logpoints.all.filter(({ state }) => state !== 'ended').length,
  }));
  const detach = async () => {
    await tracing.pause(tracing.probes.map(({ key }) => key));
    for (const { id, state } of logpoints.all) if (state !== 'ended') await logpoints.remove(id);
  };
  return [
    item,
    tracing.onDidChange(() => {
      item.update();
    }),
    logpoints.onDidChange(() => {
      item.update();
    }),
    commands.registerCommand('probescope.detachEverything', async () => {
      try {
        const { left, groupsLeft } = await withProgress(l10n.t('Detaching everything'), () =>
          link.detachEverything(detach),
        );
        const names = [...left.map(({ pid, command }) => `${command} (${pid})`), ...groupsLeft];
        if (names.length === 0) window.setStatusBarMessage(l10n.t('Nothing is attached any more.'), 5000);
        else
          void window.showWarningMessage(
            l10n.t('These could not be ended: {0}. Root can: sudo probescope detach.', names.join(', ')),
          );
      } catch (error) {
        await show(error);
      }
    }),
  ];
}
