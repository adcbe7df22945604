import { commands, env, l10n, window, type Disposable } from 'vscode';
import type { Tracing } from '../probes/tracing.ts';
import type { HelperLink } from '../probes/helper-link.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { withProgress } from '../platform/progress.ts';
import type { TargetChoice } from '../targets/target-choice.ts';
import type { TargetNode, TargetsView } from '../views/targets.ts';

export interface TargetServices {
  readonly tracing: Tracing;
  readonly link: HelperLink;
  readonly choice: TargetChoice;
  readonly view: TargetsView;
  readonly show: ShowProblem;
}

/** Commands of the Targets view. */
export function registerTargetCommands(services: TargetServices): Disposable[] {
  const { choice, link, show, view, tracing } = services;
  return [
    commands.registerCommand('probescope.useTarget', (node?: TargetNode) => useTarget(services, node)),
    commands.registerCommand('probescope.disconnectTarget', async () => {
      await detachAll(tracing);
      link.disconnect();
    }),
    commands.registerCommand('probescope.uninstallTarget', async () => {
      try {
        const target = choice.current;
        const { removed } = await withProgress(l10n.t('Uninstalling from {0}', target.name), async () => {
          const connection = await link.connect();
          await detachAll(tracing);
          return connection.call('uninstall', {});
        });
        link.disconnect();
        window.setStatusBarMessage(
          l10n.t('{0} files of Probescope were removed from {1}.', removed.length, target.name),
          5000,
        );
      } catch (error) {
        await show(error);
      }
    }),
    commands.registerCommand('probescope.refreshTargets', () => {
      view.refresh();
    }),
    commands.registerCommand('probescope.configureTargets', () =>
      commands.executeCommand('workbench.action.openSettings', 'probescope.targets'),
    ),
    commands.registerCommand('probescope.copyRemedy', async (node?: TargetNode) => {
      if (node?.kind === 'finding') await env.clipboard.writeText(node.finding.remedy ?? node.finding.detail);
    }),
    choice.onDidChange(() => {
      link.disconnect();
    }),
  ];
}

/** Probes stay in the list, paused: on another target they are looked up anew when they are resumed. */
async function detachAll(tracing: Tracing): Promise<void> {
  await tracing.pause(tracing.probes.map(({ key }) => key));
}

async function useTarget(
  { choice, link, show, tracing }: TargetServices,
  node: TargetNode | undefined,
): Promise<void> {
  const target = node?.kind === 'target' ? node.target : await pickTarget(choice);
  if (target === undefined) return;
  try {
    await detachAll(tracing);
    await choice.choose(target);
    await withProgress(l10n.t('Connecting to {0}', target.name), async () => {
      await link.connect();
    });
  } catch (error) {
    await show(error);
  }
}

async function pickTarget(choice: TargetChoice) {
  const targets = await choice.list();
  const picked = await window.showQuickPick(
    targets.map((target) => ({
      label: target.kind === 'local' ? l10n.t('This Machine') : target.name,
      ...(target.name === choice.current.name ? { description: l10n.t('in use') } : {}),
      target,
    })),
    { title: l10n.t('Trace on which target?'), matchOnDescription: true },
  );
  return picked?.target;
}
