import { filterFields } from '../../fields/common.ts';
import { databaseColumns } from '../../fields/database-columns.ts';
import { EVENT_COLUMN, recordNames, TIME_COLUMN } from '../../fields/row-columns.ts';
import { show, showRaw } from '../../fields/show.ts';
import type { EventsToHost, HostToEvents } from '../../protocol/events-panel.ts';
import { EMPTY_STACK, NO_STACK, type EventCounts } from '../../protocol/events.ts';
import { button, element } from '../shared/elements.ts';
import { FilterBox } from './filter-box.ts';
import { EventTable, csvCell, placesOf, sharedFields } from './model.ts';
import { ROWS_A_MESSAGE, databaseCell } from './table-export.ts';
import { Grid } from './grid.ts';
import { groupTable } from './groups.ts';
import { OptionsBar } from './recording-options.ts';
import { type ShownStack, StackPane } from './stack-pane.ts';

export interface EventsState {
  /** Columns that the user does not want to see, by name. */
  hidden: readonly string[];
}

/** Its values are sources' ids; the kind before the first colon is in the title already. */

/** The live table with its header. New rows are taken in as they arrive and drawn once a frame. */
export class EventsView {
  private readonly post: (message: EventsToHost) => void;
  private readonly keep: (state: EventsState) => void;
  private state: EventsState;
  private table: EventTable | undefined;
  private readonly title = element('h1');
  private readonly counts = element('div', { class: 'counts', role: 'status' });
  private readonly notice = element('div', { class: 'notice', role: 'alert', hidden: '' });
  private readonly filter: FilterBox;
  private readonly search = element('input', {
    type: 'search',
    placeholder: 'Search rows',
    'aria-label': 'Search rows',
  });
  private readonly grid: Grid;
  private readonly groups = element('div', { class: 'groups', hidden: '' });
  private readonly groupBy = element('select', { 'aria-label': 'Group by' });
  private readonly options: OptionsBar;
  private readonly pane: StackPane;
  private readonly chooser = element('details', { class: 'chooser' });
  private readonly pauseButton: HTMLButtonElement;
  private readonly stopButton: HTMLButtonElement;
  private readonly recordButton: HTMLButtonElement;
  private recording = false;
  /** Rows that are being written to a database, and how many have gone. */
  private exporting:
    | { readonly table: EventTable; readonly rows: Uint32Array; readonly discarded: number; sent: number }
    | undefined;
  private running = false;
  private frame = 0;
  private filterText = '';

  constructor(
    root: HTMLElement,
    state: EventsState,
    post: (message: EventsToHost) => void,
    keep: (state: EventsState) => void,
  ) {
    this.state = state;
    this.post = post;
    this.keep = keep;
    this.filter = new FilterBox((filter) => {
      this.start(filter);
    });
    this.pane = new StackPane((place) => {
      this.post({ type: 'open', places: [place] });
    });
    this.grid = new Grid(
      (row, column) => this.shown(row, column),
      (row, column) => this.raw(row, column),
    );
    this.pauseButton = button(
      'Pause',
      'Hold the picture still; events go on arriving and none is lost (Space)',
      () => {
        this.grid.setFollow(!this.grid.follow);
        this.draw();
      },
    );
    this.stopButton = button('Stop', 'Stop tracing', () => {
      if (this.running) this.post({ type: 'stop' });
      else this.start(this.filterText);
    });
    this.search.addEventListener('input', () => {
      this.grid.setSearch(this.search.value);
      this.schedule();
    });
    this.groupBy.addEventListener('change', () => {
      this.schedule();
    });
    this.options = new OptionsBar(() => {
      this.start(this.filter.valid() ?? this.filterText);
    });
    this.recordButton = button('Record', 'Write what comes from here on into a recording', () => {
      this.post({ type: 'record', on: !this.recording });
    });
    root.append(
      this.header(),
      this.notice,
      this.filter.root,
      this.tools(),
      this.grid.root,
      this.groups,
      this.pane.root,
    );
    new ResizeObserver(() => {
      this.schedule();
    }).observe(this.grid.root);
    this.grid.onChange = () => {
      this.schedule();
    };
    this.grid.onOpen = (row) => {
      const places = this.stacksOf(row).flatMap(({ stack }) => placesOf(stack));
      if (places.length > 0) this.post({ type: 'open', places });
    };
  }

  private start(filter: string): void {
    this.post({ type: 'start', filter, ...this.options.value });
  }

  private header(): HTMLElement {
    const header = element('header');
    header.append(this.title, this.counts);
    return header;
  }

