import { asProblem } from '../protocol/errors.ts';
import { exitCodes, UsageError, type Command } from './command.ts';

/** Runs a command of that name; the answer is the exit code. What goes wrong is told on stderr. */
export async function runCommand(name: string, command: Command, args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${command.usage}\n`);
    return exitCodes.ok;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`probescope ${name}: ${error.message}\n\n${command.usage}\n`);
      return exitCodes.usage;
    }
    const problem = asProblem(error);
    process.stderr.write(`probescope ${name}: ${problem.message}\n`);
    if (problem.remedy !== undefined) process.stderr.write(`  ${problem.remedy}\n`);
    return exitCodes.failed;
  }
}

/** The process ends with that exit code. */
export function runToEnd(ended: Promise<number>): void {
  // `| head` closes our output early; that is the reader's choice and no failure of ours
  process.stdout.on('error', () => process.exit(exitCodes.ok));
  void ended.then((code) => {
    process.exitCode = code;
  });
}
