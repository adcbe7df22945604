import { basename } from 'node:path';
import { ProbeError } from '../../../protocol/errors.ts';

/**
 * Where tracing happens: a command that gives standard input and output over there (DESIGN, decision 7).
 * `name` is what people see and what settings remember; it is unique in a workspace.
 */
export type Target =
  | { readonly kind: 'local'; readonly name: string }
  /** `host` is an alias of the user's OpenSSH configuration or `[user@]host`; everything else is OpenSSH's own work. */
  | {
      readonly kind: 'ssh';
      readonly name: string;
      readonly host: string;
      readonly options?: readonly string[];
    }
  /** Any other way in: `["docker","exec","-i","web","{}"]`; `{}` stands for the command that runs over there. */
  | { readonly kind: 'command'; readonly name: string; readonly template: readonly string[] };

export const localTarget: Target = { kind: 'local', name: 'local' };

/** The word of a template that is replaced by the command that runs over there. */
export const PLACEHOLDER = '{}';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * The local command that runs `argv` on the target.
 * No shell of ours is involved. ssh joins its arguments and hands them to the login shell over there, so they are
 * quoted once, also in a template that runs ssh; other templates take them as arguments of their own, which is what exec-like tools expect.
 */
export function commandOn(target: Target, argv: readonly [string, ...string[]]): Command {
  switch (target.kind) {
    case 'local':
      return { file: argv[0], args: argv.slice(1) };
    case 'ssh':
      return {
        file: 'ssh',
        args: [
          '-T',
          // Never a prompt: a password must not pass through our process, and a prompt without terminal would hang.
          ...['-o', 'BatchMode=yes'],
          ...['-o', 'ConnectTimeout=10'],
          // A dead link is noticed after 1 s × 4, and the other end is told to do the same by the helper's own watch.
          ...['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=4'],
          ...(target.options ?? []),
          '--',
          checkedHost(target.host),
          forSsh(argv),
        ],
      };
    case 'command': {
      const there = basename(target.template[0] ?? '') === 'ssh' ? [forSsh(argv)] : argv;
      const at = target.template.indexOf(PLACEHOLDER);
      const words =
        at < 0
          ? [...target.template, ...there]
          : [...target.template.slice(0, at), ...there, ...target.template.slice(at + 1)];
      const [file, ...args] = words;
      if (file === undefined || file === '' || at === 0)
        throw new ProbeError({
          code: 'invalid-argument',
          message: `The target “${target.name}” has no command to run.`,
          remedy:
            'Give it one in the setting probescope.targets, for example ["docker","exec","-i","web","{}"].',
        });
      return { file, args };
    }
  }
}

const forSsh = (argv: readonly string[]): string => argv.map(quoteForShell).join(' ');

/** A host name that ssh cannot take for an option: its own check came with OpenSSH 9.6, and targets may run older ones. */
function checkedHost(host: string): string {
  // user@host, host, [v6]:port forms and aliases; no white space, quotes, backslashes or shell characters
  if (/^[A-Za-z0-9_[][A-Za-z0-9_.:@%[\]+-]*$/.test(host)) return host;
  throw new ProbeError({
    code: 'invalid-argument',
    message: `“${host}” is not a host name that Probescope passes to ssh.`,
    remedy: 'Use a name from your OpenSSH configuration, or [user@]host.',
  });
}

/**
 * One word for a POSIX shell: everything but a few safe characters goes into single quotes, and a single quote is closed,
 * escaped and opened again. fish and csh read it the same way.
 */
export function quoteForShell(word: string): string {
  if (word.includes('\0'))
    throw new ProbeError({ code: 'invalid-argument', message: 'A command word holds a NUL byte.' });
  if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
