import type { EventStack } from '../../protocol/events.ts';
import type { Frame, SourcePlace } from '../../protocol/source.ts';
import { button, element } from '../shared/elements.ts';
import { placesOf } from './model.ts';

/** A row's stack, as the pane shows it; `stack` is absent while it is being named, or when it was not recorded. */
export interface ShownStack {
  readonly heading: string;
  readonly stack: EventStack | undefined;
  /** Said in place of frames. */
  readonly without: string;
}

/** The stacks of the selected row below the table. A frame's place is a button that opens its line. */
export class StackPane {
  readonly root = element('section', { class: 'stacks', 'aria-label': 'Stacks of the row', hidden: '' });
  private readonly open: (place: SourcePlace) => void;
  private drawn = '';

  constructor(open: (place: SourcePlace) => void) {
    this.open = open;
  }

  /** Draws only what is new: the table is drawn with each batch of rows. `key` tells one content from another. */
  show(key: string, stacks: readonly ShownStack[]): void {
    if (key === this.drawn) return;
    this.drawn = key;
    this.root.hidden = stacks.length === 0;
    this.root.replaceChildren(...stacks.map((shown) => this.block(shown)));
  }

  private block({ heading, stack, without }: ShownStack): HTMLElement {
    const block = element('div', { class: 'stack' });
    block.append(element('h2', {}, heading));
    if (stack === undefined || stack.frames.length === 0)
      block.append(element('p', { class: 'without' }, without));
    else {
      const list = element('ol');
      list.append(...stack.frames.map((frame) => this.line(frame)));
      block.append(list);
    }
    for (const note of stack?.notes ?? []) block.append(element('p', { class: 'note' }, note));
    return block;
  }

  private line(frame: Frame): HTMLElement {
    const item = element('li');
    item.append(element('span', { class: 'function' }, frame.function));
    if (frame.inlined === true) item.append(element('span', { class: 'aside' }, 'inlined'));
    const [place] = placesOf({ id: 0, kind: 'user', frames: [frame], notes: [] });
    if (place === undefined)
      item.append(
        element('span', { class: 'aside', title: frame.module ?? '' }, shortName(frame.module ?? '')),
      );
    else {
      const link = button(
        `${shortName(place.file)}:${place.line}`,
        `Open ${place.file}:${place.line}`,
        () => {
          this.open(place);
        },
      );
      link.className = 'link';
      item.append(link);
    }
    return item;
  }
}

function shortName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
