import { closeSync, readFileSync, readSync } from 'node:fs';
import type { CompiledFilter } from '../../../fields/filter/compile.ts';
import { predicateOf } from '../../../fields/filter/evaluate.ts';
import { ProbeError, type Problem, asProblem } from '../../../protocol/errors.ts';
import type { EventCounts, EventRows, StreamColumn } from '../../../protocol/events.ts';
import { TracefsSupervisor } from '../../engines/tracefs/supervisor.ts';
import {
  overBudget,
  parseStats,
  recordsAnEvent,
  stackKinds,
  startRecording,
  type InstanceOptions,
  type RecordedEvent,
  type Recording,
} from './instance.ts';
import { FdPaths } from './fd-paths.ts';
import { emptyRecords, readPage } from './pages.ts';
import { Rows, Tasks } from './rows.ts';
import { type Run, StackJoiner } from './stack-joiner.ts';
import { type RawStack, StackTable, stackRecords } from './stacks.ts';
import { randomBytes } from '../../host/random.ts';

export interface StreamOptions extends InstanceOptions {
  readonly elevate: readonly string[];
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
  private readonly paths: FdPaths | undefined;
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

  private constructor(options: StreamOptions, made: Recording) {
    this.options = options;
    this.supervisor = made.supervisor;
    this.events = made.events;
    this.filters = made.filters;
    this.rate = made.rate;
    this.descriptors = made.descriptors;
    this.startNs = made.startNs;
    this.startedAtMs = made.startedAtMs;
    this.paths = options.spec.fdPaths === true ? new FdPaths(made.startNs) : undefined;
    this.rows = new Rows(
      made.events,
      new Tasks(recently(() => readFileSync(`${options.tracefsRoot}/saved_cmdlines`, 'utf8'))),
      stackKinds(options.spec),
      this.paths,
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
      return new EventStream(options, await startRecording(options, supervisor, descriptors));
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
    this.paths?.forget();
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
