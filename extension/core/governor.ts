import { shareOfCore } from '../../protocol/cost.ts';
import { formatCount, formatDuration, formatShare } from '../../protocol/format.ts';

/** What tracing may cost. Shares are of one core: 0.05 = 5 %. */
export interface Budgets {
  readonly sharePerProbe: number;
  readonly sharePerTarget: number;
  /** Events that travel one by one; counts and histograms stay in the kernel and are none. */
  readonly eventsHz: number;
  readonly mapBytes: number;
  readonly durationMs: number;
}

export const defaultBudgets: Budgets = {
  sharePerProbe: 0.05,
  sharePerTarget: 0.05,
  eventsHz: 20_000,
  mapBytes: 64_000_000,
  durationMs: 15 * 60_000,
};

/**
 * What is done about a probe above a budget: `pause` keeps it for later, `aggregate` goes on with its count alone and pauses it
 * when that is too much as well, `detach` removes it, `tell` only says so.
 * A filter or a sample of one in N is no remedy there: the trap itself is what costs (a rejected hit cost 18 of 24 µs).
 */
export const policies = ['pause', 'aggregate', 'detach', 'tell'] as const;
export type Policy = (typeof policies)[number];

/** What is held, and what is done about what exceeds it. */
export interface Rules {
  readonly budgets: Budgets;
  readonly policy: Policy;
}

/** One probe as it runs now. */
export interface ProbeLoad {
  readonly key: string;
  readonly label: string;
  readonly hitsHz: number;
  /** What one hit adds, all its sites together; see `HitCost`. */
  readonly hitNs: number;
  /** `hitNs` was measured on the target; it is what is usual elsewhere when not. */
  readonly calibrated: boolean;
  /** Events of it that travel one by one; 0 for counts, latencies and callers. */
  readonly eventsHz: number;
  readonly attachedForMs: number;
  /** Told not to expire. */
  readonly pinned: boolean;
}

export interface TargetLoad {
  readonly probes: readonly ProbeLoad[];
  /** Memory of the engine's maps. */
  readonly mapBytes: number;
}

export type Exceeded = 'share-of-probe' | 'share-of-target' | 'events' | 'memory' | 'duration';

/** A probe that has to go or to be thinned out, with the sentence that the user is told. */
export interface Verdict {
  readonly key: string;
  readonly exceeded: Exceeded;
  /** `sample`: one event in {@link everyNth}; the rest as {@link Policy}. */
  readonly action: Policy | 'sample';
  readonly everyNth?: number;
  readonly message: string;
}

/** This far above a budget no second look is taken. */
const AT_ONCE = 4;
/** A cost that was not measured here is believed only this far above a budget. */
const UNCALIBRATED_FACTOR = 6;

/**
 * Holds what is measured against the budgets. A budget must be exceeded in two looks in a row, or once by
 * {@link AT_ONCE} times, so that one burst ends no session and a storm is stopped by the first snapshot.
 */
export class Governor {
  readonly #rules: () => Rules;
  /** Probes that were above a budget at the last look. */
  #suspects = new Set<string>();

  /** `rules` are read at each look: settings may change meanwhile. */
  constructor(rules: () => Rules = () => ({ budgets: defaultBudgets, policy: 'pause' })) {
    this.#rules = rules;
  }

  /** Verdicts of this look, at most one a probe. */
  look(load: TargetLoad): readonly Verdict[] {
    const verdicts = new Map<string, Verdict>();
    const suspects = new Set<string>();
    const judge = (
      probe: ProbeLoad,
      exceeded: Exceeded,
      factor: number,
      rest: Omit<Verdict, 'key' | 'exceeded'>,
    ) => {
      const byCost = exceeded === 'share-of-probe' || exceeded === 'share-of-target';
      if (byCost && !probe.calibrated && factor < UNCALIBRATED_FACTOR) return;
      const mark = `${exceeded} ${probe.key}`;
      suspects.add(mark);
      if (!verdicts.has(probe.key) && (factor >= AT_ONCE || this.#suspects.has(mark)))
        verdicts.set(probe.key, { key: probe.key, exceeded, ...rest });
    };
    const rules = this.#rules();
    for (const probe of load.probes) judgeProbe(probe, rules, judge);
    judgeTarget(load, rules, verdicts, judge);
    this.#suspects = suspects;
    return [...verdicts.values()];
  }
}

type Judge = (
  probe: ProbeLoad,
  exceeded: Exceeded,
  factor: number,
  rest: Omit<Verdict, 'key' | 'exceeded'>,
) => void;

/** A budget as it was set: `5 %`, without digits that nobody typed. */
const percent = (share: number): string => `${Number((share * 100).toPrecision(6))} %`;

function judgeProbe(probe: ProbeLoad, { budgets, policy }: Rules, judge: Judge): void {
  const { sharePerProbe, eventsHz, durationMs } = budgets;
  if (!probe.pinned && probe.attachedForMs >= durationMs)
    judge(probe, 'duration', AT_ONCE, {
      action: 'pause',
      message: `${probe.label} was attached for ${formatDuration(durationMs * 1e6)} and has expired; resume it, or pin it to keep it.`,
    });
  const share = shareOfCore(probe.hitNs, probe.hitsHz);
  if (share > sharePerProbe)
    judge(probe, 'share-of-probe', share / sharePerProbe, {
      action: policy,
      message: `${probe.label} takes ${formatShare(share)} of a core (${probe.calibrated ? '' : 'about '}${formatDuration(probe.hitNs)} × ${formatCount(probe.hitsHz)}/s); the budget is ${percent(sharePerProbe)}.`,
    });
  if (probe.eventsHz > eventsHz)
    judge(probe, 'events', probe.eventsHz / eventsHz, {
      action: 'sample',
      everyNth: Math.ceil(probe.eventsHz / eventsHz),
      message: `${probe.label} sends ${formatCount(probe.eventsHz)} events a second; the budget is ${formatCount(eventsHz)}.`,
    });
}

/** The dearest probes go until the rest fits. */
function judgeTarget(
  load: TargetLoad,
  { budgets, policy }: Rules,
  gone: ReadonlyMap<string, Verdict>,
  judge: Judge,
): void {
  const { sharePerTarget, mapBytes } = budgets;
  const byShare = load.probes
    .filter((probe) => !gone.has(probe.key))
    .map((probe) => ({ probe, share: shareOfCore(probe.hitNs, probe.hitsHz) }))
    .sort((a, b) => b.share - a.share);
  let total = byShare.reduce((sum, { share }) => sum + share, 0);
  const all = total;
  for (const { probe, share } of byShare) {
    if (total <= sharePerTarget) break;
    total -= share;
    judge(probe, 'share-of-target', all / sharePerTarget, {
      action: policy,
      message: `All probes together take ${formatShare(all)} of a core, ${probe.label} ${formatShare(share)} of it; the budget of the target is ${percent(sharePerTarget)}.`,
    });
  }
  const dearest = byShare[0];
  if (load.mapBytes > mapBytes && dearest !== undefined)
    judge(dearest.probe, 'memory', load.mapBytes / mapBytes, {
      action: policy,
      message: `The maps hold ${formatCount(load.mapBytes / 1e6)} MB; the budget is ${formatCount(mapBytes / 1e6)} MB.`,
    });
}
