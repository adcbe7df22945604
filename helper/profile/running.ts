import { ProbeError, type Problem } from '../../protocol/errors.ts';
import { pidsOf, type ProfileStarted, type ProfileTarget } from '../../protocol/live-profile.ts';
import type { StackInterner } from './stacks.ts';

/** A profile that is measured now, whichever engine measures it. */
export interface RunningProfile {
  readonly started: ProfileStarted;
  readonly stacks: StackInterner;
  /** Resolves when the engine has ended and everything of it was read. */
  readonly ended: Promise<Problem | undefined>;
  /** For how long it has been measured; nothing is added to it by what the engine takes to end. */
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

/** `1 sample`, `2 samples`: for notes. */
export const counted = (count: number, one: string, more: string): string =>
  `${count} ${count === 1 ? one : more}`;

export function processGone(target: ProfileTarget): ProbeError {
  const pids = pidsOf(target) ?? [];
  return new ProbeError({
    code: 'process-gone',
    message:
      pids.length === 1 ? `Process ${pids[0]!} does not exist.` : 'None of these processes exists any more.',
    remedy: 'Look up its number again: pgrep -a NAME.',
  });
}
