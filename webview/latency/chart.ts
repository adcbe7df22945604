/** The histogram: an SVG with d3's scales and axes. Colours come from the stylesheet, so a new theme needs no redraw. */
import {
  type D3BrushEvent,
  axisBottom,
  axisLeft,
  brushX,
  scaleLinear,
  scaleLog,
  select,
  type ScaleContinuousNumeric,
  type Selection,
} from 'd3';
import { formatCount, formatDuration } from '../../protocol/format.ts';
import type { AxisKind, Bar } from '../../protocol/histogram.ts';
import type { CallRange } from '../../protocol/latency.ts';
import { describeBar, type LatencyModel, type Mark } from './model.ts';

export interface ChartOptions {
  readonly axis: AxisKind;
  readonly percentileLines: boolean;
  /** The range of latencies that is chosen. */
  readonly selection?: CallRange | undefined;
}

export interface Chart {
  draw(model: LatencyModel, options: ChartOptions): void;
}

const MARGIN = { top: 48, right: 16, bottom: 38, left: 60 };
const HEIGHT = 300;
/** Labels of marks closer than this (pixels) go to the next of {@link LABEL_ROWS} lines. */
const LABEL_WIDTH = 84;
const LABEL_ROWS = 3;
/** Room for `500 µs` and a gap, in pixels. */
const TICK_WIDTH = 50;

/**
 * Draws into `svg`; `readout` says in words what the pointer or the arrow keys are at. `choose` is called with the latencies that
 * were brushed, by dragging or with Shift and the arrow keys, and without any when the brush was taken away.
 */
