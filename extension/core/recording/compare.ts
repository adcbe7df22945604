/** Two recordings side by side: what their probes measured, or what their scripts printed. */
import { mergeBuckets, type BucketCounts } from '../../../protocol/buckets.ts';
import type {
  ComparedEntry,
  ComparedFigures,
  ComparedMap,
  ComparedProbe,
  ComparedSide,
  RecordingComparison,
} from '../../../protocol/recording-comparison.ts';
import type { HistBucket, ScriptMap } from '../../../protocol/script.ts';
import type { LatencyTotals, LostCounts } from '../../../protocol/snapshot.ts';
import { latencyFigures } from '../aggregate.ts';
import { subjectName } from '../probe.ts';
import { readScriptRun } from '../scripts/recorded.ts';
import { mannWhitney } from '../two-sample.ts';
import { nameOf } from './description.ts';
import type { Recording } from './reader.ts';
import { laneName, originOf, recordedProbes, type RecordedProbe } from './replay.ts';

/** Entries of one map that a panel shows, the largest differences first. */
const MOST_ENTRIES = 200;

export function compareTraces(before: Recording, after: Recording): RecordingComparison {
  const sides = [before, after].map((recording) => ({
    recording,
    probes: byName(recordedProbes(recording)),
  }));
  const [old, now] = [sides[0]!, sides[1]!];
  const names = [...new Set([...old.probes.keys(), ...now.probes.keys()])];
  return {
    before: sideOf(before, longest(old.probes)),
    after: sideOf(after, longest(now.probes)),
    probes: names.map((name) => compareProbe(old.probes.get(name), now.probes.get(name))),
    maps: [],
  };
}

export function compareRuns(before: Recording, after: Recording): RecordingComparison {
  const [old, now] = [before, after].map((recording) => readScriptRun(recording).run);
  const names = [...new Set([...old!.maps, ...now!.maps].map(({ name }) => name))].sort();
  const find = (maps: readonly ScriptMap[], name: string): ScriptMap | undefined =>
    maps.find((map) => map.name === name);
  return {
    before: sideOf(before, old!.timeMs * 1e6),
    after: sideOf(after, now!.timeMs * 1e6),
    probes: [],
    maps: names.map((name) => compareMap(name, find(old!.maps, name), find(now!.maps, name))),
  };
}

interface Merged {
  readonly first: RecordedProbe;
  readonly count: number;
  readonly lost: number;
  readonly latency?: LatencyTotals;
  readonly durationNs: number;
}

function byName(probes: readonly RecordedProbe[]): Map<string, Merged> {
  const merged = new Map<string, Merged>();
  for (const probe of probes) {
    const { spec, totals, timeNs } = probe;
    const name = laneName(spec);
    const known = merged.get(name);
    const latency = mergeLatency(known?.latency, totals.latency);
    merged.set(name, {
      first: known?.first ?? probe,
      count: (known?.count ?? 0) + totals.count,
      lost: (known?.lost ?? 0) + sumOf(totals.lost),
      durationNs: Math.max(known?.durationNs ?? 0, timeNs),
      ...(latency === undefined ? {} : { latency }),
    });
  }
  return merged;
}

function mergeLatency(a: LatencyTotals | undefined, b: LatencyTotals | undefined): LatencyTotals | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    buckets: mergeBuckets(a.buckets, b.buckets),
    sumNs: a.sumNs + b.sumNs,
    maxNs: Math.max(a.maxNs, b.maxNs),
  };
}

const sumOf = ({ missedEntries, abandonedCalls, droppedByEngine }: LostCounts): number =>
  missedEntries + abandonedCalls + droppedByEngine;

const longest = (probes: ReadonlyMap<string, Merged>): number =>
  Math.max(0, ...[...probes.values()].map(({ durationNs }) => durationNs));

function sideOf(recording: Recording, durationNs: number): ComparedSide {
  const meta = recording.meta();
  return {
    name: nameOf(meta, recording.path),
    origin: originOf(meta),
    notices: recording.notices(),
    ...(durationNs > 0 ? { durationNs } : {}),
  };
}

