import type { FlameCanvas, Spot } from './canvas.ts';
import type { Gestures } from './gestures.ts';
import type { KeyCommand } from './keys.ts';
import { ROW_HEIGHT_PX } from './model.ts';

/** What keys can ask of the view. */
export interface CommandTarget {
  readonly gestures: Pick<Gestures, 'zoomBy' | 'panBy'>;
  readonly canvas: Pick<FlameCanvas, 'element' | 'widthPx'>;
  readonly focusSearch: () => void;
  readonly step: (direction: 1 | -1) => void;
  readonly scroll: (deltaPx: number, yPx: number) => void;
  /** Leaves the search, else the zoom. */
  readonly back: () => void;
  readonly showAll: () => void;
  readonly showKeys: () => void;
  readonly openBeside: (spot: Spot) => void;
  readonly openMenu: (spot: Spot, xPx: number, yPx: number) => void;
}

/** A step of the zoom keys, of the pan keys (share of the width) and of the page keys (share of the height). */
const ZOOM = 1.5;
const PAN = 0.15;
const PAGE = 0.9;

/** The view's commands; each is given the selected frame, or the root where none is. */
export function commandTable(target: CommandTarget): Readonly<Record<KeyCommand, (spot: Spot) => void>> {
  const { gestures, canvas } = target;
  const zoom = (factor: number) => () => {
    gestures.zoomBy(factor);
  };
  const pan = (share: number) => () => {
    gestures.panBy(share * canvas.widthPx);
  };
  const page =
    (share: number) =>
    ({ pane }: Spot) => {
      target.scroll(share * pane.heightPx, pane.topPx);
    };
  return {
    search: target.focusSearch,
    'next-match': () => {
      target.step(1);
    },
    'previous-match': () => {
      target.step(-1);
    },
    'zoom-in': zoom(ZOOM),
    'zoom-out': zoom(1 / ZOOM),
    left: pan(-PAN),
    right: pan(PAN),
    'page-up': page(-PAGE),
    'page-down': page(PAGE),
    back: target.back,
    all: target.showAll,
    help: target.showKeys,
    'open-beside': target.openBeside,
    menu: (spot) => {
      const { pane, node } = spot;
      const box = canvas.element.getBoundingClientRect();
      const top = pane.rowTopPx(pane.layout.depth[node]!);
      target.openMenu(spot, box.left + 20, box.top + top + ROW_HEIGHT_PX);
    },
  };
}
