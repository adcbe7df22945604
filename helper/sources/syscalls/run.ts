import { existsSync, openSync, readSync, closeSync } from 'node:fs';
import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { ScriptEnd, ScriptMap, ScriptOutput } from '../../../protocol/script.ts';
import type { SyscallsSpec, SyscallSummary } from '../../../protocol/syscalls.ts';
import { engineCommand } from '../../engines/bpftrace/host-command.ts';
import { ScriptRun } from '../../engines/bpftrace/scripts/run.ts';
import { atLeast } from '../../engines/bpftrace/version.ts';
import { summaryOf } from './decode.ts';
import { syscallNames } from './numbers.ts';
import { PRINTED, READY, syscallScript } from './script.ts';

/** Sixty busy system calls fill about 200 buckets of durations each; an entry takes 100 bytes and 8 a CPU. */
const MAP_KEYS = 16_384;
const LEAST_INTERVAL_MS = 100;

export interface RunningSyscalls {
  readonly engine: string;
  readonly script: string;
  /** After the last summary; with what went wrong. */
  readonly ended: Promise<Problem | undefined>;
  stop(): Promise<void>;
}

/**
 * Sums up system calls with bpftrace until it is stopped or the process has ended; resolves when they count. Throws `process-gone`,
 * `probe-refused` for a 32-bit process, and what bpftrace refuses.
 */
export async function runSyscalls(
  spec: SyscallsSpec,
  onSummary: (summary: SyscallSummary) => void,
): Promise<RunningSyscalls> {
  checkProcess(spec.pid);
  const { command } = await engineCommand();
  const inEnvironment = !atLeast(command.version, '0.20') && (command.passesEnvironment || command.takesKeys);
  const script = syscallScript({
    version: command.version,
    arch: process.arch,
    helperPid: process.pid,
    intervalMs: Math.max(LEAST_INTERVAL_MS, Math.round(spec.intervalMs)),
    mapKeys: MAP_KEYS,
    ...(spec.pid === undefined ? {} : { pid: spec.pid }),
  });
  const names = syscallNames(process.arch);
  const maps = new Map<string, ScriptMap>();
  let startedMs = performance.now();
  let open = new Map<string, number>();
  const tell = (final: boolean): void => {
    const figures = summaryOf([...maps.values()], names);
    // Entry and return are not detached in one moment, so that calls seem to be open which are not.
    const syscalls = final
      ? figures.syscalls.map((one) => ({ ...one, open: Math.min(one.open, open.get(one.name) ?? 0) }))
      : figures.syscalls;
    open = new Map(syscalls.map((one) => [one.name, one.open]));
    onSummary({
      stream: spec.stream,
      elapsedMs: Math.round(performance.now() - startedMs),
      ...figures,
      syscalls: syscalls.filter(({ calls, open: waiting }) => calls > 0 || waiting > 0),
      final,
    });
  };
  const take = ({ lines, maps: printed }: ScriptOutput, ready: () => void): void => {
    for (const map of printed) maps.set(map.name, map);
    const said = lines.flatMap(({ kind, text }) => (kind === 'printf' ? text.split('\n') : []));
    if (said.includes(READY)) {
      startedMs = performance.now();
      ready();
    }
    if (!said.includes(PRINTED)) return;
    tell(false);
    if (spec.pid !== undefined && !existsSync(`/proc/${spec.pid}`)) void run.stop();
  };
  let ready: () => void = () => undefined;
  let end: (end: ScriptEnd) => void = () => undefined;
  const counting = new Promise<undefined>((resolve) => (ready = () => resolve(undefined)));
  const done = new Promise<ScriptEnd>((resolve) => (end = resolve));
  const run = new ScriptRun({
    spec: {
      run: spec.stream,
      script,
      args: [],
      unsafe: false,
      ...(inEnvironment ? { mapKeys: MAP_KEYS } : {}),
    },
    command,
    onOutput: (output) => take(output, ready),
    onEnded: end,
    recheck: () => Promise.resolve([]),
  });
  const ended = done.then(({ problem }) => {
    tell(true);
    return problem;
  });
  const failed = await Promise.race([counting, done]);
  if (failed?.problem !== undefined) throw new ProbeError(failed.problem);
  return { engine: `bpftrace ${command.version}`, script, ended, stop: () => run.stop() };
}

/** The numbers of system calls are those of 64-bit programs; a 32-bit one has another table. */
function checkProcess(pid: number | undefined): void {
  if (pid === undefined) return;
  if (!existsSync(`/proc/${pid}`))
    throw new ProbeError({ code: 'process-gone', message: `There is no process ${pid}.` });
  try {
    const file = openSync(`/proc/${pid}/exe`, 'r');
    const head = Buffer.alloc(5);
    readSync(file, head, 0, 5, 0);
    closeSync(file);
    // EI_CLASS of elf(5)
    if (head[4] !== 1) return;
  } catch {
    return;
  }
  throw new ProbeError({
    code: 'probe-refused',
    message: `Process ${pid} runs a 32-bit program, whose system calls have other numbers, and they would be named wrongly.`,
    remedy: `Use strace -c -f -p ${pid}.`,
  });
}
