import { chooseCallGraph, type CallGraphChoice } from '../engines/perf/call-graph.ts';
import { periodOf } from '../engines/perf/events.ts';
import { checkEvent, perfCommand, Sampling, type SamplingOptions } from '../engines/perf/sampling.ts';
import type { PerfSample } from '../engines/perf/text.ts';
import type { Problem } from '../../protocol/errors.ts';
import { pidsOf, unitOf, type ProfileSpec, type ProfileStarted } from '../../protocol/live-profile.ts';
import type { Symboliser } from '../symbols/symbolise.ts';
import { execFile } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { FollowedProcesses } from './followed.ts';
import { FrameNamer } from './frames.ts';
import { counted, type RunningProfile } from './running.ts';
import { StackInterner } from './stacks.ts';

/** Naming the first stacks opens debug information, which may take seconds: what is named by then is shown meanwhile. */
const DIGEST_MS = 400;

/** On-CPU time, or the occurrences of an event: samples of perf's, each named once it is taken up. */
export class SampledProfile implements RunningProfile {
  readonly stacks = new StackInterner();
  readonly started: ProfileStarted;
  readonly ended: Promise<Problem | undefined>;
  readonly #sampling: Sampling;
  readonly #namer: FrameNamer;
  readonly #followed: FollowedProcesses;
  readonly #notes: readonly string[];
  readonly #startNs: number;
  readonly #pending: PerfSample[];
  /** What one sample stands for. */
  readonly #weight: number;
  #stopped = false;
  #hasEnded = false;
  /** When it was told to stop or ended by itself, since the start. */
  #endNs: number | undefined;
  /** Of the last sample, since the start: perf takes some after it was told to stop. */
  #lastSampleNs = 0;
  total = 0;

  private constructor(
    sampling: Sampling,
    started: ProfileStarted,
    from: {
      pending: PerfSample[];
      followed: FollowedProcesses;
      symboliser: Symboliser;
      notes: readonly string[];
      weight: number;
    },
  ) {
    this.#sampling = sampling;
    this.started = started;
    this.#pending = from.pending;
    this.#followed = from.followed;
    this.ended = sampling.ended.then((problem) => {
      this.#hasEnded = true;
      this.#endNs ??= this.#now();
      return problem ?? this.#endedByItself();
    });
    this.#notes = from.notes;
    this.#weight = from.weight;
    this.#namer = new FrameNamer(from.symboliser, this.stacks);
    this.#startNs = Number(process.hrtime.bigint());
  }

  /** Resolves when samples are taken; throws ProbeError when none can be. */
  static async start(spec: ProfileSpec, symboliser: Symboliser): Promise<SampledProfile> {
    const { target } = spec;
    const command = await perfCommand();
    if (spec.kind === 'event') await checkEvent(spec.event ?? '', command);
    const choice = chosen(spec);
    const followed = new FollowedProcesses(symboliser, pidsOf(target));
    const pending: PerfSample[] = [];
    const sampling = new Sampling(command, {
      ...{ of: sampledOf(spec), target, callGraph: choice.mode },
      onSample: (sample) => {
        // the idle task is no work
        if (sample.pid !== 0) pending.push(sample);
      },
    });
    await sampling.ready;
    const started: ProfileStarted = {
      engine: `perf ${await versionOf(command.path)}`,
      why: choice.why,
      command: sampling.commandLine,
      unit: unitOf(spec.kind),
      startedAtMs: Date.now(),
    };
    const notes = [
      `${whatOf(spec)} ${choice.why}`,
      ...(command.restriction === undefined ? [] : [command.restriction]),
    ];
    const weight = spec.kind === 'event' ? periodOf(spec.event ?? '') : 1;
    return new SampledProfile(sampling, started, { pending, followed, symboliser, notes, weight });
  }

  get elapsedNs(): number {
    return Math.max(this.#endNs ?? this.#now(), this.#lastSampleNs);
  }

  #now(): number {
    return Number(process.hrtime.bigint()) - this.#startNs;
  }

  get lost(): number {
    return this.#sampling.lost;
  }

  async digest(): Promise<void> {
    this.#followed.look();
    const began = performance.now();
    let taken = 0;
    for (const { pid, tid, command, timeNs, frames } of this.#pending) {
      if (pid === tid) this.#followed.setName(pid, command);
      const process = this.stacks.frame({ function: this.#followed.nameOf(pid, command) });
      const ids = await this.#namer.name(pid, frames);
      const thread = this.stacks.thread({ pid, tid, name: command });
      const sinceStartNs = Math.max(0, timeNs - this.#startNs);
      this.#lastSampleNs = Math.max(this.#lastSampleNs, sinceStartNs);
      this.stacks.add([process, ...ids], this.#weight, sinceStartNs, thread);
      this.total += this.#weight;
      taken++;
      if (!this.#hasEnded && performance.now() - began > DIGEST_MS) break;
    }
    this.#pending.splice(0, taken);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endNs ??= this.#now();
    await this.#sampling.stop();
  }

  kill(): void {
    this.#stopped = true;
    this.#endNs ??= this.#now();
    this.#sampling.kill();
  }

  /** perf ends with the process; anything else was not asked for. */
  #endedByItself(): Problem | undefined {
    if (this.#stopped || this.#followed.isGone) return undefined;
    return {
      code: 'engine-ended',
      message: 'perf ended by itself, or something else ended it; the profile holds what came before.',
      remedy: 'Start the profile again.',
    };
  }

  notes(): string[] {
    const { lost } = this;
    return [
      ...this.#notes,
      ...(lost > 0
        ? [`${counted(lost, 'sample was', 'samples were')} lost because perf's buffer was full.`]
        : []),
    ];
  }
}

const sampledOf = ({ kind, hz, event = '' }: ProfileSpec): SamplingOptions['of'] =>
  kind === 'event' ? { event } : { hz };

const whatOf = ({ kind, hz, event = '' }: ProfileSpec): string =>
  kind === 'event'
    ? `${periodOf(event) === 1 ? `Each occurrence of ${event}` : `One in ${periodOf(event).toLocaleString('en-US')} occurrences of ${event}, weighted with that`}, by perf.`
    : `On-CPU time, sampled ${hz} times a second and CPU by perf.`;

function chosen({ callGraph, program, target }: ProfileSpec): CallGraphChoice {
  if (callGraph !== undefined)
    return {
      mode: callGraph,
      why: `Stacks are walked by ${callGraph === 'fp' ? 'frame pointers' : 'DWARF'}, as asked.`,
    };
  if (program !== undefined) return chooseCallGraph(program);
  const pids = pidsOf(target);
  if (pids === undefined)
    return {
      mode: 'fp',
      why: 'Stacks are walked by frame pointers; programs that keep none show their innermost frames only.',
    };
  return chooseCallGraphOf(pids);
}

/** The slower way as soon as one of the programs needs it. */
function chooseCallGraphOf(pids: readonly number[]): CallGraphChoice {
  const programs = new Map(pids.map((pid) => [linkOf(`/proc/${pid}/exe`), `/proc/${pid}/exe`]));
  const choices = [...programs].map(([name, path]) => chooseCallGraph(path, name));
  return choices.find(({ mode }) => mode === 'dwarf') ?? choices[0]!;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return path;
  }
}

function versionOf(perf: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(perf, ['version'], { timeout: 5000 }, (_, output) => {
      resolve(/perf version (\S+)/.exec(output)?.[1] ?? '');
    });
  });
}
