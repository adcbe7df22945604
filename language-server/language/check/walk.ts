import type { Node } from '../syntax/ast.ts';

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'kind' in value && 'start' in value;

/** The nodes directly below, in the order of the text. */
export function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (const value of Object.values(node) as unknown[])
    if (Array.isArray(value)) {
      for (const item of value as unknown[]) if (isNode(item)) children.push(item);
    } else if (isNode(value)) children.push(value);
  return children;
}

/** Visits a node and all below it; `visit` answers false to leave out what is below. */
export function walk(node: Node, visit: (node: Node) => boolean | undefined): void {
  // A list instead of recursion: trees of broken programs can be deep
  const waiting: Node[] = [node];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop())
    if (visit(next) !== false) waiting.push(...childrenOf(next).reverse());
}
