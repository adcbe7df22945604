import { writeFile } from 'node:fs/promises';
import { format } from '../language-server/language/format/format.ts';
import { LineIndex } from '../language-server/language/lines.ts';
import { parse } from '../language-server/language/syntax/parser.ts';
import { newestVersion, oldestVersion, parseVersion } from '../language-server/language/version.ts';
import { ProbeError } from '../protocol/errors.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';
import { readScript } from './script-file.ts';

export const formatCommand: Command = {
  usage: `usage: probescope format [--check|--write] [--bpftrace VERSION] FILE…

Prints bpftrace scripts with their white space put in order; - reads standard input.
  --check              print the names of files that are not in order, and exit 1 if there are any
  --write              change the files instead of printing them
  --bpftrace VERSION   the release whose grammar the scripts are written for (newest by default)

Exit code 0: all in order or written, 1: files to change or with syntax errors, 2: wrong command line, or a file that\ncannot be read.`,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      check: { type: 'boolean' },
      write: { type: 'boolean' },
      bpftrace: { type: 'string' },
      help: { type: 'boolean' },
    });
    if (positionals.length === 0) throw new UsageError('name the files to format, or - for standard input');
    if (values.check === true && values.write === true)
      throw new UsageError('--check and --write exclude each other');
    if (values.write === true && positionals.includes('-'))
      throw new UsageError('--write needs files, not standard input');
    const mode = values.check === true ? 'check' : values.write === true ? 'write' : 'print';
    const version = versionOf(values.bpftrace);
    let findings = 0;
    for (const file of positionals) {
      const script = await readScript(file);
      if ('refusal' in script) {
        process.stderr.write(`probescope format: ${script.refusal}\n`);
        return exitCodes.usage;
      }
      if (!(await formatFile(file, script.text, mode, version))) findings++;
    }
    return findings === 0 ? exitCodes.ok : exitCodes.failed;
  },
};

function versionOf(text: string | undefined): number {
  if (text === undefined) return newestVersion;
  const version = parseVersion(text);
  if (version === undefined || version < oldestVersion)
    throw new UsageError(`${text} is no version of bpftrace that is known here: write 0.17 or 0.23.2`);
  return version;
}

/** False when the file has a finding: it cannot be formatted, or with `--check` is not in order. */
async function formatFile(
  file: string,
  source: string,
  mode: 'check' | 'write' | 'print',
  version: number,
): Promise<boolean> {
  const name = file === '-' ? 'stdin' : file;
  const result = format(source, { version });
  if (result === undefined) {
    complain(name, source, version);
    return false;
  }
  if (mode === 'print') process.stdout.write(result);
  else if (result !== source && mode === 'write') await write(file, result);
  else if (result !== source) {
    process.stdout.write(`${name}\n`);
    return false;
  }
  return true;
}

function complain(name: string, source: string, version: number): void {
  const [first] = parse(source, { version }).diagnostics;
  const { line, character } = new LineIndex(source).positionAt(first?.start ?? 0);
  process.stderr.write(
    `${name}:${line + 1}:${character + 1}: ${first?.message ?? 'not a bpftrace script'}\n`,
  );
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    throw new ProbeError(
      { code: 'file-unwritable', message: `${file} cannot be written`, remedy: 'Check the permissions.' },
      { cause },
    );
  }
}
