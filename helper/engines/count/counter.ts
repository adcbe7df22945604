import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { ProbeId } from '../../../protocol/probe.ts';
import { findProgram } from '../../privilege/privilege.ts';
import { defineEvent } from '../tracefs/define.ts';
import { removalOf } from '../tracefs/definition.ts';
import { TracefsSupervisor } from '../tracefs/supervisor.ts';
import { readCountLine, type CountLine } from './lines.ts';
import { randomBytes } from '../../host/random.ts';

export interface CountedPlace {
  readonly fileOffsetBytes: number;
  /** What a hit counts for. */
  readonly weight: number;
}

/** What is counted: hits of all these places together. */
export interface CountPlan {
  readonly probe: ProbeId;
  readonly path: string;
  readonly places: readonly CountedPlace[];
  /** Only this process and those it starts; every process that runs the binary when absent. */
  readonly pid?: number;
}

export interface CounterHost {
  /** Command words that make what follows run as root. Throws `no-privileges`. */
  readonly elevate: () => Promise<readonly string[]>;
  readonly log: (message: string) => void;
  /** One count has ended without being asked to; the others go on. */
  readonly onLost: (probe: ProbeId, problem: Problem) => void;
}

/** How often perf says what it counted: figures are never older, and a snapshot waits no longer for them. */
const INTERVAL_MS = 100;
/** perf starts in 30 ms; a busy guest under emulation took 2 s. */
const PATIENCE_MS = 20_000;
/** Nothing is recorded in the ring buffer: it is as small as can be. */
const BUFFER_KB = 4;

const PERF_REMEDY =
  'Install perf 5.10 or newer: linux-perf on Debian, linux-tools-$(uname -r) on Ubuntu, perf elsewhere.';

interface Count {
  readonly plan: CountPlan;
  /** One event for each weight among the places. */
  readonly events: ReadonlyMap<string, number>;
  /** Hits since it was started or {@link SiteCounter.discard}ed. */
  hits: number;
  /** Hits that perf has told, by event. */
  readonly told: Map<string, number>;
  /** Somebody else counts from here on. */
  frozen: boolean;
  /** It counts. */
  readonly started: Deferred;
  /** perf has ended, and its last line is in `hits`. */
  readonly ended: Deferred;
  /** Settled by the next line of hits, and by the end. */
  next: Deferred;
  stopping: boolean;
}

/**
 * Counts hits at any places of programs, inside functions too, where bpftrace attaches by name only: one event in tracefs a
 * probe with all its places (of the same weight), and one `perf stat` that counts it. Both belong to a {@link TracefsSupervisor}, which removes
 * them however their owner ends.
 */
export class SiteCounter {
  readonly #host: CounterHost;
  readonly #counts = new Map<ProbeId, Count>();
  /** Hits of counts that were ended, by probe. */
  readonly #earlier = new Map<ProbeId, number>();
  readonly #token = randomBytes(5).toString('hex');
  #supervisor: Promise<TracefsSupervisor> | undefined;
  #gone: Promise<unknown> = Promise.resolve();
  #pids: number[] = [];
  #events = 0;
  #partial = '';
  #starting: Count | undefined;
  #words: string[] = [];
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(host: CounterHost) {
    this.#host = host;
  }

  /** Processes of the supervisor. */
  get pids(): readonly number[] {
    return this.#pids;
  }

