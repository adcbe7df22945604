import { env, Uri, window, workspace, type ExtensionContext, type LogOutputChannel } from 'vscode';
import { encodeProfile } from '../../profile/codec.ts';
import { profileOfStacks } from '../../profile/builder.ts';
import type { FlameFrame, FlameToHost, HostToFlame } from '../../protocol/flame.ts';
import type { Profile } from '../../protocol/profile.ts';
import { notes } from '../editor/hover.ts';
import type { ProbeSource, ProbeView } from '../probes/probe-view.ts';
import { PanelHost } from './panel-host.ts';
import type { ShownProfile } from './shown-profile.ts';

export interface FrameActions {
  openSource(frame: FlameFrame, beside: boolean): void;
  traceFunction(frame: FlameFrame): void;
}

/** A flame graph is laid out anew from every profile: twice a second is as fast as eyes follow. */
const REFRESH_MS = 500;

/** Flame graphs of callers, one a probe. */
export function callersPanels(
  context: ExtensionContext,
  log: LogOutputChannel,
  probes: ProbeSource,
  frames: FrameActions,
  shown: ShownProfile,
): PanelHost<HostToFlame, FlameToHost> {
  const panels = new PanelHost<HostToFlame, FlameToHost>(context, log, {
    viewType: 'probescope.callers',
    bundle: 'flame',
    title: (key) => `Callers: ${probes.find(key)?.title ?? 'removed probe'}`,
    picture: (key) => profileMessage(probes, key),
    receive: (_, message) => {
      receiveFlame(message, frames, log);
    },
    lines: {
      shown,
      profile: (key) => {
        const probe = probes.find(key);
        return probe && callersOf(probes, probe);
      },
    },
  });
  const due = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const refresh = (): void => {
    timer = undefined;
    for (const key of due) panels.refresh(key);
    due.clear();
  };
  const listener = probes.onDidChange((keys) => {
    for (const key of keys.length === 0 ? panels.openKeys : keys) due.add(key);
    timer ??= setTimeout(refresh, REFRESH_MS);
  });
  context.subscriptions.push(panels, listener, { dispose: () => clearTimeout(timer) });
  return panels;
}

const callersOf = (probes: ProbeSource, { key, title }: ProbeView): Profile =>
  profileOfStacks(`Callers of ${title}`, 'count', probes.callers(key));

function profileMessage(probes: ProbeSource, key: string): HostToFlame {
  const probe = probes.find(key);
  if (probe === undefined)
    return { type: 'ended', notice: 'This probe was removed. Trace the function again to see its callers.' };
  const profile = callersOf(probes, probe);
  const { buffer } = encodeProfile({ ...profile, notes: [...profile.notes, ...notes(probe)] });
  return { type: 'profile', profile: buffer, live: probe.state === 'running' };
}

/** What a flame graph asks for. */
export function receiveFlame(message: FlameToHost, frames: FrameActions, log: LogOutputChannel): void {
  switch (message.type) {
    // buttons of a measured profile's panel, which answers them itself
    case 'stopProfile':
    case 'runProfileAgain':
    case 'saveRecording':
    case 'ready':
      break;
    case 'openSource':
      frames.openSource(message.frame, message.beside);
      break;
    case 'traceFunction':
      frames.traceFunction(message.frame);
      break;
    case 'copy':
      void env.clipboard.writeText(message.text);
      break;
    case 'save':
      void save(message.suggestedName, message.content, log);
      break;
    case 'problem':
      log.error(`Flame graph: ${message.message}`);
      break;
  }
}

async function save(
  suggestedName: string,
  content: string | ArrayBuffer,
  log: LogOutputChannel,
): Promise<void> {
  const [folder] = workspace.workspaceFolders ?? [];
  const target = await window.showSaveDialog({
    defaultUri: folder === undefined ? Uri.file(suggestedName) : Uri.joinPath(folder.uri, suggestedName),
  });
  if (target === undefined) return;
  await workspace.fs.writeFile(
    target,
    typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content),
  );
  log.info(`Saved ${target.fsPath}.`);
}
