import { element } from './dom.ts';
import type { Direction } from './model.ts';

/** Keys that move through the picture. Which arrow leads to a caller depends on where the root is. */
export function directionOf(key: string, rootOnTop: boolean): Direction | undefined {
  switch (key) {
    case 'ArrowUp':
      return rootOnTop ? 'parent' : 'child';
    case 'ArrowDown':
      return rootOnTop ? 'child' : 'parent';
    case 'ArrowLeft':
      return 'previous';
    case 'ArrowRight':
      return 'next';
    case 'Home':
      return 'first';
    case 'End':
      return 'last';
    default:
      return undefined;
  }
}

/** Keys that do something without a frame. */
const commands = {
  '/': 'search',
  n: 'next-match',
  N: 'previous-match',
  '+': 'zoom-in',
  '=': 'zoom-in',
  w: 'zoom-in',
  '-': 'zoom-out',
  a: 'left',
  d: 'right',
  PageUp: 'page-up',
  PageDown: 'page-down',
  Escape: 'back',
  '0': 'all',
  '?': 'help',
} as const;
export type KeyCommand = (typeof commands)[keyof typeof commands] | 'menu' | 'open-beside';

export function commandOf(event: Pick<KeyboardEvent, 'key' | 'shiftKey'>): KeyCommand | undefined {
  if (event.shiftKey && event.key === 'F10') return 'menu';
  if (event.shiftKey && event.key === 'Enter') return 'open-beside';
  return Object.hasOwn(commands, event.key) ? commands[event.key as keyof typeof commands] : undefined;
}

const help: readonly (readonly [keys: string, what: string])[] = [
  ['Click, Enter', 'Open the source'],
  ['Shift+Enter', 'Open the source beside'],
  ['Double-click, Z', 'Zoom to the frame'],
  ['Esc, 0', 'Show everything'],
  ['Arrows, Home, End', 'Move to caller, callee, neighbour, first, last'],
  ['Wheel, Page Up, Page Down', 'Scroll the rows'],
  ['Ctrl+wheel, + and −', 'Zoom'],
  ['Drag, Shift+wheel, A and D', 'Move sideways'],
  ['/, N, Shift+N', 'Search, next match, previous match'],
  ['T', 'Trace the latency of the function'],
  ['C', 'Copy the stack'],
  ['F', 'Focus on the function'],
  ['H', 'Hide the function'],
  ['S', 'Callers and callees of the function (sandwich)'],
  ['Shift+F10, right click', 'All of these as a menu'],
];

/** The list of keys, shown until it is closed. */
export function keyHelp(close: () => void): HTMLElement {
  const list = element('dl');
  for (const [keys, what] of help)
    list.append(element('dt', {}, element('kbd', {}, keys)), element('dd', {}, what));
  const button = element('button', { type: 'button' }, 'Close');
  const box = element('div', { className: 'keys', role: 'dialog', 'aria-label': 'Keys' }, list, button);
  button.addEventListener('click', close);
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
    event.stopPropagation();
  });
  queueMicrotask(() => {
    button.focus();
  });
  return box;
}
