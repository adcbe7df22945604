import { l10n, type ExtensionContext, type LogOutputChannel } from 'vscode';
import { encodeProfile } from '../../profile/codec.ts';
import type { FlameToHost, HostToFlame } from '../../protocol/flame.ts';
import type { ProbeSource } from '../probes/probe-view.ts';
import { receiveFlame, type FrameActions } from './callers-panel.ts';
import type { LatencyDetails } from './latency-details.ts';
import { PanelHost } from './panel-host.ts';
import type { ShownProfile } from './shown-profile.ts';

const REFRESH_MS = 500;

/** Flame graphs of recorded calls, one a probe: they follow what is selected in the latency panel. */
export function selectionPanels(
  context: ExtensionContext,
  log: LogOutputChannel,
  probes: ProbeSource,
  details: () => LatencyDetails,
  frames: FrameActions,
  shown: ShownProfile,
): PanelHost<HostToFlame, FlameToHost> {
  return new PanelHost<HostToFlame, FlameToHost>(context, log, {
    viewType: 'probescope.calls',
    bundle: 'flame',
    title: (key) => l10n.t('Calls: {0}', probes.find(key)?.title ?? l10n.t('removed probe')),
    picture: (key) => {
      const profile = details().profileOf(key);
      if (profile === undefined)
        return { type: 'ended', notice: l10n.t('No call is recorded. Record calls in the latency panel.') };
      return { type: 'profile', profile: encodeProfile(profile).buffer, live: false };
    },
    receive: (_, message) => {
      receiveFlame(message, frames, log);
    },
    lines: { shown, profile: (key) => details().profileOf(key) },
  });
}

/** Redraws them when selection or calls change, twice a second at most. */
export function followSelections(
  panels: PanelHost<HostToFlame, FlameToHost>,
  details: LatencyDetails,
): { dispose(): void } {
  const due = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const listener = details.onDidChange((key) => {
    if (!panels.openKeys.includes(key)) return;
    due.add(key);
    timer ??= setTimeout(() => {
      timer = undefined;
      for (const each of due) panels.refresh(each);
      due.clear();
    }, REFRESH_MS);
  });
  return {
    dispose: () => {
      clearTimeout(timer);
      listener.dispose();
    },
  };
}
