import { ProbeError } from '../../protocol/errors.ts';
import type { LogpointAttached, LogpointEnd, LogpointSpec, LogValue } from '../../protocol/logpoint.ts';
import { TracefsSession } from '../engines/tracefs/session.ts';
import type { DebugInfo } from '../symbols/debug-info.ts';
import { Logpoint, type LogpointHost, type LogpointOutcome } from './logpoint.ts';
import { planLogpoint, type LogpointPlan } from './plan.ts';
import { ProcessMemory } from './process-memory.ts';
import { ThreadProcesses } from './thread-processes.ts';

/** Opens a binary's debug information; the helper keeps it open between calls. */
export type OpenDebugInfo = (binary: string) => Promise<DebugInfo>;

export interface LogpointsOptions {
  readonly open: OpenDebugInfo;
  /** Command words that make what follows run as root; empty when this process is root. */
  readonly elevate: () => Promise<readonly string[]>;
}

export interface LogpointEvents {
  value(value: LogValue): void;
  ended(outcome: LogpointOutcome): void;
}

interface Running {
  readonly logpoint: Logpoint;
  readonly events: LogpointEvents;
  /** Set when it is being stopped. */
  stopping?: Promise<LogpointOutcome>;
}

/** The logpoints of one client. Those of one process (or of all) share a session of tracefs, which ends with the last. */
export class Logpoints {
  readonly #options: LogpointsOptions;
  readonly #host: LogpointHost = { memory: new ProcessMemory(), threads: new ThreadProcesses() };
  readonly #sessions = new Map<string, Promise<TracefsSession>>();
  readonly #running = new Map<string, Running>();

  constructor(options: LogpointsOptions) {
    this.#options = options;
  }

  async plan(request: Parameters<typeof planLogpoint>[1]): Promise<LogpointPlan> {
    return planLogpoint(await this.#options.open(request.binary), request);
  }

  /** Makes the root-side process ready, so that attaching takes the milliseconds that the kernel needs. */
  async warm(pid?: number): Promise<void> {
    await this.#session(pid);
  }

  /** Attaches; answered when the probe is in the program. Throws the first problem when no site can be attached. */
  async add(spec: LogpointSpec, events: LogpointEvents): Promise<LogpointAttached> {
    const started = performance.now();
    if (this.#running.has(spec.id))
      throw new ProbeError({ code: 'invalid-argument', message: `There is a logpoint ${spec.id} already.` });
    const [plan, session] = await Promise.all([this.plan(spec), this.#session(spec.pid)]);
    const problem = plan.problems[0];
    if (problem !== undefined) {
      const { message } = problem;
      const elsewhere = `Line ${spec.line} has no code, and at line ${plan.place.line}, the nearest that has:`;
      throw new ProbeError(plan.moved ? { ...problem, message: `${elsewhere} ${message}` } : problem);
    }
    const logpoint = new Logpoint(session, spec, this.#host, {
      value: (value) => events.value(value),
      ended: (end) => void this.#stop(spec.id, end),
    });
    this.#running.set(spec.id, { logpoint, events });
    void session.supervisor.ended.then(() => this.#failed(spec.id));
    try {
      await logpoint.attach(spec.binary, plan.plans);
    } catch (error) {
      this.#running.delete(spec.id);
      await logpoint.stop().catch(() => undefined);
      throw error;
    }
    const { place, moved, sites, refused } = plan;
    return { place, moved, sites, refused, attachMs: performance.now() - started };
  }

  /** Removes a logpoint; answered when nothing of it is left in the kernel. */
  async remove(id: string): Promise<LogpointOutcome> {
    const outcome = await this.#stop(id, 'stopped');
    if (outcome !== undefined) return outcome;
    throw new ProbeError({ code: 'session-not-found', message: `There is no logpoint ${id}.` });
  }

  async counts(id: string): Promise<LogpointOutcome['counts'] | undefined> {
    return await this.#running.get(id)?.logpoint.counts();
  }

  /** Removes everything. */
  async close(): Promise<void> {
    for (const id of [...this.#running.keys()]) await this.#stop(id, 'stopped');
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const session of sessions) await session.then((opened) => opened.close()).catch(() => undefined);
  }

  #session(pid: number | undefined): Promise<TracefsSession> {
    const key = String(pid ?? 'all');
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const opening = this.#options
      .elevate()
      .then((elevate) => TracefsSession.open({ elevate, ...(pid === undefined ? {} : { pid }) }));
    this.#sessions.set(key, opening);
    const forget = (): void => {
      if (this.#sessions.get(key) === opening) this.#sessions.delete(key);
    };
    opening.then((session) => session.supervisor.ended.then(forget), forget);
    return opening;
  }

  #stop(id: string, end: LogpointEnd): Promise<LogpointOutcome> | undefined {
    const running = this.#running.get(id);
    if (running === undefined) return undefined;
    running.stopping ??= running.logpoint.stop().then((counts) => {
      const outcome = { end, counts };
      this.#running.delete(id);
      running.events.ended(outcome);
      return outcome;
    });
    return running.stopping;
  }

  /** The root-side process has ended without being asked. */
  #failed(id: string): void {
    const running = this.#running.get(id);
    if (running === undefined || running.stopping !== undefined) return;
    this.#running.delete(id);
    running.events.ended({
      end: 'failed',
      counts: { hits: 0, delivered: 0, suppressed: 0, lost: 0, unreadable: 0 },
      problem: {
        code: 'engine-ended',
        message: 'The process that owns the tracefs probes has ended; its probes are removed.',
        remedy: 'Add the logpoint again.',
      },
    });
  }
}
