import type { Layout } from '../../profile/layout.ts';
import { pathTo } from '../../profile/layout.ts';

/** Rows are this high, in CSS pixels, so that 11-pixel text has room. */
export const ROW_HEIGHT_PX = 18;
/** Narrower nodes are drawn together as one tail: below it, nothing could be told apart. */
const MIN_WIDTH_PX = 1;

/** What of the x axis is shown, in the profile's unit. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The rectangles of one frame on screen, as columns; `node` is -1 for a tail of nodes too narrow to show. */
export class RectangleList {
  count = 0;
  leftPx = new Float32Array(1024);
  widthPx = new Float32Array(1024);
  depth = new Uint16Array(1024);
  node = new Int32Array(1024);

  push(leftPx: number, widthPx: number, depth: number, node: number): void {
    const i = this.count;
    if (i === this.leftPx.length) this.#grow();
    this.leftPx[i] = leftPx;
    this.widthPx[i] = widthPx;
    this.depth[i] = depth;
    this.node[i] = node;
    this.count = i + 1;
  }

  #grow(): void {
    const length = this.leftPx.length * 2;
    const larger = <T extends Float32Array | Uint16Array | Int32Array>(into: T, from: T): T => (
      into.set(from),
      into
    );
    this.leftPx = larger(new Float32Array(length), this.leftPx);
    this.widthPx = larger(new Float32Array(length), this.widthPx);
    this.depth = larger(new Uint16Array(length), this.depth);
    this.node = larger(new Int32Array(length), this.node);
  }
}

/**
 * Collects what is visible of `layout` in `range`, on rows `firstDepth … lastDepth`, into `out`. Subtrees outside the range,
 * below the last row or narrower than a pixel are skipped by their end, so that the cost follows the screen and not the profile.
 */
export function cull(
  layout: Layout,
  range: Range,
  widthPx: number,
  firstDepth: number,
  lastDepth: number,
  out: RectangleList,
): void {
  out.count = 0;
  const { depth, end, x, total, self, sorted } = layout;
  const count = depth.length;
  const scale = widthPx / (range.to - range.from);
  const from = range.from;
  // the node above, by depth
  const open = new Int32Array(layout.deepest + 2);
  // unsorted siblings: where the tail of each row begins and ends so far
  const tailLeft = new Float64Array(layout.deepest + 2).fill(NaN);
  const tailRight = new Float64Array(layout.deepest + 2).fill(-Infinity);
  for (let i = 0; i < count;) {
    const left = (x[i]! - from) * scale;
    // positions ascend in preorder: everything that follows is to the right as well
    if (left >= widthPx) break;
    const width = total[i]! * scale;
    if (left + width <= 0) {
      i = end[i]!;
      continue;
    }
    const d = depth[i]!;
    if (width < MIN_WIDTH_PX && d > 0) {
      if (sorted) {
        const above = open[d - 1]!;
        const right = Math.min((x[above]! + total[above]! - self[above]! - from) * scale, widthPx);
        // the rest of the siblings is narrower still
        if (d >= firstDepth && right > left) out.push(left, Math.max(right - left, MIN_WIDTH_PX), d, -1);
        i = end[above]!;
      } else {
        if (d >= firstDepth) {
          if (left - tailRight[d]! < MIN_WIDTH_PX) tailRight[d] = Math.max(tailRight[d]!, left + width);
          else {
            flushTail(out, tailLeft, tailRight, d);
            tailLeft[d] = left;
            tailRight[d] = left + width;
          }
        }
        i = end[i]!;
      }
      continue;
    }
    if (d >= firstDepth) {
      const clipped = Math.max(left, -1);
      out.push(clipped, Math.min(left + width, widthPx + 1) - clipped, d, i);
    }
    open[d] = i;
    i = d < lastDepth ? i + 1 : end[i]!;
  }
  if (!sorted)
    for (let d = firstDepth; d <= Math.min(lastDepth, layout.deepest); d++)
      flushTail(out, tailLeft, tailRight, d);
}

function flushTail(out: RectangleList, left: Float64Array, right: Float64Array, depth: number): void {
  const from = left[depth]!;
  if (from === from) out.push(from, Math.max(right[depth]! - from, MIN_WIDTH_PX), depth, -1);
}

