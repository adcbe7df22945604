import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { delimiter, join } from 'node:path';
import { chooseCallGraph, type CallGraphChoice } from '../helper/engines/perf/call-graph.ts';
import { recordWithPerf, type PerfRecording } from '../helper/engines/perf/record.ts';
import { LineSplitter } from '../extension/core/interchange/import-file.ts';
import { PerfScriptImporter } from '../profile/import/perf-script.ts';
import { groupFrames } from '../profile/groups.ts';
import { totalsOf } from '../profile/totals.ts';
import { ProbeError } from '../protocol/errors.ts';
import type { Profile } from '../protocol/profile.ts';
import {
  exitCodes,
  parseCommandLine,
  parseDurationMs,
  parsePid,
  UsageError,
  type Command,
} from './command.ts';
import { onNewerNode } from './newer-node.ts';
import { profileOffCpu, type OffCpuRequest } from './off-cpu.ts';
import { tell, writeRecording } from './profiles.ts';

export const command: Command = {
  usage: `usage: probescope profile (--pid P | --all | -- COMMAND …) --out RECORDING [--hz N] [--duration D] [--call-graph fp|dwarf]
       probescope profile --off-cpu (--pid P | --all | -- COMMAND …) --out RECORDING [--duration D]

Samples user and kernel stacks while they run on a CPU, with perf, and records them with file and line.
  --pid          a running process, with its threads
  --all          everything on this machine
  -- COMMAND     is started, and profiled until it ends
  --off-cpu      instead sums the time that threads are blocked, by the stack that blocked, with bpftrace
  --hz           samples a second and CPU; 99 without it, so that nothing periodic is met in step
  --duration     how long, such as 10s; until the end without it (10s for --pid and --all)
  --call-graph   how stacks are walked; chosen by looking at the binary without it, and said`,
  async run(args) {
    const rerun = onNewerNode();
    if (rerun !== undefined) return rerun;
    const { values, positionals } = parseCommandLine(args, {
      pid: { type: 'string' },
      all: { type: 'boolean', default: false },
      hz: { type: 'string' },
      'off-cpu': { type: 'boolean', default: false },
      duration: { type: 'string' },
      'call-graph': { type: 'string' },
      out: { type: 'string' },
    });
    const asked = Number(values.pid !== undefined) + Number(values.all) + Number(positionals.length > 0);
    if (asked !== 1) throw new UsageError('name one of --pid P, --all and -- COMMAND');
    if (values.out === undefined) throw new UsageError('--out RECORDING is missing');
    if (existsSync(values.out))
      throw new UsageError(`${values.out} exists already; recordings are never written over`);
    const hz = values.hz ?? '99';
    if (!/^[1-9]\d{0,4}$/.test(hz)) throw new UsageError(`${hz} is no rate: 1 to 99999 samples a second`);
    const pid = values.pid === undefined ? undefined : parsePid(values.pid);
    const durationMs =
      values.duration === undefined
        ? positionals.length > 0
          ? undefined
          : 10_000
        : parseDurationMs(values.duration);
    const target: PerfRecording['target'] =
      pid !== undefined ? { pid } : values.all ? 'machine' : { command: positionals };
    const title =
      pid !== undefined
        ? `Process ${pid} (${commandOf(pid)})`
        : values.all
          ? `All of ${hostname()}`
          : positionals.join(' ');
    if (values['off-cpu']) {
      if (values.hz !== undefined || values['call-graph'] !== undefined)
        throw new UsageError(
          '--off-cpu measures every wait by frame pointers: leave --hz and --call-graph out',
        );
      return offCpu(values.out, { title, target, ...(durationMs === undefined ? {} : { durationMs }) });
    }
    const choice = chooseFor(values['call-graph'], pid, positionals[0]);
    tell(choice.why);
    const stop = new AbortController();
    // the first Ctrl+C ends the sampling and keeps what there is; perf got the same signal from the terminal
    const onInterrupt = (): void => {
      stop.abort();
    };
    process.once('SIGTERM', onInterrupt);
    process.once('SIGINT', () => undefined);
    const importer = new PerfScriptImporter(title);
    const lines = new LineSplitter((line) => {
      importer.pushLine(line);
    });
    const startedAtMs = Date.now();
    const result = await recordWithPerf(
      {
        hz: Number(hz),
        callGraph: choice.mode,
        target,
        signal: stop.signal,
        ...(durationMs === undefined ? {} : { durationMs }),
      },
      (chunk) => {
        lines.push(chunk);
      },
    );
    process.removeListener('SIGTERM', onInterrupt);
    lines.finish();
    importer.builder.startedAtMs = startedAtMs;
    importer.builder.notes.push(`On-CPU time, sampled ${hz} times a second and CPU by perf. ${choice.why}`);
    if (result.lost > 0)
      importer.builder.notes.push(`${result.lost} samples were lost because perf's buffer was full.`);
    const { profile, notes } = importer.finish();
    for (const note of notes) tell(note);
    writeRecording(values.out, profile, {
      command_lines: result.commandLines.join('\n'),
      target: hostname(),
      kernel: release(),
      hz,
      call_graph: choice.mode,
    });
    process.stdout.write(summary(profile, result.lost, values.out));
    return exitCodes.ok;
  },
};