  private tools(): HTMLElement {
    const tools = element('div', { class: 'tools', role: 'toolbar' });
    this.chooser.append(element('summary', {}, 'Columns'));
    const gap = element('span', { class: 'gap' });
    tools.append(
      this.stopButton,
      this.pauseButton,
      this.recordButton,
      this.search,
      ...this.options.elements,
      this.groupBy,
      this.chooser,
      gap,
      button('Copy as…', 'Copy these events as a bpftrace script, a perf command or shell lines', () => {
        this.post({ type: 'copyAs' });
      }),
      button('Copy rows', 'Copy the selected rows, or all that are shown, as text with tabs (Ctrl+C)', () => {
        this.post({ type: 'copy', text: this.exported('\t') });
      }),
      button('CSV', 'Save all shown rows as CSV', () => {
        this.post({ type: 'save', suggestedName: 'events.csv', content: this.exported(',') });
      }),
      button(
        'SQLite',
        'Save all shown rows, with raw values and stacks, as a table of an SQLite file',
        () => {
          this.exportDatabase();
        },
      ),
      button('NDJSON', 'Save all shown rows as one JSON object a line, with raw values', () => {
        this.post({ type: 'save', suggestedName: 'events.ndjson', content: this.ndjson() });
      }),
    );
    return tools;
  }

  receive(message: HostToEvents): void {
    switch (message.type) {
      case 'stream':
        this.begin(message);
        break;
      case 'rows':
        this.table?.append(message.rows);
        break;
      case 'databaseWanted':
        this.sendRows();
        break;
      case 'stacks':
        this.table?.addStacks(message.stacks);
        break;
      case 'ended':
        this.running = false;
        this.recording = false;
        if (this.table !== undefined) this.table.counts = message.counts;
        this.tell(
          message.problem === undefined ? '' : `${message.problem.message} ${message.problem.remedy ?? ''}`,
        );
        break;
      case 'recording':
        this.recording = message.on;
        if (message.text !== '') this.tell(message.text);
        break;
      case 'refused':
        this.tell(`${message.problem.message} ${message.problem.remedy ?? ''}`);
        break;
    }
    this.schedule();
  }

  private begin(message: Extract<HostToEvents, { type: 'stream' }>): void {
    const recorded = message.recorded === true;
    this.running = !recorded;
    this.recording = false;
    for (const control of [this.stopButton, this.recordButton, this.filter.root]) control.hidden = recorded;
    this.table = new EventTable(message.schema);
    this.title.textContent = message.title;
    this.filterText = message.filter;
    this.filter.setFields(filterFields(sharedFields(message.fields)), message.filter);
    this.tell(message.note);
    this.groupBy.replaceChildren(
      new Option('Group by…', ''),
      ...this.table.columns.slice(1).map((column, index) => new Option(column.name, String(index + 1))),
    );
    this.options.show(message.schema, recorded);
    this.grid.setTable(this.table, this.state.hidden);
    this.drawChooser();
  }

  private drawChooser(): void {
    const list = element('div', { class: 'list' });
    for (const column of this.table?.columns ?? []) {
      const label = element('label', { title: column.meaning ?? column.type });
      const check = element('input', { type: 'checkbox' });
      check.checked = !this.state.hidden.includes(column.name);
      check.addEventListener('change', () => {
        const hidden = this.state.hidden.filter((name) => name !== column.name);
        this.state = { hidden: check.checked ? hidden : [...hidden, column.name] };
        this.keep(this.state);
        this.grid.setHidden(this.state.hidden);
        this.schedule();
      });
      label.append(check, column.name);
      list.append(label);
    }
    this.chooser.replaceChildren(element('summary', {}, 'Columns'), list);
  }

  private tell(text: string): void {
    this.notice.textContent = text;
    this.notice.hidden = text.trim() === '';
  }

  private schedule(): void {
    if (this.frame === 0)
      this.frame = requestAnimationFrame(() => {
        this.frame = 0;
        this.draw();
      });
  }

  private draw(): void {
    const { table } = this;
    if (table === undefined) return;
    this.counts.replaceChildren(...countParts(table.counts, table.rows, table.discarded));
    this.pauseButton.textContent = this.grid.follow ? 'Pause' : 'Follow';
    this.stopButton.textContent = this.running ? 'Stop' : 'Start';
    this.recordButton.textContent = this.recording ? 'Stop recording' : 'Record';
    this.recordButton.disabled = !this.running;
    this.stopButton.title = this.running ? 'Stop tracing' : 'Trace again with this filter';
    const by = this.groupBy.value === '' ? undefined : Number(this.groupBy.value);
    this.grid.root.hidden = by !== undefined;
    this.groups.hidden = by === undefined;
    this.drawStacks(by === undefined ? this.grid.selectedRow() : undefined);
    if (by === undefined) this.grid.draw();
    else
      this.groups.replaceChildren(
        groupTable(table, this.grid.shownRows(), by, (row, column) => this.shown(row, column)),
      );
  }

  private drawStacks(row: number | undefined): void {
    const shown = row === undefined ? [] : this.stacksOf(row);
    const key = shown.map(({ stack, without }) => stack?.id ?? without).join();
    this.pane.show(`${this.table?.schema.stream} ${row} ${key}`, shown);
  }

  private stacksOf(row: number): ShownStack[] {
    const { table } = this;
    if (table === undefined) return [];
    return table.columns.flatMap(({ name, display }, column) => {
      if (display.as !== 'stack') return [];
      const id = table.number(row, column);
      const heading = name === 'user_stack' ? 'Program' : 'Kernel';
      return [{ heading, stack: table.stack(id), without: withoutFrames(id) }];
    });
  }

