import { ROW_HEIGHT_PX } from './model.ts';
import type { Pane } from './panes.ts';
import type { Theme } from './theme.ts';

/** What decides a rectangle's look besides the theme. */
export interface Paint {
  /** Fill index of each group. */
  readonly fillOfGroup: (group: number) => number;
  /** Fill index of a node, where it depends on the node: in comparisons. */
  readonly fillOfNode?: (pane: Pane, node: number) => number;
  readonly names: readonly string[];
  /** Groups that match the search; all others are dimmed. */
  readonly matching?: Uint8Array;
}

/** A place in one of the panes. */
export interface Spot {
  readonly pane: Pane;
  readonly node: number;
}

/**
 * Three canvases one above the other: rectangles, labels, and what follows pointer and keyboard, so that moving the pointer
 * redraws two outlines and nothing else. All are as large as the viewport and never larger.
 */
export class FlameCanvas {
  readonly element: HTMLElement;
  readonly #layers: readonly [HTMLCanvasElement, HTMLCanvasElement, HTMLCanvasElement];
  readonly #contexts: readonly CanvasRenderingContext2D[];
  #width = 0;
  #height = 0;
  #advancePx = 6;
  /** Where outlines stand: x, y, width and height. */
  readonly #marked: [number, number, number, number][] = [];

  constructor(element: HTMLElement) {
    this.element = element;
    const layer = (name: string): HTMLCanvasElement => {
      const canvas = document.createElement('canvas');
      canvas.className = `layer ${name}`;
      element.append(canvas);
      return canvas;
    };
    this.#layers = [layer('rectangles'), layer('labels'), layer('marks')];
    this.#contexts = this.#layers.map((canvas) => canvas.getContext('2d')!);
  }

  get widthPx(): number {
    return this.#width;
  }

  get heightPx(): number {
    return this.#height;
  }

  /** Takes the element's size; true when it changed. */
  resize(): boolean {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === this.#width && clientHeight === this.#height) return false;
    this.#width = clientWidth;
    this.#height = clientHeight;
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of this.#layers) {
      canvas.width = Math.max(1, Math.round(clientWidth * ratio));
      canvas.height = Math.max(1, Math.round(clientHeight * ratio));
      canvas.style.width = `${clientWidth}px`;
      canvas.style.height = `${clientHeight}px`;
    }
    this.#marked.length = 0;
    for (const context of this.#contexts) context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return true;
  }

  /** Measures the font once: in a monospace font one advance fits all. */
  useTheme(theme: Theme): void {
    const labels = this.#contexts[1]!;
    labels.font = theme.font;
    this.#advancePx = labels.measureText('M'.repeat(64)).width / 64;
  }

