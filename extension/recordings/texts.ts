/** What is written of a recording in the view, on hovering and for a screen reader; pure. */
import { formatDuration } from '../../protocol/format.ts';
import type { RecordingKind, RecordingSummary } from '../core/recording/summary.ts';

export const kindNames: Readonly<Record<RecordingKind, string>> = {
  trace: 'trace',
  run: 'script run',
  profile: 'profile',
  events: 'events',
};

/** `1.2 MB`, as disks count: in thousands. */
export function formatSize(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** `14:05` today, `yesterday 14:05`, `23 Nov 14:05`, and the year when it is another one. */
export function formatWhen(ms: number, nowMs = Date.now()): string {
  const [then, now] = [new Date(ms), new Date(nowMs)];
  const time = then.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  const dayOf = (date: Date): number =>
    new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  const days = Math.round((dayOf(now) - dayOf(then)) / 86_400_000);
  if (days === 0) return time;
  if (days === 1) return `yesterday ${time}`;
  const sameYear = then.getFullYear() === now.getFullYear();
  return `${then.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' }) })} ${time}`;
}

/** For labels in which `$(name)` would be drawn as an icon: a joiner that is not seen keeps it text. */
export function plainLabel(text: string): string {
  return text.replaceAll('$(', '$\u2060(');
}

export function titleOf({ facts, path }: RecordingSummary): string {
  return facts?.name ?? path.slice(path.lastIndexOf('/') + 1);
}

/** What stands behind the name in the view. */
export function descriptionOf(summary: RecordingSummary, nowMs = Date.now()): string {
  const { facts, bytes, problem, changedMs } = summary;
  if (facts === undefined)
    return [problem?.code === 'unsupported-file' ? 'newer' : 'damaged', formatWhen(changedMs, nowMs)].join(
      ' · ',
    );
  const { tags, createdMs, durationMs, state } = facts;
  return [
    ...tags.map((tag) => `#${tag}`),
    ...(state === 'writing' ? ['recording…'] : state === 'unclosed' ? ['not closed'] : []),
    formatWhen(createdMs, nowMs),
    ...(durationMs === undefined ? [] : [formatDuration(durationMs * 1e6)]),
    formatSize(bytes),
  ].join(' · ');
}

/** Rows of the tooltip. */
export function factRows(summary: RecordingSummary): readonly (readonly [label: string, value: string])[] {
  const { facts, bytes, path } = summary;
  if (facts === undefined) return [['File', path]];
  const { kind, createdMs, durationMs, target, tags, probes } = facts;
  return [
    ['Kind', kindNames[kind]],
    ['When', new Date(createdMs).toLocaleString('en-GB')],
    ...(durationMs === undefined ? [] : [['Duration', formatDuration(durationMs * 1e6)] as const]),
    ...(target === '' ? [] : [['Target', target] as const]),
    ...(probes.length === 0 ? [] : [['Probes', probes.join(', ')] as const]),
    ['Size', formatSize(bytes)],
    ...(tags.length === 0 ? [] : [['Tags', tags.join(', ')] as const]),
    ['File', path],
  ];
}

/** What people must know before they trust it; full sentences. */
export function warningsOf({ facts, problem }: RecordingSummary): readonly string[] {
  if (problem !== undefined) return [[problem.message, problem.remedy].filter(Boolean).join(' ')];
  return [
    ...(facts?.stopped === undefined ? [] : [facts.stopped]),
    ...(facts?.state === 'unclosed'
      ? ['It was not closed: whoever recorded it was ended. At most its last second is missing.']
      : []),
  ];
}

/** Words of the filter, each of which must stand in the name, a tag (`#slow`), the kind, the target or a probe's name. */
export function matches(summary: RecordingSummary, filter: string): boolean {
  const { facts } = summary;
  const tags = facts?.tags.map((tag) => `#${tag}`) ?? [];
  const texts = [
    titleOf(summary),
    ...tags,
    ...(facts === undefined ? ['damaged'] : [kindNames[facts.kind], facts.target, ...facts.probes]),
  ].map((text) => text.toLowerCase());
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => texts.some((text) => text.includes(word)));
}
