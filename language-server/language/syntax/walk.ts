import type { Node } from './ast.ts';

/** Calls `enter` for a node and everything below it, parents first; `false` from `enter` leaves the children out. */
export function walk(root: Node, enter: (node: Node) => boolean | void): void {
  const stack: Node[] = [root];
  for (;;) {
    const node = stack.pop();
    if (node === undefined) return;
    if (enter(node) === false) continue;
    const children = childrenOf(node);
    for (let index = children.length - 1; index >= 0; index--) {
      const child = children[index];
      if (child !== undefined) stack.push(child);
    }
  }
}

/** The nodes directly below, in the order of the source. */
export function childrenOf(node: Node): Node[] {
  switch (node.kind) {
    case 'program':
      return [...node.items];
    case 'config':
      return [...node.entries];
    case 'config-entry':
    case 'record-field':
      return [node.name, node.value];
    case 'import':
      return [node.path];
    case 'map-declaration':
      return [node.name, node.mapType, node.maxEntries];
    case 'macro':
      return [node.name, ...node.parameters, node.body];
    case 'subprogram':
      return [node.name, ...node.parameters, node.returnType, node.body];
    case 'parameter':
      return [node.variable, node.type];
    case 'probe':
      return [...node.attachPoints, ...present(node.predicate), node.body];
    case 'attach-point':
      return [...present(node.label), node.provider, ...node.parts];
    case 'block':
      return [...node.statements, ...present(node.result)];
    case 'expression-statement':
      return [node.expression];
    case 'assignment':
      return [node.target, node.value];
    case 'variable-declaration':
      return [node.variable, ...present(node.type), ...present(node.value)];
    case 'discard':
      return [node.value];
    case 'jump':
      return present(node.value);
    case 'while':
      return [node.condition, node.body];
    case 'unroll':
      return [node.count, node.body];
    case 'for':
      return [node.variable, node.iterable, node.body];
    case 'range':
      return [node.from, node.to];
    case 'if':
      return [node.condition, node.then, ...present(node.else)];
    default:
      return childrenOfExpression(node);
  }
}

function childrenOfExpression(node: Node): Node[] {
  switch (node.kind) {
    case 'map':
      return [...(node.keys ?? [])];
    case 'call':
      return [node.callee, ...node.args];
    case 'unary':
    case 'update':
    case 'address-of':
    case 'comptime':
      return [node.operand];
    case 'binary':
      return [node.left, node.right];
    case 'ternary':
      return [node.condition, ...present(node.whenTrue), node.whenFalse];
    case 'field':
      return [node.object, node.field];
    case 'tuple-access':
      return [node.object];
    case 'array-access':
      return [node.object, node.index];
    case 'cast':
      return [node.type, node.operand];
    case 'sizeof':
    case 'typeinfo':
    case 'typeof-type':
      return [node.argument];
    case 'offsetof':
      return [node.subject, ...node.path];
    case 'tuple':
      return [...node.elements];
    case 'record':
      return [...node.fields];
    case 'named-type':
      return [node.name];
    case 'pointer-type':
      return [node.target];
    case 'array-type':
      return [node.element];
    default:
      return [];
  }
}

function present<N extends Node>(node: N | undefined): N[] {
  return node === undefined ? [] : [node];
}

/** The nodes that contain `offset`, outermost first; a node's end counts as inside. */
export function pathTo(root: Node, offset: number): Node[] {
  const path: Node[] = [];
  let node: Node | undefined = root;
  while (node !== undefined) {
    path.push(node);
    const children: Node[] = childrenOf(node);
    // Of two neighbours that meet at the offset the right one wins: the cursor stands at its beginning.
    node = children.findLast((child) => child.start <= offset && offset <= child.end);
  }
  return path;
}
