import { element } from '../shared/elements.ts';
import type { EventTable } from './model.ts';

/** More groups than this are summed up in a last line: nobody reads further, and DOM rows cost. */
const MAX_GROUPS = 500;

/** A table of groups: count, share, and sum and percentiles of the first numeric field that looks like an amount. */
export function groupTable(
  table: EventTable,
  rows: Uint32Array,
  by: number,
  shown: (row: number, column: number) => string,
): HTMLElement {
  const of = amountColumn(table, by);
  const groups = table.groups(rows, by, of, shown);
  const amount = of === undefined ? undefined : table.columns[of]?.name;
  const body = element('tbody');
  for (const group of groups.slice(0, MAX_GROUPS)) {
    const line = element('tr');
    const figures = [
      group.key,
      group.count.toLocaleString('en-US'),
      `${((group.count / Math.max(1, rows.length)) * 100).toFixed(1)} %`,
    ];
    if (amount !== undefined)
      figures.push(...[group.sum, group.p50, group.p99].map((value) => value.toLocaleString('en-US')));
    line.append(...figures.map((text) => element('td', {}, text)));
    body.append(line);
  }
  const made = element('table');
  const head = element('tr');
  const names = [table.columns[by]?.name ?? '', 'count', 'share'];
  if (amount !== undefined) names.push(`sum of ${amount}`, `p50 of ${amount}`, `p99 of ${amount}`);
  head.append(...names.map((name) => element('th', { scope: 'col' }, name)));
  const thead = element('thead');
  thead.append(head);
  made.append(thead, body);
  if (groups.length <= MAX_GROUPS) return made;
  const box = element('div');
  box.append(made, element('p', {}, `${groups.length - MAX_GROUPS} further groups are not shown.`));
  return box;
}

function amountColumn(table: EventTable, by: number): number | undefined {
  const names = ['duration', 'bytes', 'len', 'count', 'size', 'nr_sector', 'runtime', 'delay', 'ret'];
  for (const name of names) {
    const index = table.columns.findIndex(
      (column, place) => place !== by && column.name === name && column.column !== 'text',
    );
    if (index >= 0) return index;
  }
  return undefined;
}
