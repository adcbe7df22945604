import type { Problem } from './errors.ts';
import type { WeightUnit } from './profile.ts';

/** What stands above the flame graph of a profile that is measured, or was; always whole. */
export interface LiveStatus {
  readonly state: 'starting' | 'running' | 'stopping' | 'ended';
  /** `perf 6.1.187`; empty until it is known. */
  readonly engine: string;
  /** How stacks are walked, and why so: a full sentence; empty until it is known. */
  readonly stacks: string;
  readonly elapsedNs: number;
  /** Weight so far, in `unit`. */
  readonly total: number;
  readonly unit: WeightUnit;
  /** Samples a second and CPU that are asked for; absent where nothing is sampled. */
  readonly hz?: number;
  readonly lost: number;
  readonly problem?: Problem;
  readonly canSave: boolean;
  readonly canRunAgain: boolean;
}
