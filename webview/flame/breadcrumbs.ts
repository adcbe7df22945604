import { pathTo } from '../../profile/layout.ts';
import type { Layout } from '../../profile/layout.ts';
import type { GroupFacts } from './channel.ts';
import { nameOf } from './describe.ts';
import { element } from './dom.ts';

/** Ends of the path that are shown; what is between is told as a number. */
const HEAD = 3;
const TAIL = 6;

/** The way from the root to a frame; a click zooms there. */
export function showBreadcrumbs(
  nav: HTMLElement,
  layout: Layout,
  node: number,
  groups: GroupFacts,
  zoomTo: (node: number) => void,
): void {
  const path = pathTo(layout, node);
  const parts: HTMLElement[] = [];
  path.forEach((each, i) => {
    if (i >= HEAD && i < path.length - TAIL) {
      if (i === HEAD)
        parts.push(element('span', { className: 'gap' }, `› ${path.length - HEAD - TAIL} more `));
      return;
    }
    if (i > 0) parts.push(element('span', { className: 'gap', 'aria-hidden': true }, '›'));
    const name = nameOf(layout, each, groups);
    const button = element('button', { type: 'button', title: `Zoom to ${name}` }, name);
    if (each === node) button.setAttribute('aria-current', 'location');
    button.addEventListener('click', () => {
      zoomTo(each);
    });
    parts.push(button);
  });
  nav.replaceChildren(...parts);
}