export function createChart(
  svg: SVGSVGElement,
  readout: HTMLElement,
  choose: (lowNs?: number, highNs?: number) => void,
): Chart {
  const root = select(svg).attr('role', 'img').attr('tabindex', 0);
  const layers = {
    grid: root.append('g').attr('class', 'grid'),
    bars: root.append('g'),
    marks: root.append('g'),
    x: root.append('g').attr('class', 'axis'),
    y: root.append('g').attr('class', 'axis'),
    labels: root.append('g'),
    brush: root.append('g').attr('class', 'brush'),
  };
  let scale: Scale | undefined;
  let dragging = false;
  const brush = brushX<unknown>();
  brush.on('start', (event: D3BrushEvent<unknown>) => {
    dragging = isByHand(event);
  });
  brush.on('end', (event: D3BrushEvent<unknown>) => {
    if (!isByHand(event) || scale === undefined) return;
    dragging = false;
    const [from, to] = (event.selection as [number, number] | null) ?? [];
    if (from === undefined || to === undefined) choose();
    else choose(scale.invert(from), scale.invert(to));
  });
  /** The bar at which a selection by keys began. */
  let anchor: number | undefined;
  let current: { model: LatencyModel; options: ChartOptions } | undefined;
  let cursor: number | undefined;

  const say = (): void => {
    const bar = cursor === undefined ? undefined : current?.model.bars[cursor];
    layers.bars.selectAll<SVGRectElement, Bar>('rect').classed('at-cursor', (_, index) => index === cursor);
    readout.textContent =
      bar === undefined || current === undefined
        ? 'Point at a bar, or use ← and →, to read it. Drag, or hold Shift, to choose latencies.'
        : describeBar(bar, current.model.total);
  };

  svg.addEventListener('keydown', (event) => {
    const count = current?.model.bars.length ?? 0;
    if (count === 0) return;
    const next = keyToBar(event.key, cursor, count);
    if (next === 'none') return;
    event.preventDefault();
    anchor = event.shiftKey ? (anchor ?? cursor ?? next) : undefined;
    cursor = next;
    say();
    if (next === undefined) choose();
    else if (anchor !== undefined) {
      const bars = current!.model.bars;
      choose(bars[Math.min(anchor, next)]!.lowNs, bars[Math.max(anchor, next)]!.highNs);
    }
  });
  svg.addEventListener('pointermove', (event) => {
    // let go of outside the window
    if (event.buttons === 0) dragging = false;
    if (current === undefined || scale === undefined) return;
    const box = svg.getBoundingClientRect();
    const ns = scale.invert(event.clientX - box.left);
    const at = current.model.bars.findIndex(({ lowNs, highNs }) => ns >= lowNs && ns < highNs);
    const next = at < 0 ? undefined : at;
    if (next === cursor) return;
    cursor = next;
    say();
  });
  svg.addEventListener('pointerleave', () => {
    cursor = undefined;
    say();
  });

  const draw = (model: LatencyModel, options: ChartOptions): void => {
    // a new snapshot would take the brush away from the hand; the choice brings a new picture
    if (dragging) return;
    current = { model, options };
    const width = Math.max(320, svg.clientWidth);
    root
      .attr('viewBox', `0 0 ${width} ${HEIGHT}`)
      .attr('height', HEIGHT)
      .attr('aria-label', model.summary)
      .classed('empty', model.total === 0);
    const x = durationScale(model.bars, options.axis).range([MARGIN.left, width - MARGIN.right]);
    const highest = Math.max(1, ...model.bars.map((bar) => bar.count));
    const y = scaleLinear([0, highest], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice(5);
    drawAxes(layers, x, y, width, options.axis);
    const edge = (ns: number): number => x(options.axis === 'log' ? Math.max(1, ns) : ns);
    layers.bars
      .selectAll<SVGRectElement, Bar>('rect')
      .data(model.bars)
      .join('rect')
      .attr('class', 'bar')
      .attr('x', (bar) => edge(bar.lowNs))
      .attr('width', (bar) => Math.max(1, edge(bar.highNs) - edge(bar.lowNs) - 1))
      // what was counted is seen, be it one call beside a million
      .attr('y', (bar) => (bar.count > 0 ? Math.min(y(bar.count), y(0) - 2) : y(0)))
      .attr('height', (bar) => (bar.count > 0 ? Math.max(2, y(0) - y(bar.count)) : 0));
    drawMarks(layers, options.percentileLines ? model.marks : [], edge, width);
    scale = x;
    brush.extent([
      [MARGIN.left, MARGIN.top],
      [width - MARGIN.right, HEIGHT - MARGIN.bottom],
    ]);
    layers.brush.call(brush);
    const { lowNs, highNs } = options.selection ?? {};
    const [left = 0, right = 0] = x.range();
    layers.brush.call((group) => {
      brush.move(
        group,
        lowNs === undefined || highNs === undefined || model.bars.length === 0
          ? null
          : [Math.max(left, edge(lowNs)), Math.min(right, edge(highNs))],
      );
    });
    say();
  };

  new ResizeObserver(() => {
    if (current !== undefined) draw(current.model, current.options);
  }).observe(svg);
  return { draw };
}

/** True where a person moved the brush, false where the program did. */
export const isByHand = ({ sourceEvent }: D3BrushEvent<unknown>): boolean =>
  sourceEvent !== null && sourceEvent !== undefined;

/** Where an arrow key leads; `'none'` for other keys. Escape leaves the bars. */
export function keyToBar(
  key: string,
  cursor: number | undefined,
  count: number,
): number | undefined | 'none' {
  switch (key) {
    case 'ArrowRight':
      return Math.min(count - 1, (cursor ?? -1) + 1);
    case 'ArrowLeft':
      return Math.max(0, (cursor ?? count) - 1);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    case 'Escape':
      return undefined;
    default:
      return 'none';
  }
}

type Scale = ScaleContinuousNumeric<number, number>;
type Layer = Selection<SVGGElement, unknown, null, undefined>;

function durationScale(bars: readonly Bar[], axis: AxisKind): Scale {
  const low = bars[0]?.lowNs ?? 1000;
  const high = bars.at(-1)?.highNs ?? 1e6;
  return axis === 'log' ? scaleLog([Math.max(1, low), high], [0, 1]) : scaleLinear([low, high], [0, 1]);
}

function drawAxes(
  layers: { grid: Layer; x: Layer; y: Layer },
  x: Scale,
  y: Scale,
  width: number,
  axis: AxisKind,
) {
  const ticks =
    axis === 'log' ? apart(logTicks(x.domain()), x) : x.ticks(Math.max(3, Math.floor(width / 110)));
  layers.x.attr('transform', `translate(0,${HEIGHT - MARGIN.bottom})`).call(
    axisBottom(x)
      .tickValues(ticks)
      .tickFormat((ns) => formatDuration(Number(ns))),
  );
  layers.y.attr('transform', `translate(${MARGIN.left},0)`).call(
    axisLeft(y)
      .ticks(5)
      .tickFormat((count) => (Number.isInteger(count) ? formatCount(Number(count)) : '')),
  );
  layers.grid.attr('transform', `translate(${MARGIN.left},0)`).call(
    axisLeft(y)
      .ticks(5)
      .tickSize(-(width - MARGIN.left - MARGIN.right))
      .tickFormat(() => ''),
  );
  axisTitle(layers.x, 'latency', width - MARGIN.right, 32, 'end');
  axisTitle(layers.y, 'calls', -MARGIN.left + 4, MARGIN.top - 12, 'start');
}

function axisTitle(layer: Layer, text: string, x: number, y: number, anchor: string): void {
  layer
    .selectAll('text.title')
    .data([text])
    .join('text')
    .attr('class', 'title')
    .attr('x', x)
    .attr('y', y)
    .attr('text-anchor', anchor)
    .text(text);
}

/** Those whose labels do not touch; powers of ten go first. */
export function apart(ticks: readonly number[], x: (ns: number) => number): number[] {
  const isPower = (ns: number): boolean => Math.abs(Math.log10(ns) - Math.round(Math.log10(ns))) < 1e-9;
  const kept: number[] = [];
  for (const tick of [...ticks.filter(isPower), ...ticks.filter((ns) => !isPower(ns))])
    if (kept.every((other) => Math.abs(x(other) - x(tick)) >= TICK_WIDTH)) kept.push(tick);
  return kept.sort((a, b) => a - b);
}

/** 1, 2, 5 · 10^n within the domain, thinned to the powers of ten when there are more than twelve. */
export function logTicks([low = 1, high = 10]: readonly number[]): number[] {
  const from = Math.floor(Math.log10(low));
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - from + 1 },
    (_, index) => 10 ** (from + index),
  );
  const within = (ns: number): boolean => ns >= low && ns <= high;
  const fine = decades.flatMap((ns) => [ns, 2 * ns, 5 * ns]).filter(within);
  return fine.length <= 12 ? fine : decades.filter(within);
}

