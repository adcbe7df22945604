import { percentile } from '../../protocol/buckets.ts';
import { formatCount, formatDuration, formatShare } from '../../protocol/format.ts';
import type { SyscallFigures, SyscallSummary } from '../../protocol/syscalls.ts';

/** A line of the table with what it is sorted by. */
export interface SyscallLine {
  readonly name: string;
  readonly calls: number;
  readonly failed: number;
  readonly errors: string;
  readonly share: number;
  readonly totalNs: number;
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
  readonly maxNs: number;
  readonly open: number;
}

export interface SyscallColumn {
  readonly key: keyof SyscallLine;
  readonly title: string;
  readonly meaning: string;
  readonly text: (line: SyscallLine) => string;
}

const duration = (key: 'totalNs' | 'meanNs' | 'p50Ns' | 'p99Ns' | 'maxNs') => (line: SyscallLine) =>
  line.calls === 0 ? '–' : formatDuration(line[key]);

export const columns: readonly SyscallColumn[] = [
  { key: 'name', title: 'system call', meaning: 'Its name', text: ({ name }) => name },
  { key: 'calls', title: 'calls', meaning: 'Calls that returned', text: ({ calls }) => formatCount(calls) },
  {
    key: 'share',
    title: 'share',
    meaning: 'Share of the time in all system calls',
    text: ({ share }) => formatShare(share),
  },
  { key: 'totalNs', title: 'total', meaning: 'Time from entry to return', text: duration('totalNs') },
  { key: 'meanNs', title: 'mean', meaning: 'Mean duration', text: duration('meanNs') },
  { key: 'p50Ns', title: 'p50', meaning: 'Half of the calls were faster', text: duration('p50Ns') },
  { key: 'p99Ns', title: 'p99', meaning: '99 of 100 calls were faster', text: duration('p99Ns') },
  { key: 'maxNs', title: 'max', meaning: 'The longest call', text: duration('maxNs') },
  {
    key: 'open',
    title: 'waiting',
    meaning: 'Calls that have not returned yet',
    text: ({ open }) => (open === 0 ? '' : formatCount(open)),
  },
  { key: 'failed', title: 'errors', meaning: 'Calls that failed, by error', text: ({ errors }) => errors },
];

/** The lines of a summary, sorted by a column; equal ones by name. */
export function linesOf(
  { syscalls }: SyscallSummary,
  by: keyof SyscallLine,
  descending: boolean,
): SyscallLine[] {
  const allNs = syscalls.reduce((sum, { totalNs }) => sum + totalNs, 0);
  const sign = descending ? -1 : 1;
  return syscalls
    .map((one) => lineOf(one, allNs))
    .sort((a, b) => {
      const [one, other] = [a[by], b[by]];
      const order = one < other ? -1 : one > other ? 1 : 0;
      return order * sign || (a.name < b.name ? -1 : 1);
    });
}

function lineOf(one: SyscallFigures, allNs: number): SyscallLine {
  const { name, calls, totalNs, maxNs, buckets, errors, open } = one;
  const quantile = (fraction: number) => Math.min(maxNs, percentile(buckets, fraction) ?? 0);
  return {
    ...{ name, calls, totalNs, maxNs, open },
    failed: errors.reduce((sum, { count }) => sum + count, 0),
    errors: errors.map((error) => `${formatCount(error.count)} ${error.name}`).join(', '),
    share: allNs === 0 ? 0 : totalNs / allNs,
    meanNs: calls === 0 ? 0 : totalNs / calls,
    p50Ns: quantile(0.5),
    p99Ns: quantile(0.99),
  };
}

/** `1,234 calls of 12 system calls in 5.0 s`, and what is not in the figures. */
export function summaryText({
  syscalls,
  elapsedMs,
  missedEntries,
  missingDurations,
  final,
}: SyscallSummary): string {
  const calls = syscalls.reduce((sum, one) => sum + one.calls, 0);
  return [
    `${formatCount(calls)} ${calls === 1 ? 'call' : 'calls'} of ${syscalls.length} system ${syscalls.length === 1 ? 'call' : 'calls'} in ${formatDuration(elapsedMs * 1e6)}`,
    ...(missedEntries === 0 ? [] : [`left out, begun before: ${formatCount(missedEntries)}`]),
    // before the end the maps are printed while calls go on
    ...(final && missingDurations > 0
      ? [`${formatCount(missingDurations)} are missing from the percentiles`]
      : []),
  ].join(' · ');
}

export function tableText(lines: readonly SyscallLine[]): string {
  const rows = lines.map((line) => columns.map(({ text }) => text(line)).join('\t'));
  return `${[columns.map(({ title }) => title).join('\t'), ...rows].join('\n')}\n`;
}