  private shown(row: number, column: number): string {
    const value = this.table?.value(row, column);
    const described = this.table?.columns[column];
    if (value === undefined || described === undefined) return '';
    if (column === EVENT_COLUMN) return show(described.display, value).replace(/^\w[\w-]*:/, '');
    if (column === TIME_COLUMN) return (Number(value) / 1e9).toFixed(6);
    if (described.display.as === 'stack') return this.table?.stackCell(Number(value)) ?? '';
    return show(described.display, value);
  }

  private raw(row: number, column: number): string {
    const value = this.table?.value(row, column);
    const described = this.table?.columns[column];
    if (value === undefined || described === undefined) return '';
    if (described.display.as === 'stack')
      return (this.table?.stackLines(Number(value)) ?? ['missing']).join('\n');
    return `${described.name} = ${showRaw(value)}${described.meaning === undefined ? '' : `\n${described.meaning}`}`;
  }

  private exported(separator: ',' | '\t'): string {
    const columns = this.grid.visibleColumns();
    const cell = (text: string) => (separator === ',' ? csvCell(text) : text.replace(/[\t\r\n]+/g, ' '));
    const names = columns.map((column) => cell(this.table?.columns[column]?.name ?? ''));
    const rows = separator === '\t' ? this.grid.selectedRows() : this.grid.shownRows();
    const lines = Array.from(rows, (row) =>
      columns.map((column) => cell(this.shown(row, column))).join(separator),
    );
    return `${[names.join(separator), ...lines].join('\n')}\n`;
  }

  private exportDatabase(): void {
    const { table } = this;
    if (table === undefined) return;
    this.exporting = { table, rows: this.grid.shownRows(), discarded: table.discarded, sent: 0 };
    this.post({ type: 'database', columns: databaseColumns(table.columns) });
  }

  /** The next part of the rows. What a full table drops meanwhile moves the others down; rows that are gone cannot be sent. */
  private sendRows(): void {
    const { exporting } = this;
    if (exporting === undefined) return;
    const { table, rows: all } = exporting;
    const part = all.subarray(exporting.sent, exporting.sent + ROWS_A_MESSAGE);
    exporting.sent += part.length;
    const moved = table.discarded - exporting.discarded;
    const rows = Array.from(part)
      .filter((row) => row >= moved)
      .map((row) => table.columns.map((_, column) => databaseCell(table, row - moved, column)));
    if (exporting.sent < all.length) {
      this.post({ type: 'databaseRows', rows });
      return;
    }
    this.exporting = undefined;
    const about = {
      title: this.title.textContent ?? '',
      filter: this.filterText,
      startedAt: new Date(table.startedAtMs).toISOString(),
      counts: JSON.stringify(table.counts),
    };
    this.post({ type: 'databaseRows', rows, about });
  }

  private ndjson(): string {
    const { table } = this;
    if (table === undefined) return '';
    const names = recordNames(table.columns);
    const lines = Array.from(this.grid.shownRows(), (row) => {
      const record: Record<string, unknown> = {};
      table.columns.forEach((column, index) => {
        const value = table.value(row, index);
        if (value === undefined) return;
        const name = names[index] ?? column.name;
        if (index === EVENT_COLUMN) record[name] = table.schema.events[Number(value)];
        else if (column.display.as === 'stack') record[name] = table.stackLines(Number(value));
        else
          record[name] =
            typeof value === 'bigint' && (value > 9007199254740991n || value < -9007199254740991n)
              ? value.toString()
              : typeof value === 'bigint'
                ? Number(value)
                : value;
      });
      return JSON.stringify(record);
    });
    return `${[...lines, JSON.stringify({ counts: table.counts })].join('\n')}\n`;
  }
}

/** Lost and sampled events are always said, also when there are none. */
function countParts(counts: EventCounts, rows: number, discarded: number): Node[] {
  const number = (value: number) => value.toLocaleString('en-US');
  const part = (text: string, warn = false) => element('span', warn ? { class: 'warn' } : {}, text);
  return [
    part(`${number(counts.received)} events`),
    part(`${number(counts.lost)} lost`, counts.lost > 0),
    part(`${number(counts.sampledOut)} left out by sampling`, counts.sampledOut > 0),
    ...(counts.missedEntries === 0 ? [] : [part(`${number(counts.missedEntries)} returns of earlier calls`)]),
    ...(counts.missingStacks === undefined || counts.missingStacks === 0
      ? []
      : [part(`${number(counts.missingStacks)} stacks missing`, true)]),
    ...(discarded === 0 ? [] : [part(`${number(discarded)} oldest no longer in the table`, true)]),
    part(`${number(rows)} rows`),
  ];
}

function withoutFrames(id: number): string {
  if (id === NO_STACK) return 'The kernel could not record this stack: it is missing, and counted above.';
  return id === EMPTY_STACK
    ? 'There is none: the event happened in a thread of the kernel, or while no program ran.'
    : 'Being named…';
}
