import type { Node } from '../syntax/ast.ts';

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'kind' in value && 'start' in value;

/** Adds the nodes directly below, last one first, so that taking from the end follows the text. */
function addChildren(node: Node, to: Node[]): void {
  const from = to.length;
  for (const key in node) {
    const value = (node as unknown as Record<string, unknown>)[key];
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const item of value as unknown[]) if (isNode(item)) to.push(item);
    } else if (isNode(value)) to.push(value);
  }
  for (let left = from, right = to.length - 1; left < right; left++, right--) {
    const [a, b] = [to[left], to[right]];
    if (a === undefined || b === undefined) return;
    to[left] = b;
    to[right] = a;
  }
}

/** Visits a node and all below it; `visit` answers false to leave out what is below. */
export function walk(node: Node, visit: (node: Node) => boolean | undefined): void {
  // A list instead of recursion: trees of broken programs can be deep
  const waiting: Node[] = [node];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    if (visit(next) !== false) addChildren(next, waiting);
}
