import { findPrivilege, findProgram } from '../../privilege/privilege.ts';

/**
 * The words that run perf: through sudo or pkexec where a rule lets this user run it as root without a password, and by itself
 * otherwise, when kernel.perf_event_paranoid decides what may be counted. The wrapper does not know perf.
 */
export async function perfWords(): Promise<readonly string[]> {
  const path = await findProgram('perf');
  if (path === undefined) return ['perf'];
  const { way, prefix } = await findPrivilege(path, { takesCapabilities: false });
  return way === 'sudo' || way === 'pkexec' ? [...prefix, path] : [path];
}
