import type { Problem } from '../../../protocol/errors.ts';
import { OLDEST_VERSION } from './version.ts';

/** How an engine ended without being told to. */
export interface EngineEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stderr: string;
  readonly stdout: string;
  readonly command: {
    readonly words: readonly string[];
    readonly version: string;
    readonly uprobeRemedy?: string;
  };
  /** Everything was attached before it ended. */
  readonly wasReady: boolean;
}

/** Printed by versions that go on working all the same, where CAP_SYS_RESOURCE is missing. */
const harmless = /RLIMIT_MEMLOCK|^\s*$|available_filter_functions/;

/** bpftrace's own words: its errors, else its last lines. */
export function complaint(stderr: string, stdout = ''): string {
  const lines = [...stderr.split('\n'), ...stdout.split('\n')].filter((line) => !harmless.test(line));
  const errors = lines.filter((line) => /error|fail|denied|permitted|root|sudo/i.test(line));
  return (errors.length > 0 ? errors.slice(0, 3) : lines.slice(-2))
    .join(' ')
    .replace(/^stdin:/, '')
    .trim();
}

/**
 * What an engine's end means. The tools give no codes for it, so this is the one place that reads their words: shells
 * answer 127 and 126 for programs that are not there or may not be run, sudo and bpftrace 1 with a sentence.
 */
export function engineProblem(end: EngineEnd): Problem {
  const { exitCode, signal, command } = end;
  const tool = command.words.at(-1) ?? 'bpftrace';
  const words = complaint(end.stderr, end.stdout);
  const said = words === '' ? '' : ` It said: ${words}`;
  if (exitCode === 127)
    return {
      code: 'engine-missing',
      message: `${command.words[0] ?? tool} was not found.${said}`,
      remedy: 'Install bpftrace on the target (Debian, Ubuntu: apt-get install bpftrace).',
    };
  if (
    exitCode === 126 ||
    /must be run as root|only supports running as.*root|password is required|not allowed to execute|not in the sudoers|Operation not permitted|Permission denied/i.test(
      words,
    )
  )
    return {
      code: 'no-privileges',
      message: `bpftrace may not run with the privileges it needs.${said}`,
      remedy: `Run as root, or allow “sudo -n ${tool}” for your user: a line “USER ALL=(root) NOPASSWD: ${tool}” in /etc/sudoers.d.`,
    };
  if (end.wasReady)
    return {
      code: 'engine-ended',
      message: `bpftrace ended while it was tracing (${signal ?? `exit code ${exitCode ?? '?'}`}).${said}`,
      remedy:
        'Nothing is attached any more. Resume the probes to start it again; somebody may have killed it.',
    };
  if (command.uprobeRemedy !== undefined && /attach probe: u(?:ret)?probe:/.test(words))
    return {
      code: 'no-privileges',
      message: `bpftrace may not attach uprobes.${said}`,
      remedy: command.uprobeRemedy,
    };
  return {
    code: 'engine-refused',
    message: `bpftrace ${command.version} refused the probes (${signal ?? `exit code ${exitCode ?? '?'}`}).${said}`,
    remedy: `Look at the script and at bpftrace's words in the log; bpftrace ${OLDEST_VERSION} or newer is needed.`,
  };
}
