/** The figures of now beside a baseline's, with what chance alone would make of the difference. */
import { formatCount, formatDuration, formatShare } from '../../protocol/format.ts';
import type { Comparison, LatencyAction, LatencyPicture, TwoSampleTest } from '../../protocol/latency.ts';
import { button, element } from './dom.ts';
import type { Section } from './over-time.ts';

/** Below it a difference is called one. */
const SIGNIFICANT = 0.01;

export function createComparison(act: (action: LatencyAction) => void): Section {
  const choose = button('Compare with a Recording…', () => {
    act('chooseBaseline');
  });
  const now = button('Compare with the Figures until Now', () => {
    act('baselineNow');
  });
  const clear = button('End Comparison', () => {
    act('clearBaseline');
  });
  const body = element('div');
  const section = element(
    'section',
    {},
    element('h2', { text: 'Against a baseline' }),
    element('div', { class: 'tools' }, choose, now, clear),
    body,
  );
  return {
    element: section,
    show: ({ comparison, latency }: LatencyPicture) => {
      section.hidden = latency === undefined && comparison === undefined;
      clear.hidden = comparison === undefined;
      body.hidden = comparison === undefined;
      if (comparison !== undefined) body.replaceChildren(...content(comparison));
    },
  };
}

function content(comparison: Comparison): HTMLElement[] {
  const { baseline, rows, callsBefore, callsAfter, test } = comparison;
  const cell = (text: string, name = 'number'): HTMLElement => element('td', { class: name, text });
  const titles = ['', baseline, 'now', 'difference'].map((text) => element('th', { text }));
  const lines = rows.map(({ label, beforeNs, afterNs }) => {
    const { text, direction } = describeChange(beforeNs, afterNs);
    return element(
      'tr',
      {},
      cell(label, ''),
      cell(formatDuration(beforeNs, 3)),
      cell(callsAfter === 0 ? '–' : formatDuration(afterNs, 3)),
      cell(callsAfter === 0 ? '–' : text, `number change ${direction}`),
    );
  });
  lines.push(
    element(
      'tr',
      {},
      cell('calls', ''),
      cell(formatCount(callsBefore)),
      cell(formatCount(callsAfter)),
      cell(''),
    ),
  );
  return [
    element(
      'table',
      { class: 'figures-table comparison' },
      element('thead', {}, element('tr', {}, ...titles)),
      element('tbody', {}, ...lines),
    ),
    element('p', { class: 'test', text: describeTest(test, callsAfter) }),
  ];
}

/** `▲ 1.5 × slower`, `▼ 2.0 × faster`, `about the same`: the sign is in the words, never in a colour alone. */
export function describeChange(
  beforeNs: number,
  afterNs: number,
): { text: string; direction: 'slower' | 'faster' | 'same' } {
  if (!(beforeNs > 0) || !(afterNs > 0)) return { text: '–', direction: 'same' };
  const factor = afterNs / beforeNs;
  const [sign, word] = factor > 1 ? ['+', 'slower'] : ['−', 'faster'];
  const difference = `${sign}${formatDuration(Math.abs(afterNs - beforeNs), 3)}`;
  // a bucket is 3 % wide: less is no difference that was measured
  if (Math.abs(factor - 1) < 0.031) return { text: `${difference} (about the same)`, direction: 'same' };
  const times = Math.max(factor, 1 / factor);
  return {
    text: `${difference} (${times < 10 ? times.toFixed(2) : times.toFixed(0)} × ${word})`,
    direction: factor > 1 ? 'slower' : 'faster',
  };
}

/** What the test says, in a sentence that needs no statistics, and then its name and figures. */
export function describeTest(test: TwoSampleTest | undefined, callsAfter: number): string {
  if (test === undefined)
    return callsAfter === 0
      ? 'No call has been measured since.'
      : 'The two cannot be told apart: all calls lie in one bucket.';
  const { name, pValue, slower } = test;
  const p = pValue < 1e-4 ? 'p < 0.0001' : `p = ${pValue.toFixed(4)}`;
  const chance =
    pValue < SIGNIFICANT
      ? `A call of now is ${slower > 0.5 ? 'slower' : 'faster'} than one of the baseline in ${formatShare(Math.max(slower, 1 - slower))} of all pairs, and chance alone hardly makes such a difference.`
      : 'Chance alone may make this difference.';
  return `${chance} (${name} test on buckets, two-sided: ${p})`;
}
