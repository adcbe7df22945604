import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, readdirSync, constants as fsConstants } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Compare, type CompiledFilter, compileTracefs } from '../../../fields/filter/compile.ts';
import { filterFields } from '../../../fields/common.ts';
import { checkFilter } from '../../../fields/filter/check.ts';
import { predicateOf } from '../../../fields/filter/evaluate.ts';
import { ProbeError, type Problem, asProblem } from '../../../protocol/errors.ts';
import type {
  EventCounts,
  EventRows,
  EventsSpec,
  StackKind,
  StreamColumn,
} from '../../../protocol/events.ts';
import { TracefsSupervisor } from '../../engines/tracefs/supervisor.ts';
import { emptyRecords, readPage } from './pages.ts';
import { Rows, type StreamEvent, Tasks } from './rows.ts';
import { type Run, StackJoiner } from './stack-joiner.ts';
import { type RawStack, StackTable, enableStacks, stackRecords } from './stacks.ts';

/** One tracepoint of a stream, or a pair of them, ready to be enabled in an instance. */
export interface RecordedEvent extends StreamEvent {
  /** `subsystem:name` in tracefs. */
  readonly tracepoint: string;
  readonly exit?: string;
}

export interface StreamOptions {
  readonly spec: EventsSpec;
  readonly elevate: readonly string[];
  /** Defines dynamic events in the supervisor's group and gives what is to be recorded. */
  readonly prepare: (supervisor: TracefsSupervisor) => Promise<readonly RecordedEvent[]>;
  readonly tracefsRoot: string;
  readonly budgetPerSecond: number;
  readonly onRows: (rows: EventRows) => void;
  /** Stacks that the rows of the same moment name for the first time. */
  readonly onStacks?: (stacks: readonly RawStack[]) => void;
  /** Rows would wait for a slow link: they are counted as lost instead. */
  readonly linkIsFull?: () => boolean;
  readonly onEnd: (counts: EventCounts, problem: Problem | undefined) => void;
}

/** Per CPU. At 100,000 events/s of 64 bytes this holds five seconds on two CPUs. */
const BUFFER_KB = 16_384;
/** How often the buffers are emptied and rows delivered. */
const POLL_MS = 50;
/** How long events are counted before the first row, to know their rate. */
export const PREFLIGHT_MS = 300;
/** Read in one poll and CPU at most, so that a flood cannot keep the helper from answering: 16 MB. */
const PAGES_A_POLL = 4096;
const PAGE_BYTES = 65_536;

/**
 * Records tracepoints in an own instance of tracefs and reads its ring buffer in binary form, without blocking: text
 * (`trace_pipe`) costs the kernel 2–4 µs a record, this 0.1–0.2 µs. What the buffer drops is counted by the kernel and reported.
 */
export class EventStream {
  readonly columns: readonly StreamColumn[];
  readonly events: readonly RecordedEvent[];
  /** The filter's conditions that the kernel checks, by event. */
  readonly filters: readonly CompiledFilter[];
  readonly rate: { readonly perSecond: number; readonly measuredMs: number };
  private readonly options: StreamOptions;
  private readonly supervisor: TracefsSupervisor;
  private readonly rows: Rows;
  private readonly descriptors: number[];
  private readonly startNs: bigint;
  private readonly startedAtMs: number;
  private readonly keep: ReturnType<typeof predicateOf> | undefined;
  private readonly page = Buffer.alloc(PAGE_BYTES);
  private held: Run[] = [];
  private readonly stacks = new StackTable();
  private readonly joiner: StackJoiner | undefined;
  private counts = { received: 0, lost: 0, sampledOut: 0, missedEntries: 0 };
  /** Rows that were read and then dropped for want of room on the link. */
  private unsent = 0;
  private sequence = 0;
  private sampleAt = 0;
  private ending: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private recent = { sinceMs: 0, received: 0, over: 0 };
  private lostReadAtMs = 0;

