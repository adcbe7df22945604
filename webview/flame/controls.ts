import type { FlameChange, FlameOptions } from '../../protocol/flame.ts';
import type { ProfileFacts } from './channel.ts';
import { element } from './dom.ts';
import {
  allThreads,
  ofProcess,
  ofThread,
  threadGroups,
  threadsOf,
  valueOf,
  type ThreadGroup,
} from './threads.ts';

export interface ControlEvents {
  readonly change: (options: FlameChange) => void;
  readonly search: (text: string) => void;
  readonly step: (direction: 1 | -1) => void;
  readonly save: (format: 'svg' | 'folded' | 'csv') => void;
  readonly help: () => void;
}

type Choice = 'arrangement' | 'grouping' | 'colourBy' | 'widths' | 'diffColours';
type Switch =
  'rootOnTop' | 'collapseRecursion' | 'hideKernel' | 'hideLibraries' | 'threadLanes' | 'normalised';

const choices: Readonly<
  Record<Choice, { label: string; title: string; options: readonly [string, string][] }>
> = {
  arrangement: {
    label: 'Arrange',
    title: 'How stacks are laid out',
    options: [
      ['left-heavy', 'Heaviest first'],
      ['time-ordered', 'In order of time'],
      ['inverted', 'Inverted (callees as roots)'],
      ['sandwich', 'Sandwich (callers and callees)'],
    ],
  },
  grouping: {
    label: 'Merge by',
    title: 'What counts as one frame',
    options: [
      ['function', 'Function'],
      ['line', 'Line'],
      ['file', 'File'],
      ['module', 'Module'],
      ['package', 'Package'],
    ],
  },
  colourBy: {
    label: 'Colour by',
    title: 'What the colours tell',
    options: [
      ['kind', 'Kind of code'],
      ['module', 'Module'],
      ['package', 'Package'],
    ],
  },
  widths: {
    label: 'Widths of',
    title: 'Whose weights the widths show',
    options: [
      ['after', 'This profile'],
      ['before', 'The baseline'],
    ],
  },
  diffColours: {
    label: 'Colours',
    title: 'The sign always stands in the text as well',
    options: [
      ['red-blue', 'Red more, blue less'],
      ['colour-blind', 'Yellow more, purple less'],
    ],
  },
};

const switches: Readonly<Record<Switch, readonly [label: string, title: string]>> = {
  rootOnTop: ['Root on top', 'Icicle: callers above callees'],
  collapseRecursion: ['Collapse recursion', 'A function that calls itself is one frame'],
  hideKernel: ['Hide kernel', 'The weight of kernel frames goes to their callers'],
  hideLibraries: ['Hide libraries', 'The weight of shared libraries goes to their callers'],
  threadLanes: ['Lane per thread', 'Stacks under the thread they ran in'],
  normalised: [
    'Compare shares',
    'Scales the baseline to the same total; otherwise weights are compared as they are',
  ],
};

/** The bar above the picture. It shows the options and reports what is chosen; it decides nothing. */
export class Controls {
  readonly bar: HTMLElement;
  readonly searchField: HTMLInputElement;
  readonly filterField: HTMLInputElement;
  readonly #found: HTMLElement;
  readonly #selects = new Map<Choice, HTMLSelectElement>();
  readonly #boxes = new Map<Switch, HTMLInputElement>();
  readonly #labels = new Map<string, HTMLElement>();
  readonly #chips: HTMLElement;
  readonly #threads: HTMLSelectElement;
  #threadGroups: readonly ThreadGroup[] = [];
  /** How many threads the list has. */
  #listed = 0;
  readonly #events: ControlEvents;

