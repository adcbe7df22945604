/** The heatmap: cells on a canvas, axes and brush in an SVG above it. */
import { axisBottom, axisLeft, brush, scaleLinear, scaleLog, select, type D3BrushEvent } from 'd3';
import { formatDuration } from '../../protocol/format.ts';
import type { CallRange, Heatmap } from '../../protocol/latency.ts';
import { apart, isByHand, logTicks } from './chart.ts';
import { formatClock } from './clock.ts';
import { element } from './dom.ts';
import {
  columnsOf,
  countAt,
  describeCell,
  moved,
  rangeOf,
  rowsOf,
  strength,
  type Cell,
} from './heatmap-model.ts';
import type { HeatmapRows } from './over-time.ts';

export interface HeatmapChart {
  readonly element: HTMLElement;
  draw(map: Heatmap, rows: HeatmapRows, selected: CallRange | undefined): void;
}

const MARGIN = { top: 8, right: 16, bottom: 24, left: 60 };
const HEIGHT = 220;

interface Drawn {
  readonly map: Heatmap;
  readonly latencies: boolean;
  readonly x: (ns: number) => number;
  readonly y: (ns: number) => number;
  readonly most: number;
  readonly selected: CallRange | undefined;
}

export function createHeatmap(
  readout: HTMLElement,
  choose: (range: CallRange | undefined) => void,
): HeatmapChart {
  const canvas = document.createElement('canvas');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const box = element('div', { class: 'heatmap' });
  box.append(canvas, svg);
  const root = select(svg).attr('role', 'img').attr('tabindex', 0);
  const axes = {
    x: root.append('g').attr('class', 'axis'),
    y: root.append('g').attr('class', 'axis'),
  };
  const brushLayer = root.append('g').attr('class', 'brush');
  const mark = root.append('rect').attr('class', 'cell-mark');
  let drawn: Drawn | undefined;
  let cursor: Cell | undefined;
  let anchor: Cell | undefined;
  let dragging = false;

  const cellAt = (xPx: number, yPx: number): Cell | undefined => {
    if (drawn === undefined) return undefined;
    const { map, x, y } = drawn;
    const column = map.timeNs.findIndex((ns, i) => i < columnsOf(map) && xPx < x(map.timeNs[i + 1] ?? ns));
    const row = map.rowNs.findIndex((_, i) => i < rowsOf(map) && yPx >= y(map.rowNs[i + 1]!));
    return column < 0 || row < 0 ? undefined : { column, row };
  };
  const say = (): void => {
    mark.attr('visibility', cursor === undefined || drawn === undefined ? 'hidden' : 'visible');
    if (drawn === undefined || cursor === undefined) {
      readout.textContent =
        'Drag over the heatmap to choose calls, or use the arrow keys with Shift. The stronger the colour, the more calls.';
      return;
    }
    const { map, x, y, latencies } = drawn;
    const { column, row } = cursor;
    mark
      .attr('x', x(map.timeNs[column]!))
      .attr('y', y(map.rowNs[row + 1]!))
      .attr('width', Math.max(1, x(map.timeNs[column + 1]!) - x(map.timeNs[column]!)))
      .attr('height', Math.max(1, y(map.rowNs[row]!) - y(map.rowNs[row + 1]!)));
    readout.textContent = describeCell(map, cursor, latencies, formatClock);
  };
  const gesture = brush<unknown>();
  gesture.on('start', (event: D3BrushEvent<unknown>) => {
    dragging = isByHand(event);
  });
  gesture.on('end', (event: D3BrushEvent<unknown>) => {
    if (!isByHand(event) || drawn === undefined) return;
    dragging = false;
    const corners = event.selection as [[number, number], [number, number]] | null;
    if (corners === null) {
      choose(undefined);
      return;
    }
    const [[left, top], [right, bottom]] = corners;
    // half a pixel inside, so that a drag along an edge does not take the cells behind it
    const a = cellAt(left + 0.5, bottom - 0.5);
    const b = cellAt(right - 0.5, top + 0.5);
    choose(a === undefined || b === undefined ? undefined : rangeOf(drawn.map, a, b, drawn.latencies));
  });

  svg.addEventListener('pointermove', (event) => {
    // let go of outside the window
    if (event.buttons === 0) dragging = false;
    const at = svg.getBoundingClientRect();
    cursor = cellAt(event.clientX - at.left, event.clientY - at.top);
    say();
  });
  svg.addEventListener('pointerleave', () => {
    cursor = undefined;
    say();
  });
  svg.addEventListener('keydown', (event) => {
    if (drawn === undefined) return;
    if (event.key === 'Escape') {
      cursor = anchor = undefined;
      say();
      choose(undefined);
      return;
    }
    const next = moved(drawn.map, cursor, event.key);
    if (next === undefined) return;
    event.preventDefault();
    anchor = event.shiftKey ? (anchor ?? cursor ?? next) : undefined;
    cursor = next;
    say();
    if (anchor !== undefined) choose(rangeOf(drawn.map, anchor, next, drawn.latencies));
  });

  const draw = (map: Heatmap, rows: HeatmapRows, selected: CallRange | undefined): void => {
    // a new snapshot would take the brush away from the hand, and the heatmap from under it; the choice brings a new picture
    if (dragging) return;
    const width = Math.max(320, box.clientWidth);
    const latencies = rows === 'latency';
    const area: [number, number] = [HEIGHT - MARGIN.bottom, MARGIN.top];
    const [low, high] = [map.rowNs[0]!, map.rowNs.at(-1)!];
    const y = latencies
      ? scaleLog([Math.max(1, low), high], area).clamp(true)
      : scaleLinear([low, high], area).clamp(true);
    const [from, to] = [map.timeNs[0]!, map.timeNs.at(-1)!];
    const x = scaleLinear([from, to], [MARGIN.left, width - MARGIN.right]).clamp(true);
    let most = 0;
    for (const count of map.counts) most = Math.max(most, count);
    drawn = {
      map,
      latencies,
      x: (ns) => x(ns),
      y: (ns) => y(latencies ? Math.max(1, ns) : ns),
      most,
      selected,
    };
    root
      .attr('viewBox', `0 0 ${width} ${HEIGHT}`)
      .attr('height', HEIGHT)
      .attr(
        'aria-label',
        `Heatmap of calls: ${columnsOf(map)} columns of time by ${latencies ? 'latency' : 'part of the second'}. Arrow keys read it.`,
      );
    const ticks = latencies ? spread(logTicks([Math.max(1, low), high]), drawn.y) : y.ticks(5);
    axes.y.attr('transform', `translate(${MARGIN.left},0)`).call(
      axisLeft(y)
        .tickValues(ticks)
        .tickFormat((ns) => formatDuration(Number(ns))),
    );
    axes.x.attr('transform', `translate(0,${HEIGHT - MARGIN.bottom})`).call(
      axisBottom(x)
        .tickValues(apart(x.ticks(Math.max(2, Math.floor(width / 130))), (ns) => x(ns) / 2))
        .tickFormat((ns) => formatClock(Number(ns) / 1e6 + map.wallClockOffsetMs)),
    );
    paint(canvas, width, drawn);
    gesture.extent([
      [MARGIN.left, MARGIN.top],
      [width - MARGIN.right, HEIGHT - MARGIN.bottom],
    ]);
    brushLayer.call(gesture);
    const corners = cornersOf(drawn);
    brushLayer.call((group) => {
      gesture.move(group, corners);
    });
    say();
  };
  const again = (): void => {
    if (drawn !== undefined && !box.hidden)
      draw(drawn.map, drawn.latencies ? 'latency' : 'subsecond', drawn.selected);
  };
  new ResizeObserver(again).observe(box);
  // a canvas does not follow the stylesheet: VS Code changes the body's class with the theme
  new MutationObserver(again).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  return { element: box, draw };
}

