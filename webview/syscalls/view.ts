import type { CountingToHost, HostToCounting } from '../../protocol/counting-panel.ts';
import type { SyscallSummary } from '../../protocol/syscalls.ts';
import { button, element } from '../shared/elements.ts';
import { CountingHeader } from '../shared/counting-header.ts';
import { columns, linesOf, summaryText, tableText, type SyscallLine } from './model.ts';

/** System calls as `strace -c` and `-T` show them, sorted by any column. */
export class SyscallsView {
  readonly #header: CountingHeader;
  readonly #head = element('tr');
  readonly #body = element('tbody');
  readonly #empty = element('p', { class: 'note' }, 'No system call has returned yet.');
  #summary: SyscallSummary | undefined;
  #by: keyof SyscallLine = 'totalNs';
  #descending = true;

  constructor(root: HTMLElement, post: (message: CountingToHost) => void) {
    this.#header = new CountingHeader(post, () => tableText(this.#lines()));
    const table = element('table');
    const thead = element('thead');
    thead.append(this.#head);
    table.append(thead, this.#body);
    root.append(this.#header.root, table, this.#empty);
    this.#drawHead();
  }

  receive(message: HostToCounting<SyscallSummary>): void {
    this.#header.receive(message);
    if (message.type === 'begin') this.#summary = undefined;
    if (message.type === 'figures') {
      this.#summary = message.figures;
      this.#header.tell(summaryText(message.figures));
    }
    this.#draw();
  }

  #lines(): SyscallLine[] {
    return this.#summary === undefined ? [] : linesOf(this.#summary, this.#by, this.#descending);
  }

  #drawHead(): void {
    this.#head.replaceChildren(
      ...columns.map(({ key, title, meaning }) => {
        const sorted = key === this.#by;
        const mark = sorted ? (this.#descending ? ' ▾' : ' ▴') : '';
        const cell = element('th', {
          scope: 'col',
          'aria-sort': sorted ? (this.#descending ? 'descending' : 'ascending') : 'none',
          ...(key === 'name' || key === 'failed' ? {} : { class: 'number' }),
        });
        cell.append(
          button(`${title}${mark}`, `${meaning}. Click to sort`, () => {
            this.#descending = key === this.#by ? !this.#descending : key !== 'name';
            this.#by = key;
            this.#drawHead();
            this.#draw();
          }),
        );
        return cell;
      }),
    );
  }

  #draw(): void {
    const lines = this.#lines();
    this.#empty.hidden = lines.length > 0;
    this.#body.replaceChildren(
      ...lines.map((line) => {
        const row = element('tr');
        row.append(
          ...columns.map(({ key, text }) => {
            if (key === 'name') return element('th', { scope: 'row' }, line.name);
            if (key === 'failed') return element('td', { class: 'errors' }, text(line));
            const cell = element('td', { class: 'number' }, text(line));
            if (key === 'share') cell.append(shareBar(line.share));
            return cell;
          }),
        );
        return row;
      }),
    );
  }
}

/** The share as a bar; the figure stands beside it. */
function shareBar(share: number): HTMLElement {
  const bar = element('meter', { min: '0', max: '1', value: String(share), 'aria-hidden': 'true' });
  bar.className = 'share';
  return bar;
}