async function offCpu(out: string, request: OffCpuRequest): Promise<number> {
  const { target } = request;
  if (typeof target === 'object' && 'pid' in target && !existsSync(`/proc/${target.pid}`))
    throw new ProbeError({
      code: 'process-gone',
      message: `Process ${target.pid} does not exist.`,
      remedy: 'Look up its number again: pgrep -a NAME.',
    });
  if (typeof target === 'object' && 'command' in target && which(target.command[0]!) === undefined)
    throw new ProbeError({
      code: 'file-unreadable',
      message: `${target.command[0]!} is not found in PATH.`,
      remedy: 'Write the path of the program.',
    });
  const { profile, engine, script } = await profileOffCpu(request);
  for (const note of profile.notes) tell(note);
  writeRecording(out, profile, { target: hostname(), kernel: release(), engine, script });
  process.stdout.write(summary(profile, 0, out));
  return exitCodes.ok;
}

function chooseFor(
  asked: string | undefined,
  pid: number | undefined,
  program: string | undefined,
): CallGraphChoice {
  if (asked === 'fp' || asked === 'dwarf')
    return {
      mode: asked,
      why: `Stacks are walked by ${asked === 'fp' ? 'frame pointers' : 'DWARF'}, as asked.`,
    };
  if (asked !== undefined) throw new UsageError('--call-graph must be fp or dwarf');
  if (pid !== undefined) return chooseCallGraph(`/proc/${pid}/exe`);
  const found = program === undefined ? undefined : which(program);
  return found === undefined
    ? { mode: 'fp', why: 'Stacks are walked by frame pointers.' }
    : chooseCallGraph(found);
}

function which(program: string): string | undefined {
  if (program.includes('/')) return program;
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() || readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return 'gone';
  }
}

/** The hottest functions, as a first answer in the terminal. */
function summary(profile: Profile, lost: number, out: string): string {
  const groups = groupFrames(profile, 'function');
  const { self, total } = totalsOf(profile.nodes, groups.ofFrame, groups.name.length);
  const whole = profile.nodes.self.reduce((sum, weight) => sum + weight, 0);
  const hottest = groups.name
    .map((_, group) => group)
    .slice(1)
    .sort((a, b) => self[b]! - self[a]!)
    .slice(0, 10)
    .filter((group) => self[group]! > 0);
  const percent = (weight: number): string => `${((100 * weight) / whole).toFixed(1)} %`.padStart(8);
  return [
    profile.unit === 'nanoseconds'
      ? `${(whole / 1e6).toFixed(1)} ms blocked in ${out}`
      : `${whole} samples${lost > 0 ? ` (${lost} lost)` : ''} in ${out}`,
    `    self    total  function`,
    ...hottest.map((group) => `${percent(self[group]!)} ${percent(total[group]!)}  ${groups.name[group]!}`),
    '',
  ].join('\n');
}
