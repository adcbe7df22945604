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

const reasons: Readonly<Record<BinaryCandidate['match'], string>> = {
  path: 'the only binary built from this file',
  mapped: 'the only binary built from this file, by probescope.sourceMap',
  content: 'the only binary built from a file of this content',
  suffix: 'the only binary built from a file whose path ends like this',
};

/** What a user must know before believing the lines; undefined when the binary was built from the very file. */
export function versionNote({ stale, mixed }: Pick<BinaryCandidate, 'stale' | 'mixed'>): string | undefined {
  if (mixed) return 'the binary was built from several versions of this file: rebuild all of it';
  return stale ? 'the source is newer than the binary: rebuild it' : undefined;
}

/**
 * Takes what was chosen before when it still fits; else the only binary, or the only one that runs; else asks.
 * Several processes of one binary are no question: a uprobe belongs to the file, and all of them are measured.
 */
export function decide(
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
  // another checkout's build names another file of the same name: only where none is this very file is it meant
  const exact = candidates.filter(({ match }) => match !== 'suffix');
  const likely = exact.length > 0 ? exact : candidates;
  const [first, second] = likely;
  if (first === undefined) return { kind: 'none' };
  if (second === undefined) return { kind: 'use', candidate: first, why: reasons[first.match] };
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
    const { binary, processes, match, fileInBinary } = candidate;
    const name = binary.slice(binary.lastIndexOf('/') + 1);
    const note = versionNote(candidate);
    const warning = note === undefined ? '' : `$(warning) ${note} · `;
    const origin = match === 'path' ? '' : ` · built from ${fileInBinary}`;
    const count = processes.length;
    const [only] = processes;
    const whole: ChoiceItem = {
      candidate,
      binary,
      label: `$(file-binary) ${name}`,
      description:
        only === undefined ? 'not running' : count === 1 ? `process ${only.pid}` : `all ${count} processes`,
      detail: `${warning}${binary}${origin}`,
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
        detail: `${warning}${commandLine}${origin}`,
      })),
    ];
  });
}
