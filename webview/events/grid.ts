import { EVENT_COLUMN } from '../../fields/row-columns.ts';
import { element } from '../shared/elements.ts';
import { type EventTable, firstRow } from './model.ts';

const ROW_PX = 22;
/** Browsers cap an element's height at some 33 million pixels; a million rows of 22 need 22. */
const MAX_HEIGHT_PX = 8_000_000;
/** A view that is sorted or searched is brought up to date at most so often while rows arrive. */
const RESORT_MS = 500;

/** A virtualised table: only rows that are seen exist in the document, and they are reused. */
export class Grid {
  readonly root = element('div', { class: 'grid', tabindex: '0', role: 'grid', 'aria-label': 'Events' });
  onChange: () => void = () => undefined;
  /** Enter or a double click on a row. */
  onOpen: (row: number) => void = () => undefined;
  follow = true;
  private readonly head = element('div', { class: 'head', role: 'row' });
  private readonly body = element('div', { class: 'body' });
  private readonly spacer = element('div', { class: 'spacer' });
  private readonly window = element('div', { class: 'window' });
  private readonly lines: HTMLElement[] = [];
  private table: EventTable | undefined;
  private hidden: readonly string[] = [];
  private sort: { column: number; descending: boolean } | undefined;
  private search = '';
  private view: Uint32Array | undefined;
  private viewRows = 0;
  private viewAtMs = 0;
  private frozenRows = 0;
  private top = 0;
  private selected: number | undefined;
  private selectedTo: number | undefined;
  private readonly shown: (row: number, column: number) => string;
  private readonly raw: (row: number, column: number) => string;

  constructor(shown: (row: number, column: number) => string, raw: (row: number, column: number) => string) {
    this.shown = shown;
    this.raw = raw;
    this.body.append(this.spacer, this.window);
    this.root.append(this.head, this.body);
    this.body.addEventListener('scroll', () => {
      const atEnd = this.body.scrollTop + this.body.clientHeight >= this.body.scrollHeight - ROW_PX;
      if (!atEnd && this.follow && this.body.scrollTop < this.lastScroll - 1) this.setFollow(false);
      this.lastScroll = this.body.scrollTop;
      this.onChange();
    });
    this.root.addEventListener('keydown', (event) => {
      this.key(event);
    });
    this.window.addEventListener('dblclick', () => {
      this.openSelected();
    });
    this.window.addEventListener('pointerdown', (event) => {
      const line = (event.target as HTMLElement).closest<HTMLElement>('[data-at]');
      if (line === null) return;
      const at = Number(line.dataset['at']);
      if (event.shiftKey && this.selected !== undefined) this.selectedTo = at;
      else this.selected = this.selectedTo = at;
      // As with the keyboard: what is looked at must not run away.
      if (this.follow) this.setFollow(false);
      this.onChange();
    });
  }

  private lastScroll = 0;

  setTable(table: EventTable, hidden: readonly string[]): void {
    this.table = table;
    this.hidden = hidden;
    this.sort = undefined;
    this.view = undefined;
    this.selected = this.selectedTo = undefined;
    this.setFollow(true);
    this.drawHead();
  }

  setHidden(hidden: readonly string[]): void {
    this.hidden = hidden;
    this.drawHead();
  }

  setSearch(text: string): void {
    this.search = text.toLowerCase();
    this.view = undefined;
    this.viewAtMs = 0;
  }

  /** Pausing keeps the picture: rows that arrive are held by the table and shown on following again. */
  setFollow(follow: boolean): void {
    this.follow = follow;
    this.frozenRows = this.table?.rows ?? 0;
    this.onChange();
  }

  visibleColumns(): number[] {
    return (this.table?.columns ?? []).flatMap((column, index) =>
      this.hidden.includes(column.name) ? [] : [index],
    );
  }

  selectedRows(): Uint32Array {
    const rows = this.shownRows();
    if (this.selected === undefined || this.selectedTo === undefined) return rows;
    const [from, to] = [Math.min(this.selected, this.selectedTo), Math.max(this.selected, this.selectedTo)];
    return rows.slice(from, to + 1);
  }

  /** The row that is selected, when it is a single one. */
  selectedRow(): number | undefined {
    const at = this.selected;
    if (at === undefined || at !== this.selectedTo) return undefined;
    return this.view === undefined ? at : this.view[at];
  }

  private openSelected(): void {
    const row = this.selectedRow();
    if (row !== undefined) this.onOpen(row);
  }

  /** Rows in the order in which they are shown; a copy of a million numbers, so not for every frame. */
  shownRows(): Uint32Array {
    return this.updateView() ?? Uint32Array.from({ length: this.count() }, (_, row) => row);
  }

  private count(): number {
    const rows = this.table?.rows ?? 0;
    return this.follow ? rows : Math.min(rows, this.frozenRows);
  }

  /** The sorted or searched rows, or undefined when all rows are shown as they came. */
  private updateView(): Uint32Array | undefined {
    const { table } = this;
    if (table === undefined || (this.sort === undefined && this.search === '')) return undefined;
    const rows = this.count();
    const now = performance.now();
    if (this.view !== undefined && (this.viewRows === rows || now - this.viewAtMs < RESORT_MS))
      return this.view;
    this.viewRows = rows;
    let view: Uint32Array = Uint32Array.from({ length: rows }, (_, row) => row);
    if (this.search !== '') {
      const columns = this.visibleColumns();
      view = view.filter((row) =>
        columns.some((column) => this.shown(row, column).toLowerCase().includes(this.search)),
      );
    }
    if (this.sort !== undefined) view = table.sorted(view, this.sort.column, this.sort.descending);
    this.viewAtMs = performance.now();
    return (this.view = view);
  }