function cornersOf({ map, x, y, selected, latencies }: Drawn): [[number, number], [number, number]] | null {
  if (selected === undefined) return null;
  const { fromNs = map.timeNs[0]!, toNs = map.timeNs.at(-1)!, lowNs, highNs } = selected;
  const [low, high] = latencies
    ? [lowNs ?? map.rowNs[0]!, highNs ?? map.rowNs.at(-1)!]
    : [map.rowNs[0]!, map.rowNs.at(-1)!];
  const corners: [[number, number], [number, number]] = [
    [x(fromNs), y(high)],
    [x(toNs), y(low)],
  ];
  return corners[1][0] - corners[0][0] < 1 || corners[1][1] - corners[0][1] < 1 ? null : corners;
}

/** Ticks whose labels are at least a line apart. */
function spread(ticks: readonly number[], y: (ns: number) => number): number[] {
  const kept: number[] = [];
  for (const tick of ticks) if (kept.every((other) => Math.abs(y(other) - y(tick)) >= 16)) kept.push(tick);
  return kept;
}

function paint(canvas: HTMLCanvasElement, width: number, { map, x, y, most }: Drawn): void {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(HEIGHT * ratio);
  canvas.style.height = `${HEIGHT}px`;
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(document.body);
  // the charts' orange is half transparent in VS Code's own themes
  context.fillStyle = style.getPropertyValue('--vscode-charts-yellow').trim() || style.color;
  for (let column = 0; column < columnsOf(map); column++)
    for (let row = 0; row < rowsOf(map); row++) {
      const share = strength(countAt(map, { column, row }), most);
      if (share === 0) continue;
      const left = x(map.timeNs[column]!);
      const top = y(map.rowNs[row + 1]!);
      context.globalAlpha = share;
      context.fillRect(
        left,
        top,
        Math.max(1, x(map.timeNs[column + 1]!) - left - 0.5),
        Math.max(1, y(map.rowNs[row]!) - top - 0.5),
      );
    }
  context.globalAlpha = 1;
}
