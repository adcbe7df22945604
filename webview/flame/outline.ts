import type { Layout } from '../../profile/layout.ts';
import { pathTo } from '../../profile/layout.ts';
import type { Described } from './describe.ts';
import { sentenceOf } from './describe.ts';
import { element } from './dom.ts';

/** More siblings than this are told as a number: nobody listens to ten thousand. */
const LISTED = 40;

/**
 * What a screen reader meets instead of a picture: a tree of the path to the selected frame, its siblings and its children,
 * made anew whenever the selection moves. `aria-activedescendant` of the picture names the selected item.
 */
export class Outline {
  readonly element = element('div', { className: 'outline' });
  readonly #owner: HTMLElement;

  constructor(owner: HTMLElement) {
    this.#owner = owner;
  }

  show(layout: Layout, selected: number, described: Described): void {
    const path = pathTo(layout, selected);
    const items: HTMLElement[] = [];
    const add = (node: number, level: number): void => {
      const hasChildren = layout.end[node]! > node + 1;
      const item = element(
        'div',
        {
          id: `frame-${node}`,
          role: 'treeitem',
          'aria-level': level + 1,
          'aria-selected': node === selected,
          'aria-expanded': hasChildren ? path.includes(node) : undefined,
        },
        sentenceOf(layout, node, described),
      );
      items.push(item);
    };
    for (const node of path.slice(0, -1)) add(node, layout.depth[node]!);
    const parent = path.at(-2);
    if (parent === undefined) add(0, 0);
    else this.#siblings(layout, parent, selected, add, items);
    if (layout.end[selected]! > selected + 1) {
      // children follow the selected item
      const at = items.findIndex((item) => item.id === `frame-${selected}`) + 1;
      const after = items.splice(at);
      this.#siblings(layout, selected, -1, add, items);
      items.push(...after);
    }
    this.element.replaceChildren(...items);
    this.#owner.setAttribute('aria-activedescendant', `frame-${selected}`);
  }

  #siblings(
    layout: Layout,
    parent: number,
    selected: number,
    add: (node: number, level: number) => void,
    items: HTMLElement[],
  ): void {
    let listed = 0;
    let more = 0;
    for (let node = parent + 1; node < layout.end[parent]!; node = layout.end[node]!) {
      if (listed < LISTED || node === selected) {
        add(node, layout.depth[node]!);
        listed++;
      } else more++;
    }
    if (more > 0)
      items.push(
        element(
          'div',
          { role: 'treeitem', 'aria-level': layout.depth[parent]! + 2 },
          `and ${more} lighter frames`,
        ),
      );
  }
}