/** Index of the rectangle that is drawn at a place, or -1: for the pointer, in microseconds. */
export function rectangleAt(rectangles: RectangleList, leftPx: number, depth: number): number {
  for (let i = 0; i < rectangles.count; i++)
    if (
      rectangles.depth[i] === depth &&
      leftPx >= rectangles.leftPx[i]! &&
      leftPx < rectangles.leftPx[i]! + Math.max(1, rectangles.widthPx[i]!)
    )
      return i;
  return -1;
}

export type Direction = 'parent' | 'child' | 'next' | 'previous' | 'first' | 'last';

/** The node that a key leads to; the same node when there is none. `next` and `previous` are siblings, then cousins on the row. */
export function neighbour(layout: Layout, node: number, direction: Direction): number {
  const { depth, end } = layout;
  const count = depth.length;
  const path = pathTo(layout, node);
  const above = path.at(-2) ?? 0;
  switch (direction) {
    case 'parent':
      return above;
    case 'child':
      return end[node]! > node + 1 ? node + 1 : node;
    case 'next': {
      let i = end[node]!;
      // each deeper node has an ancestor on the row before it, so the first one met is the next
      while (i < count && depth[i] !== depth[node]) i++;
      return i < count ? i : node;
    }
    case 'previous': {
      for (let i = node - 1; i > 0; i--) if (depth[i] === depth[node]) return i;
      return node;
    }
    case 'first':
      return node === 0 ? 0 : above + 1;
    case 'last': {
      if (node === 0) return 0;
      let last = node;
      for (let i = node; i < end[above]!; i = end[i]!) last = i;
      return last;
    }
  }
}

/** The names from the root to a node: how a place is found again in the next picture. */
export function namesTo(layout: Layout, node: number, names: readonly string[]): string[] {
  return pathTo(layout, node)
    .slice(1)
    .map((each) => names[layout.frame[each]!]!);
}

/** The node that a path of names leads to; as far as the path goes. */
export function nodeOf(layout: Layout, path: readonly string[], names: readonly string[]): number {
  let at = 0;
  for (const name of path) {
    let child = at + 1;
    while (child < layout.end[at]! && names[layout.frame[child]!] !== name) child = layout.end[child]!;
    if (child >= layout.end[at]!) return at;
    at = child;
  }
  return at;
}

/** The x axis cut to the layout, never narrower than a 2^40th of it: further in, f64 cannot tell positions apart. */
export function clampRange(layout: Layout, range: Range): Range {
  const total = layout.total[0]! || 1;
  const width = Math.min(Math.max(range.to - range.from, total / 2 ** 40), total);
  const from = Math.min(Math.max(range.from, 0), total - width);
  return { from, to: from + width };
}

/** What to show of a new layout: the frame that was zoomed to, else the same share of the axis as before. */
export function carriedRange(
  layout: Layout,
  before: Layout | undefined,
  shown: Range,
  zoomed: readonly string[] | undefined,
  names: readonly string[],
): Range {
  const total = layout.total[0]!;
  if (zoomed !== undefined) {
    const node = nodeOf(layout, zoomed, names);
    return { from: layout.x[node]!, to: layout.x[node]! + layout.total[node]! };
  }
  const old = before?.total[0] ?? 0;
  if (!(old > 0) || shown.to - shown.from >= old) return { from: 0, to: total };
  return { from: (shown.from * total) / old, to: (shown.to * total) / old };
}

/** The range to go to so that a node can be seen, or undefined when it can be. */
export function revealingRange(
  layout: Layout,
  node: number,
  shown: Range,
  widthPx: number,
): Range | undefined {
  const left = layout.x[node]!;
  const right = left + layout.total[node]!;
  const width = shown.to - shown.from;
  const tooNarrow = ((right - left) / width) * widthPx < 4;
  if (!tooNarrow && right > shown.from && left < shown.to) return undefined;
  // wide enough to be seen and read, with its neighbours around it
  const span = tooNarrow ? (right - left) * 8 : width;
  const from = (left + right - span) / 2;
  return { from, to: from + span };
}
