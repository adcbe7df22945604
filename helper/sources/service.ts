import { ProbeError, asProblem } from '../../protocol/errors.ts';
import {
  type EventsApi,
  type EventsEvents,
  type EventsSpec,
  type EventsToCopy,
  type SourceId,
  type SourceKind,
  type SourceListing,
  type StreamSchema,
  sourceKinds,
} from '../../protocol/events.ts';
import type { Handlers } from '../../protocol/channel.ts';
import { HostEvents, allSources } from './all.ts';
import { commandsFor } from './commands.ts';
import { countScript } from './count-script.ts';
import { OpenBinaries } from '../symbols/open-binaries.ts';
import { Symboliser } from '../symbols/symbolise.ts';
import { type RunningStat, runStat } from './perf-stat/run.ts';
import { prepareEvent } from './prepare.ts';
import { type EventSource, type SourcePlan, parseEntry } from './source.ts';
import { StackNamer } from './stack-namer.ts';
import { stackKinds } from './tracefs/instance.ts';
import { EventStream } from './tracefs/stream.ts';

/** Above this rate each event costs the traced programs more than a tenth of a core (1 µs an event). */
export const BUDGET_PER_SECOND = 100_000;
/** Recording an event takes 0.06 µs, with one stack 0.5 to 0.7, with both 1.2 (measured on two cores), and naming them takes the helper's time. */
export const BUDGET_WITH_STACKS_PER_SECOND = 50_000;
/** What is read of binaries to name stacks may go again: a place is named once. */
const MOST_HELD_BYTES = 32 * 2 ** 20;

export interface EventsServiceOptions {
  readonly emit: <E extends keyof EventsEvents>(event: E, params: Parameters<EventsEvents[E]>[0]) => unknown;
  /** Rows would wait for a slow link. */
  readonly linkIsFull?: () => boolean;
  /** The words that run perf on a process or the machine, with sudo where that is needed. */
  readonly perf?: () => Promise<readonly string[]>;
  /** Minor version of the target's bpftrace, for scripts to copy; 17 is what every later one reads too. */
  readonly bpftraceMinor?: () => Promise<number>;
}

/** Serves the event sources of this host: what there is, what it carries, what it would cost, and its events. */
export class EventsService implements Handlers<EventsApi, unknown> {
  private readonly host = new HostEvents();
  private readonly sources: ReadonlyMap<SourceKind, EventSource>;
  private readonly streams = new Map<string, EventStream>();
  private readonly stats = new Map<string, RunningStat>();
  private readonly options: EventsServiceOptions;

  constructor(options: EventsServiceOptions) {
    this.options = options;
    this.sources = allSources(this.host);
  }

  readonly listSources = async (params: { kinds?: readonly SourceKind[]; binaries?: readonly string[] }) => {
    const kinds = params.kinds ?? sourceKinds;
    this.host.refresh();
    const listings = await Promise.all(
      kinds.map(async (kind): Promise<SourceListing> => {
        try {
          return await this.source(kind).list({ binaries: params.binaries ?? [] });
        } catch (thrown) {
          return { kind, groups: [], problem: asProblem(thrown) };
        }
      }),
    );
    return { listings };
  };

  readonly describeSource = async ({ id }: { id: SourceId }) => {
    const entry = parseEntry(id, sourceKinds);
    return this.source(entry.kind).describe(entry);
  };

  readonly estimateRate = async (params: { sources: readonly SourceId[]; filter?: string; pid?: number }) => {
    const stream = await this.open(
      { ...params, stream: 'estimate', mode: { kind: 'first', rows: 0 } },
      () => undefined,
    );
    const { perSecond, measuredMs } = stream.rate;
    await stream.stop();
    return {
      perSecond,
      measuredMs,
      method: 'counted in the kernel’s trace buffer, filtered, without reading a record',
      budgetPerSecond: BUDGET_PER_SECOND,
    };
  };

  readonly startEvents = async (spec: EventsSpec): Promise<StreamSchema> => {
    if (this.streams.has(spec.stream))
      throw new ProbeError({
        code: 'invalid-argument',
        message: `There is a stream ${spec.stream} already.`,
      });
    const namer = this.namerOf(spec);
    const stream = await this.open(
      spec,
      (problem) => {
        this.streams.delete(spec.stream);
        const state = { kind: 'ended' as const, counts: stream.totals() };
        const tell = () =>
          this.options.emit('eventsState', {
            stream: spec.stream,
            state: problem === undefined ? state : { ...state, problem },
          });
        if (namer === undefined) tell();
        else void namer.done().then(tell);
      },
      namer,
    );
    this.streams.set(spec.stream, stream);
    const rest = stream.filters.some((filter) => filter.rest !== undefined);
    return {
      stream: spec.stream,
      events: stream.events.map((event) => event.source),
      columns: stream.columns,
      engine: 'tracefs',
      commands: await this.commandsIfAny(spec),
      ...(rest && spec.filter !== undefined ? { checkedAfterwards: spec.filter } : {}),
    };
  };

