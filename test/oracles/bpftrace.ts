import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A real bpftrace that can be asked about scripts. */
export interface Oracle {
  readonly version: 17 | 23 | 27;
  readonly program: string;
}

export interface Answer {
  /** The first error as bpftrace prints it, or empty. */
  readonly error: string;
  /** The error is of the lexer, the parser or the parser of attach points. */
  readonly syntax: boolean;
}

/** What 0.17 and 0.23 say before they look at meaning. */
const syntaxErrors = [
  'syntax error',
  'unterminated string',
  'invalid character',
  'invalid escape',
  'octal escape',
  'end of file during comment',
  'unexpected end of file',
  'must be applied to a map',
  'Tuples are immutable',
  'out of integer range',
  'trailing non-numeric',
  'Coefficient',
  'Exponent',
  'sto(?:u?ll)',
  'probe type requires',
  'probe type takes',
  'Invalid offset',
  'Offset not allowed',
  'Cannot take more',
  'No attach points',
  'Invalid probe type',
  'No probe type',
  'does not support wildcards',
  'Invalid function',
  'Not a positional',
  'positional parameter index',
  'only supports one attach',
];
const syntax = new RegExp(syntaxErrors.join('|'));

/** Asks in a form that attaches nothing; about 0.1 s. */
export async function ask(oracle: Oracle, script: string, folder: string, name: string): Promise<Answer> {
  const file = join(folder, `${name}.bt`);
  const { version } = oracle;
  const args = { 17: ['-d', '-'], 23: ['--emit-elf', `${file}.o`, '-'], 27: ['--fmt', file] }[version];
  if (oracle.version === 27) writeFileSync(file, script);
  const { error } = await run(oracle, args, oracle.version === 27 ? '' : script);
  return { error, syntax: oracle.version === 27 ? error !== '' : syntax.test(error) };
}

/** Whether 0.27 refuses the types of attach points, which `--fmt` reads as any text: `; { … }`. */
export async function refusesProbeTypes(oracle: Oracle, script: string): Promise<boolean> {
  const { error } = await run(oracle, ['--mode', 'codegen', '-'], script);
  return error.includes('Invalid probe type');
}

async function run(oracle: Oracle, args: readonly string[], input: string): Promise<{ error: string }> {
  const output = await new Promise<string>((resolve, reject) => {
    const child = spawn(oracle.program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let text = '';
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', () => {
      resolve(text);
    });
    child.stdin.end(input);
  });
  const error =
    output.split('\n').find((line) => /ERROR|FATAL/.test(line) && !line.includes('RLIMIT_MEMLOCK')) ?? '';
  return { error };
}

/** A folder that is gone after the test. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-oracle-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
