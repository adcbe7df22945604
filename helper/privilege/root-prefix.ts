import { ProbeError } from '../../protocol/errors.ts';
import { findPrivilege } from './privilege.ts';

/** Words that make the supervisor of tracefs run as root. Throws `no-privileges` where there is no way. */
export async function rootPrefix(): Promise<readonly string[]> {
  const { way, prefix, detail, remedy } = await findPrivilege('/bin/sh');
  if (way !== 'none') return prefix;
  throw new ProbeError({
    code: 'no-privileges',
    message: `Probes through tracefs need root: ${detail}`,
    ...(remedy === undefined ? {} : { remedy }),
  });
}
