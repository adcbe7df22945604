/** The time line: a row of rates for each lane, a ruler with the scrubber above them, a brush over them. d3's scales, axes and brush. */
import {
  area,
  axisTop,
  brushX,
  drag,
  scaleLinear,
  select,
  type D3BrushEvent,
  type D3DragEvent,
  type ScaleLinear,
  type Selection,
} from 'd3';
import { formatDuration, formatPosition } from '../../protocol/format.ts';
import type { RecordingPicture } from '../../protocol/recording-panel.ts';
import { element } from '../shared/elements.ts';
import {
  absences,
  formatWeightRate,
  indexAt,
  outlineOf,
  positionText,
  ratesOf,
  type OutlinePoint,
  type Playback,
} from './model.ts';

const MARGIN = { right: 16, bottom: 4 };
/** Names and peaks stand left of the rows. */
const LABELS = { wide: 190, narrow: 124 };
/** Characters of a name that find room there. */
const NAME = { wide: 26, narrow: 16 };
const NARROW = 560;
const RULER = 42;
const ROW = 40;
const ROW_GAP = 6;
const HANDLE = 7;

export interface TimeLine {
  readonly element: HTMLElement;
  /** The rows to draw, as places in the picture's lanes. */
  draw(picture: RecordingPicture, lanes: readonly number[], playback: Playback): void;
  /** Scrubber and brush alone: cheap enough for every frame. */
  move(playback: Playback): void;
}

export interface TimeLineEvents {
  /** The scrubber was dragged or a place was clicked. */
  readonly scrub: (positionNs: number) => void;
  readonly brush: (fromNs: number, toNs: number) => void;
}

type Group = Selection<SVGGElement, unknown, null, undefined>;

export function createTimeLine(on: TimeLineEvents): TimeLine {
  const box = element('div', { class: 'time-line' });
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const readout = element('p', { class: 'readout' });
  box.append(svg, readout);
  const root = select(svg);
  addPatterns(root.append('defs'));
  const layers = {
    rows: root.append('g'),
    absent: root.append('g'),
    axis: root.append('g').attr('class', 'axis'),
    brush: root.append('g').attr('class', 'brush'),
    ruler: root.append('rect').attr('class', 'ruler'),
    scrubber: root.append('g').attr('class', 'scrubber'),
  };
  // what has passed is drawn stronger than what is to come
  const passed = root.select('defs').append('clipPath').attr('id', 'passed').append('rect');
  const slider = addSlider(layers.scrubber);
  let shown: { picture: RecordingPicture; lanes: readonly number[]; playback: Playback } | undefined;
  let x: ScaleLinear<number, number> = scaleLinear([0, 1], [0, 1]);
  let brushing = false;

  const timeAt = (px: number): number => {
    const [from, to] = x.domain() as [number, number];
    return Math.min(to, Math.max(from, x.invert(px)));
  };
  const scrubbing = drag<SVGElement, unknown>()
    .container(svg)
    .on('start drag', (event: D3DragEvent<SVGElement, unknown, unknown>) => {
      on.scrub(timeAt(event.x));
    });
  // d3 types a drag by its element; one gesture serves the ruler and the handle
  select<SVGElement, unknown>(layers.ruler.node()!).call(scrubbing);
  select<SVGElement, unknown>(layers.scrubber.node()!).call(scrubbing);

  const gesture = brushX<unknown>();
  gesture.on('start', (event: D3BrushEvent<unknown>) => {
    if (isByHand(event)) brushing = true;
  });
  gesture.on('end', (event: D3BrushEvent<unknown>) => {
    if (!isByHand(event)) return;
    brushing = false;
    const [from, to] = (event.selection as [number, number] | null) ?? [];
    // a click draws nothing: it puts the scrubber there
    if (from === undefined || to === undefined) on.scrub(timeAt(clickedAt(svg, event)));
    else on.brush(timeAt(from), timeAt(to));
  });
  svg.addEventListener('pointermove', (event) => {
    // let go of outside the window
    if (event.buttons === 0) brushing = false;
    readout.textContent = shown === undefined ? '' : readAt(shown, x, event, svg);
  });
  svg.addEventListener('pointerleave', () => {
    readout.textContent = HINT;
  });
  readout.textContent = HINT;

  const move = (playback: Playback): void => {
    if (shown === undefined) return;
    shown = { ...shown, playback };
    const { picture, lanes } = shown;
    const endNs = picture.stepsNs.at(-1) ?? 0;
    const at = x(playback.positionNs);
    layers.scrubber.attr('transform', `translate(${at},0)`);
    passed
      .attr('x', x(playback.range?.fromNs ?? 0) - 1)
      .attr('y', 0)
      .attr('width', Math.max(0, at - x(playback.range?.fromNs ?? 0) + 1))
      .attr('height', heightOf(lanes.length));
    slider
      .attr('aria-valuemax', Math.round(endNs / 1e8) / 10)
      .attr('aria-valuenow', Math.round(playback.positionNs / 1e8) / 10)
      .attr('aria-valuetext', positionText(playback, endNs));
    if (brushing) return;
    const { range } = playback;
    layers.brush.call((group) => {
      gesture.move(group, range === undefined ? null : [x(range.fromNs), x(range.toNs)]);
    });
  };

  const draw = (picture: RecordingPicture, lanes: readonly number[], playback: Playback): void => {
    shown = { picture, lanes, playback };
    const width = Math.max(280, box.clientWidth);
    const left = width < NARROW ? LABELS.narrow : LABELS.wide;
    const height = heightOf(lanes.length);
    const endNs = picture.stepsNs.at(-1) ?? 0;
    x = scaleLinear([0, Math.max(1, endNs)], [left, width - MARGIN.right]);
    root.attr('viewBox', `0 0 ${width} ${height}`).attr('height', height).attr('role', 'group');
    root.attr('aria-label', `Time line of ${lanes.length} rows, ${formatDuration(endNs)} long`);
    layers.axis.attr('transform', `translate(0,${RULER})`).call(
      axisTop(x)
        .tickValues(roundTimes(endNs, Math.floor((width - left) / 70)))
        .tickSize(4)
        .tickPadding(17)
        .tickFormat((ns) => formatPosition(Number(ns)).replace(/\.0$/, '')),
    );
    layers.ruler
      .attr('x', left)
      .attr('y', 0)
      .attr('width', width - MARGIN.right - left)
      .attr('height', RULER);
    layers.scrubber
      .select('line')
      .attr('y1', RULER - 2)
      .attr('y2', height - MARGIN.bottom);
    drawRows(layers.rows, picture, lanes, x);
    drawAbsences(layers.absent, picture, lanes, x);
    gesture.extent([
      [left, RULER],
      [width - MARGIN.right, height - MARGIN.bottom],
    ]);
    layers.brush.call(gesture);
    // its own keys would be those of the scrubber
    layers.brush.selectAll('.overlay,.selection,.handle').attr('tabindex', null);
    move(playback);
  };
  new ResizeObserver(() => {
    if (shown !== undefined) draw(shown.picture, shown.lanes, shown.playback);
  }).observe(box);
  return { element: box, draw, move };
}

