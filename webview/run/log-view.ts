import type { RunToHost } from '../../protocol/run-panel.ts';
import type { LogLine } from '../../protocol/script.ts';
import { formatCount } from '../../protocol/format.ts';
import { element } from '../flame/dom.ts';
import { LogModel } from './model.ts';
import { VirtualList } from './virtual-list.ts';

/** Kinds that are marked by a word, not by their colour alone. */
const marks: Readonly<Partial<Record<LogLine['kind'], string>>> = {
  warning: 'warning',
  error: 'error',
  engine: 'bpftrace',
  syscall: 'system',
};

/** The log: all that the script printed line by line, with a search. Lines about the script lead to it. */
export class LogView {
  readonly root = element('section', { className: 'run-log', 'aria-label': 'Log' });
  readonly model = new LogModel();
  readonly #search = element('input', { type: 'search', placeholder: 'Search the log' });
  readonly #found = element('span', { className: 'run-found' });
  readonly #follow = element('button', { type: 'button' }, 'Follow');
  readonly #list: VirtualList;
  readonly #post: (message: RunToHost) => void;

  constructor(post: (message: RunToHost) => void) {
    this.#post = post;
    const lines = element('div', { className: 'run-lines', role: 'log' });
    lines.setAttribute('aria-label', 'Lines that the script printed');
    this.#list = new VirtualList(lines, {
      count: () => this.model.rows,
      fill: (row, index) => {
        this.#fill(row, this.model.row(index));
      },
    });
    this.#list.follow = true;
    this.#list.onFollow = (follow) => {
      this.#follow.setAttribute('aria-pressed', String(follow));
    };
    this.#follow.title = 'Stay at the newest line';
    this.#follow.setAttribute('aria-pressed', 'true');
    this.#follow.addEventListener('click', () => {
      this.#list.setFollow(!this.#list.follow);
    });
    this.#search.setAttribute('aria-label', 'Search the log');
    this.#found.setAttribute('aria-live', 'polite');
    this.#search.addEventListener('input', () => {
      this.model.search(this.#search.value);
      this.draw();
    });
    const copy = element('button', { type: 'button', title: 'Copy the lines that are shown' }, 'Copy');
    copy.addEventListener('click', () => {
      post({ type: 'copy', text: this.model.text() });
    });
    const bar = element('div', { className: 'run-log-bar' });
    bar.append(element('h2', {}, 'Log'), this.#search, this.#found, this.#follow, copy);
    this.root.append(bar, lines);
    lines.addEventListener('click', (event) => {
      this.#open((event.target as HTMLElement).closest<HTMLElement>('[data-line]'));
    });
    lines.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.#open(event.target as HTMLElement);
    });
  }

  focusSearch(): void {
    this.#search.focus();
    this.#search.select();
  }

  draw(): void {
    const { rows, total, forgotten } = this.model;
    const before = forgotten > 0 ? `, ${formatCount(forgotten)} older ones in the recording` : '';
    this.#found.textContent =
      this.#search.value === ''
        ? `${formatCount(total)} ${total === 1 ? 'line' : 'lines'}${before}`
        : `${formatCount(rows)} of ${formatCount(total)} lines`;
    this.#list.request();
  }

  #open(row: HTMLElement | null): void {
    const line = row?.dataset['line'];
    if (line === undefined) return;
    this.#post({ type: 'openPlace', line: Number(line), character: Number(row?.dataset['character'] ?? 0) });
  }

  #fill(row: HTMLElement, line: LogLine | undefined): void {
    if (row.childElementCount === 0)
      row.append(
        element('span', { className: 'run-time' }),
        element('span', { className: 'run-mark' }),
        element('span', { className: 'run-text' }),
      );
    const [time, mark, text] = [...row.children] as [HTMLElement, HTMLElement, HTMLElement];
    if (line === undefined) return;
    row.dataset['kind'] = line.kind;
    const hasPlace = line.line !== undefined;
    if (hasPlace) {
      row.dataset['line'] = String(line.line);
      row.dataset['character'] = String(line.character ?? 0);
      row.tabIndex = 0;
    } else {
      delete row.dataset['line'];
      row.removeAttribute('tabindex');
    }
    row.title = hasPlace ? 'Open this place in the script' : '';
    time.textContent = (line.timeMs / 1000).toFixed(3);
    mark.textContent = marks[line.kind] ?? '';
    text.textContent = hasPlace ? `line ${(line.line ?? 0) + 1}: ${line.text}` : line.text;
  }
}
