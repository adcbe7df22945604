import type { Problem } from './errors.ts';
import type { Measure, RefusedSite, Site, Subject } from './probe.ts';

/** Where a probe is attached for what it measures, and where not: shown as `3 of 4 sites`. */
export interface UsedSites {
  readonly sites: readonly Site[];
  readonly refused: readonly RefusedSite[];
}

/** Whether hits are all that is measured. */
export function countsOnly(measures: readonly Measure[]): boolean {
  return measures.every((measure) => measure === 'count');
}

/** The sites of a subject that take part in these measures; a place that can only be counted does not in others. */
export function usedSites(subject: Subject, measures: readonly Measure[]): UsedSites {
  if (subject.kind !== 'function') return { sites: subject.sites, refused: [] };
  const { bounds } = subject;
  if (countsOnly(measures))
    return bounds === undefined
      ? subject
      : { sites: [...bounds.entries, ...subject.sites.filter(isCopy)], refused: subject.refused };
  if (measures.includes('latency') && bounds !== undefined)
    return {
      sites: [...bounds.entries, ...bounds.exits],
      refused: [...subject.refused, ...bounds.refused, ...subject.sites.filter(isCopy).flatMap(passedOver)],
    };
  const sites = subject.sites.filter(({ countedOnly }) => countedOnly === undefined);
  return { sites, refused: [...subject.refused, ...subject.sites.flatMap(passedOver)] };
}

const isCopy = ({ kind }: Site): boolean => kind === 'inlined';

function passedOver({ kind, place, countedOnly }: Site): RefusedSite[] {
  return countedOnly === undefined
    ? []
    : [{ kind, ...(place === undefined ? {} : { place }), reason: countedOnly }];
}

/**
 * Why nothing of a subject can be measured so, although its hits can be counted: it exists as inlined copies only, or bpftrace cannot
 * name it. `alternatives` are the functions around the copies.
 */
export function measureRefusal(
  subject: Subject,
  measures: readonly Measure[],
  binary: string,
): Problem | undefined {
  if (subject.kind !== 'function' || subject.sites.length === 0) return undefined;
  const { function: name, sites, bounds } = subject;
  if (measures.includes('latency') && bounds?.refusal !== undefined)
    return {
      code: 'probe-refused',
      message: `How long ${name} in ${binary} takes cannot be measured: ${bounds.refusal.message}`,
      remedy: bounds.refusal.remedy,
    };
  if (usedSites(subject, measures).sites.length > 0) return undefined;
  const copies = sites.filter(({ kind }) => kind === 'inlined');
  const callers = [...new Set(copies.flatMap(({ into }) => into ?? []))];
  if (copies.length < sites.length)
    return {
      code: 'probe-refused',
      message: `${name} in ${binary} can only be counted: ${sites.find(({ kind }) => kind !== 'inlined')?.countedOnly ?? ''}`,
      remedy: 'Measure its count, or trace a caller of it.',
      alternatives: callers,
    };
  return {
    code: 'function-inlined-everywhere',
    message: `${name} is inlined everywhere in ${binary}: ${copies.length === 1 ? 'its only copy is' : `its ${copies.length} copies are`} in ${listed(callers)}. A copy has an entry, but no return and no stack frame of its own.`,
    remedy: `Count its copies, trace ${callers[0] ?? 'a caller'} instead, or rebuild with __attribute__((noinline)) on ${name}.`,
    alternatives: callers,
  };
}

/** Reasons that are shown; a function may have hundreds of copies. */
const MOST_REASONS = 5;

/** Why places are not probed, each reason once with how often it holds, and at most five of them. */
export function refusalReasons(refused: readonly RefusedSite[]): string[] {
  const times = new Map<string, number>();
  for (const { reason } of refused) times.set(reason, (times.get(reason) ?? 0) + 1);
  const lines = [...times].map(([reason, count]) => (count === 1 ? reason : `${count} × ${reason}`));
  if (lines.length <= MOST_REASONS) return lines;
  return [
    ...lines.slice(0, MOST_REASONS),
    `${lines.length - MOST_REASONS} more reasons of this kind are not shown.`,
  ];
}

/** Names in a sentence, at most five of them. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more functions` : shown;
}
