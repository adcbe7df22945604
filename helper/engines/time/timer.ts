import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { ProbeId } from '../../../protocol/probe.ts';
import type { ProbeTotals } from '../../../protocol/snapshot.ts';
import { addTotals, noTotals } from '../bpftrace/totals.ts';
import { Recorder, type TimedPlaces, type Timing } from './recorder.ts';

/** What is timed: calls between these places, all together. */
export interface TimePlan extends TimedPlaces {
  readonly probe: ProbeId;
  /** Only this process; every process that runs the binary when absent. */
  readonly pid?: number;
}

export interface TimerHost {
  /** Command words that make what follows run as root. Throws `no-privileges`. */
  readonly elevate: () => Promise<readonly string[]>;
  /** The kernel numbers processes as the helper does: it runs in the first pid namespace. */
  readonly seesAllPids: boolean;
  /** Timing has ended without being asked to. */
  readonly onLost: (probe: ProbeId, problem: Problem) => void;
}

interface Timed {
  readonly plan: TimePlan;
  readonly recorder: Recorder;
  readonly timing: Timing;
}

/**
 * Times calls between probes at instructions: where the kernel must not take over return addresses (Go), an entry and each way out are probed, recorded
 * through tracefs and paired here. Probes of one process share a tracefs session.
 */
export class CallTimer {
  readonly #host: TimerHost;
  readonly #timed = new Map<ProbeId, Timed>();
  readonly #earlier = new Map<ProbeId, ProbeTotals>();
  readonly #recorders = new Map<number | undefined, Promise<Recorder>>();
  readonly #pids = new Map<number | undefined, number>();
  #gone: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(host: TimerHost) {
    this.#host = host;
  }

  /** Processes of the supervisors. */
  get pids(): readonly number[] {
    return [...this.#pids.values()];
  }

  get probes(): readonly ProbeId[] {
    return [...this.#timed.keys()];
  }

  plan(probe: ProbeId): TimePlan | undefined {
    return this.#timed.get(probe)?.plan;
  }

  /** Totals of a probe, those from before it was removed and added again among them; undefined when it was never timed. */
  totals(probe: ProbeId): ProbeTotals | undefined {
    const timed = this.#timed.get(probe);
    const earlier = this.#earlier.get(probe);
    if (timed === undefined) return earlier;
    const { pairing } = timed.timing;
    const { count, lost, latency } = pairing;
    return addTotals(earlier ?? noTotals, { probe, count, lost, latency });
  }

  /** Attaches; calls count from {@link start} on. Throws `no-privileges`, and what the kernel refuses. */
  async add(plan: TimePlan): Promise<void> {
    if (!this.#host.seesAllPids)
      throw new ProbeError({
        code: 'probe-refused',
        message:
          'Probescope’s helper runs in a pid namespace of its own here, where the kernel’s records of threads cannot be told apart.',
        remedy:
          'Measure its count, or run the helper on the host: choose the container below the host in the Targets view.',
      });
    const recorder = await this.#recorder(plan.pid);
    this.#timed.set(plan.probe, { plan, recorder, timing: await recorder.add(plan) });
  }

  start(probe: ProbeId): void {
    const timed = this.#timed.get(probe);
    if (timed === undefined) return;
    timed.timing.openedNs = Number(process.hrtime.bigint());
    timed.timing.closedNs = Infinity;
  }

  /** What happens from now on counts no more, what is on its way still does; it stays attached. */
  stop(probe: ProbeId): void {
    const timed = this.#timed.get(probe);
    if (timed !== undefined) timed.timing.closedNs = Number(process.hrtime.bigint());
  }

  /** Detaches; its figures stay. */
  async remove(probe: ProbeId): Promise<void> {
    const timed = this.#timed.get(probe);
    if (timed === undefined) return;
    const { recorder, timing, plan } = timed;
    await recorder.remove(timing);
    const totals = this.totals(probe);
    this.#timed.delete(probe);
    if (totals !== undefined) this.#earlier.set(probe, totals);
    if (!recorder.isEmpty) return;
    this.#recorders.delete(plan.pid);
    await recorder.close();
  }

  /** Stops all, with their last figures. */
  async finish(): Promise<void> {
    const recorders = await Promise.allSettled(this.#recorders.values());
    for (const each of recorders) if (each.status === 'fulfilled') await each.value.finish();
  }

  /** Ends everything at once. */
  dispose(): void {
    this.#disposed = true;
    for (const recorder of this.#recorders.values())
      void recorder.then(
        (opened) => opened.close(),
        () => undefined,
      );
  }

  /** Settles when nothing of it is left. */
  async gone(): Promise<void> {
    await this.#gone;
  }

  #recorder(pid: number | undefined): Promise<Recorder> {
    if (this.#disposed) throw new ProbeError({ code: 'cancelled', message: 'The session was ended.' });
    let recorder = this.#recorders.get(pid);
    if (recorder === undefined) {
      this.#recorders.set(pid, (recorder = this.#open(pid)));
      recorder.catch(() => this.#recorders.delete(pid));
    }
    return recorder;
  }

  async #open(pid: number | undefined): Promise<Recorder> {
    const recorder = await Recorder.open({
      elevate: await this.#host.elevate(),
      ...(pid === undefined ? {} : { pid }),
    });
    const { supervisor } = recorder.session;
    this.#pids.set(pid, supervisor.pid);
    this.#gone = Promise.all([this.#gone, supervisor.ended.then(() => this.#ended(pid, recorder))]);
    if (this.#disposed) void recorder.close();
    return recorder;
  }

  #ended(pid: number | undefined, recorder: Recorder): void {
    this.#pids.delete(pid);
    void recorder.close();
    if (this.#disposed) return;
    for (const [probe, timed] of this.#timed) {
      if (timed.recorder !== recorder) continue;
      this.#host.onLost(probe, {
        code: 'engine-ended',
        message: 'The process that owns the probes at the returns has ended.',
        remedy: 'Resume the probe to start it again; somebody may have killed it.',
      });
    }
    this.#recorders.delete(pid);
  }
}