  private drawHead(): void {
    const columns = this.visibleColumns();
    this.root.style.setProperty('--columns', columns.map((column) => this.widthOf(column)).join(' '));
    this.head.replaceChildren(
      ...columns.map((column) => {
        const described = this.table?.columns[column];
        const sorted = this.sort?.column === column ? (this.sort.descending ? ' ▾' : ' ▴') : '';
        const cell = element(
          'button',
          {
            type: 'button',
            role: 'columnheader',
            title: `${described?.type ?? ''}${described?.meaning === undefined ? '' : `: ${described.meaning}`}`,
            'aria-sort': sorted === '' ? 'none' : this.sort?.descending === true ? 'descending' : 'ascending',
          },
          `${described?.name ?? ''}${sorted}`,
        );
        cell.addEventListener('click', () => {
          this.toggleSort(column);
        });
        return cell;
      }),
    );
    for (const line of this.lines) line.remove();
    this.lines.length = 0;
  }

  private widthOf(column: number): string {
    const described = this.table?.columns[column];
    // Fixed widths: each line is a grid of its own, and all must agree.
    if (column === EVENT_COLUMN) return '230px';
    if (described?.display.as === 'stack') return '420px';
    if (described?.display.as === 'flags' || described?.display.as === 'rwbs') return '210px';
    if (described?.column === 'text') return '150px';
    return described?.column === 'i64' || described?.column === 'u64' || described?.column === 'f64'
      ? '140px'
      : '90px';
  }

  /** Ascending, descending, then as they came. */
  private toggleSort(column: number): void {
    if (this.sort?.column !== column) this.sort = { column, descending: false };
    else this.sort = this.sort.descending ? undefined : { column, descending: true };
    this.view = undefined;
    this.drawHead();
    this.onChange();
  }

  draw(): void {
    const view = this.updateView();
    const rows = view?.length ?? this.count();
    const visible = Math.max(1, Math.ceil(this.body.clientHeight / ROW_PX));
    const height = Math.min(rows * ROW_PX, MAX_HEIGHT_PX);
    this.spacer.style.height = `${height}px`;
    const range = height - this.body.clientHeight;
    if (this.follow && this.sort === undefined) this.body.scrollTop = this.lastScroll = Math.max(0, range);
    this.top = firstRow(this.body.scrollTop, range, rows, visible - 1);
    this.window.style.transform = `translateY(${this.body.scrollTop}px)`;
    const columns = this.visibleColumns();
    for (let line = 0; line < visible; line++) this.drawLine(line, this.top + line, rows, view, columns);
    for (const line of this.lines.slice(visible)) line.hidden = true;
    this.root.setAttribute('aria-rowcount', String(rows));
  }

  private drawLine(
    index: number,
    at: number,
    rows: number,
    view: Uint32Array | undefined,
    columns: readonly number[],
  ): void {
    let line = this.lines[index];
    if (line === undefined) {
      line = element('div', { class: 'line', role: 'row' });
      line.append(...columns.map(() => element('span', { role: 'gridcell' })));
      this.lines.push(line);
      this.window.append(line);
    }
    line.hidden = at >= rows;
    if (line.hidden) return;
    const row = view === undefined ? at : (view[at] ?? 0);
    line.dataset['at'] = String(at);
    line.setAttribute('aria-rowindex', String(at + 1));
    const [from, to] = [
      Math.min(this.selected ?? -1, this.selectedTo ?? -1),
      Math.max(this.selected ?? -1, this.selectedTo ?? -1),
    ];
    line.classList.toggle('selected', at >= from && at <= to);
    columns.forEach((column, place) => {
      const cell = line.children[place] as HTMLElement | undefined;
      if (cell === undefined) return;
      const text = this.shown(row, column);
      if (cell.textContent !== text) cell.textContent = text;
      cell.title = this.selected === at ? this.raw(row, column) : '';
    });
  }

  private key(event: KeyboardEvent): void {
    if (event.target !== this.root) return;
    const page = Math.max(1, Math.floor(this.body.clientHeight / ROW_PX) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (event.key === ' ') this.setFollow(!this.follow);
    else if (event.key === 'Enter') this.openSelected();
    else if (step !== undefined) this.move(step, event.shiftKey);
    else return;
    event.preventDefault();
  }

  private move(step: number, extend: boolean): void {
    const rows = this.view?.length ?? this.count();
    if (this.follow) this.setFollow(false);
    const at = Math.min(rows - 1, Math.max(0, (this.selectedTo ?? this.top) + step));
    this.selectedTo = at;
    if (!extend || this.selected === undefined) this.selected = at;
    const visible = Math.max(1, Math.floor(this.body.clientHeight / ROW_PX));
    const last = Math.max(1, rows - visible);
    const range = Math.max(0, Math.min(rows * ROW_PX, MAX_HEIGHT_PX) - this.body.clientHeight);
    if (at < this.top) this.body.scrollTop = (at / last) * range;
    else if (at >= this.top + visible - 1) this.body.scrollTop = ((at - visible + 2) / last) * range;
    this.onChange();
  }
}
