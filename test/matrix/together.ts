import { execFileSync } from 'node:child_process';
import { repository } from '../integration/support/traced-program.ts';
import { startGuest, type Guest } from '../lab/guest.ts';

/** A shell command in the guest; `input` is its standard input. */
export type Ssh = (command: string, input?: Buffer) => string;

export function sshTo(guest: () => Guest): Ssh {
  return (command, input) =>
    execFileSync('ssh', [...guest().options, guest().name, command], {
      input: input ?? '',
      maxBuffer: 1 << 28,
    }).toString();
}

/** The command line, as it lies in a guest of {@link guestWithCli}. */
export const cli = 'sudo -n node dist/cli.js';

/** A guest with a stock kernel and our command line in the user's home. */
export async function guestWithCli(suite: Parameters<typeof startGuest>[0]): Promise<Guest> {
  const guest = await startGuest(suite);
  const bundle = execFileSync('tar', ['cz', '-C', repository, 'dist/cli.js', 'dist/cli'], {
    maxBuffer: 1 << 28,
  });
  sshTo(() => guest)('tar xz', bundle);
  return guest;
}

export interface BesideWork {
  /** Words of a shell; `$WORK` is the process that works. */
  readonly run: string;
  /** True in a shell when it has attached; `OUT` is what it has printed so far. */
  readonly attached: string;
}

/**
 * Starts `commands` in the guest, lets the work, which waits for a line on its standard input, go when each has said that it is attached,
 * ends them after it, and gives what they printed.
 */
export function together(ssh: Ssh, work: string, commands: readonly BesideWork[]): string[] {
  const script = [
    'mkfifo go 2>/dev/null; rm -f out.*',
    `${work} < go & work=$!`,
    'exec 3> go',
    ...commands.map(({ run }, index) => `(${run.replaceAll('$WORK', '$work')}) > out.${index} 2>&1 &`),
    ...commands.map(
      ({ attached }, index) =>
        `n=0; until ${attached.replaceAll('OUT', `out.${index}`)}; do n=$((n+1)); [ $n -lt 600 ] || exit 9; sleep 0.2; done`,
    ),
    // what attaches more than one probe has them all now
    'sleep 3; sudo -n cat /sys/kernel/tracing/dynamic_events > definitions',
    'echo go >&3; wait $work; sleep 2',
    `sudo -n pkill -INT -f '^(bpftrace|node dist/cli.js)'; wait`,
  ].join('\n');
  ssh(script);
  return commands.map((_, index) => ssh(`cat out.${index}`));
}
