import type { Span } from '../diagnostic.ts';
import type { Item, Node } from '../syntax/ast.ts';
import { T } from '../syntax/codes.ts';
import { walk } from '../syntax/walk.ts';
import { nodesAt, type Analysis } from './analysis.ts';
import { referencesOf } from './symbols.ts';

export interface OutlineEntry {
  readonly name: string;
  readonly detail: string;
  readonly kind:
    | 'probe'
    | 'function'
    | 'macro'
    | 'map'
    | 'struct'
    | 'enum'
    | 'field'
    | 'constant'
    | 'define'
    | 'config'
    | 'option';
  readonly span: Span;
  readonly nameSpan: Span;
  readonly children: readonly OutlineEntry[];
}

/** The script's outline: its items, the maps that a probe writes first below it, fields below structs. */
export function outline(analysis: Analysis): OutlineEntry[] {
  const maps = referencesOf(analysis).filter((one) => one.kind === 'map' && one.definition);
  return analysis.parsed.program.items.flatMap((item) => {
    const entry = outlineItem(item);
    if (entry === undefined) return [];
    if (item.kind !== 'probe') return [entry];
    const inside = maps.filter((map) => map.start >= item.start && map.end <= item.end);
    return [{ ...entry, children: inside.map((map) => leaf(map.name, 'map', map)) }];
  });
}

function leaf(name: string, kind: OutlineEntry['kind'], span: Span, detail = ''): OutlineEntry {
  return { name, detail, kind, span, nameSpan: span, children: [] };
}

function outlineItem(item: Item): OutlineEntry | undefined {
  const span = { start: item.start, end: item.end };
  switch (item.kind) {
    case 'probe': {
      const first = item.attachPoints[0];
      const last = item.attachPoints[item.attachPoints.length - 1];
      const name = item.attachPoints.map((point) => point.text).join(', ');
      const nameSpan =
        first === undefined || last === undefined ? span : { start: first.start, end: last.end };
      return { name: name === '' ? '{ … }' : name, detail: '', kind: 'probe', span, nameSpan, children: [] };
    }
    case 'subprogram':
      return {
        name: item.name.text || 'fn',
        detail: '',
        kind: 'function',
        span,
        nameSpan: item.name,
        children: [],
      };
    case 'macro':
      return {
        name: item.name.text || 'macro',
        detail: '',
        kind: 'macro',
        span,
        nameSpan: item.name,
        children: [],
      };
    case 'map-declaration':
      return {
        name: item.name.text,
        detail: item.mapType.text,
        kind: 'map',
        span,
        nameSpan: item.name,
        children: [],
      };
    case 'preprocessor':
      return item.macro === undefined
        ? undefined
        : { ...leaf(item.macro.text, 'define', span), nameSpan: item.macro };
    case 'config':
      return {
        ...leaf('config', 'config', span),
        children: item.entries.map((entry) => leaf(entry.name.text, 'option', entry)),
      };
    case 'c-definition': {
      const children = [
        ...item.fields.flatMap((field) =>
          field.name === undefined ? [] : [leaf(field.name.text, 'field', field, field.typeText)],
        ),
        ...item.constants.map((constant) => leaf(constant.text, 'constant', constant)),
      ];
      const kind = item.keyword === 'enum' ? 'enum' : 'struct';
      const name = `${item.keyword} ${item.name?.text ?? ''}`.trim();
      return { name, detail: '', kind, span, nameSpan: item.name ?? span, children };
    }
    default:
      return undefined;
  }
}

export interface Fold extends Span {
  readonly kind: 'region' | 'comment' | 'imports';
}

/** What can be folded: blocks, C definitions, settings, comments over several lines, rows of `#include`. */
export function folds(analysis: Analysis): Fold[] {
  const result: Fold[] = [];
  walk(analysis.parsed.program, (node) => {
    if (node.kind === 'block' || node.kind === 'c-definition' || node.kind === 'config')
      result.push({ start: node.start, end: node.end, kind: 'region' });
  });
  result.push(...commentFolds(analysis), ...includeFolds(analysis));
  const { lines } = analysis;
  return result
    .filter((fold) => lines.lineOf(fold.end) > lines.lineOf(fold.start))
    .sort((a, b) => a.start - b.start);
}

