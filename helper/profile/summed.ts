import { existsSync } from 'node:fs';
import {
  offCpuScript,
  THREAD_TIMES_PRINTED,
  THREAD_TIMES_READY,
  TIME_MAPS,
  wallClockScript,
  type ThreadTimesOrders,
} from '../engines/bpftrace/thread-times.ts';
import { ScriptRun } from '../engines/bpftrace/scripts/run.ts';
import {
  measuredNs,
  openWaits,
  threadTimes,
  unseenWaits,
  type ThreadTime,
} from '../../profile/import/thread-times.ts';
import { stateFrames } from '../../profile/thread-states.ts';
import { ProbeError, type Problem } from '../../protocol/errors.ts';
import { pidsOf, type ProfileSpec, type ProfileStarted } from '../../protocol/live-profile.ts';
import type { ScriptMap } from '../../protocol/script.ts';
import { engineCommand } from '../engines/bpftrace/host-command.ts';
import { orderToken } from '../engines/bpftrace/quote.ts';
import { giveOrder } from '../engines/bpftrace/supervisor.ts';
import type { Symboliser } from '../symbols/symbolise.ts';
import { FollowedProcesses } from './followed.ts';
import { counted, processGone, type RunningProfile } from './running.ts';
import { StackInterner } from './stacks.ts';

/** Thread stacks that are told apart; an entry of the map costs the kernel some 100 bytes. */
const MOST_STACKS = 65_536;
/** How often the mappings of followed processes are read: stacks of those that end are named by them. */
const LOOK_MS = 50;
const TURN_MS = 1000;
/** An order that was not followed for so long was not heard: the kernel passes over a probe that comes while another one runs. */
const LOST_ORDER_MS = 20_000;
/** The thread of weights that are known by process only, and not by time. */
const NO_THREAD = -1;
/** Stands for the stack of a wait whose beginning nobody saw. */
const UNSEEN = '[a wait that began before the profile]';

/** Times of threads by their stacks, off the CPU or all of them by state, summed by bpftrace and printed once a second. */
export class SummedProfile implements RunningProfile {
  readonly stacks = new StackInterner();
  readonly started: ProfileStarted;
  readonly ended: Promise<Problem | undefined>;
  readonly #spec: ProfileSpec;
  readonly #run: SummingRun;
  readonly #symboliser: Symboliser;
  readonly #followed: FollowedProcesses;
  readonly #startedMs = performance.now();
  readonly #looking: NodeJS.Timeout;
  #stoppedMs: number | undefined;
  /** From the first switch that was seen to the last; known when it has ended. */
  #measuredNs: number | undefined;
  #missing = 0;
  #open = 0;
  #unseen = 0;
  total = 0;

