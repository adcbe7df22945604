import { ProbeError } from '../../../protocol/errors.ts';
import { bpftraceFacts } from '../../host/bpftrace-facts.ts';
import { engineWords, type Privilege } from '../../privilege/privilege.ts';
import type { EngineCommand } from './engine.ts';
import { OLDEST_VERSION } from './version.ts';

/** How bpftrace is run on this host. Throws engine-missing, engine-too-old and no-privileges with their next steps. */
export async function engineCommand(): Promise<{ command: EngineCommand; privilege: Privilege }> {
  const { facts, privilege } = await bpftraceFacts();
  if (!facts.works || facts.path === undefined || facts.version === undefined)
    throw new ProbeError({
      code:
        facts.path === undefined
          ? 'engine-missing'
          : facts.version === undefined
            ? 'engine-refused'
            : 'engine-too-old',
      message: facts.detail,
      remedy: facts.remedy ?? `bpftrace ${OLDEST_VERSION} or newer is needed.`,
    });
  if (privilege.way === 'none')
    throw new ProbeError({
      code: 'no-privileges',
      message: `Scripts need privileges that are missing: ${privilege.detail}`,
      ...(privilege.remedy === undefined ? {} : { remedy: privilege.remedy }),
    });
  return {
    privilege,
    command: {
      words: engineWords(privilege, 'bpftrace', facts.path),
      version: facts.version,
      passesEnvironment: privilege.prefix.length === 0,
      takesKeys: privilege.way === 'wrapper',
    },
  };
}
