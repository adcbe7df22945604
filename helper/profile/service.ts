import { existsSync } from 'node:fs';
import type { Notify } from '../rpc.ts';
import { OpenBinaries } from '../symbols/open-binaries.ts';
import { Symboliser } from '../symbols/symbolise.ts';
import { ProbeError } from '../../protocol/errors.ts';
import {
  isEventName,
  pidsOf,
  type LiveProfileId,
  type ProfileSpec,
  type ProfileStarted,
} from '../../protocol/live-profile.ts';
import { SampledProfile } from './sampled.ts';
import { SummedProfile } from './summed.ts';
import { processGone, type RunningProfile } from './running.ts';

/** A picture is laid out anew with each delta. */
const DELTA_MS = 1000;
const HIGHEST_HZ = 99_999;
/** Of a machine's hundred programs, those that were named last. */
const MOST_HELD_BYTES = 24 * 2 ** 20;

export interface LiveProfileHost {
  readonly notify: Notify;
  readonly linkIsFull: () => boolean;
}

/** Profiles that are measured now, each with what it sends. */
export class LiveProfileService {
  readonly #host: LiveProfileHost;
  readonly #live = new Map<LiveProfileId, Live>();
  readonly #starting = new Set<LiveProfileId>();
  #isDisposed = false;

  constructor(host: LiveProfileHost) {
    this.#host = host;
  }

  readonly handlers = {
    startProfile: (spec: ProfileSpec): Promise<ProfileStarted> => this.#start(spec),
    stopProfile: async ({ id }: { id: LiveProfileId }): Promise<Record<string, never>> => {
      await this.#live.get(id)?.stop();
      return {};
    },
  };

  /** Ends everything; resolves when no process is left. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    const all = [...this.#live.values()];
    for (const live of all) live.kill();
    await Promise.all(all.map((live) => live.done));
  }

  async #start(asked: ProfileSpec): Promise<ProfileStarted> {
    check(asked);
    const spec = ofNow(asked);
    const { id, kind } = spec;
    if (this.#live.has(id) || this.#starting.has(id))
      throw new ProbeError({ code: 'invalid-argument', message: `Profile ${id} has started already.` });
    this.#starting.add(id);
    try {
      // names of a profile go with it; what they were read from may go at once, for a place is named once
      const symboliser = new Symboliser(new OpenBinaries(MOST_HELD_BYTES));
      const running =
        kind === 'off-cpu' || kind === 'wall-clock'
          ? await SummedProfile.start(spec, symboliser)
          : await SampledProfile.start(spec, symboliser);
      const live = new Live(id, running, this.#host);
      this.#live.set(id, live);
      void live.done.then(() => this.#live.delete(id));
      if (this.#isDisposed) live.kill();
      return running.started;
    } finally {
      this.#starting.delete(id);
    }
  }
}

function check({ target, hz, kind, event = '' }: ProfileSpec): void {
  if (kind === 'event' && !isEventName(event))
    throw new ProbeError({
      code: 'invalid-argument',
      message: `“${event}” is no name of an event.`,
      remedy: 'Write it as perf list or probescope sources does: page-faults, syscalls:sys_enter_write.',
    });
  if (!Number.isInteger(hz) || hz < 1 || hz > HIGHEST_HZ)
    throw new ProbeError({
      code: 'invalid-argument',
      message: `${hz} is no rate of samples.`,
      remedy: `Give 1 to ${HIGHEST_HZ} samples a second.`,
    });
  const pids = pidsOf(target);
  if (pids !== undefined && !pids.some(exists)) throw processGone(target);
}

const exists = (pid: number): boolean => Number.isInteger(pid) && pid > 0 && existsSync(`/proc/${pid}`);

/** Without the processes that have ended since they were listed: perf refuses all for the sake of one. */
function ofNow(spec: ProfileSpec): ProfileSpec {
  const { target } = spec;
  return target !== 'machine' && 'pids' in target
    ? { ...spec, target: { pids: target.pids.filter(exists) } }
    : spec;
}

/** Sends what a running profile took, once a second, until it has ended. */
class Live {
  /** Resolves when `profileEnded` was sent. */
  readonly done: Promise<void>;
  readonly #id: LiveProfileId;
  readonly #profile: RunningProfile;
  readonly #host: LiveProfileHost;
  readonly #timer: NodeJS.Timeout;
  #queue: Promise<void> = Promise.resolve();
  #isSending = false;

  constructor(id: LiveProfileId, profile: RunningProfile, host: LiveProfileHost) {
    this.#id = id;
    this.#profile = profile;
    this.#host = host;
    this.#timer = setInterval(() => {
      // a delta that is late, by naming or by the link, goes with the next one
      if (!this.#isSending && !host.linkIsFull()) void this.#send();
    }, DELTA_MS);
    this.done = profile.ended.then(async (problem) => {
      clearInterval(this.#timer);
      await this.#queue;
      await this.#send();
      host.notify('profileEnded', {
        id,
        notes: profile.notes(),
        ...(problem === undefined ? {} : { problem }),
      });
    });
  }

  async stop(): Promise<void> {
    await this.#profile.stop();
    await this.done;
  }

  kill(): void {
    this.#profile.kill();
  }

  #send(): Promise<void> {
    this.#isSending = true;
    const profile = this.#profile;
    this.#queue = profile
      .digest()
      .then(() => {
        this.#host.notify('profileDelta', {
          id: this.#id,
          elapsedNs: profile.elapsedNs,
          ...profile.stacks.take(),
          total: profile.total,
          lost: profile.lost,
        });
      })
      .catch((error: unknown) => {
        const message = `Stacks of a profile could not be named: ${String(error)}`;
        this.#host.notify('log', { level: 'warn', message });
      })
      .finally(() => {
        this.#isSending = false;
      });
    return this.#queue;
  }
}
