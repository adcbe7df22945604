/** The latency panel's page: built once, filled anew from every picture. */
import type { AxisKind } from '../../protocol/histogram.ts';
import type { CallRange, LatencyAction, LatencyPicture, LatencyToHost } from '../../protocol/latency.ts';
import { fillGrid } from '../shared/toolkit.ts';
import { createCalls } from './calls-view.ts';
import { createChart } from './chart.ts';
import { createComparison } from './comparison-view.ts';
import { control, element } from './dom.ts';
import { barRows, latencyModel, type LatencyModel } from './model.ts';
import { createOverTime, type HeatmapRows } from './over-time.ts';

/** What survives a reload of the window. */
export interface LatencyState {
  readonly axis: AxisKind;
  readonly percentileLines: boolean;
  readonly tableOpen: boolean;
  readonly heatmapRows: HeatmapRows;
}

export interface LatencyView {
  show(picture: LatencyPicture): void;
}

const COLUMNS = [
  { key: 'range', title: 'Latency' },
  { key: 'calls', title: 'Calls' },
  { key: 'share', title: 'Share' },
  { key: 'below', title: 'This fast or faster' },
];
const STATES: Record<LatencyPicture['state'], string> = {
  starting: 'Attaching…',
  running: 'Measuring',
  paused: 'Paused',
  ended: 'Ended',
};

export function createView(
  parent: HTMLElement,
  initial: LatencyState,
  on: { post: (message: LatencyToHost) => void; state: (state: LatencyState) => void },
): LatencyView {
  const act = (action: LatencyAction): void => {
    on.post({ type: 'action', action });
  };
  const select = (range: CallRange | undefined): void => {
    on.post({ type: 'select', ...(range === undefined ? {} : { range }) });
  };
  let state = initial;
  let picture: LatencyPicture | undefined;

  const title = element('h1');
  const badge = element('span', { class: 'badge' });
  const where = element('p', { class: 'where' });
  const notices = element('div', { class: 'notices' });
  notices.setAttribute('role', 'status');
  const figures = element('dl', { class: 'figures' });
  const readout = element('p', { class: 'readout' });
  readout.setAttribute('aria-live', 'polite');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const chart = createChart(svg, readout, (lowNs, highNs) => {
    select(lowNs === undefined ? undefined : { lowNs, highNs: highNs! });
  });
  const grid = document.createElement('vscode-data-grid');
  grid.setAttribute('aria-label', 'Latency distribution');
  const table = element('details', {}, element('summary', { text: 'The same as a table' }), grid);
  table.open = state.tableOpen;
  const lost = element('p', { class: 'lost' });

  const change = (difference: Partial<LatencyState>): void => {
    state = { ...state, ...difference };
    on.state(state);
    redraw();
  };
  const tools = createTools(state, change, act, () => picture);
  table.addEventListener('toggle', () => {
    if (table.open !== state.tableOpen) change({ tableOpen: table.open });
  });

  const overTime = createOverTime({
    rows: initial.heatmapRows,
    select,
    rowsChanged: (heatmapRows) => {
      change({ heatmapRows });
    },
    openSelection: () => {
      act('openSelection');
    },
    record: () => {
      act('recordCalls');
    },
  });
  const calls = createCalls(on.post);
  const comparison = createComparison(act);

  const redraw = (): void => {
    if (picture === undefined) return;
    overTime.show(picture);
    calls.show(picture);
    comparison.show(picture);
    const model = latencyModel(picture, state.axis);
    chart.draw(model, {
      axis: state.axis,
      percentileLines: state.percentileLines,
      selection: picture.selection?.range,
    });
    fillFigures(figures, model);
    if (state.tableOpen) fillGrid(grid, COLUMNS, barRows(model));
    lost.textContent = model.lost ?? 'Nothing was lost.';
    lost.classList.toggle('some', model.lost !== undefined);
  };

  parent.append(
    element('header', {}, element('div', { class: 'heading' }, title, badge), where, notices),
    figures,
    tools.bar,
    svg,
    readout,
    lost,
    table,
    overTime.element,
    calls.element,
    comparison.element,
  );
  return {
    show: (next) => {
      picture = next;
      title.textContent = next.title;
      badge.textContent = STATES[next.state];
      badge.dataset['state'] = next.state;
      where.textContent = describeWhere(next);
      notices.replaceChildren(...next.notices.map((text) => element('p', { text })));
      tools.update(next);
      redraw();
    },
  };
}

function createTools(
  state: LatencyState,
  change: (difference: Partial<LatencyState>) => void,
  act: (action: LatencyAction) => void,
  picture: () => LatencyPicture | undefined,
): { bar: HTMLElement; update(picture: LatencyPicture): void } {
  const axis = control('vscode-radio-group', '', { 'aria-label': 'Latency axis' });
  axis.append(
    control('vscode-radio', 'Logarithmic', { value: 'log' }),
    control('vscode-radio', 'Linear', { value: 'linear' }),
  );
  axis.setAttribute('value', state.axis);
  axis.addEventListener('change', () => {
    change({ axis: axis.value === 'linear' ? 'linear' : 'log' });
  });
  const lines = control('vscode-checkbox', 'Percentile lines', state.percentileLines ? { checked: '' } : {});
  lines.addEventListener('change', () => {
    change({ percentileLines: lines.checked });
  });
  const pause = control('vscode-button', 'Pause', { appearance: 'secondary' });
  pause.addEventListener('click', () => {
    act(picture()?.state === 'running' || picture()?.state === 'starting' ? 'pause' : 'resume');
  });
  const source = control('vscode-button', 'Go to Source', { appearance: 'secondary' });
  source.addEventListener('click', () => {
    act('openSource');
  });
  const flame = control('vscode-button', 'Flame Graph of Callers', { appearance: 'secondary' });
  flame.addEventListener('click', () => {
    act('openFlameGraph');
  });
  return {
    bar: element(
      'div',
      { class: 'tools' },
      axis,
      lines,
      element('span', { class: 'gap' }),
      pause,
      source,
      flame,
    ),
    update: (next) => {
      pause.textContent = next.state === 'running' || next.state === 'starting' ? 'Pause' : 'Resume';
      source.hidden = next.place === undefined;
      flame.hidden = !next.hasCallers;
    },
  };
}

function fillFigures(list: HTMLElement, model: LatencyModel): void {
  list.replaceChildren(
    ...model.figures.map(({ label, text }) =>
      element('div', {}, element('dt', { text: label }), element('dd', { text })),
    ),
  );
}

function describeWhere({ place, binary, pid }: LatencyPicture): string {
  const file =
    place === undefined ? '' : `${place.file.slice(place.file.lastIndexOf('/') + 1)}:${place.line} · `;
  return `${file}${binary} · ${pid === undefined ? 'every process that runs it' : `process ${pid}`}`;
}
