import { execa } from 'execa';
import { type Problem, ProbeError } from '../../../protocol/errors.ts';
import type { CounterInterval, StatSpec } from '../../../protocol/events.ts';
import { parseStat, ratiosOf } from './decode.ts';

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
 * Runs `perf stat` at intervals. perf's own lines go to a pipe of their own (`--log-fd 3`), so that a command keeps its output.
 * `inherit` gives the command the terminal; otherwise its output is discarded.
 */
export function runStat(
  spec: StatSpec,
  onInterval: (interval: CounterInterval) => void,
  options: { readonly elevate: readonly string[]; readonly inherit?: boolean },
): RunningStat {
  const events = spec.events.length === 0 ? defaultCounters : spec.events;
  for (const event of events)
    if (!/^[\w./:=,-]+$/.test(event) || event.startsWith('-'))
      throw new ProbeError({ code: 'invalid-argument', message: `“${event}” is no name of a counter.` });
  const scope = spec.pid !== undefined ? ['-p', String(spec.pid)] : spec.command !== undefined ? [] : ['-a'];
  const args = [
    'stat',
    '-j',
    '--log-fd',
    '3',
    '-I',
    String(Math.max(10, spec.intervalMs)),
    '-e',
    events.join(','),
    ...scope,
  ];
  if (spec.command !== undefined) args.push('--', ...spec.command);
  const [program = 'perf', ...words] = [...options.elevate, 'perf', ...args];
  const output = options.inherit === true ? 'inherit' : 'ignore';
  const child = execa(program, words, {
    reject: false,
    stdio: [
      options.inherit === true ? 'inherit' : 'ignore',
      output,
      options.inherit === true ? 'inherit' : 'pipe',
      'pipe',
    ],
    buffer: { fd3: false },
    env: { LC_ALL: 'C' },
  });
  const reader = new IntervalReader(spec, onInterval);
  const lines = child.stdio[3];
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
  return { ended, stop: () => child.kill('SIGINT') };
}

/** Puts the lines of one interval together: it is complete when the next one's first line arrives. */
class IntervalReader {
  intervals = 0;
  /** What perf said in words. */
  words = '';
  private partial = '';
  private lines: string[] = [];
  private atSeconds = '';
  private lastSeconds = 0;
  private readonly spec: StatSpec;
  private readonly onInterval: (interval: CounterInterval) => void;

  constructor(spec: StatSpec, onInterval: (interval: CounterInterval) => void) {
    this.spec = spec;
    this.onInterval = onInterval;
  }

  feed(text: string): void {
    const lines = (this.partial + text).split('\n');
    this.partial = lines.pop() ?? '';
    for (const line of lines) this.line(line);
  }

  end(): void {
    this.line(this.partial);
    this.flush();
  }

  private line(line: string): void {
    const at = /"interval" : ([\d.]+)/.exec(line)?.[1];
    if (at === undefined) {
      if (line.trim() !== '') this.words = `${this.words} ${line.trim()}`.trim().slice(0, 500);
      return;
    }
    if (at !== this.atSeconds) this.flush();
    this.atSeconds = at;
    this.lines.push(line);
  }

  private flush(): void {
    const [interval] = parseStat(this.lines.join('\n'));
    this.lines = [];
    if (interval === undefined) return;
    this.intervals++;
    this.onInterval({
      stream: this.spec.stream,
      atSeconds: interval.atSeconds,
      intervalSeconds: interval.atSeconds - this.lastSeconds,
      counters: interval.counters,
      ratios: ratiosOf(interval.counters),
    });
    this.lastSeconds = interval.atSeconds;
  }
}
