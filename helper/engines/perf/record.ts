import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { ProbeError } from '../../../protocol/errors.ts';
import type { CallGraphChoice } from './call-graph.ts';

export interface PerfRecording {
  /** Samples a second and thread. */
  readonly hz: number;
  readonly callGraph: CallGraphChoice['mode'];
  /** A running process, or a command that is started and profiled to its end. */
  readonly target: { readonly pid: number } | { readonly command: readonly string[] } | 'machine';
  /** Ends earlier when the process does. */
  readonly durationMs?: number;
  readonly signal?: AbortSignal;
}

export interface PerfResult {
  /** Samples that the kernel dropped because the buffer was full. */
  readonly lost: number;
  /** How the profiled command ended, where there was one. */
  readonly exitCode?: number;
  /** Both command lines, for the recording. */
  readonly commandLines: readonly string[];
}

/**
 * Samples with `perf record -e cpu-clock` (works without hardware counters, so in guests too) and gives the text of
 * `perf script` to `take`, chunk by chunk. perf is our child with a time limit: it does not outlive us by more than that.
 */
export async function recordWithPerf(
  recording: PerfRecording,
  take: (chunk: Uint8Array) => void,
): Promise<PerfResult> {
  const folder = mkdtempSync(join(tmpdir(), 'probescope-perf-'));
  const data = join(folder, 'perf.data');
  const { hz, callGraph, target, durationMs, signal } = recording;
  const seconds = durationMs === undefined ? undefined : String(Math.max(0.1, durationMs / 1000));
  const callGraphArguments = callGraph === 'fp' ? ['--call-graph', 'fp'] : ['--call-graph', 'dwarf,8192'];
  const what =
    target === 'machine'
      ? ['-a', '--', 'sleep', seconds ?? '10']
      : 'pid' in target
        ? ['-p', String(target.pid), ...(seconds === undefined ? [] : ['--', 'sleep', seconds])]
        : [
            '--',
            ...(seconds === undefined
              ? target.command
              : ['timeout', '--foreground', '-s', 'INT', seconds, ...target.command]),
          ];
  const recordArguments = [
    'record',
    '-e',
    'cpu-clock',
    '-F',
    String(hz),
    ...callGraphArguments,
    '-o',
    data,
    ...what,
  ];
  // frames of other processes' libraries are read from this host's files; inlined frames come with the line numbers
  const scriptArguments = [
    'script',
    '-i',
    data,
    '--full-source-path',
    '-F',
    'comm,pid,tid,time,event,ip,sym,dso,srcline',
  ];
  try {
    const record = await execa('perf', recordArguments, {
      reject: false,
      stdin: 'ignore',
      stdout: 2,
      ...(signal === undefined ? {} : { cancelSignal: signal, forceKillAfterDelay: 3000 }),
      killSignal: 'SIGINT',
    });
    const said = typeof record.stderr === 'string' ? record.stderr : '';
    if (record.code === 'ENOENT') throw missing();
    if (
      !/\[ perf record: (Captured|Woken)/.test(said) ||
      /No such process|couldn't run|Permission/i.test(said)
    )
      throw refused(said, target);
    const lost = Number(/LOST (\d+) events|lost (\d+) events/i.exec(said)?.slice(1).find(Boolean) ?? 0);
    const script = execa('perf', scriptArguments, {
      reject: false,
      stdin: 'ignore',
      encoding: 'buffer',
      buffer: { stdout: false, stderr: true },
    });
    for await (const chunk of script.iterable({ from: 'stdout', binary: true, preserveNewlines: true }))
      take(chunk);
    await script;
    return {
      lost,
      ...(typeof target === 'object' && 'command' in target && record.exitCode !== undefined
        ? { exitCode: record.exitCode }
        : {}),
      commandLines: [`perf ${recordArguments.join(' ')}`, `perf ${scriptArguments.join(' ')}`],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function missing(): ProbeError {
  return new ProbeError({
    code: 'engine-missing',
    message: 'perf is not installed here.',
    remedy: 'Install it: linux-perf on Debian, linux-tools-$(uname -r) on Ubuntu, perf elsewhere.',
  });
}

function refused(said: string, target: PerfRecording['target']): ProbeError {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('['));
  const gone =
    typeof target === 'object' &&
    'pid' in target &&
    /No such process|no such pid|Couldn't create thread/i.test(said);
  return new ProbeError({
    code: gone
      ? 'process-gone'
      : /permission|paranoid|not permitted/i.test(said)
        ? 'no-privileges'
        : 'engine-refused',
    message: gone
      ? `Process ${(target as { pid: number }).pid} does not exist.`
      : `perf record failed: ${lines[0] ?? 'it said nothing'}`,
    remedy: gone
      ? 'Look up its number again: pgrep -a NAME.'
      : 'Run as root, or lower kernel.perf_event_paranoid; probescope doctor tells what works here.',
  });
}
