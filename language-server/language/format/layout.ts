import type { Block, Program, Node } from '../syntax/ast.ts';
import { walk } from '../syntax/walk.ts';

/** What the tree says about the white space around single tokens, by the offset at which the token starts. */
export interface Layout {
  /** No space after these: prefix operators, the `)` of a cast, the `/` that opens a predicate. */
  readonly tightAfter: ReadonlySet<number>;
  /** No space before these: `(` of calls, `[` of keys and indexes, postfix operators, the closing `/`. */
  readonly tightBefore: ReadonlySet<number>;
  /** Stars of pointer types. */
  readonly typeStars: ReadonlySet<number>;
  /** Statements of blocks that span several lines, and top-level items: each begins a line. */
  readonly lineStarts: ReadonlySet<number>;
  /** Braces of blocks that span several lines: the content begins a line, and so does the closing brace. */
  readonly openBraces: ReadonlySet<number>;
  readonly closeBraces: ReadonlySet<number>;
}

interface Sets {
  readonly tightAfter: Set<number>;
  readonly tightBefore: Set<number>;
  readonly typeStars: Set<number>;
  readonly lineStarts: Set<number>;
  readonly openBraces: Set<number>;
  readonly closeBraces: Set<number>;
}

export function layoutOf(source: string, program: Program): Layout {
  const sets: Sets = {
    tightAfter: new Set(),
    tightBefore: new Set(),
    typeStars: new Set(),
    lineStarts: new Set(),
    openBraces: new Set(),
    closeBraces: new Set(),
  };
  walk(program, (node) => {
    visit(source, node, sets);
  });
  return sets;
}

function visit(source: string, node: Node, sets: Sets): void {
  switch (node.kind) {
    case 'program':
      for (const item of node.items) sets.lineStarts.add(item.start);
      break;
    case 'block':
      visitBlock(source, node, sets);
      break;
    case 'config':
      if (source.slice(node.start, node.end).includes('\n')) {
        sets.openBraces.add(source.indexOf('{', node.start));
        sets.closeBraces.add(node.end - 1);
        for (const entry of node.entries) sets.lineStarts.add(entry.start);
      }
      break;
    case 'unary':
    case 'address-of':
      sets.tightAfter.add(node.start);
      break;
    case 'update':
      if (node.prefix) sets.tightAfter.add(node.start);
      else sets.tightBefore.add(node.end - 2);
      break;
    case 'call':
      sets.tightBefore.add(opening(source, node.callee.end, '('));
      break;
    case 'map':
      if (node.keys !== undefined) sets.tightBefore.add(opening(source, node.nameEnd, '['));
      break;
    case 'macro':
    case 'subprogram':
      sets.tightBefore.add(opening(source, node.name.end, '('));
      break;
    case 'map-declaration':
      sets.tightBefore.add(opening(source, node.mapType.end, '('));
      break;
    case 'sizeof':
    case 'offsetof':
    case 'typeinfo':
    case 'typeof-type':
      sets.tightBefore.add(
        opening(
          source,
          node.start + (/^\w+/.exec(source.slice(node.start, node.start + 9))?.[0].length ?? 0),
          '(',
        ),
      );
      break;
    case 'unroll':
      if (source.charAt(node.start + 6) === '(') sets.tightBefore.add(node.start + 6);
      break;
    case 'pointer-type':
      sets.typeStars.add(node.end - 1);
      break;
    default:
  }
}

function visitBlock(source: string, node: Block, sets: Sets): void {
  if (!source.slice(node.start, node.end).includes('\n') || source.charAt(node.start) !== '{') return;
  sets.openBraces.add(node.start);
  sets.closeBraces.add(node.end - 1);
  for (const statement of node.statements) sets.lineStarts.add(statement.start);
}

/** Where the bracket that follows `from` stands; comments between are stepped over roughly. */
function opening(source: string, from: number, bracket: string): number {
  return source.indexOf(bracket, from);
}
