import { commands, type Disposable } from 'vscode';
import type { ProbeSource } from '../probes/probe-view.ts';

/** Tells menus and buttons which probes there are; only what changed is told. */
export function keepContextKeys(probes: ProbeSource): Disposable {
  const told = new Map<string, boolean>();
  const tell = (key: string, value: boolean): void => {
    if (told.get(key) === value) return;
    told.set(key, value);
    void commands.executeCommand('setContext', `probescope.${key}`, value);
  };
  const update = (): void => {
    const states = probes.probes.map(({ state }) => state);
    const running = states.filter((state) => state === 'running' || state === 'starting').length;
    tell('hasProbes', states.length > 0);
    tell('hasRunningProbes', running > 0);
    tell('hasPausedProbes', states.length > running);
  };
  update();
  return probes.onDidChange(update);
}
