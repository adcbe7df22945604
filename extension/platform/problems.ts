/** Errors as messages: what happened, to what, the next step, and a button where a button can do it. */
import { env, l10n, window, type LogOutputChannel } from 'vscode';
import { asProblem, type Problem, type ProblemCode } from '../../protocol/errors.ts';

/** A button of a message. */
export interface Remedy {
  readonly label: string;
  run(): unknown;
}

export type ShowProblem = (thrown: unknown, remedies?: readonly Remedy[]) => Promise<void>;

/** Problems of the target's set-up or the user's choice, as against failures of ours or of an engine. */
const expected: ReadonlySet<ProblemCode> = new Set([
  'function-not-found',
  'function-inlined-everywhere',
  'no-symbols',
  'no-debug-information',
  'binary-not-found',
  'binary-replaced',
  'line-without-code',
  'process-gone',
]);

/** Writes the problem to the log and shows it; cancellation is no problem. Resolves when the message was answered or closed. */
export function problemPresenter(log: LogOutputChannel): ShowProblem {
  const present: ShowProblem = async (thrown, remedies = []) => {
    const problem = asProblem(thrown);
    if (problem.code === 'cancelled') return;
    const mild = expected.has(problem.code);
    logProblem(log, problem, mild, thrown);
    const buttons: Remedy[] = [
      ...remedies,
      ...installRemedy(problem.code),
      {
        label: l10n.t('Show Log'),
        run: () => {
          log.show(true);
        },
      },
    ];
    const text = problem.remedy === undefined ? problem.message : `${problem.message} ${problem.remedy}`;
    const show = mild ? window.showWarningMessage : window.showErrorMessage;
    const chosen = await show(text, ...buttons.map(({ label }) => label));
    try {
      await buttons.find(({ label }) => label === chosen)?.run();
    } catch (error) {
      await present(error);
    }
  };
  return present;
}

function logProblem(log: LogOutputChannel, problem: Problem, mild: boolean, thrown: unknown): void {
  const text = `${problem.message}${problem.remedy === undefined ? '' : ` ${problem.remedy}`} (${problem.code})`;
  if (mild) log.warn(text);
  else log.error(text);
  if (problem.code === 'internal' && thrown instanceof Error && thrown.stack !== undefined)
    log.error(thrown.stack);
}

/** The package's name is the same in Debian, Ubuntu, Fedora and Arch; the command is Debian's, as the remedy says. */
const INSTALL = 'sudo apt-get install bpftrace';

function installRemedy(code: ProblemCode): Remedy[] {
  if (code !== 'engine-missing' && code !== 'engine-too-old') return [];
  return [
    {
      label: l10n.t('Install bpftrace: Copy Command'),
      run: async () => {
        await env.clipboard.writeText(INSTALL);
        window.setStatusBarMessage(l10n.t('Copied: {0}', INSTALL), 5000);
      },
    },
  ];
}
