import { axisTop, brushX, scaleLinear, select } from 'd3';
import type { BrushBehavior, Selection } from 'd3';
import type { WeightUnit } from '../../protocol/profile.ts';
import type { Layout } from '../../profile/layout.ts';
import type { Paint } from './canvas.ts';
import { fillOf } from './canvas.ts';
import type { Pane } from './panes.ts';
import { element } from './dom.ts';
import { formatWeight } from '../../profile/weights.ts';
import { cull, RectangleList } from './model.ts';
import type { Range } from './model.ts';
import type { Theme } from './theme.ts';

const HEIGHT_PX = 36;
const AXIS_PX = 18;

/** The whole profile in a strip, with the part that is shown as a brush, and the axis of the part below it. */
export class Minimap {
  readonly element: HTMLElement;
  readonly #canvas = element('canvas');
  readonly #svg: Selection<SVGSVGElement, unknown, null, undefined>;
  readonly #axis: Selection<SVGGElement, unknown, null, undefined>;
  readonly #brushGroup: Selection<SVGGElement, unknown, null, undefined>;
  readonly #brush: BrushBehavior<unknown>;
  readonly #rectangles = new RectangleList();
  #layout: Layout | undefined;
  #width = 0;

  constructor(brushed: (range: Range) => void) {
    this.element = element('div', { className: 'minimap', 'aria-hidden': true }, this.#canvas);
    this.#svg = select(this.element)
      .append('svg')
      .attr('height', HEIGHT_PX + AXIS_PX);
    this.#axis = this.#svg.append('g').attr('transform', `translate(0 ${HEIGHT_PX + AXIS_PX - 1})`);
    this.#brushGroup = this.#svg.append('g');
    this.#brush = brushX<unknown>().on(
      'brush end',
      (event: { sourceEvent?: Event; selection: [number, number] | null }) => {
        // without a source event the brush was moved to follow the view
        if (event.sourceEvent === undefined || event.sourceEvent === null || this.#layout === undefined)
          return;
        const total = this.#layout.total[0]!;
        if (event.selection === null) brushed({ from: 0, to: total });
        else
          brushed({
            from: (event.selection[0] / this.#width) * total,
            to: (event.selection[1] / this.#width) * total,
          });
      },
    );
  }

  /** Draws the strip: once a picture, size or theme. */
  draw(pane: Pane, paint: Paint, theme: Theme): void {
    const { layout } = pane;
    this.#layout = layout;
    const width = this.element.clientWidth;
    this.#width = width;
    const ratio = window.devicePixelRatio || 1;
    this.#canvas.width = Math.max(1, Math.round(width * ratio));
    this.#canvas.height = Math.round(HEIGHT_PX * ratio);
    this.#canvas.style.width = `${width}px`;
    this.#canvas.style.height = `${HEIGHT_PX}px`;
    this.#svg.attr('width', width);
    this.#brush.extent([
      [0, 0],
      [width, HEIGHT_PX],
    ]);
    this.#brushGroup.call(this.#brush);
    const context = this.#canvas.getContext('2d')!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, HEIGHT_PX);
    const total = layout.total[0]!;
    if (!(total > 0) || width === 0) return;
    const row = Math.max(1, Math.min(4, HEIGHT_PX / (layout.deepest + 1)));
    cull(layout, { from: 0, to: total }, width, 0, Math.floor(HEIGHT_PX / row), this.#rectangles);
    const { count, leftPx, widthPx, depth, node } = this.#rectangles;
    for (let i = 0; i < count; i++) {
      const at = node[i]!;
      context.fillStyle = at < 0 ? theme.tail : theme.fills[fillOf(paint, pane, at)]!;
      context.fillRect(leftPx[i]!, depth[i]! * row, widthPx[i]!, row);
    }
  }

  /** Moves brush and axis to what is shown. */
  follow(range: Range, unit: WeightUnit): void {
    const total = this.#layout?.total[0] ?? 0;
    if (!(total > 0) || this.#width === 0) return;
    const left = (range.from / total) * this.#width;
    const right = Math.max((range.to / total) * this.#width, left + 1);
    const whole = range.from <= 0 && range.to >= total;
    this.#brush.move(this.#brushGroup, whole ? null : [left, right]);
    const scale = scaleLinear([range.from, range.to], [0, this.#width]);
    const axis = axisTop<number>(scale)
      .ticks(Math.max(2, Math.floor(this.#width / 140)))
      .tickSize(4)
      .tickFormat((value) => formatWeight(value, unit));
    this.#axis.call((group) =>
      axis(group as unknown as Selection<SVGGElement, unknown, HTMLElement, unknown>),
    );
    // labels at the edges stay inside
    this.#axis.selectAll<SVGTextElement, number>('text').attr('text-anchor', (value) => {
      const at = scale(value);
      return at < 40 ? 'start' : at > this.#width - 40 ? 'end' : 'middle';
    });
  }
}
