import { interpolate, select, zoom, zoomIdentity } from 'd3';
import type { D3ZoomEvent, Selection, ZoomBehavior } from 'd3';
import type { Range } from './model.ts';

/** Deeper zooming would leave f64 too few digits for positions. */
const MAX_ZOOM = 2 ** 40;

export interface GestureEvents {
  /** The range that is shown has changed. */
  readonly range: (range: Range) => void;
  /** Rows moved by so many pixels: a wheel turned, or the picture dragged. `yPx` is the pointer's. */
  readonly scroll: (deltaPx: number, yPx: number) => void;
}

/** Drag and wheel: drags pan, the wheel scrolls rows (with Shift: pans), Ctrl+wheel and pinching zoom at the pointer. */
export class Gestures {
  readonly #target: Selection<HTMLElement, unknown, null, undefined>;
  readonly #zoom: ZoomBehavior<HTMLElement, unknown>;
  #total = 1;
  #width = 1;

  constructor(element: HTMLElement, events: GestureEvents) {
    this.#target = select(element);
    this.#zoom = zoom<HTMLElement, unknown>()
      .scaleExtent([1, MAX_ZOOM])
      .interpolate(interpolate)
      .filter((event: MouseEvent | WheelEvent) =>
        event.type === 'wheel' ? event.ctrlKey || event.metaKey : event.button === 0 && !event.shiftKey,
      )
      .on('zoom', (event: D3ZoomEvent<HTMLElement, unknown>) => {
        const { k, x } = event.transform;
        const unitsPerPx = this.#total / this.#width;
        const from = (-x / k) * unitsPerPx;
        events.range({ from, to: from + this.#total / k });
        const source = event.sourceEvent as MouseEvent | null;
        if (source?.type === 'mousemove') events.scroll(-source.movementY, source.offsetY);
      });
    this.#target.call(this.#zoom).on('dblclick.zoom', null);
    element.addEventListener(
      'wheel',
      (event) => {
        if (event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 18 : 1;
        const across = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
        if (across !== 0) this.panBy(across * lines);
        if (!event.shiftKey && event.deltaY !== 0) events.scroll(event.deltaY * lines, event.offsetY);
      },
      { passive: false },
    );
  }

  /** Takes the size of picture and profile. */
  resize(widthPx: number, heightPx: number, total: number): void {
    this.#width = Math.max(1, widthPx);
    this.#total = total || 1;
    const extent: [[number, number], [number, number]] = [
      [0, 0],
      [this.#width, Math.max(1, heightPx)],
    ];
    this.#zoom.extent(extent).translateExtent(extent);
  }

  /** Goes to a range, gliding unless the user wants no motion. */
  goTo(range: Range, glide: boolean): void {
    const k = this.#total / (range.to - range.from);
    const transform = zoomIdentity.translate((-range.from / this.#total) * this.#width * k, 0).scale(k);
    const still = !glide || window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#target.interrupt();
    if (still) this.#zoom.transform(this.#target, transform);
    else this.#zoom.transform(this.#target.transition().duration(220), transform);
  }

  panBy(px: number): void {
    const node = this.#target.node()!;
    const k = (node as unknown as { __zoom?: { k: number } }).__zoom?.k ?? 1;
    this.#zoom.translateBy(this.#target, -px / k, 0);
  }

  zoomBy(factor: number): void {
    this.#zoom.scaleBy(this.#target, factor);
  }
}
