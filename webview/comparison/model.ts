/** What the comparison's tables say; pure. */
import { formatCount, formatDuration, formatRate, formatShare } from '../../protocol/format.ts';
import type { TwoSampleTest } from '../../protocol/latency.ts';
import type { ComparedEntry, ComparedFigures, ComparedProbe } from '../../protocol/recording-comparison.ts';

/** Below it a difference is called one. */
export const SIGNIFICANT = 0.01;
/** Latency buckets are 3 % wide: less is no difference that was measured. */
const BUCKET = 0.031;

export type Direction = 'more' | 'less' | 'same' | 'none';

export interface Line {
  readonly label: string;
  readonly before: string;
  readonly after: string;
  readonly change: string;
  readonly direction: Direction;
}

export interface Verdict {
  readonly text: string;
  readonly direction: 'slower' | 'faster' | 'same' | 'none';
}

/** `+120 µs (1.50 ×)`; the sign is in the words, never in a colour alone. */
export function changeOf(
  before: number | undefined,
  after: number | undefined,
  format: (value: number) => string,
  tolerance = 0,
): Pick<Line, 'change' | 'direction'> {
  if (before === undefined || after === undefined) return { change: '–', direction: 'none' };
  if (before === after) return { change: 'the same', direction: 'same' };
  const difference = `${after > before ? '+' : '−'}${format(Math.abs(after - before))}`;
  if (!(before > 0) || !(after > 0))
    return { change: difference, direction: after > before ? 'more' : 'less' };
  const factor = after / before;
  if (Math.abs(factor - 1) < tolerance)
    return { change: `${difference} (about the same)`, direction: 'same' };
  const text = factor >= 100 ? factor.toFixed(0) : factor.toPrecision(3);
  return { change: `${difference} (${text} ×)`, direction: factor > 1 ? 'more' : 'less' };
}

const latencies = [
  ['p50', 'p50Ns'],
  ['p90', 'p90Ns'],
  ['p99', 'p99Ns'],
] as const;

export function linesOf({ before, after }: ComparedProbe): Line[] {
  const line = (
    label: string,
    value: (figures: ComparedFigures) => number | undefined,
    format: (value: number) => string,
    tolerance?: number,
  ): Line => {
    const [a, b] = [before, after].map((figures) => (figures === undefined ? undefined : value(figures)));
    const text = (number: number | undefined): string => (number === undefined ? '–' : format(number));
    return { label, before: text(a), after: text(b), ...changeOf(a, b, format, tolerance) };
  };
  const duration = (ns: number): string => formatDuration(ns, 3);
  return [
    line('calls', ({ count }) => count, formatCount),
    line('rate', ({ rateHz }) => rateHz, formatRate),
    ...latencies
      .filter(([, key]) => before?.[key] !== undefined || after?.[key] !== undefined)
      .map(([label, key]) => line(label, (figures) => figures[key], duration, BUCKET)),
    ...((before?.lost ?? 0) + (after?.lost ?? 0) > 0 ? [line('lost', ({ lost }) => lost, formatCount)] : []),
  ];
}

/** What chance alone would make of the difference, in words that need no statistics, then the test's name and figures. */
export function verdictOf({ before, after, test }: ComparedProbe): Verdict {
  if (before === undefined) return { text: 'Only in the second recording.', direction: 'none' };
  if (after === undefined) return { text: 'Only in the first recording.', direction: 'none' };
  if (before.p50Ns === undefined || after.p50Ns === undefined)
    return { text: 'Latency was not measured in both.', direction: 'none' };
  if (test === undefined)
    return { text: 'The two cannot be told apart: all calls lie in one bucket.', direction: 'same' };
  const { pValue, slower } = test;
  if (pValue >= SIGNIFICANT)
    return { text: `No difference that chance alone could not make. ${testText(test)}`, direction: 'same' };
  const direction = slower > 0.5 ? 'slower' : 'faster';
  return {
    text: `A call of the second is ${direction} than one of the first in ${formatShare(Math.max(slower, 1 - slower))} of all pairs, and chance alone hardly makes such a difference. ${testText(test)}`,
    direction,
  };
}

export function testText({ name, pValue }: TwoSampleTest): string {
  return `${name} test on buckets, two-sided: ${pValue < 1e-4 ? 'p < 0.0001' : `p = ${pValue.toFixed(4)}`}`;
}

/** The largest differences first: those that chance hardly makes, by how far p50 moved; then what is in one only. */
export function inOrder(probes: readonly ComparedProbe[]): ComparedProbe[] {
  const weight = (probe: ComparedProbe): number => {
    const { direction } = verdictOf(probe);
    const moved = Math.abs(Math.log((probe.after?.p50Ns ?? 1) / (probe.before?.p50Ns ?? 1)));
    if (direction === 'slower' || direction === 'faster') return 1000 + moved;
    return direction === 'same'
      ? 500 + moved
      : probe.before !== undefined && probe.after !== undefined
        ? 100
        : 0;
  };
  return [...probes].sort((a, b) => weight(b) - weight(a) || a.name.localeCompare(b.name));
}

export function entryLine({ key, before, after, test }: ComparedEntry): Line {
  const format = (value: number): string =>
    Number.isInteger(value) ? formatCount(value) : value.toPrecision(4);
  const text = (value: number | undefined): string => (value === undefined ? '–' : signed(value, format));
  const change = changeOf(before, after, format);
  return {
    label: key,
    before: text(before),
    after: text(after),
    ...change,
    ...(test === undefined ? {} : { change: `${change.change}; ${testText(test)}` }),
  };
}

const signed = (value: number, format: (value: number) => string): string =>
  value < 0 ? `−${format(-value)}` : format(value);