  private constructor(options: StreamOptions, made: Prepared) {
    this.options = options;
    this.supervisor = made.supervisor;
    this.events = made.events;
    this.filters = made.filters;
    this.rate = made.rate;
    this.descriptors = made.descriptors;
    this.startNs = made.startNs;
    this.startedAtMs = made.startedAtMs;
    this.rows = new Rows(
      made.events,
      new Tasks(recently(() => readFileSync(`${options.tracefsRoot}/saved_cmdlines`, 'utf8'))),
      stackKinds(options.spec),
    );
    this.columns = this.rows.columns;
    const records = stackRecords(options.tracefsRoot, stackKinds(options.spec));
    if (records.length > 0)
      this.joiner = new StackJoiner(records, this.stacks, (type) => this.rows.roleOf(type));
    const rest = made.filters[0]?.rest;
    this.keep = rest === undefined ? undefined : predicateOf(rest);
    this.recent.sinceMs = Date.now();
    this.timer = setInterval(() => this.poll(), POLL_MS);
    void made.supervisor.ended.then(() =>
      this.end({ code: 'engine-ended', message: 'The process that owned the trace has ended.' }),
    );
  }

  /**
   * Starts recording. Throws `invalid-argument` for a filter that does not fit, `budget-exceeded` when more events come than
   * may be traced one by one without a choice, and what the kernel refuses.
   */
  static async start(options: StreamOptions): Promise<EventStream> {
    const supervisor = await TracefsSupervisor.start({
      token: randomBytes(6).toString('hex'),
      elevate: options.elevate,
      bufferKb: BUFFER_KB,
    });
    const descriptors: number[] = [];
    try {
      return new EventStream(options, await prepare(options, supervisor, descriptors));
    } catch (thrown) {
      for (const descriptor of descriptors) closeSync(descriptor);
      await supervisor.close();
      throw thrown;
    }
  }

  /** Stops recording, delivers what was recorded until then, and gives the totals. */
  async stop(): Promise<EventCounts> {
    await this.end(undefined);
    return this.totals();
  }

  totals(): EventCounts {
    const counts = { ...this.counts, lost: this.counts.lost + this.unsent };
    return this.joiner === undefined ? counts : { ...counts, missingStacks: this.rows.missingStacks };
  }

  private end(problem: Problem | undefined): Promise<void> {
    this.ending ??= this.finish(problem);
    return this.ending;
  }

  private async finish(problem: Problem | undefined): Promise<void> {
    clearInterval(this.timer);
    try {
      await this.supervisor.set('tracing_on', '0');
      this.collect(Number.POSITIVE_INFINITY);
      this.deliver();
      await this.readLost();
    } catch {
      // The supervisor is gone: its end is the problem that is reported.
    }
    for (const descriptor of this.descriptors) closeSync(descriptor);
    const { removed, detail } = await this.supervisor.close();
    const left: Problem | undefined = removed
      ? undefined
      : {
          code: 'engine-refused',
          message: detail ?? 'The trace left something in tracefs.',
          remedy: 'The next trace sweeps it.',
        };
    this.options.onEnd(this.totals(), problem ?? left);
  }

  private poll(): void {
    if (this.ending !== undefined) return;
    try {
      // Records newer than this moment may have older ones behind them on a CPU that was already read.
      const untilNs = Number(process.hrtime.bigint() - this.startNs);
      this.collect(untilNs);
      this.deliver();
      this.watch();
    } catch (thrown) {
      void this.end(asProblem(thrown));
    }
  }

  /** Reads every CPU's pages and turns the records up to `untilNs` into rows, in order of time. */
  private collect(untilNs: number): void {
    const runs = this.held;
    this.held = [];
    this.descriptors.forEach((descriptor, cpu) => {
      for (let pages = 0; pages < PAGES_A_POLL; pages++) {
        const length = readNow(descriptor, this.page);
        if (length <= 0) break;
        const bytes = Uint8Array.prototype.slice.call(this.page, 0, length);
        const view = new DataView(bytes.buffer);
        const records = emptyRecords(256);
        readPage(view, 0, length, this.startNs, records);
        if (records.count === 0) continue;
        const run: Run = { view, records, cpu, next: 0 };
        this.joiner?.read(run);
        runs.push(run);
      }
    });
    const complete = this.joiner?.completeUntilNs() ?? Number.POSITIVE_INFINITY;
    this.merge(runs, untilNs === Number.POSITIVE_INFINITY ? untilNs : Math.min(untilNs, complete));
  }

