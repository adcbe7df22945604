import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { OFF_CPU_READY, offCpuScript } from '../helper/engines/bpftrace/off-cpu.ts';
import { OpenBinaries } from '../helper/symbols/open-binaries.ts';
import { Symboliser } from '../helper/symbols/symbolise.ts';
import { ScriptRun } from '../extension/core/scripts/script-run.ts';
import { kindOf, ProfileBuilder } from '../profile/builder.ts';
import { offCpuTimes, type OffCpuTimes } from '../profile/import/off-cpu.ts';
import { ProbeError } from '../protocol/errors.ts';
import type { Profile } from '../protocol/profile.ts';
import type { ScriptEnd } from '../protocol/script.ts';
import { localHelper } from './in-process.ts';

export interface OffCpuRequest {
  readonly title: string;
  readonly target: { readonly pid: number } | { readonly command: readonly string[] } | 'machine';
  /** Until the process ends without it. */
  readonly durationMs?: number;
}

export interface OffCpuResult {
  readonly profile: Profile;
  readonly engine: string;
  readonly script: string;
}

/** Thread stacks that are told apart; an entry of the map costs the kernel some 100 bytes. */
const MOST_STACKS = 65_536;
/** How often the mappings of followed processes are read: stacks of those that end are named by them. */
const LOOK_MS = 50;

/**
 * Sums blocked time by stack with bpftrace, until the process ends, the duration is over, or a signal. A command is
 * held back until the probes fire, so that its first wait counts. Throws what the engine refused as ProbeError.
 */
export async function profileOffCpu({ title, target, durationMs }: OffCpuRequest): Promise<OffCpuResult> {
  const child =
    typeof target === 'object' && 'command' in target ? await heldBack(target.command) : undefined;
  const root = child?.pid ?? (typeof target === 'object' && 'pid' in target ? target.pid : undefined);
  const seen = new Processes(root);
  const helper = await localHelper();
  const run = new ScriptRun();
  const ended = new Promise<ScriptEnd>((done) => run.onDidEnd(done));
  const stop = (): void => void run.stop().catch(() => undefined);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  const script = offCpuScript(root === undefined ? 'machine' : 'process');
  let endTimer: NodeJS.Timeout | undefined;
  const looking = setInterval(() => {
    seen.look();
    if (root !== undefined && child === undefined && seen.isGone) stop();
  }, LOOK_MS);
  let startedAtMs = Date.now();
  child?.once('exit', stop);
  run.onDidChange(({ lines }) => {
    if (!lines.some(({ kind, text }) => kind === 'printf' && text.trim() === OFF_CPU_READY)) return;
    startedAtMs = Date.now();
    release(child);
    if (durationMs !== undefined) endTimer ??= setTimeout(stop, durationMs);
  });
  try {
    await run.start(helper.connection, {
      script,
      args: root === undefined ? [] : [String(root)],
      unsafe: false,
      mapKeys: MOST_STACKS,
    });
    const end = await ended;
    const durationNs = (Date.now() - startedAtMs) * 1e6;
    if (end.problem !== undefined) throw new ProbeError(end.problem);
    const times = offCpuTimes(run.maps);
    const profile = await named(title, times, seen, { startedAtMs, durationNs, lost: run.lost.events });
    return { profile, engine: run.engine, script };
  } finally {
    clearInterval(looking);
    clearTimeout(endTimer);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
    if (child !== undefined && child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
    await helper.close();
  }
}

/** A command that waits for a line on descriptor 3 before it is executed, and is not executed when that closes. */
async function heldBack(command: readonly string[]): Promise<ChildProcess> {
  const child = spawn('/bin/sh', ['-c', 'read -r _ <&3 && exec "$@" 3<&-', 'sh', ...command], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  });
  // the shell's own waiting would count if it began under the probes; it reads a byte at a time, from 3 put in place of 0
  while (child.exitCode === null && !/^\d+ 0x0 0x\w+ 0x1 /.test(textOf(`/proc/${child.pid ?? 0}/syscall`)))
    await new Promise((done) => setTimeout(done, 5));
  return child;
}

function release(child: ChildProcess | undefined): void {
  const gate = child?.stdio[3];
  if (gate !== null && gate !== undefined && 'end' in gate && !gate.writableEnded) gate.end('\n');
}

/** A process with those below it: their names, and the mappings by which their addresses are named later. */
class Processes {
  readonly symboliser = new Symboliser(new OpenBinaries());
  readonly #names = new Map<number, string>();
  readonly #root: number | undefined;

  constructor(root: number | undefined) {
    this.#root = root;
    this.look();
  }

  get isGone(): boolean {
    return this.#root !== undefined && textOf(`/proc/${this.#root}/maps`) === '';
  }

  look(): void {
    const waiting = this.#root === undefined ? [] : [this.#root];
    for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
      this.symboliser.prepare(pid);
      this.#readName(pid);
      waiting.push(...childrenOf(pid));
    }
  }

  nameOf(pid: number): string {
    if (!this.#names.has(pid)) this.#readName(pid);
    return this.#names.get(pid) ?? `process ${pid}`;
  }

  #readName(pid: number): void {
    const name = textOf(`/proc/${pid}/comm`).trim();
    if (name !== '') this.#names.set(pid, name);
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((tid) =>
      textOf(`/proc/${pid}/task/${tid}/children`).split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

async function named(
  title: string,
  times: OffCpuTimes,
  seen: Processes,
  run: { readonly startedAtMs: number; readonly durationNs: number; readonly lost: number },
): Promise<Profile> {
  const builder = new ProfileBuilder(title, 'nanoseconds');
  builder.startedAtMs = run.startedAtMs;
  builder.durationNs = run.durationNs;
  for (const { pid, kernel, user, blockedNs } of times.stacks) {
    const frames = [builder.frame({ name: seen.nameOf(pid) })];
    for (const addresses of [user, kernel]) {
      const stack = await seen.symboliser.stack(pid, addresses);
      for (const { function: name, module, file, line, inlined } of stack.toReversed())
        frames.push(builder.frame({ name, module, file, line, kind: kindOf(module, inlined === true) }));
    }
    builder.add(builder.stack(frames), blockedNs);
  }
  builder.notes.push(
    'Time off the CPU while blocked, from sched_switch to sched_switch, by the stack that blocked; waiting to run after being preempted is not in it.',
    'A wait that had begun before the probes were attached is not in it. User stacks are walked by frame pointers: below a function that was built without them (most of libc) its caller is left out, or all of them.',
  );
  if (times.stillBlocked > 0)
    builder.notes.push(
      `${times.stillBlocked} threads were still blocked at the end; their wait counts up to there.`,
    );
  if (times.missing > 0) builder.notes.push(`${times.missing} stacks were too many to be read.`);
  if (run.lost > 0) builder.notes.push(`${run.lost} events were lost.`);
  return builder.build();
}
