import { hostname, release } from 'node:os';
import { resolve } from 'node:path';
import { type RawValue, show } from '../fields/show.ts';
import { frameText } from '../fields/stack-text.ts';
import { readColumn } from '../helper/sources/columns.ts';
import { EventsService } from '../helper/sources/service.ts';
import type { Problem } from '../protocol/errors.ts';
import {
  EMPTY_STACK,
  NO_STACK,
  type EventCounts,
  type EventRows,
  type EventStack,
  type EventStacks,
  type EventsMode,
  type EventsSpec,
  type StreamColumn,
  type StreamSchema,
} from '../protocol/events.ts';
import {
  type Command,
  UsageError,
  exitCodes,
  parseCommandLine,
  parseDurationMs,
  parsePid,
} from './command.ts';
import type { EventRecorder } from '../extension/core/recording/event-recorder.ts';
import type { EventDatabase } from '../extension/core/recording/event-database.ts';
import { databaseColumns } from '../fields/database-columns.ts';
import { EVENT_COLUMN, recordNames } from '../fields/row-columns.ts';
import { bpftraceFacts } from '../helper/host/bpftrace-facts.ts';
import { onNewerNode } from './newer-node.ts';
import { runText } from './run.ts';
import { summariseSyscalls } from './syscalls.ts';
import { uniqueId } from '../extension/core/unique-id.ts';

/** `block:block_rq_issue` means the tracepoint, a bare `openat` the system call. */
export function sourceIdOf(text: string): string {
  if (/^(?:tracepoint|syscall|kernel-function|usdt|user-function):/.test(text)) return text;
  return text.includes(':') ? `tracepoint:${text}` : `syscall:${text}`;
}

function wholeNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--${option} ${text}: a number from 1 is expected`);
  return Number(text);
}

function modeOf(values: { count?: string | undefined; sample?: string | undefined }): EventsMode {
  if (values.count !== undefined && values.sample !== undefined)
    throw new UsageError('--first and --sample exclude one another');
  if (values.count !== undefined) return { kind: 'first', rows: wholeNumber('first', values.count) };
  if (values.sample !== undefined) return { kind: 'sample', every: wholeNumber('sample', values.sample) };
  return { kind: 'each' };
}

function stacksOf(text: string | undefined): Pick<EventsSpec, 'userStack' | 'kernelStack'> {
  switch (text) {
    case undefined:
      return {};
    case 'user':
      return { userStack: true };
    case 'kernel':
      return { kernelStack: true };
    case 'both':
      return { userStack: true, kernelStack: true };
    default:
      throw new UsageError(`--stacks ${text}: user, kernel or both is expected`);
  }
}

export const eventsCommand: Command = {
  usage: `usage: probescope events EVENT… [--filter F] [--pid P] [--duration D] [--first N] [--sample N] [--accept-rate]
                          [--stacks user|kernel|both] [--durations] [--fd-paths] [--out FILE] [--json | --copy bpftrace|perf|shell]
       probescope events EVENT… --count-by FIELD [--filter F] [--pid P] [--duration D] [--json | --copy bpftrace]
       probescope events 'syscall:*' --summary [--pid P] [--duration D] [--json]