  /** Merges runs (each in order of time) by always taking the oldest record; two CPUs have two runs at a time. */
  private merge(runs: readonly Run[], untilNs: number): void {
    const queues = new Map<number, { index: number; list: Run[] }>();
    for (const run of runs) {
      const queue = queues.get(run.cpu);
      if (queue === undefined) queues.set(run.cpu, { index: 0, list: [run] });
      else queue.list.push(run);
    }
    const open = [...queues.values()];
    for (;;) {
      let first: (typeof open)[number] | undefined;
      let firstNs = untilNs;
      for (const queue of open) {
        const head = queue.list[queue.index];
        const timeNs = head?.records.timesNs[head.next];
        if (timeNs !== undefined && timeNs <= firstNs) [first, firstNs] = [queue, timeNs];
      }
      const run = first?.list[first.index];
      if (first === undefined || run === undefined) break;
      this.rows.add(
        run.view,
        run.records.at[run.next] ?? 0,
        run.records.lengths[run.next] ?? 0,
        firstNs,
        run.cpu,
        run.stacks?.[run.next],
      );
      if (++run.next >= run.records.count) first.index++;
    }
    for (const queue of open) this.held.push(...queue.list.slice(queue.index));
  }

  private deliver(): void {
    const { mode } = this.options.spec;
    if (mode.kind === 'sample') this.sample(mode.every);
    if (this.options.linkIsFull?.() === true) {
      this.unsent += this.rows.rows;
      this.rows.thin(Number.MAX_SAFE_INTEGER, 1);
    }
    // A filter in the kernel drops entries on purpose, and their returns then miss them.
    if (this.filters.every((filter) => filter.text === undefined))
      this.counts.missedEntries = this.rows.missedEntries;
    const limit = mode.kind === 'first' ? mode.rows - this.counts.received : undefined;
    const taken = this.rows.take(this.keep, limit);
    const stacks = this.stacks.takeFresh();
    if (stacks.length > 0) this.options.onStacks?.(stacks);
    if (taken.rows === 0 && taken.texts.length === 0) return;
    this.counts.received += taken.rows;
    this.options.onRows({
      stream: this.options.spec.stream,
      sequence: this.sequence++,
      rows: taken.rows,
      data: taken.data,
      texts: taken.texts,
      counts: this.totals(),
      startedAtMs: this.startedAtMs,
    });
    if (mode.kind === 'first' && this.counts.received >= mode.rows) void this.end(undefined);
  }

  private sample(every: number): void {
    const all = this.rows.rows;
    this.sampleAt = this.rows.thin(every, this.sampleAt);
    this.counts.sampledOut += all - this.rows.rows;
  }

  /** Reads the kernel's own counts of lost records once a second, and ends a flood that nobody agreed to. */
  private watch(): void {
    const now = Date.now();
    if (now - this.lostReadAtMs >= 1000) {
      this.lostReadAtMs = now;
      this.readLost().catch(() => undefined);
    }
    if (now - this.recent.sinceMs < 1000) return;
    const seen = this.counts.received + this.counts.lost;
    const perSecond = ((seen - this.recent.received) * 1000) / (now - this.recent.sinceMs);
    const over = perSecond > this.options.budgetPerSecond ? this.recent.over + 1 : 0;
    this.recent = { sinceMs: now, received: seen, over };
    if (over >= 2 && this.options.spec.acceptRate !== true && this.options.spec.mode.kind === 'each')
      void this.end(
        overBudget(perSecond, this.options.budgetPerSecond, 'The rate rose to', this.joiner !== undefined),
      );
  }

