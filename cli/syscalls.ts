import { percentile } from '../protocol/buckets.ts';
import { ProbeError, type Problem } from '../protocol/errors.ts';
import { formatCount, formatDuration, formatShare } from '../protocol/format.ts';
import type { SyscallFigures, SyscallSummary } from '../protocol/syscalls.ts';
import { exitCodes } from './command.ts';
import { localHelper } from './in-process.ts';
import { uniqueId } from '../extension/core/unique-id.ts';

export interface SummaryRequest {
  readonly pid?: number;
  /** Until the process ends, or Ctrl-C, without it. */
  readonly durationMs?: number;
  readonly json: boolean;
}

/** Sums up system calls and prints them once they are complete: a table, or one JSON object. */
export async function summariseSyscalls({ pid, durationMs, json }: SummaryRequest): Promise<number> {
  const helper = await localHelper();
  const stream = uniqueId();
  let last: SyscallSummary | undefined;
  helper.connection.onSyscallSummary((summary) => (last = summary));
  const ended = new Promise<Problem | undefined>((resolve) =>
    helper.connection.onEventsState(({ state }) => {
      if (state.kind === 'ended') resolve(state.problem);
    }),
  );
  const stop = (): void => void helper.connection.call('stopSyscalls', { stream }).catch(() => undefined);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  let timer: NodeJS.Timeout | undefined;
  try {
    const { engine } = await helper.connection.call('startSyscalls', {
      stream,
      intervalMs: 500,
      ...(pid === undefined ? {} : { pid }),
    });
    process.stderr.write(
      `probescope events: ${engine} counts the system calls of ${pid === undefined ? 'this machine' : `process ${pid}`}\n`,
    );
    if (durationMs !== undefined) timer = setTimeout(stop, durationMs);
    const problem = await ended;
    if (last !== undefined)
      process.stdout.write(json ? `${JSON.stringify(jsonOf(last))}\n` : summaryTable(last));
    if (problem !== undefined) throw new ProbeError(problem);
    return exitCodes.ok;
  } finally {
    clearTimeout(timer);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
    await helper.close();
  }
}

/** `percentile`, never beyond the longest call, which is exact. */
function quantile({ buckets, maxNs }: SyscallFigures, fraction: number): number {
  return Math.min(maxNs, percentile(buckets, fraction) ?? 0);
}

function jsonOf(summary: SyscallSummary): unknown {
  return {
    elapsedMs: summary.elapsedMs,
    missedEntries: summary.missedEntries,
    missingDurations: summary.missingDurations,
    syscalls: summary.syscalls.map((one) => ({
      name: one.name,
      calls: one.calls,
      errors: Object.fromEntries(one.errors.map(({ name, count }) => [name, count])),
      totalNs: one.totalNs,
      meanNs: one.calls === 0 ? 0 : Math.round(one.totalNs / one.calls),
      p50Ns: Math.round(quantile(one, 0.5)),
      p99Ns: Math.round(quantile(one, 0.99)),
      maxNs: one.maxNs,
      open: one.open,
    })),
  };
}

/** The table of `strace -c`, with percentiles and the errors by name. */
export function summaryTable(summary: SyscallSummary): string {
  const totalNs = summary.syscalls.reduce((sum, one) => sum + one.totalNs, 0);
  const calls = summary.syscalls.reduce((sum, one) => sum + one.calls, 0);
  const head = ['share', 'total', 'calls', 'mean', 'p50', 'p99', 'max', 'syscall', 'errors'];
  const lines = summary.syscalls.map((one) => [
    formatShare(totalNs === 0 ? 0 : one.totalNs / totalNs),
    formatDuration(one.totalNs, 3),
    formatCount(one.calls),
    ...(one.calls === 0
      ? ['–', '–', '–', '–']
      : [one.totalNs / one.calls, quantile(one, 0.5), quantile(one, 0.99), one.maxNs].map((ns) =>
          formatDuration(ns),
        )),
    one.name,
    [
      ...one.errors.map(({ name, count }) => `${formatCount(count)} ${name}`),
      ...(one.open === 0 ? [] : [`(${formatCount(one.open)} not returned yet)`]),
    ].join(', '),
  ]);
  const widths = head.map((title, index) =>
    Math.max(title.length, ...lines.map((line) => (line[index] ?? '').length)),
  );
  const text = [head, ...lines].map((line) =>
    line
      .map((cell, index) => (index < 7 ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const notes = [
    `${formatCount(calls)} calls in ${formatDuration(summary.elapsedMs * 1e6)}; ${formatDuration(totalNs, 3)} from entry to return, all threads together`,
    ...(summary.missedEntries === 0
      ? []
      : [`calls that had begun before and are not in it: ${formatCount(summary.missedEntries)}`]),
    ...(summary.missingDurations === 0
      ? []
      : [`calls that are missing from the percentiles: ${formatCount(summary.missingDurations)}`]),
  ];
  return `${[...text, '', ...notes].join('\n')}\n`;
}
