import { writeChunks } from '../extension/core/interchange/export-file.ts';
import { compareProfiles } from '../profile/compare.ts';
import { functionChanges, type FunctionChange } from '../profile/diff-table.ts';
import { exportSvg } from '../profile/export/svg.ts';
import { Painter } from '../profile/picture.ts';
import { formatWeight } from '../profile/weights.ts';
import { defaultFlameOptions } from '../protocol/flame.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';
import { onNewerNode } from './newer-node.ts';
import { readProfile, tell } from './profiles.ts';

const formats = ['text', 'json', 'svg'] as const;

export const command: Command = {
  usage: `usage: probescope diff BEFORE AFTER [--format text|json|svg] [--absolute] [--top N] [--out FILE]

Compares two profiles (recordings, or files that import reads), function by function or as a flame graph.
  --absolute    compare weights; without it, shares of each profile's total
  --top         how many functions the text lists; 20 without it
  --colours     red-blue or colour-blind, for svg`,
  async run(args) {
    const rerun = onNewerNode();
    if (rerun !== undefined) return rerun;
    const { values, positionals } = parseCommandLine(args, {
      format: { type: 'string', default: 'text' },
      absolute: { type: 'boolean', default: false },
      top: { type: 'string', default: '20' },
      colours: { type: 'string', default: 'red-blue' },
      out: { type: 'string' },
    });
    const [before, after, ...rest] = positionals;
    if (before === undefined || after === undefined || rest.length > 0)
      throw new UsageError('name two recordings');
    const format = formats.find((each) => each === values.format);
    if (format === undefined) throw new UsageError(`--format must be one of ${formats.join(', ')}`);
    if (!/^\d+$/.test(values.top)) throw new UsageError(`${values.top} is not a number of functions`);
    const diffColours = (['red-blue', 'colour-blind'] as const).find((each) => each === values.colours);
    if (diffColours === undefined) throw new UsageError('--colours must be red-blue or colour-blind');
    const [base, profile] = [await readProfile(before), await readProfile(after)];
    const normalised = !values.absolute;
    if (base.unit !== profile.unit) {
      if (!normalised)
        throw new UsageError(
          `${before} counts ${base.unit} and ${after} ${profile.unit}: only shares can be compared`,
        );
      tell(
        `${before} counts ${base.unit} and ${after} ${profile.unit}: these are shares of different things.`,
      );
    }
    const comparison = compareProfiles(base, profile);
    if (format === 'svg') {
      const options = { ...defaultFlameOptions, normalised, diffColours };
      writeChunks(
        [exportSvg(new Painter(comparison).paint(options), comparison.profile, options)],
        values.out,
      );
      return exitCodes.ok;
    }
    const changes = functionChanges(comparison, normalised);
    const { unit } = comparison.profile;
    const { beforeTotal, afterTotal } = comparison;
    writeChunks(
      [
        format === 'json'
          ? `${JSON.stringify({ unit, normalised, beforeTotal, afterTotal, functions: changes }, null, 1)}\n`
          : table(
              changes.slice(0, Number(values.top)),
              normalised,
              `before ${formatWeight(beforeTotal, base.unit)}, after ${formatWeight(afterTotal, unit)}; changes are ${normalised ? 'of shares of each total, in percentage points' : `in ${unit}`}`,
            ),
      ],
      values.out,
    );
    return exitCodes.ok;
  },
};

function table(changes: readonly FunctionChange[], normalised: boolean, title: string): string {
  const sign = (value: number): string => (value > 0 ? '+' : value < 0 ? '−' : ' ');
  const change = (value: number): string =>
    normalised ? `${sign(value)}${Math.abs(100 * value).toFixed(2)} %` : `${sign(value)}${Math.abs(value)}`;
  const lines = changes.map(({ function: name, module, selfBefore, selfAfter, selfChange, totalChange }) => [
    change(selfChange),
    change(totalChange),
    String(selfBefore),
    String(selfAfter),
    module === '' ? name : `${name} (${module})`,
  ]);
  const heads = ['self', 'total', 'self before', 'self after', 'function'];
  const widths = heads.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]!.length)));
  const row = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === cells.length - 1 ? cell : cell.padStart(widths[i]!))).join('  ');
  return [title, row(heads), ...lines.map(row), ''].join('\n');
}
