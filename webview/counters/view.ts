import type { CountingToHost, HostToCounting } from '../../protocol/counting-panel.ts';
import type { CounterInterval } from '../../protocol/events.ts';
import { button, element } from '../shared/elements.ts';
import { CountingHeader } from '../shared/counting-header.ts';
import { drawChart, drawSpark } from './chart.ts';
import { type CounterRow, CounterTable, tableText, totalText, valueText } from './model.ts';

const svg = () => document.createElementNS('http://www.w3.org/2000/svg', 'svg');

interface Line {
  readonly root: HTMLTableRowElement;
  readonly now: HTMLElement;
  readonly total: HTMLElement;
  readonly note: HTMLElement;
  readonly spark: SVGSVGElement;
}

/** `perf stat` live: one counter large over time, all of them in a table with their course, ratios with their formula. */
export class CountersView {
  readonly #header: CountingHeader;
  readonly #chart = svg();
  readonly #chartTitle = element('h2');
  readonly #readout = element('span', { class: 'readout', role: 'status' });
  readonly #body = element('tbody');
  readonly #lines = new Map<CounterRow, Line>();
  #table = new CounterTable();
  #chosen = '';

  constructor(root: HTMLElement, post: (message: CountingToHost) => void) {
    this.#header = new CountingHeader(post, () => tableText(this.#table));
    const figure = element('section', { class: 'figure', 'aria-label': 'Over time' });
    const caption = element('div', { class: 'caption' });
    caption.append(this.#chartTitle, this.#readout);
    this.#chart.classList.add('chart');
    figure.append(caption, this.#chart);
    const table = element('table');
    const head = element('tr');
    head.append(
      ...['counter', 'now', 'total', 'over time', 'note'].map((name) =>
        element('th', { scope: 'col' }, name),
      ),
    );
    const thead = element('thead');
    thead.append(head);
    table.append(thead, this.#body);
    root.append(this.#header.root, figure, table);
  }

  receive(message: HostToCounting<CounterInterval>): void {
    this.#header.receive(message);
    if (message.type === 'begin') {
      this.#table = new CounterTable();
      this.#lines.clear();
      this.#body.replaceChildren();
      this.#header.tell('The first interval is being counted…');
    } else if (message.type === 'figures') {
      this.#table.add(message.figures);
      this.#header.tell(`after ${this.#table.atSeconds.toFixed(0)} s`);
    }
    this.#draw();
  }

  #draw(): void {
    const { rows } = this.#table;
    for (const row of rows) {
      const { now, total, note, spark } = this.#line(row);
      const last = row.points.at(-1)?.value;
      now.textContent = valueText(last, row.unit);
      total.textContent = totalText(row);
      note.textContent = row.isRatio ? `= ${row.formula}` : row.state;
      drawSpark(spark, row.points);
    }
    this.#body.replaceChildren(...rows.map((row) => this.#line(row).root));
    const counted = (row: CounterRow) => row.points.some(({ value }) => value !== null);
    const chosen = rows.find(({ name }) => name === this.#chosen) ?? rows.find(counted) ?? rows[0];
    for (const [row, { root }] of this.#lines) root.setAttribute('aria-selected', String(row === chosen));
    if (chosen === undefined) return;
    this.#chartTitle.textContent = chosen.unit === '' ? chosen.name : `${chosen.name}, ${chosen.unit}`;
    drawChart(this.#chart, this.#readout, chosen);
  }

  #line(row: CounterRow): Line {
    const known = this.#lines.get(row);
    if (known !== undefined) return known;
    const root = element('tr', row.supported ? {} : { class: 'unsupported' });
    const [name, now, total, course, note] = [
      element('th', { scope: 'row' }),
      element('td', { class: 'number' }),
      element('td', { class: 'number' }),
      element('td'),
      element('td', { class: 'note' }),
    ];
    const spark = svg();
    name.append(
      button(row.name, `Show ${row.name} over time`, () => {
        this.#chosen = row.name;
        this.#draw();
      }),
    );
    course.append(spark);
    root.append(name, now, total, course, note);
    const made = { root, now, total, note, spark };
    this.#lines.set(row, made);
    return made;
  }
}
