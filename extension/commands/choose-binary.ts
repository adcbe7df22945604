import { l10n, window, type CancellationToken, type LogOutputChannel, type Memento } from 'vscode';
import { ProbeError } from '../../protocol/errors.ts';
import type { BinaryCandidate } from '../../protocol/helper.ts';
import { asking, type Report } from '../platform/progress.ts';
import type { Tracing } from '../probes/tracing.ts';
import { choiceItems, decide, versionNote, type BinaryChoice } from './binary-choice.ts';

export interface ChosenBinary extends BinaryChoice {
  readonly candidate: BinaryCandidate;
}

const MEMENTO_KEY = 'probescope.binaries';

/** Finds the binary that was built from a file, and asks only where several fit. The answer is remembered in the workspace. */
export class BinaryChooser {
  readonly #tracing: Tracing;
  readonly #memento: Memento;
  readonly #log: LogOutputChannel;

  constructor(tracing: Tracing, memento: Memento, log: LogOutputChannel) {
    this.#tracing = tracing;
    this.#memento = memento;
    this.#log = log;
  }

  /** `ask`: shows the choice even where it is clear. Throws ProbeError `binary-not-found`, or `cancelled` when nothing was chosen. */
  async choose(
    file: string,
    options: { ask: boolean },
    token?: CancellationToken,
    report?: Report,
  ): Promise<ChosenBinary> {
    const candidates = await this.#tracing.findBinaries(file, token, ({ done, total, binary }) => {
      report?.(l10n.t('looked into {0} of {1} binaries, now {2}', done, total, lastPart(binary)));
    });
    const decision = decide(candidates, this.#remembered(file, candidates));
    if (decision.kind === 'none') throw noBinary(file);
    if (decision.kind === 'use' && !options.ask) {
      const { candidate, pid, why } = decision;
      this.#log.info(
        `${file}: traced in ${candidate.binary}${pid === undefined ? '' : `, process ${pid}`} (${why}).`,
      );
      const note = versionNote(candidate);
      if (note !== undefined) this.#log.warn(`${file}: ${note} (${candidate.binary}).`);
      return { candidate, binary: candidate.binary, ...(pid === undefined ? {} : { pid }) };
    }
    const chosen = await this.#ask(file, candidates, token);
    const choice: BinaryChoice = {
      binary: chosen.binary,
      ...(chosen.pid === undefined ? {} : { pid: chosen.pid }),
    };
    // the newest stands last
    const { [file]: _before, ...others } = this.#all();
    await this.#memento.update(MEMENTO_KEY, { ...others, [file]: choice });
    return { ...choice, candidate: chosen.candidate };
  }

  async #ask(file: string, candidates: readonly BinaryCandidate[], token?: CancellationToken) {
    const name = lastPart(file);
    const chosen = await asking(
      window.showQuickPick(
        choiceItems(candidates),
        {
          title: l10n.t('Trace {0} in…', name),
          placeHolder: l10n.t('Binaries built from {0}; the choice is remembered for this workspace', name),
          matchOnDescription: true,
          matchOnDetail: true,
        },
        token,
      ),
    );
    if (chosen === undefined) throw new ProbeError({ code: 'cancelled', message: 'No binary was chosen.' });
    return chosen;
  }

  #all(): Readonly<Record<string, BinaryChoice>> {
    return this.#memento.get<Record<string, BinaryChoice>>(MEMENTO_KEY, {});
  }

  /** What was chosen for this file, else for another file of a binary that fits: a program is asked for once. */
  #remembered(file: string, candidates: readonly BinaryCandidate[]): BinaryChoice | undefined {
    const all = this.#all();
    const fits = ({ binary }: BinaryChoice) => candidates.some((candidate) => candidate.binary === binary);
    return all[file] ?? Object.values(all).findLast(fits);
  }
}

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function noBinary(file: string): ProbeError {
  const name = lastPart(file);
  return new ProbeError({
    code: 'binary-not-found',
    message: `No running process and no binary in the workspace has debug information that names ${name}.`,
    remedy:
      'Build the program with -g and start it, or name the folder of its binaries in the setting probescope.binaries.folders. If it was built from another folder, name that in probescope.sourceMap.',
  });
}