function commentFolds({ parsed: { tokens }, lines }: Analysis): Fold[] {
  const result: Fold[] = [];
  for (let index = 0; index < tokens.count; index++) {
    if (tokens.code(index) !== T.comment) continue;
    const start = tokens.start(index);
    let end = tokens.end(index);
    // Comments on adjacent lines fold as one.
    while (
      index + 1 < tokens.count &&
      tokens.code(index + 1) === T.comment &&
      lines.lineOf(tokens.start(index + 1)) === lines.lineOf(end) + 1
    )
      end = tokens.end(++index);
    result.push({ start, end, kind: 'comment' });
  }
  return result;
}

function includeFolds({ parsed: { program } }: Analysis): Fold[] {
  const result: Fold[] = [];
  let row: { start: number; end: number } | undefined;
  for (const item of program.items) {
    if (item.kind !== 'preprocessor' && item.kind !== 'import') {
      if (row !== undefined) result.push({ ...row, kind: 'imports' });
      row = undefined;
    } else row = { start: row?.start ?? item.start, end: item.end };
  }
  if (row !== undefined) result.push({ ...row, kind: 'imports' });
  return result;
}

/** Ever larger stretches around a place, the smallest first. */
export function selectionRanges(analysis: Analysis, offset: number): Span[] {
  const result: Span[] = [];
  for (const node of nodesAt(analysis, offset).reverse()) {
    if (node.start > offset || node.end < offset) continue;
    const last = result[result.length - 1];
    if (last?.start === node.start && last.end === node.end) continue;
    result.push({ start: node.start, end: node.end });
    const inner = innerSpan(node);
    if (
      inner !== undefined &&
      inner.start <= offset &&
      offset <= inner.end &&
      last !== undefined &&
      last.start >= inner.start &&
      last.end <= inner.end
    )
      result.splice(-1, 0, inner);
  }
  return result;
}

/** What stands between a block's braces. */
function innerSpan(node: Node): Span | undefined {
  return node.kind === 'block' && node.end - node.start > 2
    ? { start: node.start + 1, end: node.end - 1 }
    : undefined;
}

export interface Link extends Span {
  /** As written: `linux/fs.h`, `stdlib/x`. */
  readonly target: string;
  readonly kind: 'system-include' | 'include' | 'import';
}

/** The files that the script names. */
export function links(analysis: Analysis): Link[] {
  const result: Link[] = [];
  walk(analysis.parsed.program, (node) => {
    if (node.kind === 'preprocessor' && node.include !== undefined) {
      const { start, end, text, system } = node.include;
      result.push({ start, end, target: text, kind: system ? 'system-include' : 'include' });
    } else if (node.kind === 'import' && node.path.end - node.path.start > 2)
      result.push({
        start: node.path.start + 1,
        end: node.path.end - 1,
        target: node.path.value,
        kind: 'import',
      });
  });
  return result;
}

export interface Lens extends Span {
  readonly action: 'run' | 'run-10s' | 'attach-count';
  /** The attach point that *Show attach count* asks about. */
  readonly attachPoint?: string;
}

/** *Run* and *Run for 10 s* above the first probe, *Show attach count* above each with a wildcard. */
export function lenses(analysis: Analysis): Lens[] {
  const result: Lens[] = [];
  let first = true;
  for (const item of analysis.parsed.program.items) {
    if (item.kind !== 'probe') continue;
    const span = { start: item.start, end: item.start };
    if (first) result.push({ ...span, action: 'run' }, { ...span, action: 'run-10s' });
    first = false;
    for (const point of item.attachPoints)
      if (point.text.includes('*'))
        result.push({ start: point.start, end: point.end, action: 'attach-count', attachPoint: point.text });
  }
  return result;
}
