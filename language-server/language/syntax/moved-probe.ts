import type { AttachPoint, Block, Expression, Probe } from './ast.ts';

/** A node with its places, as far as copying needs to know it. */
type Places = { start?: number; end?: number; nameEnd?: number } & Record<string, unknown>;

/** A copy of a tree, or of a list of trees, some characters further on. */
function moved<Tree>(tree: Tree, offset: number): Tree {
  if (typeof tree !== 'object' || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map((item: unknown) => moved(item, offset)) as Tree;
  // Spread, not built up: copies have the hidden class of what the parser makes, and the checker stays fast on both
  const copy = { ...tree } as Places;
  if (copy.start !== undefined) copy.start += offset;
  if (copy.end !== undefined) copy.end += offset;
  if (copy.nameEnd !== undefined) copy.nameEnd += offset;
  for (const key in copy) {
    const value = copy[key];
    if (typeof value === 'object' && value !== null) copy[key] = moved(value, offset);
  }
  return copy as unknown as Tree;
}

/**
 * A probe that stands elsewhere than where it was read, its text being the same. What is below it is copied to its new
 * place when it is asked for: after a keystroke nearly all probes have moved, and nearly none is looked into.
 */
export class MovedProbe implements Probe {
  readonly kind = 'probe';
  readonly start: number;
  readonly end: number;
  readonly #tree: Probe;
  readonly #offset: number;
  #attachPoints: readonly AttachPoint[] | undefined;
  #predicate: Expression | undefined;
  #body: Block | undefined;

  constructor(tree: Probe, start: number) {
    this.#tree = tree;
    this.#offset = start - tree.start;
    this.start = start;
    this.end = tree.end + this.#offset;
  }

  get attachPoints(): readonly AttachPoint[] {
    return (this.#attachPoints ??= moved(this.#tree.attachPoints, this.#offset));
  }

  get predicate(): Expression | undefined {
    return (this.#predicate ??= moved(this.#tree.predicate, this.#offset));
  }

  get body(): Block {
    return (this.#body ??= moved(this.#tree.body, this.#offset));
  }
}
