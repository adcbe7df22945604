import { formatDuration } from '../../protocol/format.ts';
import type {
  ComparedMap,
  ComparedProbe,
  ComparedSide,
  ComparisonToHost,
  RecordingComparison,
} from '../../protocol/recording-comparison.ts';
import { button, element } from '../shared/elements.ts';
import { entryLine, inOrder, linesOf, verdictOf, type Line } from './model.ts';

const valueTitles: Readonly<Record<ComparedMap['values'], string>> = {
  values: 'values',
  averages: 'averages',
  counts: 'how many values its histograms hold',
};

/** Two recordings side by side. Drawn once a comparison; it does not change by itself. */
export function showComparison(
  root: HTMLElement,
  { before, after, probes, maps }: RecordingComparison,
  post: (message: ComparisonToHost) => void,
): void {
  const heading = element('h1', {}, 'Comparison of recordings');
  const swap = button('Swap', 'Take the second for the first', () => {
    post({ type: 'swap' });
  });
  const head = element('div', { class: 'head' });
  head.append(heading, swap);
  const sides = element('div', { class: 'sides' });
  sides.append(sideOf('First', before), sideOf('Second', after));
  root.replaceChildren(head, sides);
  for (const probe of inOrder(probes)) root.append(probeSection(probe, before, after, post));
  for (const map of maps) root.append(mapSection(map, before, after));
  if (probes.length + maps.length === 0)
    root.append(element('p', { class: 'notice' }, 'Neither of them holds anything that can be compared.'));
}

export function showProblem(root: HTMLElement, message: string): void {
  root.replaceChildren(
    element('h1', {}, 'Comparison of recordings'),
    element('p', { class: 'notice', role: 'alert' }, message),
  );
}

function sideOf(title: string, { name, origin, durationNs, notices }: ComparedSide): HTMLElement {
  const side = element('section', { class: 'side', 'aria-label': `${title}: ${name}` });
  side.append(
    element('div', { class: 'ordinal' }, title),
    element('div', { class: 'name' }, name),
    element(
      'div',
      { class: 'text' },
      durationNs === undefined ? origin : `${origin}, ${formatDuration(durationNs)} long`,
    ),
    ...notices.map((notice) => element('p', { class: 'notice' }, notice)),
  );
  return side;
}

function probeSection(
  probe: ComparedProbe,
  before: ComparedSide,
  after: ComparedSide,
  post: (message: ComparisonToHost) => void,
): HTMLElement {
  const { name, place } = probe;
  const verdict = verdictOf(probe);
  const section = element('section', { class: 'compared' });
  const title = element('h2', {}, name);
  const head = element('div', { class: 'head' });
  head.append(title);
  if (verdict.direction === 'slower' || verdict.direction === 'faster')
    head.append(element('span', { class: `badge ${verdict.direction}` }, verdict.direction));
  if (place !== undefined)
    head.append(
      button(`${place.file.slice(place.file.lastIndexOf('/') + 1)}:${place.line}`, 'Open the source', () => {
        post({ type: 'openSource', place });
      }),
    );
  section.append(
    head,
    table(linesOf(probe), '', before, after),
    element('p', { class: 'text' }, verdict.text),
  );
  return section;
}

function mapSection(map: ComparedMap, before: ComparedSide, after: ComparedSide): HTMLElement {
  const { name, values, entries, omitted, why } = map;
  const section = element('section', { class: 'compared' });
  const head = element('div', { class: 'head' });
  head.append(element('h2', {}, name), element('span', { class: 'text' }, valueTitles[values]));
  section.append(head);
  if (why === undefined) section.append(table(entries.map(entryLine), 'key', before, after));
  else section.append(element('p', { class: 'notice' }, why));
  if (omitted > 0)
    section.append(
      element('p', { class: 'text' }, `${omitted} more keys with smaller differences are not shown.`),
    );
  return section;
}

function table(
  lines: readonly Line[],
  corner: string,
  before: ComparedSide,
  after: ComparedSide,
): HTMLElement {
  const made = element('table');
  const titles = element('tr');
  // two of one name are told apart by their order
  const same = before.name === after.name;
  const names = [
    corner,
    same ? `${before.name} (first)` : before.name,
    same ? `${after.name} (second)` : after.name,
  ];
  for (const [index, text] of [...names, 'difference'].entries())
    titles.append(
      element('th', { scope: 'col', ...(index === 0 ? {} : { class: 'number' }), title: text }, text),
    );
  const body = element('tbody');
  for (const { label, before: old, after: now, change, direction } of lines) {
    const row = element('tr');
    row.append(
      element('th', { scope: 'row' }, label),
      element('td', { class: 'number' }, old),
      element('td', { class: 'number' }, now),
      element('td', { class: `number change ${direction}` }, change),
    );
    body.append(row);
  }
  const top = element('thead');
  top.append(titles);
  made.append(top, body);
  return made;
}
