import { createInterface } from 'node:readline/promises';
import { installWrapper, plannedFiles, uninstallWrapper } from '../helper/privilege/install.ts';
import { exitCodes, parseCommandLine, UsageError, type Command } from './command.ts';

export const wrapper: Command = {
  usage: `usage: probescope wrapper show --user NAME
       probescope wrapper install --user NAME [--yes]
       probescope wrapper uninstall [--yes]

Installs a root-owned program that runs Probescope's engines with a narrow set of arguments, and a sudoers rule that
lets one user run it without a password. Shows every file first and asks; --yes answers. Needs root.`,

  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      user: { type: 'string' },
      yes: { type: 'boolean' },
    });
    const [what, ...more] = positionals;
    if (more.length > 0) throw new UsageError(`unexpected argument ${more[0]}`);
    switch (what) {
      case 'show':
      case 'install': {
        if (values.user === undefined) throw new UsageError('--user names who may run the engines');
        const files = await plannedFiles(values.user);
        for (const { path, mode, text } of files)
          process.stdout.write(`==> ${path} (root:root, ${mode.toString(8).padStart(4, '0')})\n${text}\n`);
        if (what === 'show') return exitCodes.ok;
        if (values.yes !== true && !(await agreed('Write these files?'))) return exitCodes.failed;
        await installWrapper(files);
        process.stderr.write(`Installed. Try it as ${values.user}: probescope doctor\n`);
        return exitCodes.ok;
      }
      case 'uninstall': {
        if (values.yes !== true && !(await agreed('Remove the wrapper and its sudoers rule?')))
          return exitCodes.failed;
        const removed = await uninstallWrapper();
        process.stderr.write(
          removed.length === 0 ? 'Nothing was installed.\n' : `Removed ${removed.join(', ')}.\n`,
        );
        return exitCodes.ok;
      }
      case undefined:
      default:
        throw new UsageError(
          what === undefined
            ? 'say show, install or uninstall'
            : `${what} is neither show, install nor uninstall`,
        );
    }
  },
};

/** Asks on the terminal; without one the answer is no. */
async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    process.stderr.write(`${question} Nobody to ask: repeat with --yes.\n`);
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
