import type { Readable, Writable } from 'node:stream';
import type { ParamsOf, ResultOf } from '../protocol/channel.ts';
import type { BinaryCandidate, HelperApi, SearchProgress, SourceQuery } from '../protocol/helper.ts';
import { KERNEL } from '../protocol/probe.ts';
import type { TargetFacts } from '../protocol/target.ts';
import type { CallsService } from './calls/service.ts';
import type { CostService } from './cost-service.ts';
import { bpftraceFacts } from './host/bpftrace-facts.ts';
import { Lazy } from './lazy.ts';
import type { LogpointService } from './logpoints/service.ts';
import type { LiveProfileService } from './profile/service.ts';
import { serve, type CallContext, type HelperHandlers, type Notify } from './rpc.ts';
import type { ScriptService } from './script-service.ts';
import type { EventsService } from './sources/service.ts';
import type { SyscallsService } from './sources/syscalls/service.ts';
import { findSubjects } from './symbols/lookup.ts';
import { OpenBinaries } from './symbols/open-binaries.ts';
import { SilenceWatch } from './silence-watch.ts';
import { TraceService } from './trace-service.ts';

/** Raised with the package's version; part of the handshake's answer. */
export const HELPER_VERSION = '0.1.0';

export interface HelperService {
  /** Resolves when the client has gone and everything that was started for it has ended. */
  readonly ended: Promise<void>;
}

export interface ServiceOptions {
  /** The helper's file, which serves searches when it is run with the word for it. Without it they run here, as in a command that waits for them. */
  readonly searchEntry?: string;
}

/** Answers the helper's calls on two streams. Whatever was started ends when the client goes. */
export function startService(
  streams: { input: Readable; output: Writable },
  { searchEntry }: ServiceOptions = {},
): HelperService {
  const silence = new SilenceWatch(streams.input);
  let services: Services | undefined;
  const { closed } = serve(streams, HELPER_VERSION, (notify, linkIsFull) => {
    services = new Services(notify, linkIsFull, searchEntry);
    return {
      ...services.handlers(),
      ping: ({ endAfterSilenceMs }) => {
        silence.endAfter(endAfterSilenceMs);
        return { wallClockMs: Date.now() };
      },
    };
  });
  return {
    ended: closed.then(async () => {
      silence.dispose();
      await services?.dispose();
    }),
  };
}

/** Looking up and tracing stand ready; the code of everything else is loaded by the first call that needs it. */
class Services {
  readonly #notify: Notify;
  readonly #binaries = new OpenBinaries();
  readonly #trace: TraceService;
  readonly #logpoints: Lazy<LogpointService>;
  readonly #events: Lazy<EventsService>;
  readonly #scripts: Lazy<ScriptService>;
  readonly #syscalls: Lazy<SyscallsService>;
  readonly #calls: Lazy<CallsService>;
  readonly #profiles: Lazy<LiveProfileService>;
  readonly #costs: Lazy<CostService>;
  readonly #search: Lazy<Search>;
  #facts: Promise<TargetFacts> | undefined;