function compareProbe(before: Merged | undefined, after: Merged | undefined): ComparedProbe {
  const { spec } = (after ?? before)!.first;
  const [old, now] = [before?.latency?.buckets ?? [], after?.latency?.buckets ?? []];
  const test = mannWhitney(old, now);
  const { declared } = spec.subject;
  return {
    name: subjectName(spec.subject),
    binary: spec.binary,
    ...(declared === undefined ? {} : { place: declared }),
    ...(before === undefined ? {} : { before: figuresOf(before) }),
    ...(after === undefined ? {} : { after: figuresOf(after) }),
    ...(test === undefined ? {} : { test }),
  };
}

function figuresOf({ count, lost, latency, durationNs }: Merged): ComparedFigures {
  const returned = (latency?.buckets ?? []).reduce((sum, [, calls]) => sum + calls, 0);
  const rate = durationNs > 0 ? { rateHz: (count * 1e9) / durationNs } : {};
  if (latency === undefined || returned === 0) return { count, lost, ...rate };
  const { p50Ns = 0, p90Ns = 0, p99Ns = 0 } = latencyFigures(latency, returned);
  return { count, lost, ...rate, p50Ns, p90Ns, p99Ns };
}

function compareMap(name: string, before: ScriptMap | undefined, after: ScriptMap | undefined): ComparedMap {
  const { kind } = (after ?? before)!;
  const none = { name, values: 'values', entries: [], omitted: 0 } as const;
  if (before !== undefined && after !== undefined && before.kind !== after.kind)
    return { ...none, why: 'The two runs have maps of different kinds under this name.' };
  if (kind === 'tseries')
    return { ...none, why: 'Time series are not compared; open both runs to see them.' };
  const [old, now] = [entriesOf(before), entriesOf(after)];
  const entries = [...new Set([...old.keys(), ...now.keys()])].map((key): ComparedEntry => {
    const [a, b] = [old.get(key), now.get(key)];
    const test = a?.buckets && b?.buckets ? testOf(a.buckets, b.buckets) : undefined;
    return {
      key,
      ...(a === undefined ? {} : { before: a.value }),
      ...(b === undefined ? {} : { after: b.value }),
      ...(test === undefined ? {} : { test }),
    };
  });
  const change = ({ before: a = 0, after: b = 0 }: ComparedEntry): number => Math.abs(b - a);
  entries.sort((a, b) => change(b) - change(a));
  return {
    name,
    values: kind === 'hist' ? 'counts' : kind === 'stats' ? 'averages' : 'values',
    entries: entries.slice(0, MOST_ENTRIES),
    omitted: Math.max(0, entries.length - MOST_ENTRIES),
    ...(entries.length === 0 ? { why: 'It holds no numbers.' } : {}),
  };
}

interface Entry {
  readonly value: number;
  readonly buckets?: readonly HistBucket[];
}

function entriesOf(map: ScriptMap | undefined): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  switch (map?.kind) {
    case 'values':
      map.keys.forEach((key, index) => {
        const value = map.numbers[index] ?? null;
        if (value !== null) entries.set(key, { value });
      });
      break;
    case 'stats':
      for (const { key, average } of map.entries) entries.set(key, { value: Number(average) });
      break;
    case 'hist':
      for (const { key, buckets } of map.series)
        entries.set(key, { value: buckets.reduce((sum, { count }) => sum + count, 0), buckets });
      break;
    case 'tseries':
    case undefined:
  }
  return entries;
}

/** Buckets of both in one order; which numbers they stand for matters nothing to a test of ranks. */
function testOf(before: readonly HistBucket[], after: readonly HistBucket[]) {
  const lows = [...new Set([...before, ...after].map(({ low = -Infinity }) => low))].sort((a, b) => a - b);
  const counts = (buckets: readonly HistBucket[]): BucketCounts =>
    buckets.map(({ low = -Infinity, count }) => [lows.indexOf(low), count]);
  return mannWhitney(counts(before), counts(after));
}
