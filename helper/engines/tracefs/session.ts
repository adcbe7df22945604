import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ProbeError } from '../../../protocol/errors.ts';
import { defineEvent, type EventPlan } from './define.ts';
import { removalOf } from './definition.ts';
import { argumentNames, RecordParser, type TraceRecord } from './record.ts';
import { RecordStream } from './stream.ts';
import { TracefsSupervisor, type SupervisorEnd } from './supervisor.ts';
import { randomBytes } from '../../host/random.ts';

/** Everything that happened to the records of a session so far. */
export interface StreamCounts {
  /** Read and delivered. */
  readonly read: number;
  /** Read, but not to be understood: too long for the kernel's printer. */
  readonly unreadable: number;
  /** Overwritten or refused because the ring buffer was full. */
  readonly lost: number;
  /** Still in the ring buffer. */
  readonly pending: number;
}

/** One event that is recorded. */
export interface TraceEventPlan extends EventPlan {
  /**
   * In the kernel's filter language (Documentation/trace/events.rst); `$0`, `$1`… stand for the arguments.
   */
  readonly filter?: string;
}

export interface AttachedEvent {
  readonly name: string;
  /** Hits of each site since it was attached, filtered ones too, in the order of the plan's sites. */
  hits(): Promise<readonly number[]>;
  /** Stops (`false`) or resumes (`true`) recording; the definition stays. */
  enable(on: boolean): Promise<void>;
  /** Takes the probe out of the program and its definition out of `uprobe_events`. */
  remove(): Promise<void>;
}

export interface TracefsSessionOptions {
  /** Command words that make what follows run as root; empty when this process is root. */
  readonly elevate: readonly string[];
  /** Only threads of this process and of those it starts; everything that runs the binary when absent. */
  readonly pid?: number;
  /** Records were lost on one CPU, so many, right before the record that is delivered next. */
  readonly onLost?: (records: number) => void;
}

/** Probes of one owner in an own instance of tracefs; `close` removes all of them. */
export class TracefsSession {
  readonly supervisor: TracefsSupervisor;
  readonly #stream: RecordStream;
  readonly #token: string;
  #events = 0;

  private constructor(supervisor: TracefsSupervisor, stream: RecordStream, token: string) {
    this.#token = token;
    this.supervisor = supervisor;
    this.#stream = stream;
  }

  static async open(options: TracefsSessionOptions): Promise<TracefsSession> {
    const stream = new RecordStream(options.onLost);
    // Unguessable: it is what tells our records from text that the traced program writes into its strings.
    const token = randomBytes(5).toString('hex');
    const supervisor = await TracefsSupervisor.start({
      token,
      elevate: options.elevate,
      onData: (chunk) => stream.feed(chunk),
    });
    const session = new TracefsSession(supervisor, stream, token);
    try {
      if (options.pid !== undefined) await session.#limitTo(options.pid);
    } catch (error) {
      // the process is gone: nobody is handed the session, so nobody else can end its root-side process
      await session.close();
      throw error;
    }
    return session;
  }

  /** Defines, filters and enables an event; answered when the probe is in the program. */
  async attach(plan: TraceEventPlan, deliver: (record: TraceRecord) => void): Promise<AttachedEvent> {
    if (plan.sites.length === 0)
      throw new ProbeError({ code: 'invalid-argument', message: 'A probe without any site was asked for.' });
    const { group } = this.supervisor;
    // uprobe_profile tells events apart by their name alone, hence the session's token in it.
    const event = `e${++this.#events}_${this.#token}`;
    const names = argumentNames(plan.arguments, this.#token);
    await defineEvent(this.supervisor, event, plan, names);
    const directory = `events/${group}/${event}`;
    const unsubscribe = this.#stream.subscribe(
      new RecordParser(event, names, plan.arguments.length),
      deliver,
    );
    try {
      if (plan.filter !== undefined)
        await this.supervisor.set(`${directory}/filter`, namedFilter(plan.filter, names));
      await this.supervisor.set(`${directory}/enable`, '1');
    } catch (error) {
      unsubscribe();
      throw error;
    }
    return {
      name: event,
      hits: () => this.#hits(event),
      enable: async (on) => void (await this.supervisor.set(`${directory}/enable`, on ? '1' : '0')),
      remove: async () => {
        await this.supervisor.set(`${directory}/enable`, '0').catch(() => undefined);
        await this.supervisor.define(removalOf(group, event));
        unsubscribe();
      },
    };
  }