  constructor(notify: Notify, linkIsFull: () => boolean, searchEntry: string | undefined) {
    this.#notify = notify;
    const binaries = this.#binaries;
    const trace = new TraceService(notify, binaries);
    this.#trace = trace;
    trace.warmUp();
    this.#logpoints = new Lazy(async () => {
      const { LogpointService } = await import('./logpoints/service.ts');
      return new LogpointService(notify, binaries);
    });
    this.#events = new Lazy(async () => {
      const { EventsService } = await import('./sources/service.ts');
      const { perfWords } = await import('./sources/perf-stat/words.ts');
      return new EventsService({
        emit: notify,
        linkIsFull,
        perf: perfWords,
        bpftraceMinor: async () => minorOf((await bpftraceFacts()).facts.version),
      });
    });
    this.#scripts = new Lazy(async () => {
      const { ScriptService } = await import('./script-service.ts');
      return new ScriptService(notify);
    });
    this.#syscalls = new Lazy(async () => {
      const { SyscallsService } = await import('./sources/syscalls/service.ts');
      return new SyscallsService(notify);
    });
    this.#calls = new Lazy(async () => {
      const { CallsService } = await import('./calls/service.ts');
      return new CallsService({
        notify,
        binaries,
        symboliser: trace.symboliser,
        command: (probe) => trace.commandForReturns(probe),
      });
    });
    this.#profiles = new Lazy(async () => {
      const { LiveProfileService } = await import('./profile/service.ts');
      return new LiveProfileService({ notify, linkIsFull });
    });
    this.#costs = new Lazy(async () => {
      const { CostService } = await import('./cost-service.ts');
      return new CostService(trace);
    });
    this.#search = new Lazy(() => searchIn(searchEntry));
  }

  handlers(): Omit<HelperHandlers, 'ping'> {
    const trace = this.#trace;
    const binaries = this.#binaries;
    const logpoints = async () => (await this.#logpoints.get()).handlers;
    const scripts = async () => (await this.#scripts.get()).handlers;
    const events = () => this.#events.get();
    const profiles = async () => (await this.#profiles.get()).handlers;
    const syscalls = async () => (await this.#syscalls.get()).handlers;
    const log = (message: string) => this.#notify('log', { level: 'info', message });
    return {
      lookUp: async (query) => ({
        subjects:
          query.binary === KERNEL
            ? await trace.kernelFunctions(query.function ?? '')
            : findSubjects(await binaries.open(query.binary), query),
      }),
      openSession: (params, context) => trace.open(params, context),
      updateSession: (params, context) => trace.update(params, context),
      paceSession: (params) => trace.pace(params),
      closeSession: (params) => trace.close(params),
      describeSession: async (params) => {
        const described = await trace.describe(params);
        return { ...described, tools: [`Probescope ${HELPER_VERSION}`, ...described.tools] };
      },
      hitCosts: async ({ measure }) => (await this.#costs.get()).hitCosts(measure),
      scopeAt: forward(logpoints, 'scopeAt'),
      completeExpression: forward(logpoints, 'completeExpression'),
      checkLogpoint: forward(logpoints, 'checkLogpoint'),
      addLogpoint: forward(logpoints, 'addLogpoint'),
      removeLogpoint: forward(logpoints, 'removeLogpoint'),
      startScript: forward(scripts, 'startScript'),
      stopScript: forward(scripts, 'stopScript'),
      countAttachPoints: forward(scripts, 'countAttachPoints'),
      startSyscalls: forward(syscalls, 'startSyscalls'),
      stopSyscalls: forward(syscalls, 'stopSyscalls'),
      listSources: forward(events, 'listSources'),
      describeSource: forward(events, 'describeSource'),
      estimateRate: forward(events, 'estimateRate'),
      copyEvents: forward(events, 'copyEvents'),
      countEvents: forward(events, 'countEvents'),
      startEvents: forward(events, 'startEvents'),
      stopEvents: forward(events, 'stopEvents'),
      startStat: forward(events, 'startStat'),
      stopStat: forward(events, 'stopStat'),
      startProfile: forward(profiles, 'startProfile'),
      stopProfile: forward(profiles, 'stopProfile'),
      startCalls: async (params, context) => (await this.#calls.get()).start(params, context),
      stopCalls: async (params) => (await this.#calls.get()).stop(params),
      targetFacts: ({ refresh }) => {
        if (refresh) this.#facts = undefined;
        this.#facts ??= import('./host/facts.ts').then(({ targetFacts }) => targetFacts());
        this.#facts.catch(() => (this.#facts = undefined));
        return this.#facts;
      },
      processes: async () => {
        const { listProcesses } = await import('./host/processes.ts');
        return { processes: await listProcesses() };
      },
      findBinaries: async (query, { cancelled }) => {
        const { search } = query;
        const binaries = await this.#search.get();
        const candidates = await binaries.find(query, cancelled, (progress) => {
          if (search !== undefined) this.#notify('searchProgress', { search, ...progress });
        });
        return { candidates };
      },
      checkScript: async ({ script, unsafe }) => {
        const { checkScriptHere } = await import('./engines/bpftrace/host-verdict.ts');
        return checkScriptHere(script, { unsafe });
      },
      catalog: async () => {
        const { hostCatalog } = await import('./kernel/host-catalog.ts');
        return { catalog: await hostCatalog(log) };
      },
      uninstall: async () => (await import('./uninstall.ts')).uninstall(),
      detachEverything: async ({ scope }) => {
        const { detachEverything } = await import('./detach/detach.ts');
        const { rootPrefix } = await import('./privilege/root-prefix.ts');
        return detachEverything(scope, { elevate: rootPrefix, log });
      },
    };
  }

  /** Ends everything that was started; resolves when it is gone. */
  async dispose(): Promise<void> {
    await Promise.all([
      this.#trace.dispose(),
      this.#logpoints.end((service) => service.dispose()),
      this.#events.end((service) => service.close()),
      this.#scripts.end((service) => service.dispose()),
      this.#syscalls.end((service) => service.dispose()),
      this.#calls.end((service) => service.dispose()),
      this.#profiles.end((service) => service.dispose()),
      this.#search.end((search) => search.dispose()),
    ]);
  }
}

/** How binaries of a source file are looked for. */
interface Search {
  find(
    query: SourceQuery,
    cancelled: AbortSignal,
    progress: (progress: SearchProgress) => void,
  ): Promise<readonly BinaryCandidate[]>;
  dispose(): Promise<void>;
}

/** In a process that is started from `entry`, or here. */
async function searchIn(entry: string | undefined): Promise<Search> {
  if (entry !== undefined) {
    const { BinarySearch } = await import('./host/binary-search.ts');
    return new BinarySearch(entry);
  }
  const { findBinaries } = await import('./host/binaries.ts');
  const { SourceFilesCache } = await import('./symbols/source-files-cache.ts');
  return {
    find: (query, cancelled, progress) =>
      findBinaries(query, { cache: new SourceFilesCache(), progress, isCancelled: () => cancelled.aborted }),
    dispose: () => Promise.resolve(),
  };
}

/** Hands a call to the service that answers it, which is loaded by then. */
function forward<K extends keyof HelperHandlers>(
  service: () => Promise<Pick<HelperHandlers, K>>,
  method: K,
): (params: ParamsOf<HelperApi, K>, context: CallContext) => Promise<ResultOf<HelperApi, K>> {
  return async (params, context) => (await service())[method](params, context);
}

/** `0.17.0` → 17; the oldest that is supported when nothing is known. */
function minorOf(version: string | undefined): number {
  return Number(/^0\.(\d+)/.exec(version ?? '')?.[1] ?? 17);
}
