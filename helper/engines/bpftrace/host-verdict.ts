import type { ScriptVerdict } from '../../../protocol/verdict.ts';
import { bpftraceFacts } from '../../host/bpftrace-facts.ts';
import { checkScript } from './verdict.ts';

/** Asks this host's bpftrace about a script; silent where there is none or it may not be run. */
export async function checkScriptHere(
  script: string,
  options: { readonly unsafe: boolean; readonly cancelSignal?: AbortSignal },
): Promise<ScriptVerdict> {
  const { facts, privilege } = await bpftraceFacts();
  const { path, version } = facts;
  if (!facts.works || path === undefined || version === undefined)
    return { source: '', remarks: [], silent: facts.detail };
  if (privilege.way === 'none') return { source: '', remarks: [], silent: privilege.detail };
  return checkScript({ command: [...privilege.prefix, path], version }, script, options);
}