  private constructor(
    spec: ProfileSpec,
    run: SummingRun,
    started: ProfileStarted,
    followed: FollowedProcesses,
    symboliser: Symboliser,
  ) {
    this.#spec = spec;
    this.#run = run;
    this.started = started;
    this.#followed = followed;
    this.#symboliser = symboliser;
    this.#looking = setInterval(() => {
      followed.look();
      if (followed.isGone) void this.stop();
    }, LOOK_MS);
    this.ended = run.ended.finally(() => {
      clearInterval(this.#looking);
    });
  }

  /** Resolves when the first switch was seen; throws what the engine refused as ProbeError. */
  static async start(spec: ProfileSpec, symboliser: Symboliser): Promise<SummedProfile> {
    const { target, id, hz } = spec;
    const pids = pidsOf(target);
    const followed = new FollowedProcesses(symboliser, pids);
    if (followed.isGone) throw processGone(target);
    const { command } = await engineCommand();
    const scope = pids ?? 'machine';
    const script = (orders?: ThreadTimesOrders): string =>
      spec.kind === 'off-cpu'
        ? offCpuScript(scope, orders)
        : wallClockScript(scope, { hz, kernelTypes: existsSync('/sys/kernel/btf/vmlinux') }, orders);
    const run = new SummingRun(id, command, script);
    await run.ready;
    const started: ProfileStarted = {
      engine: `bpftrace ${command.version}`,
      why: 'User stacks are walked by frame pointers.',
      command: script(),
      unit: 'nanoseconds',
      startedAtMs: Date.now(),
    };
    return new SummedProfile(spec, run, started, followed, symboliser);
  }

  get elapsedNs(): number {
    return this.#measuredNs ?? ((this.#stoppedMs ?? performance.now()) - this.#startedMs) * 1e6;
  }

  get lost(): number {
    return this.#run.lost;
  }

  async digest(): Promise<void> {
    for (const map of this.#run.takePrinted()) {
      if (map.kind !== 'values') continue;
      const { times, missing } = threadTimes(map);
      this.#missing += missing;
      await this.#add(times);
    }
    if (!this.#run.hasEnded) return;
    const left = this.#run.takeOthers();
    this.#measuredNs ??= measuredNs(left);
    const { times, missing } = openWaits(left);
    this.#missing += missing;
    this.#open += times.length;
    await this.#add(times);
    if (this.#spec.kind === 'wall-clock') this.#addUnseen(left);
  }

  async stop(): Promise<void> {
    this.#stoppedMs ??= performance.now();
    await this.#run.stop();
  }

  kill(): void {
    this.#run.kill();
  }

  notes(): string[] {
    return [
      ...(this.#spec.kind === 'off-cpu' ? OFF_CPU_NOTES : wallClockNotes(this.#spec)),
      'User stacks are walked by frame pointers: below a function that was built without them (most of libc) its caller is left out, or all of them.',
      ...(this.#open > 0
        ? [
            `${counted(this.#open, 'thread was', 'threads were')} still waiting at the end; their wait counts up to there.`,
          ]
        : []),
      ...(this.#unseen > 0
        ? [
            `${counted(this.#unseen, 'thread was', 'threads were')} waiting since before the profile: where is not known.`,
          ]
        : []),
      ...(this.#missing > 0
        ? [`${counted(this.#missing, 'stack was', 'stacks were')} more than could be read.`]
        : []),
      ...(this.lost > 0 ? [`${counted(this.lost, 'event was', 'events were')} lost.`] : []),
    ];
  }

  async #add(times: readonly ThreadTime[]): Promise<void> {
    for (const { pid, state, kernel, user, ns } of times) {
      const ids = [this.stacks.frame({ function: this.#followed.nameOf(pid) })];
      for (const addresses of [user, kernel])
        for (const frame of [...(await this.#symboliser.stack(pid, addresses))].reverse())
          ids.push(this.stacks.frame(frame));
      if (state !== undefined) ids.push(this.stacks.frame({ function: stateFrames[state] }));
      this.#weigh(ids, ns);
    }
  }

  /** Of the process that is followed: what the machine's idle threads wait would hide everything else. */
  #addUnseen(left: readonly ScriptMap[]): void {
    const { threads } = this.#followed;
    for (const [tid, ns] of unseenWaits(left, threads.keys())) {
      const names = [this.#followed.nameOf(threads.get(tid) ?? 0), UNSEEN, stateFrames.blocked];
      this.#weigh(
        names.map((name) => this.stacks.frame({ function: name })),
        ns,
      );
      this.#unseen++;
    }
  }

  #weigh(frames: readonly number[], ns: number): void {
    this.stacks.add(frames, ns, 0, NO_THREAD);
    this.total += ns;
  }
}

const NOTHING_BEFORE = 'A wait that had begun before the probes were attached is not in it.';

const OFF_CPU_NOTES = [
  'Time off the CPU while blocked, from sched_switch to sched_switch, by the stack that blocked; waiting to run after being preempted is not in it.',
  NOTHING_BEFORE,
];

const wallClockNotes = ({ hz, target }: ProfileSpec): string[] => [
  `Every moment of every thread, by what it did then, which is the innermost frame. [running] is sampled, ${hz} times a second; the others are summed from the switch that ended the running, [waiting for a CPU] from the wakeup on.`,
  ...(target === 'machine' ? [NOTHING_BEFORE] : []),
];

/** The bpftrace of one profile, with the maps that it printed. */
class SummingRun {
  readonly ready: Promise<void>;
  readonly ended: Promise<Problem | undefined>;
  readonly #run: ScriptRun;
  readonly #orders: ThreadTimesOrders = { turn: orderToken(), stop: orderToken() };
  /** When the maps were told to take turns, until that was done. */
  #orderedMs: number | undefined;
  #turns: NodeJS.Timeout | undefined;
  #printed: ScriptMap[] = [];
  readonly #others = new Map<string, ScriptMap>();
  lost = 0;
  hasEnded = false;

  constructor(
    id: string,
    command: Awaited<ReturnType<typeof engineCommand>>['command'],
    script: (orders: ThreadTimesOrders) => string,
  ) {
    const canSizeMaps = command.passesEnvironment || command.takesKeys;
    let resolveReady: () => void = () => undefined;
    let resolveEnded: (problem: Problem | undefined) => void = () => undefined;
    this.ended = new Promise((resolve) => (resolveEnded = resolve));
    this.ready = new Promise((resolve, reject) => {
      resolveReady = resolve;
      void this.ended.then((problem) => {
        reject(new ProbeError(problem ?? { code: 'engine-ended', message: 'bpftrace ended at once.' }));
      });
    });
    this.ready.catch(() => undefined);
    this.#run = new ScriptRun({
      spec: {
        run: id,
        script: script(this.#orders),
        args: [],
        unsafe: false,
        ...(canSizeMaps ? { mapKeys: MOST_STACKS } : {}),
      },
      command,
      addressesOnly: true,
      onMap: (map) => {
        if (TIME_MAPS.some((name) => name === map.name)) this.#printed.push(map);
        else this.#others.set(map.name, map);
      },
      onOutput: ({ lines, lost }) => {
        this.lost = lost.events;
        const said = (word: string): boolean =>
          lines.some(({ kind, text }) => kind === 'printf' && text.trim() === word);
        if (said(THREAD_TIMES_PRINTED)) this.#orderedMs = undefined;
        if (!said(THREAD_TIMES_READY)) return;
        this.#turns = setInterval(() => {
          this.#takeTurns();
        }, TURN_MS);
        resolveReady();
      },
      onEnded: ({ problem }) => {
        this.hasEnded = true;
        clearInterval(this.#turns);
        resolveEnded(problem);
      },
      recheck: () => Promise.resolve([]),
    });
  }

  /** Not while the last turn is being printed. */
  #takeTurns(): void {
    const nowMs = performance.now();
    if (this.#orderedMs !== undefined && nowMs - this.#orderedMs < LOST_ORDER_MS) return;
    this.#orderedMs = nowMs;
    giveOrder(this.#orders.turn);
  }

  takePrinted(): ScriptMap[] {
    return this.#printed.splice(0);
  }

  takeOthers(): ScriptMap[] {
    const maps = [...this.#others.values()];
    this.#others.clear();
    return maps;
  }

  stop(): Promise<void> {
    giveOrder(this.#orders.stop);
    return this.#run.stop();
  }

  kill(): void {
    this.#run.kill();
  }
}
