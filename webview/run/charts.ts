/** Histograms and time series as SVG with d3's scales and axes. Colours come from the stylesheet, so a new theme needs no redraw. */
import { axisBottom, axisLeft, line, scaleBand, scaleLinear, select } from 'd3';
import { formatCount } from '../../protocol/format.ts';
import type { HistBucket, SeriesMap } from '../../protocol/script.ts';
import { bucketText } from './model.ts';

const MARGIN = { top: 12, right: 30, bottom: 44, left: 58 };
const HEIGHT = 220;
const WIDTH = 640;
/** Labels of bars closer than this are left out. */
const LABEL_PX = 62;

function frame(svg: SVGSVGElement, label: string) {
  const root = select(svg);
  root.selectAll('*').remove();
  root
    .attr('viewBox', `0 0 ${WIDTH} ${HEIGHT}`)
    .attr('role', 'img')
    .attr('tabindex', 0)
    .attr('aria-label', label)
    .attr('class', 'run-chart');
  return root;
}

/** One histogram; the arrow keys and the pointer read its bars into `readout`. */
export function drawHistogram(
  svg: SVGSVGElement,
  readout: HTMLElement,
  buckets: readonly HistBucket[],
  name: string,
): void {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const root = frame(svg, `${name}: histogram of ${formatCount(total)} ${total === 1 ? 'value' : 'values'}`);
  const names = buckets.map((_, index) => String(index));
  const x = scaleBand(names, [MARGIN.left, WIDTH - MARGIN.right]).paddingInner(0.08);
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  const y = scaleLinear([0, most], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice();
  const every = Math.max(1, Math.ceil(LABEL_PX / Math.max(1, x.step())));
  root
    .append('g')
    .attr('class', 'run-axis')
    .attr('transform', `translate(${MARGIN.left},0)`)
    .call(
      axisLeft(y)
        .tickValues(y.ticks(4).filter(Number.isInteger))
        .tickFormat((value) => formatCount(Number(value))),
    );
  root
    .append('g')
    .attr('class', 'run-axis')
    .attr('transform', `translate(0,${HEIGHT - MARGIN.bottom})`)
    .call(
      axisBottom(x)
        .tickValues(names.filter((_, index) => index % every === 0))
        .tickFormat((index) => edgeText(buckets[Number(index)])),
    );
  const bars = root
    .append('g')
    .selectAll('rect')
    .data(buckets)
    .join('rect')
    .attr('class', 'run-bar')
    .attr('x', (_, index) => x(String(index)) ?? 0)
    .attr('width', Math.max(1, x.bandwidth()))
    .attr('y', ({ count }) => y(count))
    .attr('height', ({ count }) => HEIGHT - MARGIN.bottom - y(count));
  const read = (at: number): void => {
    const bucket = buckets[at];
    bars.classed('at-cursor', (_, index) => index === at);
    readout.textContent =
      bucket === undefined
        ? ''
        : `${bucketText(bucket)}: ${formatCount(bucket.count)} of ${formatCount(total)} (${((100 * bucket.count) / Math.max(1, total)).toFixed(1)} %)`;
  };
  bars.on('pointerenter', (_: PointerEvent, bucket) => {
    read(buckets.indexOf(bucket));
  });
  let cursor = -1;
  svg.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -buckets.length, End: buckets.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    cursor = Math.max(0, Math.min(buckets.length - 1, cursor + step));
    read(cursor);
  };
}

function edgeText(bucket: HistBucket | undefined): string {
  if (bucket?.low === undefined) return bucket?.high === undefined ? '' : `< ${formatCount(bucket.high + 1)}`;
  return bucket.high === undefined ? `≥ ${shortText(bucket.low)}` : shortText(bucket.low);
}

/** Powers of two as bpftrace writes them: 4K, 8M; everything else in full. */
function shortText(value: number): string {
  for (const [unit, size] of [
    ['T', 2 ** 40],
    ['G', 2 ** 30],
    ['M', 2 ** 20],
    ['K', 2 ** 10],
  ] as const)
    if (value !== 0 && value % size === 0) return `${value / size}${unit}`;
  return formatCount(value);
}

/** All series of a map in one picture, at most as many as there are chart colours; the others are told of. */
export function drawSeries(svg: SVGSVGElement, map: SeriesMap, shown: number): void {
  const series = map.series.slice(0, shown);
  const points = series.flatMap((one) => one.points);
  const root = frame(svg, `${map.name}: ${series.length} time series of ${points.length} points`);
  const times = points.map(({ startMs }) => startMs);
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const x = scaleLinear([0, Math.max(1, to - from)], [MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear(
    [Math.min(0, ...values), Math.max(1, ...values)],
    [HEIGHT - MARGIN.bottom, MARGIN.top],
  ).nice();
  root
    .append('g')
    .attr('class', 'run-axis')
    .attr('transform', `translate(${MARGIN.left},0)`)
    .call(
      axisLeft(y)
        .ticks(4)
        .tickFormat((value) => formatCount(Number(value))),
    );
  root
    .append('g')
    .attr('class', 'run-axis')
    .attr('transform', `translate(0,${HEIGHT - MARGIN.bottom})`)
    .call(
      axisBottom(x)
        .ticks(6)
        .tickFormat((value) => `${(Number(value) / 1000).toFixed(1)} s`),
    );
  for (const [index, one] of series.entries()) {
    const path = line<{ startMs: number; value: number | null }>()
      .defined(({ value }) => value !== null)
      .x(({ startMs }) => x(startMs - from))
      .y(({ value }) => y(value ?? 0));
    root
      .append('path')
      .attr('class', `run-line run-line-${index}`)
      .attr('d', path([...one.points]));
  }
}
