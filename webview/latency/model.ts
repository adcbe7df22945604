/** What the latency panel shows, worked out of a picture without a page. */
import { percentile } from '../../protocol/buckets.ts';
import { formatCount, formatDuration, formatRate, formatShare } from '../../protocol/format.ts';
import { toBars, type AxisKind, type Bar } from '../../protocol/histogram.ts';
import type { LatencyPicture } from '../../protocol/latency.ts';
import type { LostCounts } from '../../protocol/snapshot.ts';

/** About 7 pixels a bar in a panel of ordinary width. */
const MAX_BARS = 110;

export interface Mark {
  readonly label: string;
  readonly durationNs: number;
}

export interface Figure {
  readonly label: string;
  readonly text: string;
}

export interface LatencyModel {
  readonly bars: readonly Bar[];
  readonly total: number;
  /** p50, p90, p99 and the maximum, ascending. */
  readonly marks: readonly Mark[];
  readonly figures: readonly Figure[];
  /** One sentence that says what the picture shows. */
  readonly summary: string;
  readonly lost: string | undefined;
}

export function latencyModel(picture: LatencyPicture, axis: AxisKind): LatencyModel {
  const { latency, count, rateHz } = picture;
  const buckets = latency?.buckets ?? [];
  const total = buckets.reduce((sum, [, calls]) => sum + calls, 0);
  const at = (fraction: number): number => Math.min(percentile(buckets, fraction) ?? 0, latency?.maxNs ?? 0);
  const marks =
    latency === undefined || total === 0
      ? []
      : [
          { label: 'p50', durationNs: at(0.5) },
          { label: 'p90', durationNs: at(0.9) },
          { label: 'p99', durationNs: at(0.99) },
          { label: 'max', durationNs: latency.maxNs },
        ];
  const measured = (value: number): string => (total === 0 ? '–' : formatDuration(value, 3));
  return {
    bars: toBars(buckets, axis, MAX_BARS),
    total,
    marks,
    figures: [
      { label: 'p50', text: measured(at(0.5)) },
      { label: 'p90', text: measured(at(0.9)) },
      { label: 'p99', text: measured(at(0.99)) },
      { label: 'p99.9', text: measured(at(0.999)) },
      { label: 'max', text: measured(latency?.maxNs ?? 0) },
      { label: 'mean', text: measured((latency?.sumNs ?? 0) / Math.max(1, total)) },
      { label: 'calls', text: formatCount(count) },
      { label: 'rate', text: rateHz === undefined ? '–' : formatRate(rateHz) },
    ],
    summary: summarise(picture.title, total, marks),
    lost: describeLost(picture.lost),
  };
}

function summarise(title: string, total: number, marks: readonly Mark[]): string {
  if (total === 0) return `No call of ${title} has been measured yet.`;
  const parts = marks.map(({ label, durationNs }) => `${label} ${formatDuration(durationNs, 3)}`);
  return `Latency of ${formatCount(total)} ${total === 1 ? 'call' : 'calls'} of ${title}: ${parts.join(', ')}.`;
}

const counted = (count: number, noun: string): string =>
  `${formatCount(count)} ${count === 1 ? noun : `${noun}s`}`;

/** A sentence on what is in no figure, or undefined when nothing is. */
export function describeLost(lost: LostCounts): string | undefined {
  const parts = [
    lost.missedEntries > 0
      ? `${counted(lost.missedEntries, 'return')} whose entry was not seen (the call began before the probe)`
      : undefined,
    lost.abandonedCalls > 0
      ? `${counted(lost.abandonedCalls, 'call')} that never returned (longjmp, exception or end of thread)`
      : undefined,
    lost.droppedByEngine > 0
      ? `${counted(lost.droppedByEngine, 'event')} dropped by bpftrace (a map or buffer was full)`
      : undefined,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : `Not in these figures: ${parts.join('; ')}.`;
}

/** A bar in words: `64–68 µs: 1,234 calls (12 %)`. */
export function describeBar(bar: Bar, total: number): string {
  const calls = Math.round(bar.count);
  return `${formatRange(bar)}: ${formatCount(calls)} ${calls === 1 ? 'call' : 'calls'} (${formatShare(bar.count / Math.max(1, total))})`;
}

export function formatRange({ lowNs, highNs }: Bar): string {
  const low = formatDuration(lowNs, 3);
  const high = formatDuration(highNs, 3);
  const unit = high.slice(high.lastIndexOf(' '));
  return low.endsWith(unit) ? `${low.slice(0, -unit.length)}–${high}` : `${low} – ${high}`;
}

/** The bars that hold calls, as rows of a table. */
export function barRows(model: LatencyModel): readonly Readonly<Record<string, string>>[] {
  let seen = 0;
  return model.bars
    .filter((bar) => bar.count > 0)
    .map((bar) => {
      seen += bar.count;
      return {
        range: formatRange(bar),
        calls: bar.count < 0.5 ? '< 1' : formatCount(bar.count),
        share: formatShare(bar.count / model.total),
        below: formatShare(Math.min(1, seen / model.total)),
      };
    });
}