const HINT =
  'Drag in the ruler or press ← and → to move the scrubber, Space to play. Drag over the rows, or hold Shift, to choose a range.';

const heightOf = (lanes: number): number => RULER + lanes * (ROW + ROW_GAP) + MARGIN.bottom;

/** Changes by the program itself come through the same events. */
const isByHand = (event: D3BrushEvent<unknown>): boolean =>
  event.sourceEvent !== undefined && event.sourceEvent !== null;

function clickedAt(svg: SVGSVGElement, event: D3BrushEvent<unknown>): number {
  const source = event.sourceEvent as MouseEvent;
  return source.clientX - svg.getBoundingClientRect().left;
}

/** Hatching: what is not known must not look like nothing. */
function addPatterns(defs: Selection<SVGDefsElement, unknown, null, undefined>): void {
  const pattern = defs
    .append('pattern')
    .attr('id', 'unknown')
    .attr('width', 6)
    .attr('height', 6)
    .attr('patternUnits', 'userSpaceOnUse')
    .attr('patternTransform', 'rotate(45)');
  pattern.append('line').attr('y2', 6).attr('class', 'hatch');
}

/** The handle, which is the slider that keys and screen readers meet. */
function addSlider(group: Group): Group {
  group.append('line');
  const slider = group
    .append('g')
    .attr('class', 'handle')
    .attr('role', 'slider')
    .attr('tabindex', 0)
    .attr('aria-label', 'Moment of the recording, in seconds')
    .attr('aria-valuemin', 0);
  slider.append('path').attr('d', `M${-HANDLE},${RULER - 20}h${2 * HANDLE}v9l${-HANDLE},9l${-HANDLE},-9z`);
  return slider;
}