  async counts(): Promise<StreamCounts> {
    let lost = 0;
    let pending = 0;
    for (let cpu = 0; cpu < this.supervisor.cpus; cpu++) {
      const stats = parseStats(await this.supervisor.get(`per_cpu/cpu${cpu}/stats`));
      lost +=
        (stats.get('overrun') ?? 0) + (stats.get('dropped events') ?? 0) + (stats.get('commit overrun') ?? 0);
      pending += stats.get('entries') ?? 0;
    }
    return { read: this.#stream.read, unreadable: this.#stream.unreadable, lost, pending };
  }

  /**
   * Stops recording and waits until every record of the ring buffer has been delivered, so that what follows is complete; a
   * full buffer takes a busy machine some seconds. Gives up when none has come for `patienceMs`. The definitions stay until `close`.
   */
  async drain(patienceMs = 2000): Promise<StreamCounts> {
    await this.supervisor.set(`events/${this.supervisor.group}/enable`, '0').catch(() => undefined);
    return this.caughtUp(patienceMs);
  }

  /** Waits until what is in the ring buffer now has been delivered, as long as some of it comes within `patienceMs`. */
  async caughtUp(patienceMs: number): Promise<StreamCounts> {
    let counts = await this.counts();
    // other events may go on, and the buffer is never empty then; what was read between these two questions is in both answers
    const atMost = counts.pending + (await this.#readByUs());
    const isEmpty = async () => counts.pending === 0 && counts.read >= (await this.#readByUs());
    let deadline = Date.now() + patienceMs;
    while (Date.now() < deadline && counts.read < atMost && !(await isEmpty())) {
      await delay(5);
      const { read } = counts;
      counts = await this.counts();
      if (counts.read > read) deadline = Date.now() + patienceMs;
    }
    return counts;
  }

  async close(): Promise<SupervisorEnd> {
    return await this.supervisor.close();
  }

  /** Records that all readers together took from the ring buffer, as the kernel counts. */
  async #readByUs(): Promise<number> {
    let read = 0;
    for (let cpu = 0; cpu < this.supervisor.cpus; cpu++)
      read += parseStats(await this.supervisor.get(`per_cpu/cpu${cpu}/stats`)).get('read events') ?? 0;
    return read;
  }

  async #hits(event: string): Promise<readonly number[]> {
    const profile = await this.supervisor.profile();
    const hits: number[] = [];
    // "  PATH EVENT HITS"; a path may contain blanks, an event's name not. Newer kernels add a column of misses.
    for (const line of profile.split('\n')) {
      const match = / (\w+) +(\d+)(?: +\d+)?$/.exec(line);
      if (match?.[1] === event) hits.push(Number(match[2]));
    }
    return hits;
  }

  async #limitTo(pid: number): Promise<void> {
    // Threads started from now on by listed ones are added by the kernel; the second look catches those in between.
    await this.supervisor.set('options/event-fork', '1');
    const seen = new Set<string>();
    for (let look = 0; look < 2; look++) {
      const threads = threadsOf(pid).filter((tid) => !seen.has(tid));
      for (const tid of threads) seen.add(tid);
      if (threads.length > 0) await this.supervisor.set('set_event_pid', [...seen].join(' '));
    }
  }
}

function namedFilter(filter: string, names: readonly string[]): string {
  return filter.replace(/\$(\d+)/g, (_, index: string) => names[Number(index)] ?? 'common_pid');
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    throw new ProbeError({
      code: 'process-gone',
      message: `Process ${pid} does not exist any more.`,
      remedy: 'Choose the process again.',
    });
  }
}

function parseStats(text: string): Map<string, number> {
  return new Map(
    text.split('\n').map((line) => {
      const colon = line.lastIndexOf(':');
      return [line.slice(0, colon).trim(), Number(line.slice(colon + 1))];
    }),
  );
}
