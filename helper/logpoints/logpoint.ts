import { setTimeout as delay } from 'node:timers/promises';
import type { Problem } from '../../protocol/errors.ts';
import type { LogpointCounts, LogpointEnd, LogpointSpec, LogValue } from '../../protocol/logpoint.ts';
import type { AttachedEvent, TracefsSession } from '../engines/tracefs/session.ts';
import type { TraceRecord } from '../engines/tracefs/record.ts';
import type { Hit } from '../engines/tracefs/fetch.ts';
import { Entries } from './entries.ts';
import type { ProcessMemory } from './process-memory.ts';
import { UNREMEMBERED_NAME, type ThreadProcesses } from './thread-processes.ts';
import type { SitePlan } from './site-plan.ts';

/** Shared by the logpoints of a helper. */
export interface LogpointHost {
  readonly memory: ProcessMemory;
  readonly threads: ThreadProcesses;
}

export interface LogpointListener {
  value(value: LogValue): void;
  /** A limit was reached; the owner then calls `stop`. */
  ended(end: Extract<LogpointEnd, 'hit-limit' | 'expired'>): void;
}

/** A logpoint that is in the program. One event a site: each has its own places for the variables. */
export class Logpoint {
  readonly spec: LogpointSpec;
  readonly #host: LogpointHost;
  readonly #listener: LogpointListener;
  readonly #session: TracefsSession;
  readonly #events: AttachedEvent[] = [];
  readonly #entryEvents: AttachedEvent[] = [];
  readonly #clockOffsetMs = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  #expiry: NodeJS.Timeout | undefined;
  #delivered = 0;
  #suppressed = 0;
  #over = false;
  /** The second that is going on, for the rate limit. */
  #second = 0;
  #inSecond = 0;

  constructor(session: TracefsSession, spec: LogpointSpec, host: LogpointHost, listener: LogpointListener) {
    this.#session = session;
    this.spec = spec;
    this.#host = host;
    this.#listener = listener;
  }

  async attach(path: string, plans: readonly SitePlan[]): Promise<void> {
    // asked for now: the program may have ended when its hits are read
    if (this.spec.pid !== undefined) this.#host.threads.nameOf(this.spec.pid);
    for (const plan of plans) await this.#attachSite(path, plan);
    const { expiryMs } = this.spec;
    if (expiryMs !== undefined) this.#expiry = setTimeout(() => this.#finish('expired'), expiryMs);
  }

  async #attachSite(path: string, plan: SitePlan): Promise<void> {
    const { entry } = plan;
    let entries: Entries | undefined;
    if (entry !== undefined) {
      const known = (entries = new Entries(entry));
      const site = { fileOffsetBytes: entry.fileOffsetBytes };
      this.#entryEvents.push(
        await this.#session.attach({ path, sites: [site], arguments: entry.arguments }, ({ tid, values }) =>
          known.entered(tid, values),
        ),
      );
    }
    this.#events.push(
      await this.#session.attach(
        {
          path,
          sites: [{ fileOffsetBytes: plan.fileOffsetBytes }],
          arguments: plan.arguments,
          ...(plan.filter === undefined ? {} : { filter: plan.filter }),
        },
        (record) => this.#hit(plan, entries, record),
      ),
    );
  }

  async counts(): Promise<LogpointCounts> {
    const hits = await Promise.all(this.#events.map((event) => event.hits()));
    const { lost, unreadable } = await this.#session.counts();
    return {
      hits: hits.flat().reduce((sum, count) => sum + count, 0),
      delivered: this.#delivered,
      suppressed: this.#suppressed,
      lost,
      unreadable,
    };
  }

  /** Stops recording, waits for what is on its way, removes the probes. Other logpoints of the session go on. */
  async stop(): Promise<LogpointCounts> {
    clearTimeout(this.#expiry);
    for (const event of [...this.#events, ...this.#entryEvents])
      await event.enable(false).catch(() => undefined);
    await this.#settle();
    this.#over = true;
    const counts = await this.counts();
    for (const event of [...this.#events, ...this.#entryEvents]) await event.remove().catch(() => undefined);
    return counts;
  }

  /** Records that were written before the probes were disabled arrive within a few milliseconds. */
  async #settle(): Promise<void> {
    for (let look = 0; look < 100; look++) {
      const { pending } = await this.#session.counts();
      if (pending === 0) break;
      await delay(5);
    }
    await delay(5);
  }

  #hit(plan: SitePlan, entries: Entries | undefined, record: TraceRecord): void {
    if (this.#over) return;
    const { tid } = record;
    const bare: Hit = {
      values: record.values,
      biasBytes: record.ip - BigInt(plan.vaddr),
      isMapped: (address) => this.#host.memory.isMapped(tid, address),
    };
    const entry = entries?.of(tid, bare);
    const hit = entry === undefined ? bare : { ...bare, entry };
    const { cpu, timestampNs } = record;
    const { threads } = this.#host;
    const remembered = record.command !== UNREMEMBERED_NAME;
    const command = remembered ? record.command : (threads.nameOf(tid) ?? record.command);
    const facts = { pid: threads.pidOf(tid), tid, cpu, command, timestampNs };
    if (plan.condition !== undefined && plan.condition.holds(hit, facts) !== true) return;
    if (this.#isTooFast(record.timestampNs)) {
      this.#suppressed++;
      return;
    }
    const { text, values } = plan.render(hit, facts);
    this.#listener.value({
      sequence: ++this.#delivered,
      monotonicNs: record.timestampNs,
      wallClockMs: record.timestampNs / 1e6 + this.#clockOffsetMs,
      tid,
      ...(facts.pid === undefined ? {} : { pid: facts.pid }),
      text,
      values,
    });
    if (this.#delivered === this.spec.hitLimit) this.#finish('hit-limit');
  }

  #isTooFast(timestampNs: number): boolean {
    const { rateLimitHz } = this.spec;
    if (rateLimitHz === undefined) return false;
    const second = Math.floor(timestampNs / 1e9);
    if (second !== this.#second) {
      this.#second = second;
      this.#inSecond = 0;
    }
    return ++this.#inSecond > rateLimitHz;
  }

  #finish(end: 'hit-limit' | 'expired'): void {
    if (this.#over) return;
    // An expiry lets what was recorded before it still be delivered.
    if (end === 'hit-limit') this.#over = true;
    clearTimeout(this.#expiry);
    this.#listener.ended(end);
  }
}

/** Why a logpoint ended, with the last counts. */
export interface LogpointOutcome {
  readonly end: LogpointEnd;
  readonly counts: LogpointCounts;
  readonly problem?: Problem;
}
