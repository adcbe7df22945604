import { existsSync } from 'node:fs';
import { arch } from 'node:os';
import type { CallBatch, CalleeTotals, CallRecord, CallsStarted, CallWatchId } from '../../protocol/calls.ts';
import { ProbeError } from '../../protocol/errors.ts';
import type { ProbeSpec } from '../../protocol/probe.ts';
import { CallsEngine, type RawCall } from '../engines/bpftrace/calls-engine.ts';
import type { EngineCommand } from '../engines/bpftrace/engine.ts';
import type { CallContext, Notify } from '../rpc.ts';
import { showValue } from '../symbols/entry-values.ts';
import type { OpenBinaries } from '../symbols/open-binaries.ts';
import type { Symboliser } from '../symbols/symbolise.ts';
import { planCalls, type CallsPlan } from './plan.ts';

/** Records travel this often. */
const BATCH_MS = 250;
/** Threads in a call at one time; maps are sized for them. */
const MAP_KEYS = 16_384;

export interface CallsHost {
  readonly notify: Notify;
  readonly binaries: OpenBinaries;
  readonly symboliser: Symboliser;
  /** How bpftrace is run for this probe; throws where its returns must not be probed. */
  readonly command: (probe: ProbeSpec) => Promise<EngineCommand>;
}

/** Records single calls of functions, a watch a function. */
export class CallsService {
  readonly #host: CallsHost;
  readonly #watches = new Map<CallWatchId, Watch>();
  readonly #leaving = new Set<Promise<unknown>>();

  constructor(host: CallsHost) {
    this.#host = host;
  }

