/** What a table of events is started with, and what is said of it. */
import { l10n } from 'vscode';
import type { EventsSpec, EventsToCopy, SourceId, StackKind } from '../../protocol/events.ts';

/** What a person chose for a table. */
export interface Wanted {
  readonly filter: string;
  readonly stacks: readonly StackKind[];
  readonly durations: boolean;
  readonly fdPaths: boolean;
}

export const nothingWanted: Wanted = { filter: '', stacks: [], durations: false, fdPaths: false };

export function asked(
  sources: readonly SourceId[],
  { filter, stacks, durations, fdPaths }: Wanted,
): EventsToCopy & Pick<EventsSpec, 'fdPaths'> {
  return {
    sources,
    ...(filter === '' ? {} : { filter }),
    ...(stacks.includes('user') ? { userStack: true } : {}),
    ...(stacks.includes('kernel') ? { kernelStack: true } : {}),
    ...(durations ? { durations: true } : {}),
    ...(fdPaths ? { fdPaths: true } : {}),
  };
}

export function titleOf(sources: readonly SourceId[]): string {
  const names = sources.map((id) => id.slice(id.indexOf(':') + 1));
  return names.length <= 2 ? names.join(', ') : `${names[0]} and ${names.length - 1} more`;
}

export function noteOf(spec: EventsSpec, checkedAfterwards: boolean): string {
  const notes: string[] = [];
  if (spec.mode.kind === 'sample') notes.push(l10n.t('1 of {0} events is shown.', spec.mode.every));
  if (spec.mode.kind === 'first') notes.push(l10n.t('Ends after {0} rows.', spec.mode.rows));
  if (spec.userStack === true || spec.kernelStack === true)
    notes.push(
      l10n.t(
        'Stacks are recorded with each event, which costs the traced programs about ten times what the event alone costs and is part of the durations. Select a row to see its stacks.',
      ),
    );
  if (checkedAfterwards)
    notes.push(
      l10n.t(
        'A part of the filter is checked after recording, because the kernel cannot express it: events that it drops still cost.',
      ),
    );
  return notes.join(' ');
}
