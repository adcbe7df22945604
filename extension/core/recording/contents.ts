/** What a recording holds and where it comes from, in words for its page. */
import { formatCount, formatDuration } from '../../../protocol/format.ts';
import { nameOf, tagsOf } from './description.ts';
import type { Recording } from './reader.ts';
import { hasTable } from './sqlite.ts';

type Row = readonly [label: string, value: string];

/** What `meta` says that people look for, in this order. */
const labels: readonly (readonly [key: string, label: string])[] = [
  ['target', 'Target'],
  ['host', 'Host'],
  ['kernel', 'Kernel'],
  ['engine', 'Engine'],
  ['tools', 'Tools'],
  ['command', 'Command line'],
  ['command_lines', 'Command lines'],
  ['git_commit', 'Git commit'],
  ['measured', 'Measured'],
  ['events', 'Events'],
  ['events_filter', 'Filter'],
  ['stacks', 'Stacks'],
  ['script_name', 'Script'],
];
/** Told elsewhere on the page: as the title, a date, a notice, beside the commit. */
const elsewhere = [
  'git_dirty',
  'title',
  'name',
  'tags',
  'created_ms',
  'ended_ms',
  'duration_ns',
  'state',
  'stopped',
  'events_schema',
  'events_counts',
  'events_started_ms',
];

export interface Facts {
  readonly title: string;
  readonly facts: readonly Row[];
  /** Rows that no fact shows. */
  readonly more: readonly Row[];
}

/** `durationNs`: of what has a time in it, where the recording does not say. */
export function factsOf(recording: Recording, durationNs: number): Facts {
  const meta = recording.meta();
  const number = (key: string): number => Number(meta.get(key)) || 0;
  const shown = labels.flatMap(([key, label]): Row[] => {
    const value = meta.get(key)?.trim() ?? '';
    if (value === '') return [];
    return [
      [label, key === 'git_commit' && meta.get('git_dirty') === 'true' ? `${value}, with changes` : value],
    ];
  });
  const createdMs = number('created_ms');
  const long = number('duration_ns') || durationNs;
  const tags = tagsOf(meta);
  const lost = lostOf(recording);
  return {
    title: nameOf(meta, recording.path),
    facts: [
      ...(createdMs > 0 ? [['When', new Date(createdMs).toLocaleString('en-GB')] as const] : []),
      ...(long > 0 ? [['Duration', formatDuration(long)] as const] : []),
      ...shown,
      ...(tags.length === 0 ? [] : [['Tags', tags.join(', ')] as const]),
      ...(lost === 0 ? [] : [['Lost', `${formatCount(lost)} events`] as const]),
    ],
    more: [...meta].filter(
      ([key, value]) => value !== '' && !elsewhere.includes(key) && !labels.some(([known]) => known === key),
    ),
  };
}

/** Samples and events that the recording itself says were lost; what probes lost stands in their rows. */
function lostOf(recording: Recording): number {
  const { sum } = recording.database.prepare('SELECT coalesce(sum(count), 0) AS sum FROM lost').get() as {
    sum: number;
  };
  return sum + (Number(recording.meta().get('lost_samples')) || 0);
}

/** `6 probes over 32 intervals, call stacks of 6 of them, 1,204 events`; counted by highest ids, however large it is. */
export function holdsOf(recording: Recording): string {
  const { database } = recording;
  const most = (table: string): number =>
    hasTable(database, table)
      ? (database.prepare(`SELECT coalesce(max(rowid), 0) AS n FROM ${table}`).get() as { n: number }).n
      : 0;
  const profiles = database
    .prepare('SELECT count(*) AS n, count(probe) AS callers FROM profiles')
    .get() as unknown as { n: number; callers: number };
  const parts = [
    ...counted(
      most('probes'),
      'probe',
      most('intervals') > 0 ? ` over ${formatCount(most('intervals'))} intervals` : '',
    ),
    ...counted(profiles.callers, 'flame graph', ' of callers'),
    ...counted(profiles.n - profiles.callers, 'profile'),
    ...counted(most('events'), 'event'),
    ...(most('script_maps') > 0 ? ['maps of a script'] : []),
  ];
  return parts.length === 0 ? 'It holds nothing that was measured.' : `It holds ${parts.join(', ')}.`;
}

const counted = (count: number, what: string, more = ''): string[] =>
  count > 0 ? [`${formatCount(count)} ${what}${count === 1 ? '' : 's'}${more}`] : [];
