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
    place(this.element, xPx, yPx);
    this.element.querySelector<HTMLButtonElement>('button:not(:disabled)')?.focus();
  }

  close(): void {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.#back?.focus();
  }
}

/** Pixels between the pointer and the tooltip. */
const GAP_PX = 14;
const TOOLTIP_WIDTH_PX = 640;

/**
 * The box beside the pointer. Its lines are reused, because building them anew was most of what a pointer move cost; and it
 * lies on that side of the pointer where the window has more room, so that it need not be laid out to be measured first.
 */
export class Tooltip {
  readonly element = element('div', { className: 'tooltip', role: 'tooltip', hidden: true });
  readonly #lines: HTMLElement[] = [];
  #text = '';

  show(xPx: number, yPx: number, lines: readonly string[]): void {
    const text = lines.join('\n');
    const same = text === this.#text && !this.element.hidden;
    if (!same) {
      this.#text = text;
      this.#fill(lines);
      this.element.hidden = false;
    }
    const { innerWidth, innerHeight } = window;
    const leftwards = xPx > innerWidth / 2;
    const upwards = yPx > innerHeight / 2;
    this.element.classList.toggle('leftwards', leftwards);
    this.element.classList.toggle('upwards', upwards);
    const roomPx = Math.floor((leftwards ? xPx : innerWidth - xPx) - 2 * GAP_PX);
    this.element.style.maxWidth = `${Math.min(TOOLTIP_WIDTH_PX, roomPx)}px`;
    const left = leftwards ? xPx - GAP_PX - innerWidth : xPx + GAP_PX;
    const top = upwards ? yPx - GAP_PX - innerHeight : yPx + GAP_PX;
    this.element.style.transform = `translate(${left}px, ${top}px)`;
  }

  #fill(lines: readonly string[]): void {
    while (this.#lines.length < lines.length) {
      const line = element('div', { className: this.#lines.length === 0 ? 'name' : 'line' });
      this.#lines.push(line);
      this.element.append(line);
    }
    this.#lines.forEach((line, i) => {
      const text = lines[i];
      if (text !== undefined && line.textContent !== text) line.textContent = text;
      if (line.hidden !== (text === undefined)) line.hidden = text === undefined;
    });
  }

  hide(): void {
    if (!this.element.hidden) this.element.hidden = true;
  }
}

/** Puts a box beside a point, wholly inside the window. */
function place(box: HTMLElement, xPx: number, yPx: number): void {
  const { offsetWidth, offsetHeight } = box;
  const left = xPx + offsetWidth > window.innerWidth ? Math.max(0, xPx - offsetWidth) : xPx;
  const top = yPx + offsetHeight > window.innerHeight ? Math.max(0, yPx - offsetHeight) : yPx;
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
}
