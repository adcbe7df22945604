/** What is shown of a logpoint, in words. */
import { l10n } from 'vscode';
import { formatCount } from '../../protocol/format.ts';
import type { LogpointCounts } from '../../protocol/logpoint.ts';
import type { LogpointView } from '../core/logpoints.ts';

/** Longest text at a line's end; the hover has the rest. */
const LONGEST = 120;

/** The newest value, and how many there were. */
export function lineText(logpoint: LogpointView): string {
  const newest = logpoint.history.at(-1);
  if (logpoint.state === 'attaching') return l10n.t('attaching…');
  if (newest === undefined)
    return logpoint.state === 'ended' ? endText(logpoint) : l10n.t('attached, not reached yet');
  const { text } = newest;
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  const count = logpoint.received > 1 ? ` ×${formatCount(logpoint.received)}` : '';
  return logpoint.state === 'ended' ? `${cut}${count} · ${endText(logpoint)}` : `${cut}${count}`;
}

export function endText({ end }: LogpointView): string {
  switch (end?.why) {
    case 'hit-limit':
      return l10n.t('ended: hit limit');
    case 'expired':
      return l10n.t('ended: expired');
    case 'failed':
      return l10n.t('ended: {0}', end.problem?.message ?? '');
    default:
      return l10n.t('removed');
  }
}

/** Hits that are not among the values, by cause; nothing is left out without a word. */
export function lossText(counts: LogpointCounts): string | undefined {
  const parts = [
    ...(counts.suppressed > 0
      ? [l10n.t('{0} left out by the rate limit', formatCount(counts.suppressed))]
      : []),
    ...(counts.lost > 0 ? [l10n.t("{0} lost in the kernel's buffer", formatCount(counts.lost))] : []),
    ...(counts.unreadable > 0 ? [l10n.t('{0} too long to be read', formatCount(counts.unreadable))] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}
