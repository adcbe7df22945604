const ROW_PX = 20;
/** Browsers cap an element's height at some 33 million pixels. */
const MAX_HEIGHT_PX = 8_000_000;

export interface Rows {
  count(): number;
  /** Fills a row that is reused. */
  fill(row: HTMLElement, index: number): void;
}

/** A list of which only the visible rows are in the document. */
export class VirtualList {
  readonly root: HTMLElement;
  readonly #spacer = document.createElement('div');
  readonly #window = document.createElement('div');
  readonly #rows: Rows;
  #lines: HTMLElement[] = [];
  #drawRequested = false;
  /** Stays at the end while rows are added, until somebody scrolls up. */
  follow = false;
  onFollow: (follow: boolean) => void = () => undefined;

  constructor(root: HTMLElement, rows: Rows) {
    this.root = root;
    this.#rows = rows;
    this.#spacer.className = 'run-spacer';
    this.#window.className = 'run-window';
    root.append(this.#spacer, this.#window);
    root.tabIndex = 0;
    root.addEventListener('scroll', () => {
      this.request();
    });
    for (const kind of ['wheel', 'keydown', 'pointerdown'] as const)
      root.addEventListener(kind, () => {
        requestAnimationFrame(() => {
          this.#look();
        });
      });
    new ResizeObserver(() => {
      this.request();
    }).observe(root);
  }

  setFollow(follow: boolean): void {
    this.follow = follow;
    this.onFollow(follow);
    this.request();
  }

  /** Draws with the next frame. */
  request(): void {
    if (this.#drawRequested) return;
    this.#drawRequested = true;
    requestAnimationFrame(() => {
      this.#drawRequested = false;
      this.#draw();
    });
  }

  #look(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.root;
    const atEnd = scrollTop + clientHeight >= scrollHeight - ROW_PX;
    if (atEnd !== this.follow) this.setFollow(atEnd);
  }

  #draw(): void {
    const count = this.#rows.count();
    const visible = Math.max(1, Math.ceil(this.root.clientHeight / ROW_PX) + 1);
    const height = Math.min(count * ROW_PX, MAX_HEIGHT_PX);
    this.#spacer.style.height = `${height}px`;
    const range = Math.max(0, height - this.root.clientHeight);
    if (this.follow) this.root.scrollTop = range;
    const last = Math.max(0, count - Math.floor(this.root.clientHeight / ROW_PX));
    const exact =
      height < MAX_HEIGHT_PX ? this.root.scrollTop / ROW_PX : (this.root.scrollTop / (range || 1)) * last;
    const first = Math.min(last, Math.floor(exact));
    const offset = height < MAX_HEIGHT_PX ? first * ROW_PX : this.root.scrollTop;
    this.#window.style.transform = `translateY(${offset}px)`;
    while (this.#lines.length < visible) {
      const line = document.createElement('div');
      line.className = 'run-row';
      line.setAttribute('role', 'row');
      this.#lines.push(line);
      this.#window.append(line);
    }
    for (const [at, line] of this.#lines.entries()) {
      const index = first + at;
      line.hidden = at >= visible || index >= count;
      if (line.hidden) continue;
      line.setAttribute('aria-rowindex', String(index + 1));
      this.#rows.fill(line, index);
    }
    this.root.setAttribute('aria-rowcount', String(count));
  }
}
