/** Flame graphs of measured profiles, while they grow and afterwards; one a recording, whose path is the panel's key. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { l10n, Uri, window, workspace, type ExtensionContext, type LogOutputChannel } from 'vscode';
import { encodeProfile } from '../../profile/codec.ts';
import type { FlameChange, FlameToHost, HostToFlame } from '../../protocol/flame.ts';
import { unitOf } from '../../protocol/live-profile.ts';
import type { LiveStatus } from '../../protocol/live-status.ts';
import type { Profile } from '../../protocol/profile.ts';
import type { LiveProfile } from '../core/live-profile.ts';
import type { ShowProblem } from '../platform/problems.ts';
import { receiveFlame, type FrameActions } from '../webviews/callers-panel.ts';
import { PanelHost } from '../webviews/panel-host.ts';
import type { ShownProfile } from '../webviews/shown-profile.ts';
import { readProfile, type RecordedProfile } from './profile-files.ts';

/** A flame graph is laid out anew from every profile. */
const REFRESH_MS = 1000;

/** A profile with what its panel needs beside it. */
export interface ShownLive {
  readonly live: LiveProfile;
  /** Measures the same anew. */
  readonly again: () => void;
}

interface Held extends Partial<ShownLive> {
  recorded?: RecordedProfile;
  /** Built from the live profile, until the next stacks come. */
  profile: Profile | undefined;
  canSave: boolean;
  /** What the next picture asks the view to show, once. */
  options?: FlameChange;
  timer?: NodeJS.Timeout;
}

export interface ProfilePanelServices {
  readonly context: ExtensionContext;
  readonly log: LogOutputChannel;
  readonly frames: FrameActions;
  readonly shown: ShownProfile;
  readonly show: ShowProblem;
}

export class ProfilePanels {
  readonly #panels: PanelHost<HostToFlame, FlameToHost>;
  readonly #held = new Map<string, Held>();
  readonly #services: ProfilePanelServices;

