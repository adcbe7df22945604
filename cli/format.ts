import { readFile, writeFile } from 'node:fs/promises';
import { format } from '../language-server/language/format/format.ts';
import { LineIndex } from '../language-server/language/lines.ts';
import { parse } from '../language-server/language/syntax/parser.ts';
import { newestVersion, parseVersion } from '../language-server/language/version.ts';
import { ProbeError } from '../protocol/errors.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';

export const formatCommand: Command = {
  usage: `usage: probescope format [--check|--write] [--bpftrace VERSION] FILE…

Prints bpftrace scripts with their white space put in order; - reads standard input.
  --check              print the names of files that are not in order, and exit 1 if there are any
  --write              change the files instead of printing them
  --bpftrace VERSION   the release whose grammar the scripts are written for (newest by default)

Exit code 0: all in order or written, 1: files to change or with syntax errors, 2: wrong command line.`,
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
    for (const file of positionals) if (!(await formatFile(file, mode, version))) findings++;
    return findings === 0 ? exitCodes.ok : exitCodes.failed;
  },
};

function versionOf(text: string | undefined): number {
  if (text === undefined) return newestVersion;
  const version = parseVersion(text);
  if (version === undefined) throw new UsageError(`${text} is no version of bpftrace: write 0.17 or 0.23.2`);
  return version;
}

/** False when the file has a finding: it cannot be formatted, or with `--check` is not in order. */
async function formatFile(
  file: string,
  mode: 'check' | 'write' | 'print',
  version: number,
): Promise<boolean> {
  const source = await read(file);
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

async function read(file: string): Promise<string> {
  try {
    if (file !== '-') return await readFile(file, 'utf8');
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  } catch (cause) {
    throw new ProbeError(
      {
        code: 'file-unreadable',
        message: `${file} cannot be read`,
        remedy: 'Check the name and the permissions.',
      },
      { cause },
    );
  }
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
