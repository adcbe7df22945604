import { element } from './dom.ts';

/** Something a frame can be asked for, by menu and by key. */
export interface Action {
  readonly label: string;
  /** As KeyboardEvent.key spells it; upper case means with Shift. */
  readonly key: string;
  readonly keyLabel: string;
  readonly enabled: boolean;
  readonly run: () => void;
}

/** The context menu: arrow keys, Enter and Escape work, focus goes back to where it came from. */
export class ContextMenu {
  readonly element = element('div', { className: 'menu', role: 'menu', hidden: true });
  #back: HTMLElement | undefined;

  constructor() {
    this.element.addEventListener('keydown', (event) => {
      const items = [...this.element.querySelectorAll<HTMLButtonElement>('button:not(:disabled)')];
      const at = items.indexOf(document.activeElement as HTMLButtonElement);
      if (event.key === 'ArrowDown') items[(at + 1) % items.length]?.focus();
      else if (event.key === 'ArrowUp') items.at((at - 1) % items.length)?.focus();
      else if (event.key === 'Escape' || event.key === 'Tab') this.close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    document.addEventListener('pointerdown', (event) => {
      if (!this.element.hidden && !this.element.contains(event.target as Node)) this.close();
    });
  }

  open(xPx: number, yPx: number, actions: readonly Action[], back: HTMLElement): void {
    this.#back = back;
    this.element.replaceChildren(
      ...actions.map((action) => {
        const item = element(
          'button',
          { type: 'button', role: 'menuitem', disabled: !action.enabled },
          element('span', {}, action.label),
          element('kbd', {}, action.keyLabel),
        );
        item.addEventListener('click', () => {
          this.close();
          action.run();
        });
        return item;
      }),
    );
    this.element.hidden = false;
    place(this.element, xPx, yPx, 0);
    this.element.querySelector<HTMLButtonElement>('button:not(:disabled)')?.focus();
  }

  close(): void {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.#back?.focus();
  }
}

/** The box beside the pointer. */
export class Tooltip {
  readonly element = element('div', { className: 'tooltip', role: 'tooltip', hidden: true });

  show(xPx: number, yPx: number, lines: readonly string[]): void {
    this.element.replaceChildren(
      ...lines.map((line, i) => element('div', { className: i === 0 ? 'name' : 'line' }, line)),
    );
    this.element.hidden = false;
    place(this.element, xPx, yPx, 14);
  }

  hide(): void {
    this.element.hidden = true;
  }
}

/** Puts a box beside a point, wholly inside the window. */
function place(box: HTMLElement, xPx: number, yPx: number, gapPx: number): void {
  const { offsetWidth, offsetHeight } = box;
  const left =
    xPx + gapPx + offsetWidth > window.innerWidth ? Math.max(0, xPx - gapPx - offsetWidth) : xPx + gapPx;
  const top =
    yPx + gapPx + offsetHeight > window.innerHeight ? Math.max(0, yPx - gapPx - offsetHeight) : yPx + gapPx;
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
}
