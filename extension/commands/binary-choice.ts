/** Which binary or process a file's functions are traced in. Pure: the asking itself is in `choose-binary.ts`. */
import type { BinaryCandidate } from '../../protocol/helper.ts';

/** What was chosen for a file, as it is remembered in the workspace. */
export interface BinaryChoice {
  readonly binary: string;
  /** Only this process; every process that runs the binary when absent. */
  readonly pid?: number;
}

export type Decision =
  | { readonly kind: 'none' }
  | { readonly kind: 'use'; readonly candidate: BinaryCandidate; readonly pid?: number; readonly why: string }
  | { readonly kind: 'ask' };

/**
 * Takes what was chosen before when it still fits; else the only binary, or the only one that runs; else asks.
 * Several processes of one binary are no question: a uprobe belongs to the file, and all of them are measured.
 */
export function decide(
  file: string,
  candidates: readonly BinaryCandidate[],
  remembered: BinaryChoice | undefined,
): Decision {
  const chosen = candidates.find(({ binary }) => binary === remembered?.binary);
  if (chosen !== undefined && remembered !== undefined) {
    const { pid } = remembered;
    const alive = pid !== undefined && chosen.processes.some((process) => process.pid === pid);
    if (pid === undefined) return { kind: 'use', candidate: chosen, why: 'chosen before' };
    if (alive) return { kind: 'use', candidate: chosen, pid, why: 'chosen before' };
  }
  // another checkout's build names another file of the same name: only where none names this very file is it meant
  const exact = candidates.filter(({ fileInBinary }) => fileInBinary === file);
  const likely = exact.length > 0 ? exact : candidates;
  const [first, second] = likely;
  if (first === undefined) return { kind: 'none' };
  if (second === undefined)
    return { kind: 'use', candidate: first, why: 'the only binary built from this file' };
  const running = likely.filter(({ processes }) => processes.length > 0);
  const [only] = running;
  if (only !== undefined && running.length === 1)
    return { kind: 'use', candidate: only, why: 'the only running binary built from this file' };
  return { kind: 'ask' };
}

/** One line of the quick pick. */
export interface ChoiceItem extends BinaryChoice {
  readonly candidate: BinaryCandidate;
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

/** A line for each binary, and below it one for each of its processes where there are several. */
export function choiceItems(candidates: readonly BinaryCandidate[]): ChoiceItem[] {
  return candidates.flatMap((candidate) => {
    const { binary, processes, stale } = candidate;
    const name = binary.slice(binary.lastIndexOf('/') + 1);
    const age = stale ? '$(warning) older than the source · ' : '';
    const count = processes.length;
    const [only] = processes;
    const whole: ChoiceItem = {
      candidate,
      binary,
      label: `$(file-binary) ${name}`,
      description:
        only === undefined ? 'not running' : count === 1 ? `process ${only.pid}` : `all ${count} processes`,
      detail: `${age}${binary}`,
    };
    if (count < 2) return [whole];
    return [
      whole,
      ...processes.map(({ pid, commandLine, user }): ChoiceItem => ({
        candidate,
        binary,
        pid,
        label: `$(server-process) ${name}: only process ${pid}`,
        description: user,
        detail: `${age}${commandLine}`,
      })),
    ];
  });
}
