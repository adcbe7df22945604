import { ProbeError } from '../protocol/errors.ts';
import type { LogpointSpec, LogValue } from '../protocol/logpoint.ts';
import type { LogpointOutcome } from '../helper/logpoints/logpoint.ts';
import { rootPrefix } from '../helper/privilege/root-prefix.ts';
import { Logpoints } from '../helper/logpoints/run.ts';
import { DebugInfo } from '../helper/symbols/debug-info.ts';
import {
  exitCodes,
  parseCommandLine,
  parseDurationMs,
  parsePid,
  UsageError,
  type Command,
} from './command.ts';

export const command: Command = {
  usage: `usage: probescope logpoint --binary FILE --at FILE:LINE[:COLUMN] 'text {expr} {expr:x}'
         [--pid PID] [--if CONDITION] [--duration TIME] [--hits N] [--rate N] [--json]

Prints the text each time that the line is reached, with the values of the expressions, until Ctrl-C.
  --pid PID        only this process (and those it starts); else every process that runs the binary
  --if CONDITION   an expression in C spelling; only hits for which it holds
  --duration TIME  end after 5s, 250ms, 2m …
  --hits N         end after N lines
  --rate N         at most N lines a second; the others are counted
  --json           one object a line: {"type":"value",…}, at the end {"type":"end","counts":{…}}
Expressions: req->header.len, v.items[2], *p, arr[0..8], casts, arithmetic, $pid $tid $cpu $comm $time.
Formats: d u x o b c s p. Write {{ and }} for braces.`,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      binary: { type: 'string' },
      at: { type: 'string' },
      pid: { type: 'string' },
      if: { type: 'string' },
      duration: { type: 'string' },
      hits: { type: 'string' },
      rate: { type: 'string' },
      json: { type: 'boolean' },
    });
    const template = positionals[0];
    if (values.binary === undefined || values.at === undefined)
      throw new UsageError('--binary and --at are needed');
    if (template === undefined || template.trim() === '' || positionals.length > 1)
      throw new UsageError('give one text, in quotes');
    const spec: LogpointSpec = {
      id: 'cli',
      binary: values.binary,
      ...parsePlace(values.at),
      template,
      ...(values.pid === undefined ? {} : { pid: parsePid(values.pid) }),
      ...(values.if === undefined ? {} : { condition: values.if }),
      ...(values.duration === undefined ? {} : { expiryMs: parseDurationMs(values.duration) }),
      ...(values.hits === undefined ? {} : { hitLimit: parseCount(values.hits) }),
      ...(values.rate === undefined ? {} : { rateLimitHz: parseCount(values.rate) }),
    };
    return await trace(spec, values.json === true);
  },
};

async function trace(spec: LogpointSpec, asJson: boolean): Promise<number> {
  const logpoints = new Logpoints({
    open: (binary) => DebugInfo.open(binary),
    elevate: rootPrefix,
  });
  const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const ended = new Promise<LogpointOutcome>((resolve, reject) => {
    logpoints
      .add(spec, {
        value: (value) =>
          asJson ? print({ type: 'value', ...value }) : process.stdout.write(`${lineOf(value)}\n`),
        ended: resolve,
      })
      .then(({ place, moved, sites, refused, attachMs }) => {
        const where = `${place.file}:${place.line}${moved ? ` (line ${spec.line} has no code)` : ''}`;
        process.stderr.write(
          `attached to ${sites.length} of ${sites.length + refused.length} sites of ${where} in ${Math.ceil(attachMs)} ms\n`,
        );
        for (const { reason, place: at } of refused)
          process.stderr.write(`  not ${at?.file ?? '?'}:${at?.line ?? 0}: ${reason}\n`);
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
          process.once(signal, () => void logpoints.remove(spec.id).catch(() => undefined));
      }, reject);
  });
  try {
    const outcome = await ended;
    if (asJson) print({ type: 'end', end: outcome.end, counts: outcome.counts });
    process.stderr.write(`${summary(outcome)}\n`);
    if (outcome.problem !== undefined) throw new ProbeError(outcome.problem);
    return exitCodes.ok;
  } finally {
    await logpoints.close();
  }
}

function lineOf({ wallClockMs, pid, tid, text }: LogValue): string {
  return `${new Date(wallClockMs).toISOString().slice(11, 23)} ${pid ?? '?'}/${tid} ${text}`;
}

function summary({ end, counts }: LogpointOutcome): string {
  const { hits, delivered, suppressed, lost, unreadable } = counts;
  const notes = [
    `${delivered} of ${hits} hits printed`,
    ...(suppressed > 0 ? [`${suppressed} left out by --rate`] : []),
    ...(lost > 0 ? [`${lost} lost in the kernel's buffer`] : []),
    ...(unreadable > 0 ? [`${unreadable} too long to be read`] : []),
  ];
  return `${notes.join(', ')} (${end})`;
}

function parsePlace(text: string): { file: string; line: number; column?: number } {
  const [, file, line, column] = /^(.+?):(\d+)(?::(\d+))?$/.exec(text) ?? [];
  if (file === undefined || Number(line) < 1) throw new UsageError(`${text} is no place: write FILE:LINE`);
  return { file, line: Number(line), ...(column === undefined ? {} : { column: Number(column) }) };
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new UsageError(`${text} is no count`);
  return Number(text);
}
