import type { Problem } from '../../../../protocol/errors.ts';
import type { VerdictRemark } from '../../../../protocol/verdict.ts';
import { engineProblem, type EngineEnd } from '../refusals.ts';
import { saysError } from './remarks.ts';

export interface ScriptEngineEnd extends Omit<EngineEnd, 'wasReady'> {
  readonly remarks: readonly VerdictRemark[];
  readonly wasAttached: boolean;
}

/** What the end of a script means that nobody asked for and that is not exit code 0; undefined for `exit(3)` of the script's own. */
export function endProblem(end: ScriptEngineEnd): Problem | undefined {
  const { exitCode, signal, command, remarks, wasAttached } = end;
  const said = saysError(end.stderr);
  if (wasAttached && !said && signal === null && exitCode !== null && exitCode < 126) return undefined;
  const general = engineProblem({ ...end, wasReady: wasAttached && !said });
  const error = remarks.find(({ severity }) => severity === 'error');
  if (general.code !== 'engine-refused' || error === undefined) return general;
  const attaching = wasAttached || exitCode === 255;
  return {
    code: attaching ? 'probe-refused' : 'engine-refused',
    message: `bpftrace ${command.version} ${attaching ? 'cannot attach' : 'refuses'} the script: line ${error.line + 1}: ${error.message}`,
    remedy:
      error.hint ??
      (attaching
        ? 'Look whether the target has this probe, and whether its kernel allows it: the Targets view tells what can be attached there.'
        : 'Correct the marked place in the script and run it again.'),
  };
}