  draw(panes: readonly Pane[], paint: Paint, theme: Theme): void {
    const [rectangles, labels] = [this.#contexts[0]!, this.#contexts[1]!];
    rectangles.clearRect(0, 0, this.#width, this.#height);
    labels.clearRect(0, 0, this.#width, this.#height);
    labels.font = theme.font;
    labels.textBaseline = 'middle';
    for (const pane of panes) {
      for (const context of [rectangles, labels]) {
        context.save();
        context.beginPath();
        context.rect(0, pane.topPx, this.#width, pane.heightPx);
        context.clip();
      }
      const fills = fillsOf(pane, paint, theme);
      this.#drawRectangles(rectangles, pane, fills, theme);
      this.#drawLabels(labels, pane, fills, paint, theme);
      rectangles.restore();
      labels.restore();
    }
  }

  /** Colour by colour, because setting a fill costs more than a rectangle; one by one, because a path of them all costs three times that. */
  #drawRectangles(context: CanvasRenderingContext2D, pane: Pane, fills: Uint16Array, theme: Theme): void {
    const { count, leftPx, widthPx, depth } = pane.rectangles;
    const order = bucketed(fills, count, theme.fills.length + EXTRA_FILLS);
    let fill = -1;
    for (const i of order) {
      if (fills[i] !== fill) {
        fill = fills[i]!;
        context.fillStyle = fillStyle(theme, fill);
      }
      const width = widthPx[i]!;
      // a gap of a pixel tells neighbours apart, where there is room for one
      context.fillRect(
        leftPx[i]!,
        pane.rowTopPx(depth[i]!),
        width > 3 ? width - 1 : Math.max(width, 0.75),
        ROW_HEIGHT_PX - 1,
      );
    }
    if (!theme.highContrast || theme.border === undefined) return;
    context.strokeStyle = theme.border;
    context.lineWidth = 1;
    context.beginPath();
    for (let i = 0; i < count; i++)
      if (widthPx[i]! > 4)
        context.rect(leftPx[i]! + 0.5, pane.rowTopPx(depth[i]!) + 0.5, widthPx[i]! - 2, ROW_HEIGHT_PX - 2);
    context.stroke();
  }

  #drawLabels(
    context: CanvasRenderingContext2D,
    pane: Pane,
    fills: Uint16Array,
    paint: Paint,
    theme: Theme,
  ): void {
    const { count, leftPx, widthPx, depth, node } = pane.rectangles;
    const advance = this.#advancePx;
    const { frame } = pane.layout;
    let style = '';
    for (let i = 0; i < count; i++) {
      if (node[i]! < 0) continue;
      const left = Math.max(leftPx[i]!, 0);
      const room = Math.floor((leftPx[i]! + widthPx[i]! - left - 7) / advance);
      if (room < 3) continue;
      const name = depth[i] === 0 ? 'all' : paint.names[frame[node[i]!]!]!;
      const wanted = textStyle(theme, fills[i]!);
      if (wanted !== style) context.fillStyle = style = wanted;
      const text = name.length > room ? `${name.slice(0, room - 1)}…` : name;
      context.fillText(text, left + 3, pane.rowTopPx(depth[i]!) + ROW_HEIGHT_PX / 2);
    }
  }

  /** Outlines the node under the pointer and the one that the keyboard is on. */
  mark(
    hovered: Spot | undefined,
    selected: Spot | undefined,
    theme: Theme,
    ranges: (pane: Pane) => { from: number; to: number },
  ): void {
    const context = this.#contexts[2]!;
    // clearing all of it costs more than both outlines
    for (const [left, top, width, height] of this.#marked.splice(0))
      context.clearRect(left, top, width, height);
    const outline = (spot: Spot, colour: string, width: number): void => {
      const { pane, node } = spot;
      const { layout } = pane;
      const { from, to } = ranges(pane);
      const scale = this.#width / (to - from);
      const left = Math.max((layout.x[node]! - from) * scale, -4);
      const right = Math.min((layout.x[node]! + layout.total[node]! - from) * scale, this.#width + 4);
      if (right < 0 || left > this.#width) return;
      const top = pane.rowTopPx(layout.depth[node]!);
      if (top + ROW_HEIGHT_PX <= pane.topPx || top >= pane.topPx + pane.heightPx) return;
      context.strokeStyle = colour;
      context.lineWidth = width;
      const outlineWidth = Math.max(right - left - 2, 1);
      context.strokeRect(left + 0.5, top + 0.5, outlineWidth, ROW_HEIGHT_PX - 2);
      this.#marked.push([left - 2, top - 2, outlineWidth + 5, ROW_HEIGHT_PX + 3]);
    };
    if (hovered !== undefined) outline(hovered, theme.foreground, 1);
    if (selected !== undefined) outline(selected, theme.focus, 2);
  }
}

/** Fills beyond the theme's list: tails, matches and what does not match. */
const EXTRA_FILLS = 3;

function fillStyle(theme: Theme, fill: number): string {
  const extra = fill - theme.fills.length;
  return extra < 0 ? theme.fills[fill]! : [theme.tail, theme.match, theme.dimmed][extra]!;
}

function textStyle(theme: Theme, fill: number): string {
  const extra = fill - theme.fills.length;
  return extra < 0 ? theme.texts[fill]! : [theme.foreground, theme.matchText, theme.dimmedText][extra]!;
}

function fillsOf(pane: Pane, paint: Paint, theme: Theme): Uint16Array {
  const { count, node } = pane.rectangles;
  const { frame } = pane.layout;
  const fills = new Uint16Array(count);
  const [tail, match, dimmed] = [theme.fills.length, theme.fills.length + 1, theme.fills.length + 2];
  for (let i = 0; i < count; i++) {
    const at = node[i]!;
    if (at < 0) fills[i] = tail;
    else if (paint.matching !== undefined) fills[i] = paint.matching[frame[at]!] === 1 ? match : dimmed;
    else fills[i] = fillOf(paint, pane, at);
  }
  return fills;
}

/** Fill index of a node that nothing is searched for. */
export function fillOf(paint: Paint, pane: Pane, node: number): number {
  return paint.fillOfNode?.(pane, node) ?? paint.fillOfGroup(pane.layout.frame[node]!);
}

/** Indexes of rectangles by fill: a counting sort. */
function bucketed(fills: Uint16Array, count: number, kinds: number): Uint32Array {
  const next = new Uint32Array(kinds + 1);
  for (let i = 0; i < count; i++) next[fills[i]! + 1]!++;
  for (let k = 0; k < kinds; k++) next[k + 1]! += next[k]!;
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[next[fills[i]!]!++] = i;
  return order;
}
