import type { FlameOptions } from '../../protocol/flame.ts';
import type { ProfileThread, WeightUnit } from '../../protocol/profile.ts';
import type { Layout } from '../../profile/layout.ts';

/** What stays the same for all pictures of one profile. */
export interface ProfileFacts {
  readonly title: string;
  readonly unit: WeightUnit;
  readonly notes: readonly string[];
  readonly threads: readonly ProfileThread[];
  readonly durationNs?: number;
  /** There are single samples: time order, lanes and time ranges work. */
  readonly timed: boolean;
  readonly comparison?: { readonly beforeTotal: number; readonly afterTotal: number };
}

/** Group `i` by columns: what is drawn, and where it leads. */
export interface GroupFacts {
  readonly names: readonly string[];
  readonly kind: Uint8Array;
  readonly modules: readonly string[];
  readonly files: readonly string[];
  readonly lines: Uint32Array;
  /** What decides the colours where they tell packages; absent where they do not. */
  readonly packages?: readonly string[];
}

export type ToWorker =
  | {
      readonly type: 'load';
      readonly profile: ArrayBuffer;
      readonly baseline?: ArrayBuffer;
      readonly options: FlameOptions;
    }
  | { readonly type: 'paint'; readonly options: FlameOptions; readonly request: number }
  | { readonly type: 'save'; readonly format: 'svg' | 'folded' | 'csv'; readonly options: FlameOptions };

export type FromWorker =
  | {
      readonly type: 'picture';
      readonly request: number;
      readonly options: FlameOptions;
      readonly facts?: ProfileFacts;
      readonly layout: Layout;
      readonly callers?: Layout;
      /** Absent when they are those of the picture before. */
      readonly groups?: GroupFacts;
      readonly shownTotal: number;
      readonly profileTotal: number;
      readonly remarks: readonly string[];
      /** How long the worker computed. */
      readonly milliseconds: number;
    }
  | { readonly type: 'saved'; readonly suggestedName: string; readonly content: string }
  | { readonly type: 'problem'; readonly message: string };
