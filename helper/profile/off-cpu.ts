import { BLOCKED_MAPS, OFF_CPU_READY, offCpuScript } from '../engines/bpftrace/off-cpu.ts';
import { ScriptRun } from '../engines/bpftrace/scripts/run.ts';
import { blockedTimes, stillBlocked, type BlockedStack } from '../../profile/import/off-cpu.ts';
import { ProbeError, type Problem } from '../../protocol/errors.ts';
import type { ProfileSpec, ProfileStarted } from '../../protocol/live-profile.ts';
import type { ScriptMap } from '../../protocol/script.ts';
import { engineCommand } from '../engines/bpftrace/host-command.ts';
import type { Symboliser } from '../symbols/symbolise.ts';
import { FollowedProcesses } from './followed.ts';
import type { RunningProfile } from './running.ts';
import { StackInterner } from './stacks.ts';

/** Thread stacks that are told apart; an entry of the map costs the kernel some 100 bytes. */
const MOST_STACKS = 65_536;
/** How often the mappings of followed processes are read: stacks of those that end are named by them. */
const LOOK_MS = 50;
/** The thread of weights that are known by process only, and not by time. */
const NO_THREAD = -1;

/** Time off the CPU, summed by bpftrace and printed once a second. */
export class OffCpuProfile implements RunningProfile {
  readonly stacks = new StackInterner();
  readonly started: ProfileStarted;
  readonly ended: Promise<Problem | undefined>;
  readonly #run: OffCpuRun;
  readonly #symboliser: Symboliser;
  readonly #followed: FollowedProcesses;
  readonly #startedMs = performance.now();
  readonly #looking: NodeJS.Timeout;
  #missing = 0;
  #stillBlocked = 0;
  total = 0;

  private constructor(
    run: OffCpuRun,
    started: ProfileStarted,
    followed: FollowedProcesses,
    symboliser: Symboliser,
  ) {
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
  static async start({ target, id }: ProfileSpec, symboliser: Symboliser): Promise<OffCpuProfile> {
    const pid = target === 'machine' ? undefined : target.pid;
    const followed = new FollowedProcesses(symboliser, pid);
    if (followed.isGone)
      throw new ProbeError({
        code: 'process-gone',
        message: `Process ${pid} does not exist.`,
        remedy: 'Look up its number again: pgrep -a NAME.',
      });
    const { command } = await engineCommand();
    const script = offCpuScript(pid === undefined ? 'machine' : 'process');
    const run = new OffCpuRun(id, command, script, pid);
    await run.ready;
    const started: ProfileStarted = {
      engine: `bpftrace ${command.version}`,
      why: 'User stacks are walked by frame pointers.',
      command: script,
      unit: 'nanoseconds',
      startedAtMs: Date.now(),
    };
    return new OffCpuProfile(run, started, followed, symboliser);
  }

  get elapsedNs(): number {
    return (performance.now() - this.#startedMs) * 1e6;
  }

  get lost(): number {
    return this.#run.lost;
  }

  async digest(): Promise<void> {
    for (const map of this.#run.takePrinted()) {
      if (map.kind !== 'values') continue;
      const { stacks, missing } = blockedTimes(map);
      this.#missing += missing;
      await this.#add(stacks);
    }
    if (!this.#run.hasEnded) return;
    const { stacks, missing } = stillBlocked(this.#run.takeOthers());
    this.#missing += missing;
    this.#stillBlocked += stacks.length;
    await this.#add(stacks);
  }

  async stop(): Promise<void> {
    await this.#run.stop();
  }

  kill(): void {
    this.#run.kill();
  }

  notes(): string[] {
    return [
      'Time off the CPU while blocked, from sched_switch to sched_switch, by the stack that blocked; waiting to run after being preempted is not in it.',
      'A wait that had begun before the probes were attached is not in it. User stacks are walked by frame pointers: below a function that was built without them (most of libc) its caller is left out, or all of them.',
      ...(this.#stillBlocked > 0
        ? [`${this.#stillBlocked} threads were still blocked at the end; their wait counts up to there.`]
        : []),
      ...(this.#missing > 0 ? [`${this.#missing} stacks were too many to be read.`] : []),
      ...(this.lost > 0 ? [`${this.lost} events were lost.`] : []),
    ];
  }

  async #add(stacks: readonly BlockedStack[]): Promise<void> {
    for (const { pid, kernel, user, blockedNs } of stacks) {
      const ids = [this.stacks.frame({ function: this.#followed.nameOf(pid) })];
      for (const addresses of [user, kernel])
        for (const frame of [...(await this.#symboliser.stack(pid, addresses))].reverse())
          ids.push(this.stacks.frame(frame));
      this.stacks.add(ids, blockedNs, 0, NO_THREAD);
      this.total += blockedNs;
    }
  }
}

/** The bpftrace of one off-CPU profile, with the maps that it printed. */
class OffCpuRun {
  readonly ready: Promise<void>;
  readonly ended: Promise<Problem | undefined>;
  readonly #run: ScriptRun;
  #printed: ScriptMap[] = [];
  readonly #others = new Map<string, ScriptMap>();
  lost = 0;
  hasEnded = false;

  constructor(
    id: string,
    command: Awaited<ReturnType<typeof engineCommand>>['command'],
    script: string,
    pid: number | undefined,
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
        script,
        args: pid === undefined ? [] : [String(pid)],
        unsafe: false,
        ...(canSizeMaps ? { mapKeys: MOST_STACKS } : {}),
      },
      command,
      onMap: (map) => {
        if (BLOCKED_MAPS.some((name) => name === map.name)) this.#printed.push(map);
        else this.#others.set(map.name, map);
      },
      onOutput: ({ lines, lost }) => {
        this.lost = lost.events;
        if (lines.some(({ kind, text }) => kind === 'printf' && text.trim() === OFF_CPU_READY))
          resolveReady();
      },
      onEnded: ({ problem }) => {
        this.hasEnded = true;
        resolveEnded(problem);
      },
      recheck: () => Promise.resolve([]),
    });
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
    return this.#run.stop();
  }

  kill(): void {
    this.#run.kill();
  }
}
