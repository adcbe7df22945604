import type { Spot } from './canvas.ts';

export interface PointerEvents {
  readonly spotAt: (event: MouseEvent) => Spot | undefined;
  readonly hover: (spot: Spot | undefined, xPx: number, yPx: number) => void;
  readonly click: (spot: Spot, open: 'source' | 'source-beside' | undefined) => void;
  readonly zoom: (spot: Spot) => void;
  /** The spot is undefined when the menu was asked for by key. */
  readonly menu: (spot: Spot | undefined, xPx: number, yPx: number) => void;
  readonly resize: () => void;
  readonly theme: () => void;
}

/** Pointer, size and theme, as what they mean for the picture. */
export function listen(flame: HTMLElement, events: PointerEvents): void {
  // a mouse moves up to a thousand times a second, and a frame shows one place of it
  let latest: PointerEvent | undefined;
  let asked = false;
  const hover = (): void => {
    asked = false;
    if (latest === undefined) events.hover(undefined, 0, 0);
    else events.hover(events.spotAt(latest), latest.clientX, latest.clientY);
  };
  const moved = (event: PointerEvent | undefined): void => {
    latest = event;
    if (asked) return;
    asked = true;
    requestAnimationFrame(hover);
  };
  flame.addEventListener('pointermove', moved);
  flame.addEventListener('pointerleave', () => {
    moved(undefined);
  });
  flame.addEventListener('click', (event) => {
    const spot = events.spotAt(event);
    if (spot === undefined) return;
    flame.focus();
    const beside = event.ctrlKey || event.metaKey;
    // the second click of a double click zooms
    events.click(spot, event.detail !== 1 ? undefined : beside ? 'source-beside' : 'source');
  });
  flame.addEventListener('dblclick', (event) => {
    const spot = events.spotAt(event);
    if (spot !== undefined) events.zoom(spot);
  });
  flame.addEventListener('contextmenu', (event) => {
    event.preventDefault();
    const spot = event.button === 2 ? events.spotAt(event) : undefined;
    if (event.button !== 2 || spot !== undefined) events.menu(spot, event.clientX, event.clientY);
  });
  new ResizeObserver(events.resize).observe(flame);
  // VS Code changes the body's class and variables when the theme changes
  new MutationObserver(events.theme).observe(document.body, {
    attributes: true,
    attributeFilter: ['class', 'data-vscode-theme-id'],
  });
}
