import { usedSites } from '../../protocol/sites.ts';
import type { SourcePlace } from '../../protocol/source.ts';
import { subjectName, type Probe } from '../core/probe.ts';
import type { Figures } from '../editor/labels.ts';
import type { ProbeView } from './probe-view.ts';

/** Where a probe's code is now, and whether it is newer than the binary. */
export interface Sighting {
  readonly place: SourcePlace;
  readonly stale: boolean;
}

/** One moment's picture of a probe. */
export function viewOf(
  { key, spec, state, aggregate, pinned }: Probe,
  sighting: Sighting | undefined,
  hitNs: number | undefined,
): ProbeView {
  const { binary, pid, subject, measures } = spec;
  const used = usedSites(subject, measures);
  const place = sighting?.place ?? spec.place;
  const figures = figuresOf(aggregate);
  const { lastRateHz } = aggregate;
  return {
    key,
    title: subjectName(subject),
    kind: subject.kind,
    measures,
    binary,
    state: state.kind,
    stale: sighting?.stale ?? false,
    sites: used.sites.length,
    refused: used.refused,
    pinned,
    ...(hitNs === undefined ? {} : { hitNs }),
    ...(lastRateHz === undefined ? {} : { lastRateHz }),
    ...(pid === undefined ? {} : { pid }),
    ...(place === undefined ? {} : { place }),
    ...(state.kind === 'ended' ? { problem: state.problem } : {}),
    ...(state.kind === 'paused' && state.origin !== undefined ? { origin: state.origin } : {}),
    ...(state.kind === 'paused' && state.moment !== undefined ? { moment: state.moment } : {}),
    ...(state.kind === 'running' ? { sinceMs: state.sinceMs } : {}),
    ...(figures === undefined ? {} : { figures }),
  };
}

/** Undefined until the first snapshot came. */
function figuresOf(aggregate: Probe['aggregate']): Figures | undefined {
  const { count, lost, rateHz, returned } = aggregate.figures;
  if (count === 0 && aggregate.history.length === 0 && rateHz === undefined) return undefined;
  const { callers } = aggregate.totals;
  return {
    count,
    lost,
    ...(rateHz === undefined ? {} : { rateHz }),
    ...(returned === 0 ? {} : { latency: aggregate.latency }),
    ...(callers === undefined ? {} : { stacks: callers.length }),
  };
}
