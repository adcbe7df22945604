import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { type Problem, ProbeError } from '../../../protocol/errors.ts';
import type { CounterInterval, StatSpec } from '../../../protocol/events.ts';
import { IntervalReader } from './intervals.ts';

/** What is counted unless something else is asked for: what perf stat itself shows, and the caches. */
export const defaultCounters = [
  'task-clock',
  'context-switches',
  'cpu-migrations',
  'page-faults',
  'cycles',
  'instructions',
  'branch-instructions',
  'branch-misses',
  'cache-references',
  'cache-misses',
];

export interface RunningStat {
  readonly ended: Promise<{ readonly exitCode: number; readonly problem?: Problem }>;
  stop(): void;
}

/**
 * Runs `perf stat` at intervals. What is not a command's own run is counted as long as a `cat` runs that perf starts and
 * that reads a pipe of ours: closing the pipe ends perf in good order, with its last interval, also when it runs as root
 * and may not be signalled, and also when this process is killed. perf's lines come on standard error, since sudo closes
 * what lies above; with a command they have a pipe of their own (`--log-fd 3`), so that the command keeps its output.
 * `perf` are the words that run it, with sudo where that is needed; `inherit` gives the command the terminal; otherwise its output is discarded.
 */
export function runStat(
  spec: StatSpec,
  onInterval: (interval: CounterInterval) => void,
  options: { readonly perf?: readonly string[]; readonly inherit?: boolean } = {},
): RunningStat {
  const events = spec.events.length === 0 ? defaultCounters : spec.events;
  for (const event of events)
    if (!/^[\w./:=,-]+$/.test(event) || event.startsWith('-'))
      throw new ProbeError({ code: 'invalid-argument', message: `“${event}” is no name of a counter.` });
  const { pid, command } = spec;
  if (pid !== undefined && !existsSync(`/proc/${pid}`))
    throw new ProbeError({ code: 'process-gone', message: `There is no process ${pid}.` });
  const interval = ['-I', String(Math.max(10, spec.intervalMs)), '-e', events.join(',')];
  const args = ['stat', '-j', ...(command === undefined ? [] : ['--log-fd', '3']), ...interval];
  if (command !== undefined) args.push('--', ...command);
  else args.push(...(pid === undefined ? ['-a'] : ['-p', String(pid)]), '--', 'cat');
  const [program = 'perf', ...words] = [...(options.perf ?? ['perf']), ...args];
  const terminal = options.inherit === true ? 'inherit' : 'ignore';
  const child = execa(program, words, {
    reject: false,
    stdio:
      command === undefined
        ? ['pipe', 'ignore', 'pipe']
        : [terminal, terminal, options.inherit === true ? 'inherit' : 'pipe', 'pipe'],
    buffer: { stderr: command !== undefined, fd3: false },
    env: { LC_ALL: 'C' },
  });
  child.stdin?.on('error', () => undefined);
  const stop = (): void => {
    if (command === undefined) child.stdin?.end();
    else child.kill('SIGINT');
  };
  const reader = new IntervalReader(spec, (figures) => {
    onInterval(figures);
    // perf waits for `cat`, not for the process
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) stop();
  });
  const lines = command === undefined ? child.stderr : child.stdio[3];
  lines?.on('data', (chunk: Buffer) => reader.feed(chunk.toString('utf8')));
  const ended = child.then((result) => {
    reader.end();
    if (result.code === 'ENOENT')
      return {
        exitCode: 127,
        problem: {
          code: 'engine-missing' as const,
          message: 'perf is not installed.',
          remedy:
            'Debian: apt-get install linux-perf. Ubuntu: apt-get install linux-tools-$(uname -r). Fedora: dnf install perf.',
        },
      };
    if (reader.intervals === 0 && result.exitCode !== 0)
      return {
        exitCode: result.exitCode ?? 1,
        problem: {
          code: 'engine-refused' as const,
          message: `perf stat ended without counting: ${reader.words || String(result.stderr ?? '').trim() || 'no reason given'}`,
        },
      };
    return { exitCode: result.exitCode ?? 0 };
  });
  return { ended, stop };
}
