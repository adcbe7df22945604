import { importFile, importFormats } from '../extension/core/interchange/import-file.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';
import { formatNumber, formatWeight } from '../profile/weights.ts';
import { onNewerNode } from './newer-node.ts';
import { tell, writeRecording } from './profiles.ts';

export const command: Command = {
  usage: `usage: probescope import FILE --out RECORDING [--from FORMAT]

Reads a profile of another tool into a new recording. The format is found by the content; gzip is unpacked.
  --out     the recording to make, usually *.probescope; it must not exist
  --from    ${importFormats.join(', ')}
What could not be used is told with its place; exit 1 when nothing could.`,
  async run(args) {
    const rerun = onNewerNode();
    if (rerun !== undefined) return rerun;
    const { values, positionals } = parseCommandLine(args, {
      out: { type: 'string' },
      from: { type: 'string' },
    });
    const [path, ...rest] = positionals;
    if (path === undefined || rest.length > 0) throw new UsageError('name one file');
    if (values.out === undefined) throw new UsageError('--out RECORDING is missing');
    const from = importFormats.find((each) => each === values.from);
    if (values.from !== undefined && from === undefined)
      throw new UsageError(`--from must be one of ${importFormats.join(', ')}`);
    const { profile, notes, format } = await importFile(path, from);
    for (const note of notes) tell(note);
    writeRecording(values.out, profile, { imported_from: path, imported_format: format });
    const total = profile.nodes.self.reduce((sum, weight) => sum + weight, 0);
    tell(
      `${path} was read as ${format}: ${counted(profile.nodes.frame.length - 1, 'frame')} in ${counted(countStacks(profile.nodes.self), 'unique stack')}, ${formatWeight(total, profile.unit)}.`,
    );
    return exitCodes.ok;
  },
};

const counted = (count: number, noun: string): string =>
  `${formatNumber(count)} ${noun}${count === 1 ? '' : 's'}`;

function countStacks(self: Float64Array): number {
  let count = 0;
  for (const weight of self) if (weight > 0) count++;
  return count;
}