  private namerOf(spec: EventsSpec): StackNamer | undefined {
    if (stackKinds(spec).length === 0) return undefined;
    return new StackNamer(new Symboliser(new OpenBinaries(MOST_HELD_BYTES)), (stacks) => {
      this.options.emit('eventStacks', { stream: spec.stream, stacks });
    });
  }

  readonly copyEvents = async (params: EventsToCopy) => ({
    commands: await this.commands(params),
  });

  readonly countEvents = async (params: EventsToCopy & { by: string }) => ({
    script: countScript(
      await this.plans(params.sources),
      params,
      params.by,
      (await this.options.bpftraceMinor?.()) ?? 17,
    ),
  });

  private plans(sources: readonly SourceId[]): Promise<SourcePlan[]> {
    return Promise.all(
      sources.map(async (id): Promise<SourcePlan> => {
        const entry = parseEntry(id, sourceKinds);
        return this.source(entry.kind).plan(entry);
      }),
    );
  }

  private async commands(params: EventsToCopy) {
    const plans = await this.plans(params.sources);
    return commandsFor(plans, params, (await this.options.bpftraceMinor?.()) ?? 17);
  }

  /** Events that no script can name are traced all the same. */
  private async commandsIfAny(params: EventsToCopy) {
    try {
      return await this.commands(params);
    } catch (thrown) {
      if (asProblem(thrown).code === 'probe-refused') return [];
      throw thrown;
    }
  }

  readonly stopEvents = async ({ stream }: { stream: string }) => {
    const running = this.streams.get(stream);
    if (running === undefined)
      throw new ProbeError({ code: 'session-not-found', message: `There is no stream ${stream}.` });
    return running.stop();
  };

  readonly startStat = async (params: Parameters<EventsApi['startStat']>[0]) => {
    const perf = params.command === undefined ? await this.options.perf?.() : undefined;
    const running = runStat(
      params,
      (interval) => this.options.emit('statInterval', interval),
      perf === undefined ? {} : { perf },
    );
    this.stats.set(params.stream, running);
    void running.ended.then(({ problem }) => {
      this.stats.delete(params.stream);
      const counts = { received: 0, lost: 0, sampledOut: 0, missedEntries: 0 };
      const state = { kind: 'ended' as const, counts };
      this.options.emit('eventsState', {
        stream: params.stream,
        state: problem === undefined ? state : { ...state, problem },
      });
    });
    return {};
  };

  readonly stopStat = ({ stream }: { stream: string }) => {
    this.stats.get(stream)?.stop();
    return {};
  };

  /** Ends everything that runs. */
  async close(): Promise<void> {
    for (const stat of this.stats.values()) stat.stop();
    await Promise.all([...this.streams.values()].map((stream) => stream.stop()));
  }

  private source(kind: SourceKind): EventSource {
    const source = this.sources.get(kind);
    if (source === undefined)
      throw new ProbeError({ code: 'invalid-argument', message: `There is no kind of sources “${kind}”.` });
    return source;
  }

  private async open(
    spec: EventsSpec,
    onEnd: (problem: Parameters<Parameters<typeof EventStream.start>[0]['onEnd']>[1]) => void,
    namer?: StackNamer,
  ) {
    if (spec.sources.length === 0)
      throw new ProbeError({ code: 'invalid-argument', message: 'No event is named.' });
    const plans = await this.plans(spec.sources);
    if (process.getuid?.() !== 0)
      throw new ProbeError({
        code: 'no-privileges',
        message:
          'Live events are read from the kernel’s trace buffer, which only root may open, and the helper is not root.',
        remedy:
          'Use a target whose helper runs as root (for ssh: root@HOST), or copy the events as a bpftrace script.',
      });
    const { root } = await this.host.tracepoints();
    return EventStream.start({
      spec,
      elevate: [],
      tracefsRoot: root,
      budgetPerSecond: stackKinds(spec).length === 0 ? BUDGET_PER_SECOND : BUDGET_WITH_STACKS_PER_SECOND,
      prepare: (supervisor) =>
        inOrder(plans, (plan, index) =>
          prepareEvent(supervisor, root, spec.sources[index] ?? '', plan, index, spec.durations),
        ),
      onRows: (rows) => this.options.emit('eventRows', rows),
      ...(namer === undefined ? {} : { onStacks: (stacks) => namer.add(stacks) }),
      ...(this.options.linkIsFull === undefined ? {} : { linkIsFull: this.options.linkIsFull }),
      onEnd: (_counts, problem) => onEnd(problem),
    });
  }
}

async function inOrder<A, B>(
  items: readonly A[],
  make: (item: A, index: number) => Promise<B>,
): Promise<B[]> {
  const made: B[] = [];
  for (const [index, item] of items.entries()) made.push(await make(item, index));
  return made;
}