  constructor(services: ProfilePanelServices) {
    this.#services = services;
    const { context, log, shown, show, frames } = services;
    this.#panels = new PanelHost<HostToFlame, FlameToHost>(context, log, {
      viewType: 'probescope.profile',
      bundle: 'flame',
      title: (key) => l10n.t('Profile: {0}', this.#titleOf(key)),
      picture: (key) => this.#picture(key),
      receive: (key, message) => {
        if (message.type === 'stopProfile') this.#held.get(key)?.live?.stop().catch(show);
        else if (message.type === 'runProfileAgain') this.#held.get(key)?.again?.();
        else if (message.type === 'saveRecording') save(key).catch(show);
        else receiveFlame(message, frames, log);
      },
      closed: (key) => {
        const held = this.#held.get(key);
        this.#held.delete(key);
        clearTimeout(held?.timer);
        held?.live?.dispose();
      },
      lines: { shown, profile: (key) => this.#profileOf(key) },
    });
    context.subscriptions.push(this.#panels, {
      dispose: () => {
        for (const { live, timer } of this.#held.values()) {
          clearTimeout(timer);
          live?.dispose();
        }
      },
    });
  }

  /** Shows a profile that is measured, which will be recorded at `path`. */
  openLive(path: string, shown: ShownLive): void {
    const { live } = shown;
    const held: Held = { ...shown, profile: undefined, canSave: false };
    this.#held.set(path, held);
    let state = live.state;
    live.onDidChange(() => {
      held.profile = undefined;
      if (this.#held.get(path) !== held) return;
      if (live.state !== state) {
        state = live.state;
        this.#panels.post(path, { type: 'status', status: statusOf(held) });
      }
      held.timer ??= setTimeout(() => {
        delete held.timer;
        this.#panels.refresh(path);
      }, REFRESH_MS);
    });
    this.#panels.open(path);
  }

  /** The profile stands at `path` now and can be saved. */
  recorded(path: string): void {
    const held = this.#held.get(path);
    if (held === undefined) return;
    held.canSave = true;
    this.#panels.refresh(path);
  }

  /** Shows a recording, or the samples of one part of it (ns since its start); throws ProbeError when it holds no profile. */
  async openRecorded(path: string, timeRangeNs?: readonly [from: number, to: number]): Promise<void> {
    if (!this.#held.has(path)) {
      const recorded = await readProfile(path);
      this.#held.set(path, { recorded, profile: recorded.profile, canSave: true });
    }
    const held = this.#held.get(path);
    if (held !== undefined && timeRangeNs !== undefined) held.options = { timeRangeNs };
    this.#panels.open(path);
    this.#panels.refresh(path);
  }

  /** The range of time that an open panel shows; undefined for all of it. */
  showRange(path: string, timeRangeNs: readonly [from: number, to: number] | undefined): void {
    const held = this.#held.get(path);
    if (held === undefined) return;
    const options = { timeRangeNs };
    if (!this.#panels.post(path, { type: 'options', options })) held.options = options;
  }

  #titleOf(key: string): string {
    const held = this.#held.get(key);
    return held?.live?.title ?? held?.recorded?.profile.title ?? basename(key, '.probescope');
  }

  #profileOf(key: string): Profile | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    held.profile ??= held.live?.profile();
    return held.profile;
  }

  #picture(key: string): HostToFlame | undefined {
    const held = this.#held.get(key);
    const profile = this.#profileOf(key);
    if (held === undefined || profile === undefined) return this.#return(key);
    const notes = [...profile.notes, ...(held.recorded?.notices ?? [])];
    const { options } = held;
    delete held.options;
    return {
      type: 'profile',
      profile: encodeProfile({ ...profile, notes }).buffer,
      live: held.live !== undefined && held.live.state !== 'ended',
      status: statusOf(held),
      ...(options === undefined ? {} : { options }),
    };
  }

  /** After a reload of the window the panel is back and its profile is in the recording alone. */
  #return(key: string): HostToFlame | undefined {
    if (!existsSync(key))
      return {
        type: 'ended',
        notice: l10n.t('This profile ended with the window it was in. Profile the process again.'),
      };
    this.openRecorded(key).catch(this.#services.show);
    return undefined;
  }
}

function statusOf({ live, recorded, canSave, again }: Held): LiveStatus {
  if (live === undefined) return recordedStatus(recorded);
  const { state, started, elapsedNs, total, lost, problem, spec } = live;
  return {
    ...{ state, elapsedNs, total, lost, canSave },
    engine: started?.engine ?? '',
    stacks: started?.why ?? '',
    unit: unitOf(spec.kind),
    canRunAgain: again !== undefined,
    ...(spec.kind === 'on-cpu' ? { hz: spec.hz } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

function recordedStatus(recorded: RecordedProfile | undefined): LiveStatus {
  const { profile, meta } = recorded ?? {};
  const hz = Number(meta?.get('hz') ?? 0);
  return {
    state: 'ended',
    engine: meta?.get('engine') ?? '',
    stacks: meta?.get('stacks') ?? '',
    elapsedNs: profile?.durationNs ?? 0,
    total: profile?.nodes.self.reduce((sum, weight) => sum + weight, 0) ?? 0,
    unit: profile?.unit ?? 'samples',
    lost: Number(meta?.get('lost_samples') ?? 0),
    ...{ canSave: true, canRunAgain: false },
    ...(hz > 0 ? { hz } : {}),
  };
}

async function save(path: string): Promise<void> {
  const name = basename(path).replace(/^\S+ /, '');
  const [folder] = workspace.workspaceFolders ?? [];
  const target = await window.showSaveDialog({
    defaultUri: folder === undefined ? Uri.file(name) : Uri.joinPath(folder.uri, name),
    filters: { [l10n.t('Recordings')]: ['probescope'] },
  });
  if (target !== undefined) await workspace.fs.copy(Uri.file(path), target, { overwrite: true });
}