  get probes(): readonly ProbeId[] {
    return [...this.#counts.keys()];
  }

  plan(probe: ProbeId): CountPlan | undefined {
    return this.#counts.get(probe)?.plan;
  }

  /** Hits of a probe, those from before it was removed and added again among them. */
  hits(probe: ProbeId): number {
    return (this.#earlier.get(probe) ?? 0) + (this.#counts.get(probe)?.hits ?? 0);
  }

  /**
   * Starts to count; resolves when hits count. Throws `no-privileges`, `probe-refused` without perf and for what the
   * kernel refuses and `engine-refused` for what perf does.
   */
  add(plan: CountPlan): Promise<void> {
    const result = this.#queue.then(() => this.#add(plan));
    // One after the other: perf does not say for which event it starts.
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Stops to count; the hits until then stay known. */
  async remove(probe: ProbeId): Promise<void> {
    const count = this.#counts.get(probe);
    if (count === undefined) return;
    await this.#stop(count);
    this.#forget(count);
    const supervisor = await this.#supervisor;
    for (const event of count.events.keys())
      await supervisor?.define(removalOf(supervisor.group, event)).catch(() => {
        // It is busy until the kernel has closed it; what is left then goes with the supervisor.
      });
  }

  /** Takes back what was counted since the probe was added last: somebody else has counted it. */
  async discard(probe: ProbeId): Promise<void> {
    const count = this.#counts.get(probe);
    if (count === undefined) return;
    await count.next.promise;
    count.hits = 0;
  }

  /** Keeps the figure as it is: from here on somebody else counts. */
  freeze(probe: ProbeId): void {
    const count = this.#counts.get(probe);
    if (count === undefined) return;
    count.frozen = true;
  }

  /** Resolves when each count is of now: when its perf has said another line. */
  async fresh(): Promise<void> {
    await Promise.all([...this.#counts.values()].map((count) => count.next.promise));
  }

  /** Stops all counts, with their last hits. */
  async finish(): Promise<void> {
    await Promise.all([...this.#counts.values()].map((count) => this.#stop(count)));
  }

  /** Ends everything at once. */
  dispose(): void {
    this.#disposed = true;
    void this.#supervisor?.then(
      (supervisor) => supervisor.close(),
      () => undefined,
    );
  }

  /** Settles when nothing of it is left. */
  async gone(): Promise<void> {
    await this.#gone;
  }

  async #add(plan: CountPlan): Promise<void> {
    const supervisor = await this.#open();
    const events = new Map<string, number>();
    for (const weight of new Set(plan.places.map((place) => place.weight))) {
      const event = `e${++this.#events}_${this.#token}`;
      const sites = plan.places.filter((place) => place.weight === weight);
      events.set(event, weight);
      await defineEvent(supervisor, event, { path: plan.path, sites: sites.map(toSite), arguments: [] });
    }
    const count: Count = {
      plan,
      events,
      hits: 0,
      told: new Map(),
      frozen: false,
      started: deferred(),
      ended: deferred(),
      next: deferred(),
      stopping: false,
    };
    this.#starting = count;
    this.#words = [];
    this.#counts.set(plan.probe, count);
    try {
      await supervisor.count([...events.keys()], INTERVAL_MS, plan.pid);
      await within(
        PATIENCE_MS,
        Promise.race([count.started.promise, count.ended.promise.then(() => this.#fail(count))]),
      );
    } catch (error) {
      count.stopping = true;
      this.#forget(count);
      void supervisor.uncount(firstOf(count)).catch(() => undefined);
      throw error;
    } finally {
      this.#starting = undefined;
    }
  }

  #open(): Promise<TracefsSupervisor> {
    if (this.#disposed) throw new ProbeError({ code: 'cancelled', message: 'The session was ended.' });
    this.#supervisor ??= this.#start();
    this.#supervisor.catch(() => (this.#supervisor = undefined));
    return this.#supervisor;
  }

  async #start(): Promise<TracefsSupervisor> {
    if ((await findProgram('perf')) === undefined)
      throw new ProbeError({
        code: 'probe-refused',
        message: 'perf is not installed, and without it nothing counts inside a function.',
        remedy: PERF_REMEDY,
      });
    const supervisor = await TracefsSupervisor.start({
      token: this.#token,
      elevate: await this.#host.elevate(),
      bufferKb: BUFFER_KB,
      onCounts: (chunk) => this.#feed(chunk.toString('latin1')),
    });
    this.#pids = [supervisor.pid];
    this.#gone = supervisor.ended.then(() => this.#lostAll());
    if (this.#disposed) void supervisor.close();
    return supervisor;
  }

  async #stop(count: Count): Promise<void> {
    count.stopping = true;
    const supervisor = await this.#supervisor;
    await supervisor?.uncount(firstOf(count)).catch(() => undefined);
    await within(PATIENCE_MS, count.ended.promise).catch((error: unknown) => this.#host.log(String(error)));
  }

  #forget(count: Count): void {
    const { probe } = count.plan;
    if (this.#counts.get(probe) !== count) return;
    this.#earlier.set(probe, this.hits(probe));
    this.#counts.delete(probe);
  }

  #feed(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#take(readCountLine(line));
  }

  #take(line: CountLine): void {
    switch (line.kind) {
      case 'counting':
        break;
      case 'enabled':
        this.#starting?.started.resolve();
        break;
      case 'hits': {
        const count = this.#find(line.event);
        if (count === undefined) break;
        add(count, line.event, line.hits);
        count.started.resolve();
        if (line.event === [...count.events.keys()].at(-1)) tick(count);
        break;
      }
      case 'sum': {
        const count = this.#find(line.event);
        // perf leaves out its last interval when the signal meets it anywhere but in its sleep
        if (count !== undefined) add(count, line.event, line.hits - (count.told.get(line.event) ?? 0));
        break;
      }
      case 'ended': {
        const count = this.#find(line.event);
        if (count !== undefined) this.#ended(count, line.exitCode);
        break;
      }
      case 'words':
        if (line.text === '' || line.text === 'Events disabled') break;
        this.#words.push(line.text);
        // What a perf says that is told to end is of no interest.
        if (!this.#disposed) this.#host.log(`perf: ${line.text}`);
    }
  }

  #find(event: string): Count | undefined {
    return [...this.#counts.values()].find((count) => count.events.has(event));
  }

  #ended(count: Count, exitCode: number): void {
    const expected = end(count) || count === this.#starting;
    // perf ends by itself, with code 0, when the process has: that is told by whoever watches the process.
    if (expected || exitCode === 0) return;
    this.#host.onLost(count.plan.probe, {
      code: 'engine-ended',
      message: `perf ended while it was counting (exit code ${exitCode}).${this.#said()}`,
      remedy: 'Resume the probe to start it again; somebody may have killed it.',
    });
  }

  /** The supervisor has ended, and all its perfs with it. */
  #lostAll(): void {
    for (const count of this.#counts.values()) {
      if (end(count) || this.#disposed) continue;
      this.#host.onLost(count.plan.probe, {
        code: 'engine-ended',
        message: 'The process that owns the counted places has ended.',
        remedy: 'Resume the probe to start it again; somebody may have killed it.',
      });
    }
    this.#supervisor = undefined;
  }

  #fail(count: Count): never {
    throw new ProbeError({
      code: 'engine-refused',
      message: `perf could not count ${count.plan.places.length} places of ${count.plan.path}.${this.#said()}`,
      remedy: 'perf 5.10 or newer is needed; probescope doctor tells what works here.',
    });
  }

  #said(): string {
    return this.#words.length === 0 ? '' : ` It said: ${this.#words.slice(0, 3).join(' ')}`;
  }
}

function add(count: Count, event: string, hits: number): void {
  count.told.set(event, (count.told.get(event) ?? 0) + hits);
  if (!count.frozen) count.hits += hits * (count.events.get(event) ?? 1);
}

const toSite = ({ fileOffsetBytes }: CountedPlace) => ({ fileOffsetBytes });

/** By its first event a count is named. */
const firstOf = ({ events }: Count): string => [...events.keys()][0] ?? '';

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function deferred(): Deferred {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** Nobody waits any more for the next line of one that is ending. */
function tick(count: Count): void {
  count.next.resolve();
  if (!count.stopping) count.next = deferred();
}

/** Whether the end was asked for. */
function end(count: Count): boolean {
  const asked = count.stopping;
  count.stopping = true;
  count.ended.resolve();
  tick(count);
  return asked;
}

async function within(patienceMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new ProbeError({
            code: 'engine-refused',
            message: `perf did not answer within ${patienceMs / 1000} s.`,
            remedy: 'Look at the load of the target: perf may be starved of CPU time.',
          }),
        ),
      patienceMs,
    );
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
