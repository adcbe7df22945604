import { parseArgs, type ParseArgsConfig } from 'node:util';
import { missingNote, type MissingFile } from '../helper/symbols/locate/debug-file.ts';

/** One command of the CLI. */
export interface Command {
  /** What `--help` prints and what follows a usage error. */
  readonly usage: string;
  /** Runs it; the answer is the exit code. Throws {@link UsageError} or `ProbeError`. */
  run(args: readonly string[]): Promise<number>;
}

/** 0: done, nothing found. 1: failed, or findings. 2: the command line is wrong. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** The command line is wrong; the message says where. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Node's own `parseArgs` (strict: unknown options are refused), whose complaints become {@link UsageError}s. */
export function parseCommandLine<const Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** A duration such as `5s`, `250ms`, `2m`, or a bare number of seconds, in milliseconds. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) throw new UsageError(`${text} is not a duration: write 250ms, 5s or 2m`);
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] ?? 's'] ?? 1000;
  const durationMs = Number(match[1]) * unitMs;
  if (durationMs === 0) throw new UsageError(`${text} is no time at all: write 250ms, 5s or 2m`);
  return durationMs;
}

/** A process id; 1 and up. */
export function parsePid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new UsageError(`${text} is not a process id`);
  return Number(text);
}

/** Tells on stderr what is missing of a binary's debug information. */
export function noteMissing(command: string, missing: readonly MissingFile[]): void {
  const note = missingNote(missing);
  if (note !== undefined) process.stderr.write(`probescope ${command}: ${note}\n`);
}
