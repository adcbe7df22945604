import { showBreadcrumbs } from './breadcrumbs.ts';
import type { Spot } from './canvas.ts';
import type { Described } from './describe.ts';
import { nameOf, sentenceOf } from './describe.ts';
import { element } from './dom.ts';
import { namesTo, nodeOf } from './model.ts';
import { Outline } from './outline.ts';
import type { Pane } from './panes.ts';

/** The frame that pointer or keyboard chose, and what tells of it: breadcrumbs, status line, and the tree for screen readers. */
export class Selection {
  readonly breadcrumbs = element('nav', { className: 'breadcrumbs', 'aria-label': 'Path to the frame' });
  readonly status = element('footer', { className: 'status', 'aria-live': 'polite' });
  readonly #outline: Outline;
  readonly #zoomTo: (spot: Spot) => void;
  #spot: Spot | undefined;
  /** Of the picture that the frame was chosen in. */
  #described: Described | undefined;

  /** `flame` takes the tree for screen readers. */
  constructor(flame: HTMLElement, zoomTo: (spot: Spot) => void) {
    this.#outline = new Outline(flame);
    flame.append(this.#outline.element);
    this.#zoomTo = zoomTo;
  }

  get spot(): Spot | undefined {
    return this.#spot;
  }

  /** The function that was chosen; undefined for none and for the root. */
  get functionName(): string | undefined {
    if (this.#spot === undefined || this.#spot.node === 0 || this.#described === undefined) return undefined;
    return nameOf(this.#spot.pane.layout, this.#spot.node, this.#described.groups);
  }

  choose(spot: Spot, described: Described): void {
    this.#spot = spot;
    this.#described = described;
    const { pane, node } = spot;
    this.#outline.show(pane.layout, node, described);
    this.#showPath(spot, described);
    this.status.textContent = sentenceOf(pane.layout, node, described);
  }

  /**
   * Finds the frame again in a picture that takes the place of the one before; in a sandwich without it, the function that
   * this is about. Where none was chosen, `summary` tells of the whole picture.
   */
  follow(pane: Pane, isSandwich: boolean, described: Described, summary: string): void {
    const { layout } = pane;
    if (this.#spot === undefined || this.#described === undefined) {
      this.#showPath({ pane, node: 0 }, described);
      this.status.textContent = summary;
      return;
    }
    const path = namesTo(this.#spot.pane.layout, this.#spot.node, this.#described.groups.names);
    const found = nodeOf(layout, path, described.groups.names);
    this.choose({ pane, node: found === 0 && isSandwich && layout.frame.length > 1 ? 1 : found }, described);
  }

  /** As before any picture. */
  clear(): void {
    this.#spot = undefined;
    this.breadcrumbs.replaceChildren();
    this.status.textContent = '';
  }

  #showPath({ pane, node }: Spot, { groups }: Described): void {
    showBreadcrumbs(this.breadcrumbs, pane.layout, node, groups, (to) => {
      this.#zoomTo({ pane, node: to });
    });
  }
}
