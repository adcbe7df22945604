import { exportFormats, exportProfile, writeChunks } from '../extension/core/interchange/export-file.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';
import { onNewerNode } from './newer-node.ts';
import { readProfile } from './profiles.ts';

export const command: Command = {
  usage: `usage: probescope export RECORDING --format FORMAT [--out FILE] [--profile N]

Writes a profile of a recording (or of a file that import reads) in another tool's format.
  --format     ${exportFormats.join(', ')}
  --out        where to; standard output without it
  --profile    which profile, where a recording holds several; the first without it`,
  async run(args) {
    const rerun = onNewerNode();
    if (rerun !== undefined) return rerun;
    const { values, positionals } = parseCommandLine(args, {
      format: { type: 'string' },
      out: { type: 'string' },
      profile: { type: 'string' },
    });
    const [path, ...rest] = positionals;
    if (path === undefined || rest.length > 0) throw new UsageError('name one recording');
    const format = exportFormats.find((each) => each === values.format);
    if (format === undefined) throw new UsageError(`--format must be one of ${exportFormats.join(', ')}`);
    writeChunks(exportProfile(await readProfile(path, profileId(values.profile)), format), values.out);
    return exitCodes.ok;
  },
};

export function profileId(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError(`${text} is not the number of a profile`);
  return Number(text);
}
