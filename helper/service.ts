import type { Readable, Writable } from 'node:stream';
import type { TargetFacts } from '../protocol/target.ts';
import { checkScriptHere } from './engines/bpftrace/host-verdict.ts';
import { CallsService } from './calls/service.ts';
import { CostService } from './cost-service.ts';
import { findBinaries } from './host/binaries.ts';
import { bpftraceFacts, targetFacts } from './host/facts.ts';
import { listProcesses } from './host/processes.ts';
import { hostCatalog } from './kernel/host-catalog.ts';
import { detachEverything } from './detach/detach.ts';
import { LogpointService, rootPrefix } from './logpoints/service.ts';
import { serve } from './rpc.ts';
import { ScriptService } from './script-service.ts';
import { perfWords } from './sources/perf-stat/words.ts';
import { EventsService } from './sources/service.ts';
import { SyscallsService } from './sources/syscalls/service.ts';
import { findSubjects } from './symbols/lookup.ts';
import { OpenBinaries } from './symbols/open-binaries.ts';
import { SilenceWatch } from './silence-watch.ts';
import { TraceService } from './trace-service.ts';
import { uninstall } from './uninstall.ts';

/** Raised with the package's version; part of the handshake's answer. */
export const HELPER_VERSION = '0.1.0';

export interface HelperService {
  /** Resolves when the client has gone and everything that was started for it has ended. */
  readonly ended: Promise<void>;
}

/** Answers the helper's calls on two streams. Whatever was started ends when the client goes. */
export function startService(streams: { input: Readable; output: Writable }): HelperService {
  const binaries = new OpenBinaries();
  const silence = new SilenceWatch(streams.input);
  let facts: Promise<TargetFacts> | undefined;
  let trace: TraceService | undefined;
  let logpoints: LogpointService | undefined;
  let events: EventsService | undefined;
  let scripts: ScriptService | undefined;
  let syscalls: SyscallsService | undefined;
  let calls: CallsService | undefined;
  const { closed } = serve(streams, HELPER_VERSION, (notify, linkIsFull) => {
    const service = new TraceService(notify, binaries);
    trace = service;
    const logs = new LogpointService(notify, binaries);
    logpoints = logs;
    const sources = new EventsService({
      emit: notify,
      linkIsFull,
      perf: perfWords,
      bpftraceMinor: async () => minorOf((await bpftraceFacts()).facts.version),
    });
    events = sources;
    const summaries = new SyscallsService(notify);
    syscalls = summaries;
    const runs = new ScriptService(notify);
    scripts = runs;
    const watches = new CallsService({
      notify,
      binaries,
      symboliser: service.symboliser,
      command: (probe) => service.commandForReturns(probe),
    });
    calls = watches;
    service.warmUp();
    const costs = new CostService(service);
    return {
      hitCosts: ({ measure }) => costs.hitCosts(measure),
      ...logs.handlers,
      ping: ({ endAfterSilenceMs }) => {
        silence.endAfter(endAfterSilenceMs);
        return {};
      },
      ...runs.handlers,
      ...summaries.handlers,
      targetFacts: ({ refresh }) => {
        if (refresh) facts = undefined;
        facts ??= targetFacts();
        facts.catch(() => (facts = undefined));
        return facts;
      },
      processes: async () => ({ processes: await listProcesses() }),
      findBinaries: async (query, { cancelled }) => ({
        candidates: await findBinaries(binaries, query, cancelled),
      }),
      lookUp: async (query) => ({ subjects: findSubjects(await binaries.open(query.binary), query) }),
      openSession: (params, context) => service.open(params, context),
      updateSession: (params, context) => service.update(params, context),
      paceSession: (params) => service.pace(params),
      closeSession: (params) => service.close(params),
      startCalls: (params, context) => watches.start(params, context),
      stopCalls: (params) => watches.stop(params),
      checkScript: ({ script, unsafe }) => checkScriptHere(script, { unsafe }),
      catalog: async () => ({
        catalog: await hostCatalog((message) => notify('log', { level: 'info', message })),
      }),
      listSources: sources.listSources,
      describeSource: sources.describeSource,
      estimateRate: sources.estimateRate,
      copyEvents: sources.copyEvents,
      startEvents: sources.startEvents,
      stopEvents: sources.stopEvents,
      startStat: sources.startStat,
      stopStat: sources.stopStat,
      uninstall: () => uninstall(),
      detachEverything: ({ scope }) =>
        detachEverything(scope, {
          elevate: rootPrefix,
          log: (message) => notify('log', { level: 'info', message }),
        }),
      sessionScript: (params) => service.script(params),
    };
  });
  return {
    ended: closed.then(async () => {
      silence.dispose();
      await Promise.all([
        trace?.dispose(),
        logpoints?.dispose(),
        events?.close(),
        scripts?.dispose(),
        syscalls?.dispose(),
        calls?.dispose(),
      ]);
    }),
  };
}

/** `0.17.0` → 17; the oldest that is supported when nothing is known. */
function minorOf(version: string | undefined): number {
  return Number(/^0\.(\d+)/.exec(version ?? '')?.[1] ?? 17);
}
