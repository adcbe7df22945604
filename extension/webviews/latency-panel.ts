import type { ExtensionContext, LogOutputChannel } from 'vscode';
import { probeActions } from '../../protocol/latency.ts';
import type { HostToLatency, LatencyPicture, LatencyToHost, ProbeAction } from '../../protocol/latency.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { notes } from '../editor/hover.ts';
import type { ProbeSource, ProbeView } from '../probes/probe-view.ts';
import type { LatencyDetails } from './latency-details.ts';
import { PanelHost } from './panel-host.ts';

const nothingLost = { missedEntries: 0, abandonedCalls: 0, droppedByEngine: 0 };

export interface LatencyEvents {
  act(action: ProbeAction, key: string): void;
  traceFunction(frame: { readonly function: string; readonly module: string }): void;
  openPlace(place: SourcePlace): void;
}

/** The latency panels, one a probe, fed from the same pictures as the editor. */
export function latencyPanels(
  context: ExtensionContext,
  log: LogOutputChannel,
  probes: ProbeSource,
  details: LatencyDetails,
  on: LatencyEvents,
): PanelHost<HostToLatency, LatencyToHost> {
  const panels = new PanelHost<HostToLatency, LatencyToHost>(context, log, {
    viewType: 'probescope.latency',
    bundle: 'latency',
    title: (key) => `Latency: ${probes.find(key)?.title ?? 'removed probe'}`,
    picture: (key) => {
      const probe = probes.find(key);
      const picture =
        probe === undefined ? removedPicture : { ...toPicture(probe), ...details.pictureOf(key) };
      return { type: 'picture', picture };
    },
    receive: (key, message) => {
      switch (message.type) {
        case 'action':
          if (isProbeAction(message.action)) on.act(message.action, key);
          else void details.act(message.action, key);
          break;
        case 'select':
          details.select(key, message.range);
          break;
        case 'callee': {
          const callee = details.calleeOf(key, message.callee);
          if (callee !== undefined) on.traceFunction(callee);
          break;
        }
        case 'openPlace':
          on.openPlace(message.place);
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
    details.onDidChange((key) => {
      panels.refresh(key);
    }),
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

const isProbeAction = (action: string): action is ProbeAction =>
  (probeActions as readonly string[]).includes(action);
