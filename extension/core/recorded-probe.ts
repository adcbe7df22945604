/** Probes that show what a recording holds: nothing is attached for them. */
import type { ProbeSpec } from '../../protocol/probe.ts';
import type { ProbeTotals } from '../../protocol/snapshot.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import type { HistoryPoint } from './aggregate.ts';
import { Probe } from './probe.ts';

/** What a probe of a recording had measured at one moment of it. */
export interface RecordedMoment {
  /** Names the probe over moments; no two recordings have the same. */
  readonly key: string;
  readonly totals: ProbeTotals;
  /** What the last intervals of that moment added; read when it is looked at. */
  readonly history?: () => readonly HistoryPoint[];
  /** Up to when, or of which part of the recording; absent at its end. */
  readonly moment?: string;
}

export interface RecordedProbeView extends RecordedMoment {
  readonly spec: ProbeSpec;
  /** Where and when it was recorded. */
  readonly origin: string;
  /** Where the source lies in the workspace. */
  readonly place?: SourcePlace;
}

/** A probe with the figures of a recording. */
export function recordedProbe({ key, spec, place, origin, ...figures }: RecordedProbeView): Probe {
  const { binary, subject, measures } = spec;
  const probe = new Probe({ binary, subject, measures, ...(place === undefined ? {} : { place }) }, key);
  show(probe, origin, figures);
  return probe;
}

/** Shows the figures of another moment. False for a probe that was removed, or attached here meanwhile: it is left alone. */
export function showMoment(probe: Probe | undefined, moment: RecordedMoment): boolean {
  if (probe?.state.kind !== 'paused' || probe.state.origin === undefined) return false;
  show(probe, probe.state.origin, moment);
  return true;
}

function show(probe: Probe, origin: string, { totals, history, moment }: Omit<RecordedMoment, 'key'>): void {
  probe.state = { kind: 'paused', origin, ...(moment === undefined ? {} : { moment }) };
  probe.aggregate.replace(totals, history);
}
