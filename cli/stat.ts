import { runStat } from '../helper/sources/perf-stat/run.ts';
import type { CounterInterval, CounterReading } from '../protocol/events.ts';
import {
  type Command,
  UsageError,
  exitCodes,
  parseCommandLine,
  parseDurationMs,
  parsePid,
} from './command.ts';

export const statCommand: Command = {
  usage: `usage: probescope stat [--events E,E…] [--interval D] [--duration D] [--pid P | -- COMMAND ARGS…] [--json]

Counts software and hardware events of a process, a command or the whole machine at intervals, through perf stat.
A counter that this CPU cannot count is shown as “not supported”; one that shared its hardware with others says for
which part of the time it counted. --json prints one object an interval.`,
  async run(args) {
    const dashes = args.indexOf('--');
    const command = dashes < 0 ? undefined : args.slice(dashes + 1);
    const { values, positionals } = parseCommandLine(dashes < 0 ? args : args.slice(0, dashes), {
      events: { type: 'string' },
      interval: { type: 'string' },
      duration: { type: 'string' },
      pid: { type: 'string' },
      json: { type: 'boolean' },
    });
    if (positionals.length > 0)
      throw new UsageError(`${positionals[0]} is not expected: a command follows --`);
    if (command !== undefined && values.pid !== undefined)
      throw new UsageError('--pid and a command exclude one another');
    if (command?.length === 0) throw new UsageError('a command is missing after --');
    const json = values.json === true;
    const running = runStat(
      {
        stream: 'stat',
        events: values.events?.split(',') ?? [],
        intervalMs: parseDurationMs(values.interval ?? '1s'),
        ...(values.pid === undefined ? {} : { pid: parsePid(values.pid) }),
        ...(command === undefined ? {} : { command }),
      },
      (interval) => process.stdout.write(`${json ? JSON.stringify(interval) : table(interval)}\n`),
      { inherit: command !== undefined && !json },
    );
    process.once('SIGINT', () => running.stop());
    process.once('SIGTERM', () => running.stop());
    const timer =
      values.duration === undefined
        ? undefined
        : setTimeout(() => running.stop(), parseDurationMs(values.duration));
    const { exitCode, problem } = await running.ended;
    clearTimeout(timer);
    if (problem !== undefined) {
      process.stderr.write(
        `probescope stat: ${problem.message}${problem.remedy === undefined ? '' : `\n  ${problem.remedy}`}\n`,
      );
      return exitCodes.failed;
    }
    // The command's own exit code; perf ended by our signal is no failure.
    return command === undefined ? exitCodes.ok : exitCode;
  },
};

function table({ atSeconds, intervalSeconds, counters, ratios }: CounterInterval): string {
  return [
    `at ${atSeconds.toFixed(3)} s, over ${intervalSeconds.toFixed(3)} s`,
    ...counters.map((counter) => `  ${counter.event.padEnd(24)} ${valueText(counter)}`),
    ...ratios.map(
      ({ name, formula, value, unit }) =>
        `  ${name.padEnd(24)} ${value.toPrecision(3).padStart(18)} ${unit} = ${formula}`,
    ),
  ].join('\n');
}

function valueText({ value, unit, state, runningFraction }: CounterReading): string {
  if (value === undefined)
    return state === 'not-supported'
      ? '     not supported by this CPU or VM'
      : '       not counted: nothing ran';
  const number = Number.isInteger(value)
    ? value.toLocaleString('en-US')
    : value.toLocaleString('en-US', { maximumFractionDigits: 3 });
  const share =
    runningFraction < 0.999
      ? `  (scaled up: counted ${(runningFraction * 100).toFixed(1)} % of the time)`
      : '';
  return `${number.padStart(18)} ${unit}${share}`.trimEnd();
}
