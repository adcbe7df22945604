/** A counter over time as SVG with d3's scales and axes. Colours come from the stylesheet, so a new theme needs no redraw. */
import { axisBottom, axisLeft, line, scaleLinear, select } from 'd3';
import { type CounterRow, type Point, valueText } from './model.ts';

const WIDTH = 900;
const HEIGHT = 220;
const MARGIN = { top: 14, right: 24, bottom: 28, left: 76 };
const SPARK = { width: 140, height: 22 };

function path(points: readonly Point[], x: (seconds: number) => number, y: (value: number) => number) {
  return line<Point>()
    .defined(({ value }) => value !== null)
    .x(({ atSeconds }) => x(atSeconds))
    .y(({ value }) => y(value ?? 0))([...points]);
}

function scales(points: readonly Point[], xRange: [number, number], yRange: [number, number]) {
  const values = points.flatMap(({ value }) => (value === null ? [] : [value]));
  const [from = 0, to = 1] = [points[0]?.atSeconds, points.at(-1)?.atSeconds];
  const most = Math.max(...values, 0);
  return {
    x: scaleLinear([from, Math.max(from + 1, to)], xRange),
    y: scaleLinear([0, most === 0 ? 1 : most], yRange),
  };
}

/** The chosen row, large; the pointer and the arrow keys read its points into `readout`. */
export function drawChart(svg: SVGSVGElement, readout: HTMLElement, row: CounterRow): void {
  const { points, name, unit } = row;
  const root = select(svg);
  root.selectAll('*').remove();
  root
    .attr('viewBox', `0 0 ${WIDTH} ${HEIGHT}`)
    .attr('role', 'img')
    .attr('tabindex', 0)
    .attr('aria-label', `${name} over time, now ${valueText(points.at(-1)?.value, unit)}`);
  const { x, y } = scales(points, [MARGIN.left, WIDTH - MARGIN.right], [HEIGHT - MARGIN.bottom, MARGIN.top]);
  y.nice();
  root
    .append('g')
    .attr('class', 'axis')
    .attr('transform', `translate(${MARGIN.left},0)`)
    .call(
      axisLeft(y)
        .ticks(4)
        .tickFormat((value) => valueText(Number(value), '')),
    );
  root
    .append('g')
    .attr('class', 'axis')
    .attr('transform', `translate(0,${HEIGHT - MARGIN.bottom})`)
    .call(
      axisBottom(x)
        .ticks(6)
        .tickFormat((value) => `${Number(value)} s`),
    );
  root
    .append('path')
    .attr('class', 'line')
    .attr('d', path(points, x, y));
  const mark = root.append('circle').attr('class', 'mark').attr('r', 3.5);
  const read = (at: number): void => {
    const point = points[at];
    if (point === undefined) return;
    mark.attr('visibility', point.value === null ? 'hidden' : 'visible');
    mark.attr('cx', x(point.atSeconds)).attr('cy', y(point.value ?? 0));
    readout.textContent = `at ${point.atSeconds.toFixed(1)} s: ${point.value === null ? 'not counted' : valueText(point.value, unit)}`;
  };
  let cursor = points.length - 1;
  read(cursor);
  const nearest = (seconds: number): number => {
    let best = 0;
    points.forEach(({ atSeconds }, index) => {
      if (Math.abs(atSeconds - seconds) < Math.abs((points[best]?.atSeconds ?? 0) - seconds)) best = index;
    });
    return best;
  };
  svg.onpointermove = (event) => {
    const { left, width } = svg.getBoundingClientRect();
    cursor = nearest(x.invert(((event.clientX - left) / width) * WIDTH));
    read(cursor);
  };
  svg.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -points.length, End: points.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    cursor = Math.max(0, Math.min(points.length - 1, cursor + step));
    read(cursor);
  };
}

/** A row's course, small and without axes; its figures stand beside it. */
export function drawSpark(svg: SVGSVGElement, points: readonly Point[]): void {
  const root = select(svg);
  root.selectAll('*').remove();
  root
    .attr('viewBox', `0 0 ${SPARK.width} ${SPARK.height}`)
    .attr('class', 'spark')
    .attr('aria-hidden', 'true');
  const { x, y } = scales(points, [1, SPARK.width - 1], [SPARK.height - 2, 2]);
  root
    .append('path')
    .attr('class', 'line')
    .attr('d', path(points, x, y));
}
