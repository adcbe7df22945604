import type { LiveStatus } from './live-status.ts';
import type { SourcePlace } from './source.ts';

/**
 * The messages between the extension host and the flame graph's webview.
 * Profiles travel encoded (`profile/codec.ts`, one ArrayBuffer): it is copied at memory speed, and its columns are used in place.
 */

/** How stacks are laid out. */
export const flameArrangements = ['left-heavy', 'time-ordered', 'inverted', 'sandwich'] as const;
export type FlameArrangement = (typeof flameArrangements)[number];

/** What counts as one frame: two frames that agree in this are one rectangle. */
export const flameGroupings = ['function', 'line', 'file', 'module', 'package'] as const;
export type FlameGrouping = (typeof flameGroupings)[number];

/** What is shown of a profile; every member has a control in the view, and a host may set any of them. */
export interface FlameOptions {
  readonly arrangement: FlameArrangement;
  readonly grouping: FlameGrouping;
  /** The root on top (icicle) or at the bottom (flame). */
  readonly rootOnTop: boolean;
  readonly collapseRecursion: boolean;
  readonly hideKernel: boolean;
  /** Hides frames of shared libraries, as the names of their modules tell. */
  readonly hideLibraries: boolean;
  /** A lane for each thread. */
  readonly threadLanes: boolean;
  /** Keeps stacks with a frame that matches this regular expression (case-insensitive), or all when empty. */
  readonly filter: string;
  /** Only samples in this span since the profile's start. */
  readonly timeRangeNs?: readonly [from: number, to: number];
  /** Only these threads, as indexes into the profile's threads. */
  readonly threads?: readonly number[];
  /** Shows this function only: stacks are cut above its outermost frame. */
  readonly focus?: string;
  /** Functions whose frames are left out, their weight going to the caller. */
  readonly hidden: readonly string[];
  /** The function of the sandwich. */
  readonly sandwich?: string;
  /** For two profiles: compare shares of the total, or weights as they are. */
  readonly normalised: boolean;
  /** For two profiles: whose weights the widths show. What the other one has alone is not to be seen. */
  readonly widths: 'after' | 'before';
  readonly diffColours: 'red-blue' | 'colour-blind';
  readonly colourBy: 'kind' | 'module' | 'package';
}

export const defaultFlameOptions: FlameOptions = {
  arrangement: 'left-heavy',
  grouping: 'function',
  rootOnTop: true,
  collapseRecursion: false,
  hideKernel: false,
  hideLibraries: false,
  threadLanes: false,
  filter: '',
  hidden: [],
  normalised: true,
  widths: 'after',
  diffColours: 'red-blue',
  colourBy: 'kind',
};

/** Options that change; an optional one goes away by being undefined. */
export type FlameChange = { readonly [K in keyof FlameOptions]?: FlameOptions[K] | undefined };

export type HostToFlame =
  /** Shows a profile. While `live`, the next one replaces it and the place that is looked at stays. */
  | {
      readonly type: 'profile';
      readonly profile: ArrayBuffer;
      readonly live: boolean;
      /** With a baseline the view is a comparison: `profile` minus `baseline`. */
      readonly baseline?: ArrayBuffer;
      readonly options?: FlameChange;
      /** Of a profile that is measured: stands above it. */
      readonly status?: LiveStatus;
    }
  /** What is said above a measured profile changed, and its stacks did not. */
  | { readonly type: 'status'; readonly status: LiveStatus }
  /** Changes what is shown, for instance when a range is brushed in the latency panel. */
  | { readonly type: 'options'; readonly options: FlameChange }
  /** Finds a function, as *Show in Flame Graph* does. */
  | { readonly type: 'search'; readonly pattern: string }
  /** The live profile has ended; `notice` says why unless it was asked for. */
  | { readonly type: 'ended'; readonly notice?: string };

/** A frame as the host needs it for its commands. */
export interface FlameFrame {
  readonly function: string;
  readonly module?: string;
  readonly place?: SourcePlace;
}

export type FlameToHost =
  /** The script runs and wants its profile; sent again whenever the view was reloaded. */
  | { readonly type: 'ready' }
  | { readonly type: 'openSource'; readonly frame: FlameFrame; readonly beside: boolean }
  | { readonly type: 'traceFunction'; readonly frame: FlameFrame }
  | { readonly type: 'copy'; readonly text: string }
  /** The buttons above a measured profile. */
  | { readonly type: 'stopProfile' }
  | { readonly type: 'runProfileAgain' }
  | { readonly type: 'saveRecording' }
  /** A file the user asked for; the host asks where to and writes it. */
  | { readonly type: 'save'; readonly suggestedName: string; readonly content: string | ArrayBuffer }
  /** Something that could not be shown; also stands in the view itself. */
  | { readonly type: 'problem'; readonly message: string };
