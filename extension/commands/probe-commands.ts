/** Commands on probes that exist: from the tree, a hover, a lens, a panel or the palette. */
import { commands, l10n, window, workspace, type Disposable } from 'vscode';
import type { ProbeAction } from '../../protocol/latency.ts';
import type { SourceFiles } from '../platform/open-source.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { withProgress } from '../platform/progress.ts';
import type { Tracing } from '../probes/tracing.ts';
import type { ProbesView } from '../views/probes.ts';

export interface ProbeServices {
  readonly tracing: Tracing;
  readonly files: SourceFiles;
  readonly show: ShowProblem;
  readonly view: ProbesView;
  openLatency(key: string): void;
  openCallers(key: string): void;
  closePanels(key: string): void;
}

/** What a command is called with: a key (hover, lens, panel) or a row of the tree. */
type Target = string | { readonly key?: string; readonly probe?: string } | undefined;

function keyOf(target: Target): string | undefined {
  return typeof target === 'string' ? target : (target?.key ?? target?.probe);
}

/** Registers the commands; each shows what went wrong, and none is left without an answer. */
export function registerProbeCommands(services: ProbeServices): Disposable[] {
  const { tracing, show } = services;
  const register = (name: string, run: (key: string) => unknown): Disposable =>
    commands.registerCommand(name, async (target: Target) => {
      const key = keyOf(target) ?? (await chooseProbe(tracing));
      if (key === undefined || tracing.find(key) === undefined) return;
      await attempt(show, () => run(key));
    });
  const registerAll = (name: string, run: (keys: readonly string[]) => unknown): Disposable =>
    commands.registerCommand(name, () => attempt(show, () => run(tracing.probes.map(({ key }) => key))));
  return [
    register('probescope.pauseProbe', (key) => tracing.pause([key])),
    register('probescope.resumeProbe', (key) => resume(tracing, [key])),
    register('probescope.removeProbe', (key) => remove(services, [key])),
    register('probescope.pinProbe', (key) => {
      tracing.pin(key, true);
    }),
    register('probescope.unpinProbe', (key) => {
      tracing.pin(key, false);
    }),
    register('probescope.revealProbe', async (key) => {
      const place = tracing.find(key)?.place;
      if (place !== undefined) await services.files.open(place);
    }),
    register('probescope.focusProbe', (key) => services.view.reveal(key)),
    register('probescope.openLatency', (key) => {
      services.openLatency(key);
    }),
    register('probescope.openFlameGraph', (key) => {
      services.openCallers(key);
    }),
    registerAll('probescope.pauseAllProbes', (keys) => tracing.pause(keys)),
    registerAll('probescope.resumeAllProbes', (keys) => resume(tracing, keys)),
    registerAll('probescope.removeAllProbes', (keys) => remove(services, keys)),
    commands.registerCommand('probescope.showScript', () => attempt(show, () => showScript(tracing))),
  ];
}

/** What the latency panel's buttons do. */
export function latencyActions(services: ProbeServices): (action: ProbeAction, key: string) => void {
  const command: Record<ProbeAction, string> = {
    pause: 'probescope.pauseProbe',
    resume: 'probescope.resumeProbe',
    openSource: 'probescope.revealProbe',
    openFlameGraph: 'probescope.openFlameGraph',
  };
  return (action, key) => {
    if (services.tracing.find(key) !== undefined) void commands.executeCommand(command[action], key);
  };
}

async function attempt(show: ShowProblem, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    await show(error);
  }
}

async function chooseProbe(tracing: Tracing): Promise<string | undefined> {
  const items = tracing.probes.map(({ key, title, state }) => ({ label: title, description: state, key }));
  const chosen = await window.showQuickPick(items, { title: l10n.t('Which probe?') });
  return chosen?.key;
}

async function resume(tracing: Tracing, keys: readonly string[]): Promise<void> {
  if (!workspace.isTrusted) return;
  await withProgress(l10n.t('Attaching probes'), (token) => tracing.resume(keys, token));
}

async function remove(services: ProbeServices, keys: readonly string[]): Promise<void> {
  await services.tracing.remove(keys);
  for (const key of keys) services.closePanels(key);
}

async function showScript(tracing: Tracing): Promise<void> {
  const content = await tracing.script();
  // no language of ours is needed for it to be readable
  const document = await workspace.openTextDocument({ content, language: 'c' });
  await window.showTextDocument(document, { preview: true });
}