Shows events as they happen. EVENT is SUBSYSTEM:NAME for a tracepoint, a system call's name, or an id of “probescope sources”.
  --filter F      e.g. 'bytes > 64k && comm == "fio"', 'ret == -ENOENT', 'flags & O_CREAT'
  --pid P         only this process and the children it starts
  --duration D    ends after 10s, 500ms, 2m; otherwise with Ctrl-C
  --first N       ends after N rows        --sample N   one of N events; the others are counted
  --stacks WHICH  each event with the functions that led to it: user (the program's, at most 8), kernel, or both
  --durations     of user functions: each call with its result and duration, at its return
  --fd-paths      file descriptors of system calls with their paths, looked up in /proc after the event: each says how long after
  --accept-rate   trace each event although there are more than 100,000 a second
  --json          one JSON object a line: {"time" (ns), "event", "cpu", "pid", "tid", "comm", fields…}; the last one has "counts"
  --out FILE      also write the rows, with raw values and stacks, as the table “events” of an SQLite file; FILE.probescope is a
                  recording with what was lost, which VS Code opens as the same table and probescope query reads
  --count-by F    count in the kernel by comm, pid, tid, cpu or a field of the events, however many there are: nothing travels for each
  --copy TOOL     print the equivalent command or script instead of tracing
  --summary       sum up all system calls, as strace -c and -T: calls, errors by name, and durations with percentiles

What was received, lost and left out by sampling is told at the end.`,
  async run(args) {
    const { values, positionals } = parseCommandLine(args, {
      filter: { type: 'string' },
      pid: { type: 'string' },
      duration: { type: 'string' },
      first: { type: 'string' },
      sample: { type: 'string' },
      stacks: { type: 'string' },
      out: { type: 'string' },
      'accept-rate': { type: 'boolean' },
      durations: { type: 'boolean' },
      'fd-paths': { type: 'boolean' },
      json: { type: 'boolean' },
      copy: { type: 'string' },
      'count-by': { type: 'string' },
      summary: { type: 'boolean' },
    });
    if (positionals.length === 0) throw new UsageError('no event is named');
    const durationMs = values.duration === undefined ? undefined : parseDurationMs(values.duration);
    if (values.summary === true) {
      if (positionals.length !== 1 || !/^syscalls?:\*$/.test(positionals[0] ?? ''))
        throw new UsageError(`--summary sums up all system calls: name 'syscall:*' and no other event`);
      alone('--summary', values, ['filter', 'copy', ...ofSingleEvents]);
      return summariseSyscalls({
        json: values.json === true,
        ...(values.pid === undefined ? {} : { pid: parsePid(values.pid) }),
        ...(durationMs === undefined ? {} : { durationMs }),
      });
    }
    const spec: EventsSpec = {
      stream: uniqueId(),
      sources: positionals.map(sourceIdOf),
      mode: modeOf({ count: values.first, sample: values.sample }),
      ...stacksOf(values.stacks),
      ...(values.filter === undefined ? {} : { filter: values.filter }),
      ...(values.pid === undefined ? {} : { pid: parsePid(values.pid) }),
      ...(values['accept-rate'] === true ? { acceptRate: true } : {}),
      ...(values.durations === true ? { durations: true } : {}),
      ...(values['fd-paths'] === true ? { fdPaths: true } : {}),
    };
    const by = values['count-by'];
    if (by !== undefined) {
      alone('--count-by', values, ofSingleEvents);
      return countEvents(spec, by, { json: values.json === true, durationMs, copy: values.copy });
    }
    if (values.out !== undefined) {
      const rerun = onNewerNode();
      if (rerun !== undefined) return rerun;
    }
    return new EventsRun(spec, values.json === true, values.out).run(durationMs, values.copy);
  },
};

/** Options that say something of events one by one. */
const ofSingleEvents = ['first', 'sample', 'stacks', 'out', 'accept-rate', 'durations', 'fd-paths'];

function alone(mode: string, values: Readonly<Record<string, unknown>>, others: readonly string[]): void {
  for (const option of others)
    if (values[option] !== undefined) throw new UsageError(`${mode} and --${option} exclude one another`);
}

/** The script runs as `probescope run` runs it: maps at the end, or each second with --json. */
async function countEvents(
  spec: EventsSpec,
  by: string,
  options: { json: boolean; durationMs: number | undefined; copy: string | undefined },
): Promise<number> {
  const { json, durationMs, copy } = options;
  if (copy !== undefined && copy !== 'bpftrace')
    throw new UsageError(`--copy ${copy}: events are counted by a bpftrace script`);
  const { facts } = await bpftraceFacts();
  const minor = Number(/^0\.(\d+)/.exec(facts.version ?? '')?.[1] ?? 17);
  const service = new EventsService({
    emit: () => undefined,
    bpftraceMinor: () => Promise.resolve(minor),
  });
  const { script } = await service.countEvents({ ...spec, by });
  if (copy !== undefined) {
    process.stdout.write(script);
    return exitCodes.ok;
  }
  return runText('count.bt', script, { json, ...(durationMs === undefined ? {} : { durationMs }) });
}

class EventsRun {
  private readonly spec: EventsSpec;
  private readonly json: boolean;
  private readonly out: string | undefined;
  private database: EventDatabase | undefined;
  private recorder: EventRecorder | undefined;
  private readonly service: EventsService;
  private readonly texts: string[] = [];
  private schema: StreamSchema | undefined;
  private names: readonly string[] = [];
  /** Rows that came before the answer that describes them, or before the names of their stacks. */
  private waiting: EventRows[] = [];
  private readonly stacks = new Map<number, EventStack>();
  private ended: ((end: { counts: EventCounts; problem?: Problem }) => void) | undefined;

  constructor(spec: EventsSpec, json: boolean, out: string | undefined) {
    this.spec = spec;
    this.json = json;
    this.out = out;
    this.service = new EventsService({
      emit: (event, params) => {
        if (event === 'eventRows') this.take(params as EventRows);
        if (event === 'eventStacks') this.name(params as EventStacks);
        if (event === 'eventsState' && 'state' in params && params.state.kind === 'ended') {
          this.print(true);
          this.ended?.(params.state);
        }
      },
    });
  }

  async run(durationMs: number | undefined, copy: string | undefined): Promise<number> {
    const end = new Promise<{ counts: EventCounts; problem?: Problem }>((resolve) => (this.ended = resolve));
    const stop = () => void this.service.stopEvents({ stream: this.spec.stream }).catch(() => undefined);
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    process.stdout.once('error', stop);
    if (copy !== undefined) return this.copy(copy);
    const schema = await this.service.startEvents(this.spec);
    if (this.out?.endsWith('.probescope') === true) this.recorder = await this.record(schema, this.out);
    else if (this.out !== undefined) this.database = await this.openDatabase(schema, this.out);
    this.schema = schema;
    this.names = recordNames(schema.columns);
    this.print();
    const timer = durationMs === undefined ? undefined : setTimeout(stop, durationMs);
    const { counts, problem } = await end;
    clearTimeout(timer);
    this.summary(counts);
    this.recorder?.finish(counts);
    this.database?.close({
      events: this.spec.sources.join(' '),
      filter: this.spec.filter ?? '',
      counts: JSON.stringify(counts),
    });
    if (problem === undefined) return exitCodes.ok;
    process.stderr.write(
      `probescope events: ${problem.message}${problem.remedy === undefined ? '' : `\n  ${problem.remedy}`}\n`,
    );
    return exitCodes.failed;
  }

  /** A file that cannot be written ends the trace, which has begun. */
  private async openDatabase(schema: StreamSchema, path: string): Promise<EventDatabase> {
    const { EventDatabase } = await import('../extension/core/recording/event-database.ts');
    try {
      return new EventDatabase(path, databaseColumns(schema.columns));
    } catch (thrown) {
      await this.service.stopEvents({ stream: this.spec.stream }).catch(() => undefined);
      throw thrown;
    }
  }

  /** As {@link openDatabase}. */
  private async record(schema: StreamSchema, path: string): Promise<EventRecorder> {
    const [{ EventRecorder, eventsMeta }, { RecordingWriter }, { gitMeta }] = await Promise.all([
      import('../extension/core/recording/event-recorder.ts'),
      import('../extension/core/recording/writer.ts'),
      import('../extension/core/recording/circumstances.ts'),
    ]);
    try {
      const meta = eventsMeta(schema, this.spec.filter ?? '', {
        host: hostname(),
        kernel: release(),
        command: `probescope ${process.argv.slice(2).join(' ')}`,
        ...(await gitMeta(process.cwd())),
      });
      return new EventRecorder(new RecordingWriter(resolve(path), meta), schema);
    } catch (thrown) {
      await this.service.stopEvents({ stream: this.spec.stream }).catch(() => undefined);
      throw thrown;
    }
  }

  private async copy(tool: string): Promise<number> {
    const { commands } = await this.service.copyEvents(this.spec);
    const command = commands.find((known) => known.tool === tool);
    if (command === undefined) {
      process.stderr.write(`probescope events: ${tool} cannot express these events with this filter\n`);
      return exitCodes.failed;
    }
    process.stdout.write(command.text.endsWith('\n') ? command.text : `${command.text}\n`);
    return exitCodes.ok;
  }

  private summary(counts: EventCounts): void {
    const { received, lost, sampledOut, missedEntries, missingStacks = 0 } = counts;
    if (this.json) process.stdout.write(`${JSON.stringify({ counts })}\n`);
    const parts = [
      `${received} events`,
      `${lost} lost`,
      ...(sampledOut === 0 ? [] : [`${sampledOut} left out by sampling`]),
      ...(missedEntries === 0 ? [] : [`${missedEntries} returns of calls that had begun before`]),
      ...(missingStacks === 0 ? [] : [`${missingStacks} stacks missing`]),
    ];
    process.stderr.write(`probescope events: ${parts.join(', ')}\n`);
  }

  private take(batch: EventRows): void {
    this.waiting.push(batch);
    this.print();
  }

  private name({ stacks }: EventStacks): void {
    for (const stack of stacks) this.stacks.set(stack.id, stack);
    this.recorder?.addStacks(stacks);
    this.print();
  }

  /** Prints the rows, in order, up to those whose stacks are still being named; `all` at the end, when no more names come. */
  private print(all = false): void {
    const { schema } = this;
    if (schema === undefined) return;
    let ready = 0;
    for (const batch of this.waiting) {
      if (!all && !this.isNamed(schema, batch)) break;
      this.rows(schema, batch);
      ready++;
    }
    this.waiting = this.waiting.slice(ready);
  }

  private isNamed(schema: StreamSchema, batch: EventRows): boolean {
    return schema.columns.every(
      ({ column, display }, index) =>
        display.as !== 'stack' ||
        readColumn(column, batch.data[index] ?? '', []).every(
          (id) => Number(id) <= EMPTY_STACK || this.stacks.has(Number(id)),
        ),
    );
  }

  private rows(schema: StreamSchema, batch: EventRows): void {
    this.recorder?.addRows(batch);
    this.texts.push(...batch.texts);
    const columns = schema.columns.map((column, index) =>
      readColumn(column.column, batch.data[index] ?? '', this.texts),
    );
    const lines: string[] = [];
    for (let row = 0; row < batch.rows; row++) lines.push(this.line(schema, columns, row));
    this.database?.add(
      Array.from({ length: batch.rows }, (_, row) =>
        schema.columns.map((_column, index) => this.cell(schema, columns, row, index)),
      ),
    );
    if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
  }

  private cell(
    schema: StreamSchema,
    columns: readonly RawValue[][],
    row: number,
    index: number,
  ): number | string | null {
    const event = Number(columns[EVENT_COLUMN]?.[row] ?? 0);
    const column = schema.columns[index];
    const value = columns[index]?.[row];
    if (column === undefined || value === undefined) return null;
    if (column.events !== undefined && !column.events.includes(event)) return null;
    if (index === EVENT_COLUMN) return schema.events[event] ?? null;
    return column.display.as === 'stack' ? (this.stackLines(value)?.join('\n') ?? null) : plain(value);
  }

  private line(schema: StreamSchema, columns: readonly RawValue[][], row: number): string {
    const event = Number(columns[EVENT_COLUMN]?.[row] ?? 0);
    const shown = schema.columns.flatMap((column, index) => {
      if (column.events !== undefined && !column.events.includes(event)) return [];
      return [{ column, index, value: columns[index]?.[row] ?? '' }];
    });
    if (this.json) {
      const record: Record<string, unknown> = {};
      for (const { column, index, value } of shown)
        record[this.names[index] ?? column.name] =
          index === EVENT_COLUMN
            ? schema.events[event]
            : column.display.as === 'stack'
              ? this.stackLines(value)
              : plain(value);
      return JSON.stringify(record);
    }
    const [time, , cpu, pid, tid, comm, ...others] = shown;
    const fields = others.filter(({ column }) => column.display.as !== 'stack');
    const seconds = (Number(time?.value ?? 0) / 1e9).toFixed(6).padStart(12);
    const name = schema.events[event]?.replace(/^\w[\w-]*:/, '') ?? '';
    const who =
      Number(pid?.value) === 0
        ? `${String(comm?.value ?? '')}-?/${String(tid?.value ?? '')}`
        : `${String(comm?.value ?? '')}-${String(pid?.value ?? '')}/${String(tid?.value ?? '')}`;
    const line = `${seconds} [${String(cpu?.value ?? '')}] ${who.padEnd(28)} ${name} ${fields.map(({ column, value }) => `${column.name}=${show(column.display, value)}`).join(' ')}`;
    return [line, ...others.flatMap(({ column, value }) => this.stackBlock(column, value))].join('\n');
  }

  /** Innermost first; null where the stack is missing. */
  private stackLines(id: RawValue): readonly string[] | null {
    if (Number(id) === NO_STACK) return null;
    return this.stacks.get(Number(id))?.frames.map(frameText) ?? [];
  }

  private stackBlock({ name, display }: StreamColumn, id: RawValue): string[] {
    if (display.as !== 'stack') return [];
    const lines = this.stackLines(id);
    if (lines === null) return [`    ${name.replace('_', ' ')} missing`];
    const notes = this.stacks.get(Number(id))?.notes ?? [];
    return [...lines.map((line) => `    ${line}`), ...notes.map((note) => `    (${note})`)];
  }
}

/** Numbers as JSON numbers up to 2^53, larger ones as decimal text. */
function plain(value: RawValue): number | string {
  if (typeof value !== 'bigint') return value;
  return value <= 9007199254740991n && value >= -9007199254740991n ? Number(value) : value.toString();
}
