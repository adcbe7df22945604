import type { Problem } from './errors.ts';
import type { ProfileThread, WeightUnit } from './profile.ts';
import type { Frame } from './source.ts';

/** Profiles that are measured now: the helper names stacks as they come and sends what is new. */
export type LiveProfileId = string;

export const profileKinds = ['on-cpu', 'off-cpu', 'wall-clock', 'event'] as const;
/** Time on a CPU, sampled; time blocked, summed from switch to switch; all time of all threads, by their states; or each occurrence of an event. */
export type ProfileKind = (typeof profileKinds)[number];

const units: Readonly<Record<ProfileKind, WeightUnit>> = {
  'on-cpu': 'samples',
  'off-cpu': 'nanoseconds',
  'wall-clock': 'nanoseconds',
  event: 'count',
};

/** What the weights of such a profile count. */
export const unitOf = (kind: ProfileKind): WeightUnit => units[kind];

/** Names of events as perf list prints them: `page-faults`, `syscalls:sys_enter_write`; no groups, no modifiers. */
export const isEventName = (name: string): boolean => /^[\w-]+(?::[\w-]+)?$/.test(name);

/**
 * One process with its threads, or several, such as those of a container, with the threads and processes that they start; or everything on
 * the target.
 */
export type ProfileTarget = { readonly pid: number } | { readonly pids: readonly number[] } | 'machine';

/** Undefined stands for all. */
export const pidsOf = (target: ProfileTarget): readonly number[] | undefined =>
  target === 'machine' ? undefined : 'pid' in target ? [target.pid] : target.pids;

export interface ProfileSpec {
  readonly id: LiveProfileId;
  readonly kind: ProfileKind;
  readonly target: ProfileTarget;
  /** Samples a second and CPU of what runs, 1 to 99,999; it means nothing off the CPU and of events. */
  readonly hz: number;
  /** What occurs, for a profile of the kind `event`. */
  readonly event?: string;
  /** How user stacks are walked; chosen by looking at the program without it. */
  readonly callGraph?: 'fp' | 'dwarf';
  /** The program to look at when the process runs another one yet. */
  readonly program?: string;
}

export interface ProfileStarted {
  /** `perf 6.1.187` */
  readonly engine: string;
  /** A full sentence: how stacks are walked, and why so. */
  readonly why: string;
  /** What runs, for the recording: a command line, or a script. */
  readonly command: string;
  readonly unit: WeightUnit;
  /** Wall clock of the target, in ms: time 0 of the samples. */
  readonly startedAtMs: number;
}

/** A frame as profiles know it: places of one function at two addresses are one frame. */
export type ProfileFrame = Omit<Frame, 'address' | 'column'>;

/**
 * What came since the last delta. Frames, nodes and threads are numbered from 0 in the order in which they are sent;
 * frame 0 and node 0 are the root's and are never sent.
 */
export interface ProfileDelta {
  readonly id: LiveProfileId;
  /** Since the start. */
  readonly elapsedNs: number;
  readonly frames: readonly ProfileFrame[];
  /** Pairs: the node's parent, which is known, and its frame. */
  readonly nodes: readonly number[];
  readonly threads: readonly ProfileThread[];
  /** Fours: node, weight, time since the start in ns, thread; thread -1 where neither it nor the time is known. */
  readonly samples: readonly number[];
  /** Weight so far, in the profile's unit. */
  readonly total: number;
  /** Samples so far that the kernel or the engine had no room for. */
  readonly lost: number;
}

export interface ProfileEnded {
  readonly id: LiveProfileId;
  /** What must be known about the figures; full sentences. */
  readonly notes: readonly string[];
  /** Absent when it was stopped, or the process ended. */
  readonly problem?: Problem;
}

export interface LiveProfileApi {
  /** Answered when samples are taken. */
  startProfile(params: ProfileSpec): ProfileStarted;
  /** Ends it; its last delta and `profileEnded` were sent before the answer. */
  stopProfile(params: { readonly id: LiveProfileId }): Record<string, never>;
}

export interface LiveProfileEvents {
  /** At most once a second, and once at the end. */
  profileDelta(params: ProfileDelta): void;
  profileEnded(params: ProfileEnded): void;
}
