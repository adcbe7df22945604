/** Condition and limits of a logpoint, as the input offers them. */
import { l10n } from 'vscode';

export interface LogpointOptions {
  readonly condition?: string;
  readonly hitLimit?: number;
  readonly rateLimitHz?: number;
  readonly expiryMs?: number;
}

export type OptionKey = keyof LogpointOptions;

/** A forgotten logpoint on a hot line must not cost for ever, nor flood the editor. */
export const defaultOptions: LogpointOptions = { rateLimitHz: 100, expiryMs: 15 * 60_000 };

export interface OptionItem {
  readonly key: OptionKey;
  readonly label: string;
  readonly description: string;
  readonly title: string;
  readonly prompt: string;
  readonly value: string;
  readonly problem: (text: string) => string | undefined;
  readonly set: (text: string) => LogpointOptions;
}

export function optionItems(options: LogpointOptions): OptionItem[] {
  const { condition, hitLimit, rateLimitHz, expiryMs } = options;
  const minutes = expiryMs === undefined ? undefined : expiryMs / 60_000;
  return [
    {
      key: 'condition',
      label: `$(filter) ${l10n.t('Condition')}`,
      description: condition ?? l10n.t('every hit'),
      title: l10n.t('Condition of the Logpoint'),
      prompt: l10n.t('An expression such as req->len > 1024 && n != 3. Empty: every hit.'),
      value: condition ?? '',
      problem: () => undefined,
      set: (text) => withOption(options, 'condition', text.trim() === '' ? undefined : text.trim()),
    },
    {
      key: 'hitLimit',
      label: `$(stop-circle) ${l10n.t('Hit limit')}`,
      description: hitLimit === undefined ? l10n.t('none') : l10n.t('ends after {0} values', hitLimit),
      title: l10n.t('Hit Limit of the Logpoint'),
      prompt: l10n.t('Ends after so many values. Empty: no limit.'),
      value: String(hitLimit ?? ''),
      problem: countProblem,
      set: (text) => withOption(options, 'hitLimit', countOf(text)),
    },
    {
      key: 'rateLimitHz',
      label: `$(dashboard) ${l10n.t('Rate limit')}`,
      description: rateLimitHz === undefined ? l10n.t('none') : l10n.t('{0} values a second', rateLimitHz),
      title: l10n.t('Rate Limit of the Logpoint'),
      prompt: l10n.t('Most values shown a second; the others are counted. Empty: no limit.'),
      value: String(rateLimitHz ?? ''),
      problem: countProblem,
      set: (text) => withOption(options, 'rateLimitHz', countOf(text)),
    },
    {
      key: 'expiryMs',
      label: `$(clock) ${l10n.t('Expiry')}`,
      description: minutes === undefined ? l10n.t('never') : l10n.t('after {0} minutes', minutes),
      title: l10n.t('Expiry of the Logpoint'),
      prompt: l10n.t('Minutes after which it is removed. Empty: never.'),
      value: String(minutes ?? ''),
      problem: countProblem,
      set: (text) => {
        const count = countOf(text);
        return withOption(options, 'expiryMs', count === undefined ? undefined : count * 60_000);
      },
    },
  ];
}

/** One line for the entry that adds the logpoint. */
export function describeOptions(options: LogpointOptions): string {
  return optionItems(options)
    .map(({ description }) => description)
    .join(' · ');
}

function withOption<K extends OptionKey>(
  options: LogpointOptions,
  key: K,
  value: LogpointOptions[K],
): LogpointOptions {
  const others = Object.fromEntries(Object.entries(options).filter(([name]) => name !== key));
  return value === undefined ? others : { ...others, [key]: value };
}

function countProblem(text: string): string | undefined {
  return text.trim() === '' || countOf(text) !== undefined
    ? undefined
    : l10n.t('Write a whole number above 0, or nothing.');
}

function countOf(text: string): number | undefined {
  return /^\s*[1-9]\d{0,8}\s*$/.test(text) ? Number(text) : undefined;
}
