import type { ExtensionContext, LogOutputChannel } from 'vscode';
import type { HostToLatency, LatencyAction, LatencyPicture, LatencyToHost } from '../../protocol/latency.ts';
import { notes } from '../editor/hover.ts';
import type { ProbeSource, ProbeView } from '../probes/probe-view.ts';
import { PanelHost } from './panel-host.ts';

const nothingLost = { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 };

/** The latency panels, one a probe, fed from the same pictures as the editor. */
export function latencyPanels(
  context: ExtensionContext,
  log: LogOutputChannel,
  probes: ProbeSource,
  act: (action: LatencyAction, key: string) => void,
): PanelHost<HostToLatency, LatencyToHost> {
  const panels = new PanelHost<HostToLatency, LatencyToHost>(context, log, {
    viewType: 'probescope.latency',
    bundle: 'latency',
    title: (key) => `Latency: ${probes.find(key)?.title ?? 'removed probe'}`,
    picture: (key) => {
      const probe = probes.find(key);
      return { type: 'picture', picture: probe === undefined ? removedPicture : toPicture(probe) };
    },
    receive: (key, message) => {
      switch (message.type) {
        case 'action':
          act(message.action, key);
          break;
        case 'problem':
          log.error(`Latency panel: ${message.message}`);
          break;
        case 'ready':
          break;
      }
    },
  });
  context.subscriptions.push(
    panels,
    probes.onDidChange((keys) => {
      if (keys.length === 0) panels.refresh();
      else for (const key of keys) panels.refresh(key);
    }),
  );
  return panels;
}

/** A panel that outlived its probe says so. */
const removedPicture: LatencyPicture = {
  title: 'Removed probe',
  binary: '–',
  state: 'ended',
  notices: ['This probe was removed. Trace the function again to measure it.'],
  count: 0,
  lost: nothingLost,
  hasCallers: false,
};

export function toPicture(probe: ProbeView): LatencyPicture {
  const { title, place, binary, pid, state, figures, measures } = probe;
  return {
    title,
    binary,
    state,
    notices: notes({ ...probe, figures: { count: 0, lost: nothingLost } }),
    count: figures?.count ?? 0,
    lost: figures?.lost ?? nothingLost,
    hasCallers: measures.includes('callers'),
    ...(place === undefined ? {} : { place }),
    ...(pid === undefined ? {} : { pid }),
    ...(figures?.rateHz === undefined || state !== 'running' ? {} : { rateHz: figures.rateHz }),
    ...(figures?.latency === undefined ? {} : { latency: figures.latency }),
  };
}
