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

/** The box beside the pointer. Its lines are reused: building them anew was most of what a pointer move cost. */
export class Tooltip {
  readonly element = element('div', { className: 'tooltip', role: 'tooltip', hidden: true });
  readonly #lines: HTMLElement[] = [];
  #text = '';
  #widthPx = 0;
  #heightPx = 0;

  show(xPx: number, yPx: number, lines: readonly string[]): void {
    const text = lines.join('\n');
    const same = text === this.#text && !this.element.hidden;
    if (!same) {
      this.#text = text;
      this.#fill(lines);
      this.element.hidden = false;
      // the one layout of a move, and of this box only (`contain`)
      this.#widthPx = this.element.offsetWidth;
      this.#heightPx = this.element.offsetHeight;
    }
    const { left, top } = placeOf(xPx, yPx, 14, this.#widthPx, this.#heightPx);
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
function place(box: HTMLElement, xPx: number, yPx: number, gapPx: number): void {
  const { left, top } = placeOf(xPx, yPx, gapPx, box.offsetWidth, box.offsetHeight);
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
}

function placeOf(
  xPx: number,
  yPx: number,
  gapPx: number,
  widthPx: number,
  heightPx: number,
): { left: number; top: number } {
  const { innerWidth, innerHeight } = window;
  return {
    left: xPx + gapPx + widthPx > innerWidth ? Math.max(0, xPx - gapPx - widthPx) : xPx + gapPx,
    top: yPx + gapPx + heightPx > innerHeight ? Math.max(0, yPx - gapPx - heightPx) : yPx + gapPx,
  };
}