  private async readLost(): Promise<void> {
    let lost = 0;
    for (let cpu = 0; cpu < this.descriptors.length; cpu++)
      lost += parseStats(await this.supervisor.get(`per_cpu/cpu${cpu}/stats`)).lost;
    this.counts.lost = Math.max(this.counts.lost, Math.ceil(lost / recordsAnEvent(this.options.spec)));
  }
}

export function stackKinds({
  kernelStack,
  userStack,
}: Pick<EventsSpec, 'kernelStack' | 'userStack'>): StackKind[] {
  return [
    ...(userStack === true ? (['user'] as const) : []),
    ...(kernelStack === true ? (['kernel'] as const) : []),
  ];
}

/** Each stack is a record of its own behind the event's; the buffer overwrites and counts them alike. */
function recordsAnEvent(spec: EventsSpec): number {
  return 1 + stackKinds(spec).length;
}

interface Prepared {
  readonly supervisor: TracefsSupervisor;
  readonly events: readonly RecordedEvent[];
  readonly filters: readonly CompiledFilter[];
  readonly descriptors: number[];
  readonly startNs: bigint;
  readonly startedAtMs: number;
  readonly rate: { readonly perSecond: number; readonly measuredMs: number };
}

async function prepare(
  options: StreamOptions,
  supervisor: TracefsSupervisor,
  descriptors: number[],
): Promise<Prepared> {
  const { spec } = options;
  await supervisor.set('tracing_on', '0');
  const events = await options.prepare(supervisor);
  const filters = events.map((event) => compileFor(event, spec.filter ?? ''));
  await enableStacks(supervisor, stackKinds(spec));
  await optionally(supervisor.set('set_event_notrace_pid', ownThreads()));
  if (spec.pid !== undefined) await followProcess(supervisor, spec.pid);
  for (const [index, event] of events.entries()) {
    const filter = filters[index]?.text;
    if (filter !== undefined) await setFilter(supervisor, event.tracepoint, filter);
  }
  const base = `${options.tracefsRoot}/instances/${supervisor.group}/per_cpu`;
  for (let cpu = 0; cpu < supervisor.cpus; cpu++)
    descriptors.push(
      openSync(`${base}/cpu${cpu}/trace_pipe_raw`, fsConstants.O_RDONLY | fsConstants.O_NONBLOCK),
    );
  for (const event of events)
    for (const tracepoint of [event.exit, event.tracepoint])
      if (tracepoint !== undefined)
        await supervisor.set(`events/${tracepoint.replace(':', '/')}/enable`, '1');
  const startedAtMs = Date.now();
  const startNs = process.hrtime.bigint();
  await supervisor.set('tracing_on', '1');
  const rate = await measure(supervisor, startNs, recordsAnEvent(spec));
  if (rate.perSecond > options.budgetPerSecond && spec.mode.kind === 'each' && spec.acceptRate !== true)
    throw new ProbeError(
      overBudget(rate.perSecond, options.budgetPerSecond, 'The rate is', stackKinds(spec).length > 0),
    );
  return { supervisor, events, filters, descriptors, startNs, startedAtMs, rate };
}

/** Counts what goes into the ring buffer, filtered, without reading any of it. */
async function measure(
  supervisor: TracefsSupervisor,
  startNs: bigint,
  recordsEach: number,
): Promise<{ perSecond: number; measuredMs: number }> {
  await delay(PREFLIGHT_MS);
  let total = 0;
  for (let cpu = 0; cpu < supervisor.cpus; cpu++) {
    const { entries, lost } = parseStats(await supervisor.get(`per_cpu/cpu${cpu}/stats`));
    total += entries + lost;
  }
  const measuredMs = Number(process.hrtime.bigint() - startNs) / 1e6;
  return { perSecond: (total * 1000) / recordsEach / measuredMs, measuredMs };
}

