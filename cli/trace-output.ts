import { withBounds, type ProbeAggregate } from '../extension/core/aggregate.ts';
import { subjectName } from '../extension/core/probe.ts';
import { formatCount, formatDuration, formatRate } from '../protocol/format.ts';
import type { Measure, Subject } from '../protocol/probe.ts';
import { usedSites } from '../protocol/sites.ts';
import type { CallerTotals, LostCounts } from '../protocol/snapshot.ts';
import type { Frame } from '../protocol/source.ts';

/** A probe with what was measured at it. */
export interface TracedProbe {
  readonly subject: Subject;
  readonly aggregate: ProbeAggregate;
}

/** The object that `trace --json` prints for a probe; durations in ns. */
export function asJson({ subject, aggregate }: TracedProbe, measures: readonly Measure[]): object {
  const { count, lost, returned, p50Ns, p90Ns, p99Ns, maxNs, meanNs } = aggregate.figures;
  const latency = measures.includes('latency') && subject.kind !== 'usdt';
  const used = usedSites(subject, measures);
  return {
    function: subjectName(subject),
    ...(subject.kind === 'kernel-function' ? { attachedBy: subject.attach } : {}),
    file: subject.declared?.file ?? null,
    line: subject.declared?.line ?? null,
    sites: used.sites.length,
    ...(used.refused.length > 0 ? { refused: used.refused } : {}),
    count,
    lost: lost.missedEntries + lost.abandonedCalls + lost.droppedByEngine,
    lostBy: lost,
    ...(latency
      ? {
          latencyNs: {
            returned,
            p50: whole(p50Ns),
            p90: whole(p90Ns),
            p99: whole(p99Ns),
            max: whole(maxNs),
            mean: whole(meanNs),
            buckets: withBounds(aggregate.latency.buckets),
          },
        }
      : {}),
    ...(measures.includes('callers') ? { callers: aggregate.callers.map(callerAsJson) } : {}),
  };
}

/** Fractions of a nanosecond come from interpolation; they mean nothing. */
function whole(ns: number | undefined): number | null {
  return ns === undefined ? null : Math.round(ns);
}

function callerAsJson({ stack, count }: CallerTotals): object {
  return {
    stack: stack.map((frame) => ({
      function: frame.function,
      file: frame.file ?? null,
      line: frame.line ?? null,
      ...(frame.inlined ? { inlined: true } : {}),
      ...(frame.module === undefined ? {} : { module: frame.module }),
    })),
    count,
  };
}

/** A table for people, then the callers of each probe. */
export function asText(probes: readonly TracedProbe[], measures: readonly Measure[]): string {
  const latency = measures.includes('latency');
  const head = [
    'function',
    'calls',
    'rate',
    ...(latency ? ['p50', 'p90', 'p99', 'max'] : []),
    'not measured',
  ];
  const rows = probes.map(({ subject, aggregate }) => {
    const { count, rateHz, lost, p50Ns, p90Ns, p99Ns, maxNs } = aggregate.figures;
    const durations = [p50Ns, p90Ns, p99Ns, maxNs].map((ns) => (ns === undefined ? '–' : formatDuration(ns)));
    return [
      subjectName(subject),
      formatCount(count),
      rateHz === undefined ? '–' : formatRate(rateHz),
      ...(latency ? durations : []),
      lostText(lost),
    ];
  });
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const text = [line(head), ...rows.map(line)];
  if (measures.includes('callers'))
    for (const { subject, aggregate } of probes)
      for (const { stack, count } of aggregate.callers)
        text.push('', `${formatCount(count)} × ${subjectName(subject)}`, ...stack.map(frameLine));
  return `${text.join('\n')}\n`;
}

function frameLine(frame: Frame): string {
  const place = frame.file === undefined ? (frame.module ?? '') : `${frame.file}:${frame.line ?? '?'}`;
  return `    ${frame.function}${frame.inlined ? ' (inlined)' : ''}${place === '' ? '' : `  ${place}`}`;
}

function lostText(lost: LostCounts): string {
  const parts = [
    lost.missedEntries > 0 ? `${formatCount(lost.missedEntries)} began before` : '',
    lost.abandonedCalls > 0 ? `${formatCount(lost.abandonedCalls)} never returned` : '',
    lost.droppedByEngine > 0 ? `${formatCount(lost.droppedByEngine)} dropped` : '',
  ];
  return parts.filter((part) => part !== '').join(', ') || '0';
}
