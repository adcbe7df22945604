import type { Layout } from '../../profile/layout.ts';
import { clampRange, cull, rectangleAt, RectangleList, ROW_HEIGHT_PX } from './model.ts';
import type { Range } from './model.ts';

/** One layout in a part of the canvas. The sandwich has two: callers above, growing upwards, and callees below. */
export class Pane {
  readonly layout: Layout;
  readonly rectangles = new RectangleList();
  /** Rows grow downwards from the root, or upwards. */
  readonly down: boolean;
  /** Depth of the first row: 0 shows the root. */
  readonly firstDepth: number;
  topPx = 0;
  heightPx = 0;
  /** Rows scrolled away on the root's side, in pixels. */
  scrollPx = 0;

  constructor(layout: Layout, down: boolean, firstDepth: number) {
    this.layout = layout;
    this.down = down;
    this.firstDepth = firstDepth;
  }

  get contentPx(): number {
    return (this.layout.deepest - this.firstDepth + 1) * ROW_HEIGHT_PX;
  }

  /** Scrolls to a distance from the root's side, within the content. */
  scrollTo(px: number): void {
    this.scrollPx = Math.max(0, Math.min(px, this.contentPx - this.heightPx));
  }

  /** Collects the visible rectangles for a range and width. */
  cull(range: Range, widthPx: number): void {
    const first = this.firstDepth + Math.floor(this.scrollPx / ROW_HEIGHT_PX);
    const last = this.firstDepth + Math.floor((this.scrollPx + this.heightPx) / ROW_HEIGHT_PX);
    cull(this.layout, clampRange(this.layout, range), widthPx, first, last, this.rectangles);
  }

  /** Top of a row on the canvas. */
  rowTopPx(depth: number): number {
    const offset = (depth - this.firstDepth) * ROW_HEIGHT_PX - this.scrollPx;
    return this.down ? this.topPx + offset : this.topPx + this.heightPx - offset - ROW_HEIGHT_PX;
  }

  /** The rectangle at a place on the canvas, or -1. */
  rectangleAt(xPx: number, yPx: number): number {
    if (yPx < this.topPx || yPx >= this.topPx + this.heightPx) return -1;
    const fromRoot = this.down ? yPx - this.topPx : this.topPx + this.heightPx - yPx;
    const depth = this.firstDepth + Math.floor((fromRoot + this.scrollPx) / ROW_HEIGHT_PX);
    return rectangleAt(this.rectangles, xPx, depth);
  }

  /** Scrolls so that a row is wholly visible. */
  reveal(depth: number): void {
    const offset = (depth - this.firstDepth) * ROW_HEIGHT_PX;
    if (offset < this.scrollPx) this.scrollTo(offset);
    else if (offset + ROW_HEIGHT_PX > this.scrollPx + this.heightPx)
      this.scrollTo(offset + ROW_HEIGHT_PX - this.heightPx);
  }
}

/** Gives panes their share of the height: the sandwich's callers take what they need, at most half. */
export function arrangePanes(panes: readonly Pane[], heightPx: number): void {
  const [first, second] = panes;
  if (first === undefined) return;
  first.topPx = 0;
  first.heightPx =
    second === undefined ? heightPx : Math.min(Math.max(0, first.contentPx), Math.floor(heightPx / 2));
  if (second !== undefined) {
    second.topPx = first.heightPx;
    second.heightPx = heightPx - first.heightPx;
  }
  for (const pane of panes) pane.scrollTo(pane.scrollPx);
}
