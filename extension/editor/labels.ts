/** What the editor, the tree and the status bar write about a probe. Pure: strings in, strings out. */
import { percentile } from '../../protocol/buckets.ts';
import { formatCount, formatDuration, formatRate, formatShare } from '../../protocol/format.ts';
import { toBars } from '../../protocol/histogram.ts';
import type { LatencyTotals, LostCounts } from '../../protocol/snapshot.ts';
import { heatOfLatency, heatOfRate, type Heat } from './heat.ts';

/** Figures of one probe since it was added, with the rate over the last interval. */
export interface Figures {
  readonly count: number;
  readonly rateHz?: number;
  readonly lost: LostCounts;
  readonly latency?: LatencyTotals;
  /** Different stacks, where callers are measured. */
  readonly stacks?: number;
}

export type DisplayState = 'starting' | 'running' | 'paused' | 'ended';

export const percentileMarks = [
  { label: 'p50', fraction: 0.5 },
  { label: 'p90', fraction: 0.9 },
  { label: 'p99', fraction: 0.99 },
  { label: 'p99.9', fraction: 0.999 },
] as const;

/** A percentile in ns, never above the exact maximum that was measured beside the buckets. */
export function percentileNs(latency: LatencyTotals, fraction: number): number | undefined {
  const value = percentile(latency.buckets, fraction);
  return value === undefined ? undefined : Math.min(value, latency.maxNs);
}

export function totalLost(lost: LostCounts): number {
  return lost.missedEntries + lost.abandonedCalls + lost.droppedByEngine;
}

/** `p50 23 µs · p99 1.2 ms · 4.3 k/s`, or what there is of it. Calls that began before the probe are no loss worth a word here. */
export function figuresText({ latency, count, rateHz, stacks, lost }: Figures, withRate = true): string {
  const p50 = latency && percentileNs(latency, 0.5);
  const p99 = latency && percentileNs(latency, 0.99);
  const parts =
    p50 !== undefined && p99 !== undefined
      ? [`p50 ${formatDuration(p50)}`, `p99 ${formatDuration(p99)}`]
      : [`${formatCount(count)} ${count === 1 ? 'call' : 'calls'}`];
  if (stacks !== undefined && latency === undefined)
    parts.push(`${formatCount(stacks)} ${stacks === 1 ? 'stack' : 'stacks'}`);
  if (withRate && rateHz !== undefined) parts.push(formatRate(rateHz));
  if (lost.droppedByEngine > 0) parts.push(`${formatCount(lost.droppedByEngine)} lost`);
  return parts.join(' · ');
}

/** The text at the end of the function's line. */
export function overlayText(
  state: DisplayState,
  figures: Figures | undefined,
  stale: boolean,
  origin?: string,
  moment?: string,
): string {
  const measured = figures !== undefined && figures.count > 0;
  const age = stale ? ' · source is newer than the binary' : '';
  switch (state) {
    case 'starting':
      return 'attaching…';
    case 'running':
      return (measured ? figuresText(figures) : 'attached, no call yet') + age;
    case 'paused':
      return `${measured ? `${figuresText(figures, false)} · ` : moment === undefined ? '' : 'no call · '}${moment === undefined ? '' : `${moment}, `}${origin ?? 'paused'}${age}`;
    case 'ended':
      return 'stopped: hover for the reason';
  }
}

/** The CodeLens: `p50 23 µs · p99 1.2 ms · n 12,345`. */
export function lensText(
  state: DisplayState,
  figures: Figures | undefined,
  origin?: string,
  moment?: string,
): string {
  if (state === 'starting') return 'attaching…';
  const p50 = figures?.latency && percentileNs(figures.latency, 0.5);
  const p99 = figures?.latency && percentileNs(figures.latency, 0.99);
  const n = `n ${formatCount(figures?.count ?? 0)}`;
  const text =
    p50 === undefined || p99 === undefined
      ? n
      : `p50 ${formatDuration(p50)} · p99 ${formatDuration(p99)} · ${n}`;
  if (state === 'running') return text;
  if (origin !== undefined) return `${text} (recorded${moment === undefined ? '' : `, ${moment}`})`;
  return figures === undefined ? state : `${text} (${state})`;
}

export function heatOf({ latency, rateHz = 0, count }: Figures): Heat {
  return latency === undefined || count === 0
    ? heatOfRate(rateHz)
    : heatOfLatency(rateHz, latency.sumNs / count);
}

/** The percentiles as rows: label and text with three digits. Empty when nothing was measured. */
export function latencyRows(latency: LatencyTotals, count: number): readonly (readonly [string, string])[] {
  const rows = percentileMarks.flatMap(({ label, fraction }): [string, string][] => {
    const value = percentileNs(latency, fraction);
    return value === undefined ? [] : [[label, formatDuration(value, 3)]];
  });
  if (rows.length === 0) return [];
  return [
    ...rows,
    ['max', formatDuration(latency.maxNs, 3)],
    ['mean', formatDuration(latency.sumNs / Math.max(1, count), 3)],
  ];
}

/** Where most calls lie, in words: the picture's text equivalent. `34 % of the calls took 64 µs – 76 µs, 20 % …`. */
export function describeDistribution(latency: LatencyTotals): string {
  const bars = toBars(latency.buckets, 'log', 44);
  const total = bars.reduce((sum, bar) => sum + bar.count, 0);
  if (total === 0) return 'No call has been measured yet.';
  const parts = [...bars]
    .sort((a, b) => b.count - a.count)
    .slice(0, 3)
    .filter((bar) => bar.count > 0)
    .map(
      (bar) =>
        `${formatShare(bar.count / total)} took ${formatDuration(bar.lowNs, 3)} to ${formatDuration(bar.highNs, 3)}`,
    );
  return `Of ${formatCount(total)} calls ${parts.join(', ')}.`;
}

/** The status bar: how much is measured now. */
export function statusText(running: number, paused: number, rateHz: number | undefined): string {
  if (running === 0) return paused === 0 ? 'Probescope' : `${paused} paused`;
  const probes = `${running} ${running === 1 ? 'probe' : 'probes'}`;
  return rateHz === undefined
    ? probes
    : `${probes} · ${formatRate(rateHz).replace('/s', ' events/s').replace('  ', ' ')}`;
}
