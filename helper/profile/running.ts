import type { Problem } from '../../protocol/errors.ts';
import type { ProfileStarted } from '../../protocol/live-profile.ts';
import type { StackInterner } from './stacks.ts';

/** A profile that is measured now, whichever engine measures it. */
export interface RunningProfile {
  readonly started: ProfileStarted;
  readonly stacks: StackInterner;
  /** Resolves when the engine has ended and everything of it was read. */
  readonly ended: Promise<Problem | undefined>;
  readonly elapsedNs: number;
  /** Weight so far, in the profile's unit. */
  readonly total: number;
  readonly lost: number;
  /** Names what was taken since the last time and puts it among the stacks. */
  digest(): Promise<void>;
  /** Asks the engine to end; resolves when it has. */
  stop(): Promise<void>;
  /** Ends it at once; `ended` follows. */
  kill(): void;
  /** What must be known about the figures; full sentences. */
  notes(): string[];
}