function drawRows(
  group: Group,
  picture: RecordingPicture,
  lanes: readonly number[],
  x: ScaleLinear<number, number>,
): void {
  const { edgesNs, gaps, unit } = picture;
  const [left, right] = x.range() as [number, number];
  const characters = left === LABELS.narrow ? NAME.narrow : NAME.wide;
  const rows = lanes.map((lane, row) => {
    const rates = ratesOf(picture.lanes[lane]!, edgesNs, gaps);
    const most = rates.reduce<number>((max, rate) => Math.max(max, rate ?? 0), 0);
    const top = RULER + ROW_GAP + row * (ROW + ROW_GAP);
    const y = scaleLinear([0, most === 0 ? 1 : most], [top + ROW, top + 2]);
    const shape = area<OutlinePoint>(
      ({ timeNs }) => x(timeNs),
      top + ROW,
      ({ rate }) => y(rate ?? 0),
    ).defined(({ rate }) => rate !== undefined);
    return { lane, top, most, path: shape(outlineOf(rates, edgesNs)) ?? '' };
  });
  const drawn = group
    .selectAll<SVGGElement, (typeof rows)[number]>('g.row')
    .data(rows, ({ lane }) => lane)
    .join((enter) => {
      const row = enter.append('g').attr('class', 'row');
      row.append('text').attr('class', 'name').append('title');
      row.append('text').attr('class', 'peak');
      row.append('line').attr('class', 'base');
      row.append('path').attr('class', 'rate');
      row.append('path').attr('class', 'rate passed').attr('clip-path', 'url(#passed)');
      return row;
    });
  drawn
    .select('.name')
    .attr('x', 0)
    .attr('y', ({ top }) => top + 17)
    .text(({ lane }) => shortened(picture.lanes[lane]!.title, characters))
    .append('title')
    .text(({ lane }) => picture.lanes[lane]!.title);
  drawn
    .select('.peak')
    .attr('x', 0)
    .attr('y', ({ top }) => top + 33)
    .text(({ most }) => `peak ${formatWeightRate(unit, most)}`);
  drawn
    .select('.base')
    .attr('x1', left)
    .attr('x2', right)
    .attr('y1', ({ top }) => top + ROW)
    .attr('y2', ({ top }) => top + ROW);
  drawn.selectAll<SVGPathElement, unknown>('.rate').attr('d', function () {
    return (select(this.parentElement).datum() as { path: string }).path;
  });
}

/** Where a lane was not attached, and where nothing was read of any. */
function drawAbsences(
  group: Group,
  picture: RecordingPicture,
  lanes: readonly number[],
  x: ScaleLinear<number, number>,
): void {
  const { edgesNs, gaps } = picture;
  const own = lanes.flatMap((lane, row) =>
    absences(picture.lanes[lane]!, edgesNs).map(([fromNs, toNs]) => ({
      ...{ fromNs, toNs, top: RULER + ROW_GAP + row * (ROW + ROW_GAP), height: ROW },
      why: `${picture.lanes[lane]!.title} was not attached for ${formatDuration(toNs - fromNs)}.`,
    })),
  );
  const all = gaps.map(({ fromNs, toNs }) => ({
    ...{
      fromNs,
      toNs,
      top: RULER + ROW_GAP,
      height: heightOf(lanes.length) - RULER - ROW_GAP - MARGIN.bottom,
    },
    why: `Nothing was read for ${formatDuration(toNs - fromNs)}: what was counted meanwhile lies somewhere in it.`,
  }));
  group
    .selectAll('rect')
    .data([...own, ...all])
    .join((enter) => {
      const rect = enter.append('rect').attr('class', 'absent');
      rect.append('title');
      return rect;
    })
    .attr('x', ({ fromNs }) => x(fromNs))
    .attr('y', ({ top }) => top)
    .attr('width', ({ fromNs, toNs }) => Math.max(1, x(toNs) - x(fromNs)))
    .attr('height', ({ height }) => height)
    .select('title')
    .text(({ why }) => why);
}

/** Long names lose their middle. */
function shortened(name: string, most: number): string {
  const half = (most - 1) >> 1;
  return name.length <= most ? name : `${name.slice(0, half)}…${name.slice(-half)}`;
}

/** Round times for people: seconds, tens, minutes, hours. */
function roundTimes(endNs: number, most: number): number[] {
  const steps = [
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400,
  ];
  const endS = endNs / 1e9;
  const step =
    steps.find((each) => endS / each <= Math.max(1, most)) ?? 86_400 * Math.ceil(endS / 86_400 / most);
  return Array.from({ length: Math.floor(endS / step + 1e-9) + 1 }, (_, i) => i * step * 1e9);
}

/** What the pointer is at, in words. */
function readAt(
  { picture, lanes }: { readonly picture: RecordingPicture; readonly lanes: readonly number[] },
  x: ScaleLinear<number, number>,
  event: PointerEvent,
  svg: SVGSVGElement,
): string {
  const at = svg.getBoundingClientRect();
  const [px, py] = [event.clientX - at.left, event.clientY - at.top];
  const ns = x.invert(px);
  const lane = picture.lanes[lanes[Math.floor((py - RULER - ROW_GAP / 2) / (ROW + ROW_GAP))] ?? -1];
  const column = indexAt(picture.edgesNs, ns);
  if (lane === undefined || px < x.range()[0]! || column < 0 || column >= lane.counts.length) return HINT;
  const [fromNs, toNs] = [picture.edgesNs[column]!, picture.edgesNs[column + 1]!];
  const span = `${lane.title}, ${formatPosition(fromNs)} to ${formatPosition(toNs)}`;
  if (picture.gaps.some((gap) => gap.fromNs === fromNs))
    return `${span}: nothing was read for ${formatDuration(toNs - fromNs)}; what was counted meanwhile lies somewhere in it.`;
  if (lane.attached[column] !== true) return `${span}: not attached.`;
  const rate = (lane.counts[column]! * 1e9) / Math.max(1, toNs - fromNs);
  return `${span}: ${formatWeightRate(picture.unit, rate)}`;
}
