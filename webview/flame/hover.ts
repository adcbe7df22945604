import type { Spot } from './canvas.ts';
import { Tooltip } from './overlays.ts';

/** The frame below the pointer, and the box that tells of it. */
export class Hover {
  readonly #tooltip = new Tooltip();
  #spot: Spot | undefined;

  get element(): HTMLElement {
    return this.#tooltip.element;
  }

  get spot(): Spot | undefined {
    return this.#spot;
  }

  /** True when another frame is below the pointer now. */
  moveTo(
    spot: Spot | undefined,
    xPx: number,
    yPx: number,
    linesOf: (spot: Spot) => readonly string[],
  ): boolean {
    const changed = spot?.node !== this.#spot?.node || spot?.pane !== this.#spot?.pane;
    this.#spot = spot;
    if (spot === undefined) this.#tooltip.hide();
    else this.#tooltip.show(xPx, yPx, linesOf(spot));
    return changed;
  }

  hideTooltip(): void {
    this.#tooltip.hide();
  }

  /** The picture was replaced: its frames are gone. */
  leave(): void {
    this.#spot = undefined;
    this.#tooltip.hide();
  }
}