interface PlacedMark extends Mark {
  readonly x: number;
  /** Towards the right edge the label stands before its line. */
  readonly anchor: 'start' | 'end';
  readonly row: number;
}

function drawMarks(
  layers: { marks: Layer; labels: Layer },
  marks: readonly Mark[],
  edge: (ns: number) => number,
  width: number,
) {
  const ends = new Array<number>(LABEL_ROWS).fill(-Infinity);
  const placed = marks.map((mark): PlacedMark => {
    const x = edge(mark.durationNs);
    const anchor = x > width - LABEL_WIDTH - MARGIN.right ? 'end' : 'start';
    const from = anchor === 'end' ? x - LABEL_WIDTH : x;
    const free = ends.findIndex((end) => from >= end);
    const row = free === -1 ? LABEL_ROWS - 1 : free;
    ends[row] = from + LABEL_WIDTH;
    return { ...mark, x, anchor, row };
  });
  layers.marks
    .selectAll<SVGLineElement, PlacedMark>('line')
    .data(placed)
    .join('line')
    .attr('class', (mark) => `mark ${mark.label}`)
    .attr('x1', (mark) => mark.x)
    .attr('x2', (mark) => mark.x)
    .attr('y1', (mark) => 4 + mark.row * 14)
    .attr('y2', HEIGHT - MARGIN.bottom);
  layers.labels
    .selectAll<SVGTextElement, PlacedMark>('text')
    .data(placed)
    .join('text')
    .attr('class', 'mark-label')
    .attr('text-anchor', ({ anchor }) => anchor)
    .attr('x', ({ x, anchor }) => x + (anchor === 'end' ? -4 : 4))
    .attr('y', (mark) => 12 + mark.row * 14)
    .text((mark) => `${mark.label} ${formatDuration(mark.durationNs)}`);
}