  /** Attaches; see `CallsApi`. */
  async start(
    { id, probe }: { readonly id: CallWatchId; readonly probe: ProbeSpec },
    { cancelled }: CallContext,
  ): Promise<CallsStarted> {
    if (this.#watches.has(id))
      throw new ProbeError({ code: 'invalid-argument', message: `Calls are recorded as ${id} already.` });
    const command = await this.#host.command(probe);
    const debug = await this.#host.binaries.open(probe.binary);
    const plan = planCalls(probe, debug, {
      version: command.version,
      arch: arch(),
      kernelTypes: existsSync('/sys/kernel/btf/vmlinux'),
    });
    if (probe.pid !== undefined) this.#host.symboliser.prepare(probe.pid);
    const watch = new Watch(id, plan, command, this.#host);
    this.#watches.set(id, watch);
    try {
      await watch.engine.ready(cancelled);
    } catch (error) {
      this.#watches.delete(id);
      watch.kill();
      throw error;
    }
    void watch.engine.ended.then((problem) => {
      if (!this.#watches.delete(id)) return;
      watch.kill();
      this.#host.notify('callsEnded', { id, problem });
    });
    watch.begin();
    return plan.started;
  }

  /** Detaches; the last batch is sent before it resolves. */
  async stop({ id }: { readonly id: CallWatchId }): Promise<Record<string, never>> {
    const watch = this.#watches.get(id);
    if (watch === undefined) return {};
    this.#watches.delete(id);
    const gone = watch.engine.ended.finally(() => this.#leaving.delete(gone));
    this.#leaving.add(gone);
    await watch.finish();
    return {};
  }

  /** Ends everything; resolves when no process is left. */
  async dispose(): Promise<void> {
    const watches = [...this.#watches.values()];
    this.#watches.clear();
    for (const watch of watches) watch.kill();
    await Promise.all([...this.#leaving, ...watches.map(({ engine }) => engine.ended)]);
  }
}

class Watch {
  readonly engine: CallsEngine;
  readonly #id: CallWatchId;
  readonly #plan: CallsPlan;
  readonly #host: CallsHost;
  readonly #stacks = new Map<string, number>();
  #pending: RawCall[] = [];
  #timer: NodeJS.Timeout | undefined;
  #queue: Promise<void> = Promise.resolve();

  constructor(id: CallWatchId, plan: CallsPlan, command: EngineCommand, host: CallsHost) {
    this.#id = id;
    this.#plan = plan;
    this.#host = host;
    const points = String(4 * (plan.points + 16));
    this.engine = new CallsEngine({
      command,
      script: plan.script,
      off: plan.off,
      args: command.takesKeys ? ['--map-keys', String(MAP_KEYS)] : [],
      env: {
        BPFTRACE_MAP_KEYS_MAX: String(MAP_KEYS),
        BPFTRACE_NO_USER_SYMBOLS: '1',
        BPFTRACE_MAX_PROBES: points,
        BPFTRACE_MAX_BPF_PROGS: points,
      },
      texts: plan.texts.length,
      onCall: (call) => {
        this.#pending.push(call);
      },
    });
    void this.engine.ended.then(() => {
      plan.dispose();
    });
  }

  begin(): void {
    this.#timer = setInterval(() => {
      this.#send();
    }, BATCH_MS);
  }

  async finish(): Promise<void> {
    await this.engine.finish();
    clearInterval(this.#timer);
    this.#send();
    await this.#queue;
  }

  kill(): void {
    clearInterval(this.#timer);
    this.engine.kill();
  }

  #send(): void {
    const calls = this.#pending;
    this.#pending = [];
    this.#queue = this.#queue
      .then(async () => {
        this.#host.notify('callBatch', await this.#batch(calls));
      })
      .catch((error: unknown) => {
        this.#host.notify('log', { level: 'warn', message: `Calls could not be sent: ${String(error)}` });
      });
  }

  async #batch(calls: readonly RawCall[]): Promise<CallBatch> {
    const stacks: CallBatch['stacks'][number][] = [];
    const records: CallRecord[] = [];
    for (const call of calls) {
      const addresses = [call.entry, ...call.callers];
      const key = `${call.pid} ${addresses.join(' ')}`;
      let stack = this.#stacks.get(key);
      if (stack === undefined) {
        this.#stacks.set(key, (stack = this.#stacks.size));
        stacks.push({ stack, frames: await this.#host.symboliser.stack(call.pid, addresses) });
      }
      records.push(this.#record(call, stack));
    }
    const { totals, wallClockOffsetMs } = this.engine;
    const returns = totals.get('@n');
    return {
      id: this.#id,
      records,
      stacks,
      calls: returns?.get('0') ?? 0,
      abandoned: returns?.get('1') ?? 0,
      callees: this.#callees(),
      wallClockOffsetMs,
    };
  }

  #callees(): CalleeTotals[] {
    const { totals } = this.engine;
    return [...(totals.get('@cn') ?? [])]
      .map(([key, count]) => ({ callee: Number(key), count, sumNs: totals.get('@ct')?.get(key) ?? 0 }))
      .sort((a, b) => b.sumNs - a.sumNs);
  }

  #record(call: RawCall, stack: number): CallRecord {
    const { values, registers, texts } = this.#plan;
    const [runningNs, runnableNs, blockedNs, ioNs] = call.timesNs;
    const { returned } = values;
    return {
      startNs: call.startNs,
      durationNs: call.durationNs,
      pid: call.pid,
      tid: call.tid,
      runningNs,
      runnableNs,
      blockedNs,
      ioNs,
      stack,
      ...(returned === undefined ? {} : { returned: showValue(call.returned, returned) }),
      arguments: values.parameters.map(({ register, kind }) => {
        if (register === undefined || kind === undefined) return '–';
        const text = texts.indexOf(register);
        const bits = call.registers[registers.indexOf(register)] ?? '0';
        const value = showValue(bits, kind);
        // memory that the program has not touched yet reads as an empty text
        return text < 0 || value === 'NULL' || (call.texts[text] ?? '') === ''
          ? value
          : JSON.stringify(call.texts[text]);
      }),
    };
  }
}
