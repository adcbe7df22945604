import { checkFilter, type FilterField } from '../../fields/filter/check.ts';
import { type Completion, completeFilter } from '../../fields/filter/complete.ts';
import { element } from '../shared/elements.ts';

/** The input for a filter: checked against the fields while typing, with completion by keyboard and pointer. */
export class FilterBox {
  readonly root: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly list: HTMLElement;
  private readonly message: HTMLElement;
  private readonly mark: HTMLElement;
  private fields: readonly FilterField[] = [];
  private offered: Completion[] = [];
  private chosen = -1;

  constructor(onApply: (filter: string) => void) {
    this.input = element('input', {
      class: 'filter',
      type: 'text',
      spellcheck: 'false',
      placeholder: 'Filter in the kernel, e.g. bytes > 64k && comm == "fio"',
      'aria-label': 'Filter',
      role: 'combobox',
      'aria-autocomplete': 'list',
      'aria-controls': 'completions',
      'aria-expanded': 'false',
    });
    this.mark = element('div', { class: 'mark', 'aria-hidden': 'true' });
    this.list = element('ul', { id: 'completions', class: 'completions', role: 'listbox', hidden: '' });
    this.message = element('div', { class: 'filter-problem', role: 'status', 'aria-live': 'polite' });
    const box = element('div', { class: 'filter-box' });
    box.append(this.input, this.mark, this.list);
    this.root = element('div', { class: 'filter-row' });
    this.root.append(box, this.message);
    this.input.addEventListener('input', () => {
      this.check();
      this.offer();
    });
    this.input.addEventListener('blur', () => {
      this.close();
    });
    this.input.addEventListener('keydown', (event) => {
      this.key(event, onApply);
    });
  }

  setFields(fields: readonly FilterField[], filter: string): void {
    this.fields = fields;
    // What somebody is typing is theirs.
    if (document.activeElement !== this.input || this.input.value === '') this.input.value = filter;
    this.check();
  }

  /** What is written, whether it was applied or not; undefined when it has a mistake. */
  valid(): string | undefined {
    return this.check() ? this.input.value.trim() : undefined;
  }

  focus(): void {
    this.input.focus();
  }

  private check(): boolean {
    const source = this.input.value;
    const [problem] = checkFilter(source, this.fields).problems;
    this.input.setAttribute('aria-invalid', String(problem !== undefined));
    this.mark.replaceChildren();
    this.message.replaceChildren();
    if (problem === undefined) return true;
    // The wavy line lies under the very characters: the same text, transparent, in the same font.
    this.mark.append(
      source.slice(0, problem.start),
      element('span', { class: 'wrong' }, source.slice(problem.start, problem.end) || ' '),
    );
    this.message.append(problem.message);
    const { suggestion, start, end } = problem;
    if (suggestion !== undefined) {
      const fix = element('button', { class: 'link', type: 'button' }, `Use ${suggestion}`);
      fix.addEventListener('click', () => {
        this.input.value = source.slice(0, start) + suggestion + source.slice(end);
        this.check();
        this.input.focus();
      });
      this.message.append(' ', fix);
    }
    return false;
  }

  private offer(): void {
    const at = this.input.selectionStart ?? 0;
    this.offered = completeFilter(this.input.value, at, this.fields).slice(0, 12);
    this.chosen = this.offered.length > 0 && this.input.value.trim() !== '' ? 0 : -1;
    this.draw();
  }

  private draw(): void {
    const open = this.offered.length > 0;
    this.list.hidden = !open;
    this.input.setAttribute('aria-expanded', String(open));
    this.list.replaceChildren(
      ...this.offered.map((item, index) => {
        const row = element('li', { role: 'option', 'aria-selected': String(index === this.chosen) });
        row.append(
          element('span', { class: 'label' }, item.label),
          element('span', { class: 'detail' }, item.detail),
        );
        // Not click: the input would lose the focus first, which closes the list.
        row.addEventListener('pointerdown', (event) => {
          event.preventDefault();
          this.accept(item);
        });
        return row;
      }),
    );
  }

  private accept(item: Completion): void {
    const at = this.input.selectionStart ?? 0;
    const text = item.label + (item.kind === 'value' ? '' : ' ');
    this.input.value = this.input.value.slice(0, item.start) + text + this.input.value.slice(at);
    const cursor = item.start + text.length;
    this.input.setSelectionRange(cursor, cursor);
    this.check();
    this.offer();
  }

  private close(): void {
    this.offered = [];
    this.draw();
  }

  private key(event: KeyboardEvent, onApply: (filter: string) => void): void {
    const open = this.offered.length > 0;
    if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
      const step = event.key === 'ArrowDown' ? 1 : this.offered.length - 1;
      this.chosen = (Math.max(this.chosen, 0) + step) % this.offered.length;
      this.draw();
    } else if (open && event.key === 'Tab' && !event.shiftKey) {
      const item = this.offered[Math.max(0, this.chosen)];
      if (item !== undefined) this.accept(item);
    } else if (event.key === 'Escape' && open) this.close();
    else if (event.key === 'ArrowDown') this.offer();
    else if (event.key === 'Enter') {
      this.close();
      if (this.check()) onApply(this.input.value.trim());
    } else return;
    event.preventDefault();
  }
}