  constructor(events: ControlEvents) {
    this.#events = events;
    this.searchField = element('input', {
      type: 'search',
      className: 'search',
      placeholder: 'Search (regex)',
      'aria-label': 'Search frames by regular expression',
      'aria-keyshortcuts': '/',
    });
    this.searchField.addEventListener('input', () => events.search(this.searchField.value));
    this.searchField.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') events.step(event.shiftKey ? -1 : 1);
    });
    this.filterField = element('input', {
      type: 'search',
      className: 'filter',
      placeholder: 'Stacks with… (regex)',
      'aria-label': 'Keep only stacks with a frame that matches this regular expression',
    });
    this.filterField.addEventListener('change', () => events.change({ filter: this.filterField.value }));
    this.#found = element('span', { className: 'found', role: 'status' });
    this.#chips = element('span', { className: 'chips' });
    this.#threads = element('select', {
      title: 'Whose stacks are shown',
      'aria-label': 'Threads',
      hidden: true,
    });
    this.#threads.addEventListener('change', () => {
      events.change({ threads: threadsOf(this.#threads.value, this.#threadGroups) });
    });
    const button = (text: string, label: string, run: () => void): HTMLElement => {
      const made = element('button', { type: 'button', title: label, 'aria-label': label }, text);
      made.addEventListener('click', run);
      return made;
    };
    const save = element('select', { title: 'Save the picture or its data', 'aria-label': 'Save as' });
    for (const [value, text] of [
      ['', 'Save as…'],
      ['svg', 'SVG, searchable'],
      ['folded', 'Folded stacks'],
      ['csv', 'CSV, a line a function'],
    ] as const)
      save.append(element('option', { value }, text));
    save.addEventListener('change', () => {
      const format = save.value;
      save.value = '';
      if (format === 'svg' || format === 'folded' || format === 'csv') events.save(format);
    });
    this.bar = element(
      'header',
      { className: 'controls', role: 'toolbar', 'aria-label': 'Flame graph' },
      this.#choice('arrangement'),
      this.#choice('grouping'),
      this.#choice('colourBy'),
      this.#choice('widths'),
      this.#choice('diffColours'),
      ...(Object.keys(switches) as Switch[]).map((name) => this.#switch(name)),
      this.#threads,
      this.filterField,
      this.#chips,
      element('span', { className: 'spring' }),
      element(
        'span',
        { className: 'together' },
        this.searchField,
        button('↑', 'Previous match (Shift+N)', () => events.step(-1)),
        button('↓', 'Next match (N)', () => events.step(1)),
        this.#found,
      ),
      element('span', { className: 'together' }, save, button('?', 'Keys', events.help)),
    );
  }

  #choice(name: Choice): HTMLElement {
    const { label, title, options } = choices[name];
    const select = element('select', { title });
    for (const [value, text] of options) select.append(element('option', { value }, text));
    select.addEventListener('change', () => this.#events.change({ [name]: select.value }));
    this.#selects.set(name, select);
    const whole = element('label', { title }, `${label} `, select);
    this.#labels.set(name, whole);
    return whole;
  }

  #switch(name: Switch): HTMLElement {
    const [text, title] = switches[name];
    const box = element('input', { type: 'checkbox' });
    box.addEventListener('change', () => this.#events.change({ [name]: box.checked }));
    this.#boxes.set(name, box);
    const whole = element('label', { title, className: 'switch' }, box, ` ${text}`);
    this.#labels.set(name, whole);
    return whole;
  }

  show(options: FlameOptions, facts: ProfileFacts): void {
    for (const [name, select] of this.#selects) select.value = options[name];
    for (const [name, box] of this.#boxes) box.checked = options[name];
    if (document.activeElement !== this.filterField) this.filterField.value = options.filter;
    const { timed, threads } = facts;
    const compared = facts.comparison !== undefined;
    const visible = (name: string, wanted: boolean): void => {
      this.#labels.get(name)!.hidden = !wanted;
    };
    for (const name of ['widths', 'diffColours', 'normalised']) visible(name, compared);
    visible('colourBy', !compared);
    const hasThreads = timed && threads.length > 1 && !compared;
    visible('threadLanes', hasThreads);
    this.#threads.hidden = !hasThreads;
    if (hasThreads) this.#showThreads(options, threads);
    this.#showChips(options, threads);
  }

  #showThreads(options: FlameOptions, threads: ProfileFacts['threads']): void {
    if (this.#listed !== threads.length) {
      this.#listed = threads.length;
      this.#threadGroups = threadGroups(threads);
      const option = (value: string, text: string): HTMLElement => element('option', { value }, text);
      this.#threads.replaceChildren(
        option(allThreads, 'All threads'),
        ...this.#threadGroups.map(({ pid, name, threads: own }) =>
          own.length === 1
            ? option(ofThread(own[0]!), `${name} ${pid}`)
            : element(
                'optgroup',
                { label: `${name} ${pid}` },
                option(ofProcess(pid), `All of ${name} ${pid}`),
                ...own.map((index) => option(ofThread(index), threadName(threads, index))),
              ),
        ),
      );
    }
    const value = valueOf(options.threads, this.#threadGroups);
    // chosen elsewhere: its chip tells
    if (value === undefined) this.#threads.selectedIndex = -1;
    else this.#threads.value = value;
  }

  /** What is filtered away, each with a button that takes it back. */
  #showChips(options: FlameOptions, threads: ProfileFacts['threads']): void {
    const chip = (text: string, back: FlameChange): HTMLElement => {
      const made = element(
        'button',
        { type: 'button', className: 'chip', title: 'Take back', 'aria-label': `Take back: ${text}` },
        `${text} ✕`,
      );
      made.addEventListener('click', () => this.#events.change(back));
      return made;
    };
    const chips: HTMLElement[] = [];
    if (options.focus !== undefined) chips.push(chip(`focus: ${options.focus}`, { focus: undefined }));
    if (options.arrangement === 'sandwich' && options.sandwich !== undefined)
      chips.push(chip(`sandwich: ${options.sandwich}`, { arrangement: 'left-heavy' }));
    for (const name of options.hidden)
      chips.push(chip(`hidden: ${name}`, { hidden: options.hidden.filter((each) => each !== name) }));
    if (options.timeRangeNs !== undefined) {
      const [from, to] = options.timeRangeNs;
      chips.push(
        chip(`${(from / 1e9).toFixed(2)} s to ${(to / 1e9).toFixed(2)} s`, { timeRangeNs: undefined }),
      );
    }
    if (options.threads !== undefined) {
      const names = options.threads.slice(0, 3).map((index) => threadName(threads, index));
      const more = options.threads.length - names.length;
      const text = `threads: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
      chips.push(chip(text, { threads: undefined }));
    }
    this.#chips.replaceChildren(...chips);
  }

  showFound(text: string): void {
    this.#found.textContent = text;
  }
}

function threadName(threads: ProfileFacts['threads'], index: number): string {
  const thread = threads[index];
  return thread === undefined ? '?' : `${thread.name || 'thread'} ${thread.tid}`;
}