/** `per_cpu/cpuN/stats` (trace/ftrace.rst): records waiting, and those overwritten or refused. */
export function parseStats(text: string): { entries: number; lost: number } {
  const value = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  return {
    entries: value('entries'),
    lost: value('overrun') + value('commit overrun') + value('dropped events'),
  };
}

export function overBudget(perSecond: number, budget: number, what: string, withStacks = false): Problem {
  const thousands = (value: number) => Math.round(value).toLocaleString('en-US');
  return {
    code: 'budget-exceeded',
    message: `${what} ${thousands(perSecond)} events/s, and above ${thousands(budget)} events ${withStacks ? 'with their stacks, each of which costs several times as much as the event, ' : ''}are not traced one by one without your choice.`,
    remedy: `${withStacks ? 'Trace without stacks, filter' : 'Filter'} further, count in the kernel, take 1 in N, stop after N rows, or accept the rate.`,
  };
}

/** Fields narrower than the register they are recorded in, and those of the return, are for the helper to check. */
function compileFor(event: RecordedEvent, source: string): CompiledFilter {
  const { filter, problems } = checkFilter(source, filterFields(event.fields));
  const [problem] = problems;
  if (problem !== undefined)
    throw new ProbeError({
      code: 'invalid-argument',
      message: `${event.source}: ${problem.message}`,
      ...(problem.suggestion === undefined ? {} : { remedy: `Write ${problem.suggestion} there.` }),
    });
  if (filter === undefined) return {};
  return compileTracefs(filter, (compare) => isRecorded(event, compare));
}

function isRecorded(event: RecordedEvent, { field, operator, value }: Compare): boolean {
  if (field.common === true || event.exit === undefined) return true;
  if (field.name === 'ret' || field.name === 'duration') return false;
  const plain = operator === '==' || operator === '!=' || operator === '&';
  return field.sizeBytes === 8 || (plain && typeof value === 'bigint' && value >= 0n);
}

async function setFilter(supervisor: TracefsSupervisor, tracepoint: string, filter: string): Promise<void> {
  try {
    await supervisor.set(`events/${tracepoint.replace(':', '/')}/filter`, filter);
  } catch (cause) {
    throw new ProbeError(
      {
        code: 'engine-refused',
        message: `The kernel refused the filter “${filter}” for ${tracepoint}.`,
        remedy: 'Simplify the filter; the kernel takes at most about 4,000 characters of it.',
      },
      { cause },
    );
  }
}

/** All threads of a process, and those they start from now on (option event-fork, kernel ≥ 4.7). */
async function followProcess(supervisor: TracefsSupervisor, pid: number): Promise<void> {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch (cause) {
    throw new ProbeError({ code: 'process-gone', message: `There is no process ${pid}.` }, { cause });
  }
  await optionally(supervisor.set('options/event-fork', '1'));
  await supervisor.set('set_event_pid', threads.join(' '));
}

/** Reading the buffer makes system calls: a trace of those must not feed on itself (kernel ≥ 5.7). */
function ownThreads(): string {
  return readdirSync('/proc/self/task').join(' ');
}

async function optionally(change: Promise<unknown>): Promise<void> {
  await change.catch(() => undefined);
}

/** The last answer again for {@link POLL_MS}: a burst of short-lived threads asks for the same file. */
function recently(read: () => string): () => string {
  let text = '';
  let atMs = 0;
  return () => {
    if (Date.now() - atMs < POLL_MS) return text;
    atMs = Date.now();
    try {
      text = read();
    } catch {
      text = '';
    }
    return text;
  };
}

/** Bytes of the next page, or 0 when there is none now. */
function readNow(descriptor: number, page: Buffer): number {
  try {
    return readSync(descriptor, page, 0, PAGE_BYTES, null);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'EAGAIN' || code === 'EINTR') return 0;
    throw new ProbeError(
      { code: 'engine-refused', message: `The trace buffer cannot be read: ${String(code)}.` },
      { cause: thrown },
    );
  }
}
