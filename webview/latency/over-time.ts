/** Calls over time: the heatmap, its rows, and what is known of a part that was chosen in it. */
import { formatCount, formatDuration, formatShare } from '../../protocol/format.ts';
import type { CallRange, LatencyPicture, Selection } from '../../protocol/latency.ts';
import { formatClock } from './clock.ts';
import { button, control, element } from './dom.ts';
import { createHeatmap } from './heatmap-chart.ts';

/** What the rows are: latencies, or parts of a second. */
export type HeatmapRows = 'latency' | 'subsecond';

export interface Section {
  readonly element: HTMLElement;
  show(picture: LatencyPicture): void;
}

export function createOverTime(on: {
  readonly rows: HeatmapRows;
  readonly select: (range: CallRange | undefined) => void;
  readonly rowsChanged: (rows: HeatmapRows) => void;
  readonly openSelection: () => void;
  readonly record: () => void;
}): Section {
  let rows = on.rows;
  let shown: LatencyPicture | undefined;
  const choice = control('vscode-radio-group', '', { 'aria-label': 'Rows of the heatmap' });
  choice.append(
    control('vscode-radio', 'Latency', { value: 'latency' }),
    control('vscode-radio', 'Part of the second', { value: 'subsecond' }),
  );
  choice.setAttribute('value', rows);
  const readout = element('p', { class: 'readout' });
  readout.setAttribute('aria-live', 'polite');
  const heatmap = createHeatmap(readout, on.select);
  const hint = element('p', { class: 'hint' });
  const record = button('Record Calls', on.record);
  const selected = element('span', { class: 'selected' });
  selected.setAttribute('role', 'status');
  const open = button('Flame Graph of Selection', on.openSelection, { appearance: 'primary' });
  const clear = button('Clear Selection', () => {
    on.select(undefined);
  });
  const bar = element('div', { class: 'tools selection' }, selected, open, clear);
  const section = element(
    'section',
    { class: 'over-time' },
    element('h2', { text: 'Over time' }),
    element('div', { class: 'tools' }, choice),
    bar,
    heatmap.element,
    hint,
    record,
    readout,
  );

  const show = (picture: LatencyPicture): void => {
    shown = picture;
    const map = rows === 'latency' ? picture.heatmap : picture.calls?.subsecond;
    const recordable = picture.calls !== undefined && picture.calls.state !== 'recording';
    heatmap.element.hidden = map === undefined;
    readout.hidden = map === undefined;
    hint.hidden = map !== undefined;
    record.hidden = map !== undefined || rows === 'latency' || !recordable;
    hint.textContent =
      rows === 'latency'
        ? 'Calls over time appear once two intervals were measured.'
        : 'Where in a second calls begin is known of recorded calls only.';
    if (map !== undefined) heatmap.draw(map, rows, picture.selection?.range);
    const { selection } = picture;
    bar.hidden = selection === undefined;
    if (selection !== undefined) selected.textContent = describeSelection(selection, picture);
    open.disabled = (picture.calls?.recorded ?? 0) === 0;
    open.title = open.disabled
      ? 'No recorded call lies in this range: record calls to see their stacks.'
      : '';
  };
  choice.addEventListener('change', () => {
    rows = choice.value === 'subsecond' ? 'subsecond' : 'latency';
    on.rowsChanged(rows);
    if (shown !== undefined) show(shown);
  });
  return { element: section, show };
}

/** `14:05:01.2–14:05:03.0, 1–5 ms: 123 calls (4.5 %), p50 2.1 ms, p99 4.8 ms; 120 of them recorded`. */
export function describeSelection(selection: Selection, picture: LatencyPicture): string {
  const { range, calls, share, p50Ns, p99Ns } = selection;
  const offsetMs = picture.heatmap?.wallClockOffsetMs ?? picture.calls?.subsecond?.wallClockOffsetMs ?? 0;
  const parts = [
    range.fromNs === undefined || range.toNs === undefined
      ? undefined
      : `${formatClock(range.fromNs / 1e6 + offsetMs)}–${formatClock(range.toNs / 1e6 + offsetMs)}`,
    range.lowNs === undefined || range.highNs === undefined
      ? undefined
      : `${formatDuration(range.lowNs, 3)} – ${formatDuration(range.highNs, 3)}`,
  ].filter((part) => part !== undefined);
  const figures =
    p50Ns === undefined || p99Ns === undefined
      ? ''
      : `, p50 ${formatDuration(p50Ns, 3)}, p99 ${formatDuration(p99Ns, 3)}`;
  const recorded =
    picture.calls === undefined || picture.calls.state === 'off'
      ? ''
      : `; ${formatCount(picture.calls.recorded)} recorded`;
  return `${parts.join(', ')}: ${formatCount(calls)} ${calls === 1 ? 'call' : 'calls'} (${formatShare(share)})${figures}${recorded}`;
}
