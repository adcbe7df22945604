import type { KnownCatalog } from '../known-catalog.ts';
import type { Span } from '../diagnostic.ts';
import type { Block, Expression } from '../syntax/ast.ts';
import { T } from '../syntax/codes.ts';
import { walk } from '../syntax/walk.ts';
import { builtins } from '../tables/builtins.ts';
import { configOptions } from '../tables/config.ts';
import { exists } from '../tables/entry.ts';
import { functions } from '../tables/functions.ts';
import type { Signature } from '../tables/signature.ts';
import { keywords, stackModes, typeNames } from '../tables/words.ts';
import { probeWords } from '../tables/probes.ts';
import type { Analysis } from './analysis.ts';
import { nodesAt, probeAt } from './analysis.ts';
import { argumentFields, declaration, probeTypes } from './kernel.ts';
import { membersOf } from './members.ts';
import type { ProbeNames } from './probe-names.ts';
import { referencesOf } from './symbols.ts';

export type CompletionKind =
  | 'probe'
  | 'function'
  | 'builtin'
  | 'keyword'
  | 'variable'
  | 'map'
  | 'field'
  | 'type'
  | 'struct'
  | 'option'
  | 'value'
  | 'macro'
  | 'constant';

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  /** What stands right of the label: a type, a signature. */
  readonly detail?: string;
  readonly doc?: string;
  /** A snippet with `$1`; plain text otherwise. */
  readonly snippet?: string;
  readonly deprecated?: boolean;
}

export interface CompletionList {
  readonly items: readonly Completion[];
  /** What the items replace. */
  readonly replaces: Span;
  /** There are more: ask again after the next key. */
  readonly incomplete: boolean;
}

const nothing = (offset: number): CompletionList => ({
  items: [],
  replaces: { start: offset, end: offset },
  incomplete: false,
});

/** What can be written at a place. `names` are the probes of the target. */
export function complete(analysis: Analysis, offset: number, names: ProbeNames): CompletionList {
  const { source, parsed } = analysis;
  const { tokens } = parsed;
  const index = tokens.indexAt(Math.max(0, offset - 1));
  const inside = index < tokens.count && tokens.start(index) < offset;
  const code = inside ? tokens.code(index) : T.end;
  if (inside && (code === T.comment || code === T.string || code === T.integer || code === T.cBody))
    return nothing(offset);
  const body = bodyAt(analysis, offset);
  if (body === undefined) return completeOutside(analysis, offset, names);
  const start = wordStart(source, offset);
  const replaces = { start, end: wordEnd(source, offset) };
  const before = source.slice(Math.max(0, start - 200), start);
  if (/(?:\.|->)\s*$/.test(before) && !/\.\.\s*$/.test(before))
    return { items: fields(analysis, start), replaces, incomplete: false };
  const sigil = source.charAt(start);
  if (sigil === '$') return { items: variables(analysis, offset), replaces, incomplete: false };
  if (sigil === '@') return { items: maps(analysis, offset), replaces, incomplete: false };
  const composite = /\b(struct|union|enum)\s+$/.exec(before);
  if (composite !== null)
    return structs(analysis, composite[1] ?? 'struct', source.slice(start, offset), replaces);
  const call = /\b([a-z_]\w*)\s*\([^()]*$/.exec(before)?.[1];
  if (call === 'kstack' || call === 'ustack') return { items: modes(analysis), replaces, incomplete: false };
  return { items: general(analysis, offset), replaces, incomplete: false };
}

/** The innermost block around a place, or the predicate: where expressions stand. */
function bodyAt(analysis: Analysis, offset: number): Block | Expression | undefined {
  for (const node of nodesAt(analysis, offset)) {
    if (node.kind === 'block' && node.start < offset && (offset < node.end || !closed(analysis, node)))
      return node;
    if (
      node.kind === 'probe' &&
      node.predicate !== undefined &&
      node.predicate.start <= offset &&
      offset <= node.predicate.end
    )
      return node.predicate;
  }
  return undefined;
}
function closed({ source }: Analysis, block: Block): boolean {
  return source.charAt(block.end - 1) === '}' && block.end - block.start > 1;
}

function wordStart(source: string, offset: number): number {
  let start = offset;
  while (start > 0 && /[\w$@]/.test(source.charAt(start - 1))) {
    start--;
    if (/[$@]/.test(source.charAt(start))) break;
  }
  return start;
}
function wordEnd(source: string, offset: number): number {
  let end = offset;
  while (/\w/.test(source.charAt(end))) end++;
  return end;
}

// ---------------------------------------------------------------- outside of blocks: probes, settings

function completeOutside(analysis: Analysis, offset: number, names: ProbeNames): CompletionList {
  const config = nodesAt(analysis, offset).find((node) => node.kind === 'config');
  if (config !== undefined && offset > config.start + 6 && offset < config.end)
    return completeConfig(analysis, offset);
  const { source } = analysis;
  const start = attachStart(source, offset);
  const text = source.slice(start, offset);
  if (/^(?:#|\/)/.test(text)) return nothing(offset);
  let end = offset;
  while (/[\w:*.\-/]/.test(source.charAt(end))) end++;
  if (!text.includes(':')) {
    const items: Completion[] = probeWords
      .filter((word) => exists(word, analysis.version))
      .map((word) => ({
        label: word.name,
        kind: 'probe',
        detail: word.form,
        doc: word.doc,
        deprecated: word.deprecated !== undefined && analysis.version >= word.deprecated,
        snippet: word.form === word.name ? `${word.name} {\n\t$0\n}` : `${word.name}:$0`,
      }));
    if (start === 0 || /\n\s*$/.test(source.slice(0, start))) items.push(...topLevelWords(analysis));
    const found = text.length < 2 ? [] : names.search(text, 50);
    items.push(...found.map((label): Completion => ({ label, kind: 'probe' })));
    return { items, replaces: { start, end }, incomplete: true };
  }
  const items = names.search(text, 200).map((label): Completion => ({ label, kind: 'probe' }));
  return { items, replaces: { start, end }, incomplete: true };
}

function topLevelWords({ version }: Analysis): Completion[] {
  return keywords
    .filter((word) => ['config', 'fn', 'macro', 'import', 'let'].includes(word.name) && exists(word, version))
    .map((word) => ({ label: word.name, kind: 'keyword', doc: word.doc }));
}

/** An attach point begins after white space, a comma or a brace that is not inside quotes. */
function attachStart(source: string, offset: number): number {
  let start = offset;
  while (start > 0 && /[^\s,{}"]/.test(source.charAt(start - 1))) start--;
  return start;
}

function completeConfig({ source, version }: Analysis, offset: number): CompletionList {
  const start = wordStart(source, offset);
  const replaces = { start, end: wordEnd(source, offset) };
  const option = /([a-z_]+)\s*=\s*$/.exec(source.slice(Math.max(0, start - 100), start))?.[1];
  if (option === 'stack_mode')
    return {
      items: stackModes
        .filter((word) => exists(word, version))
        .map((word) => ({ label: word.name, kind: 'value', doc: word.doc })),
      replaces,
      incomplete: false,
    };
  if (option !== undefined) return { items: [], replaces, incomplete: false };
  const items = configOptions
    .filter((word) => exists(word, version))
    .map((word): Completion => ({
      label: word.name,
      kind: 'option',
      doc: word.doc,
      snippet: `${word.name} = $0;`,
    }));
  return { items, replaces, incomplete: false };
}

// ---------------------------------------------------------------- inside blocks

function fields(analysis: Analysis, start: number): Completion[] {
  const { catalog, version } = analysis;
  const object = objectBefore(analysis, start);
  if (object === undefined) return [];
  if (object.kind === 'identifier' && object.name === 'args')
    return argumentFields(probeAt(analysis, start), catalog, version).map(fieldItem);
  const name = structOf(analysis, object);
  if (name === undefined) return [];
  return (membersOf(analysis, name) ?? []).filter((member) => member.name !== '').map(fieldItem);
}

function fieldItem(field: { readonly name: string; readonly type: string }): Completion {
  return { label: field.name, kind: 'field', detail: declaration(field.type, field.name) };
}

/** The expression that ends right before the `.` or `->` in front of `start`. */
function objectBefore(analysis: Analysis, start: number): Expression | undefined {
  let found: Expression | undefined;
  walk(analysis.parsed.program, (node) => {
    if (node.start > start || node.end < start - 3) return node.kind === 'program';
    if (
      node.kind === 'field' &&
      node.operatorSpan.end <= start &&
      start <= Math.max(node.field.end, node.operatorSpan.end + 1)
    )
      found = node.object;
    return true;
  });
  return found;
}

/** `struct x` that an expression is or points to, as far as the text tells. */
function structOf(analysis: Analysis, node: Expression, depth = 0): string | undefined {
  if (depth > 8) return undefined;
  const known = analysis.structOf(node);
  if (known !== undefined) return known;
  switch (node.kind) {
    case 'cast': {
      const { type } = node;
      const base = type.kind === 'pointer-type' ? type.target : type;
      return base.kind === 'named-type' ? `${base.keyword ?? 'struct'} ${base.name.text}` : undefined;
    }
    case 'identifier':
      return node.name === 'curtask' ? 'struct task_struct' : undefined;
    case 'unary':
      return node.operator === '*' ? structOf(analysis, node.operand, depth + 1) : undefined;
    case 'variable':
      return structOfVariable(analysis, node.name, node.start, depth);
    case 'field':
      return structOfField(analysis, node, depth);
    default:
      return undefined;
  }
}

function structOfField(
  analysis: Analysis,
  node: Extract<Expression, { kind: 'field' }>,
  depth: number,
): string | undefined {
  const { catalog, version } = analysis;
  const isArgs = node.object.kind === 'identifier' && node.object.name === 'args';
  const members = isArgs
    ? argumentFields(probeAt(analysis, node.start), catalog, version)
    : membersOf(analysis, structOf(analysis, node.object, depth + 1) ?? '');
  const type = members?.find((member) => member.name === node.field.text)?.type ?? '';
  return /^(?:const\s+)?((?:struct|union)\s+\w+)/.exec(type)?.[1];
}

function structOfVariable(
  analysis: Analysis,
  name: string,
  before: number,
  depth: number,
): string | undefined {
  let value: Expression | undefined;
  walk(analysis.parsed.program, (node) => {
    if (
      node.kind === 'assignment' &&
      node.target.kind === 'variable' &&
      node.target.name === name &&
      node.end <= before
    )
      value = node.value;
    if (
      node.kind === 'variable-declaration' &&
      node.variable.name === name &&
      node.end <= before &&
      node.value !== undefined
    )
      value = node.value;
  });
  return value === undefined ? undefined : structOf(analysis, value, depth + 1);
}

function variables(analysis: Analysis, offset: number): Completion[] {
  const probe = itemAt(analysis, offset);
  const names = new Set<string>();
  for (const one of referencesOf(analysis))
    if (
      (one.kind === 'variable' || one.kind === 'parameter') &&
      one.name.startsWith('$') &&
      (probe === undefined || (one.start >= probe.start && one.end <= probe.end)) &&
      !(one.start < offset && offset <= one.end)
    )
      names.add(one.name);
  const items: Completion[] = [...names].map((label) => ({ label, kind: 'variable' }));
  items.push(
    { label: '$#', kind: 'value', detail: 'number of positional parameters' },
    { label: '$1', kind: 'value', detail: 'first positional parameter' },
  );
  return items;
}

function itemAt(analysis: Analysis, offset: number): Span | undefined {
  return analysis.parsed.program.items.find((item) => item.start <= offset && offset <= item.end);
}

function maps(analysis: Analysis, offset: number): Completion[] {
  const names = new Set<string>(['@']);
  for (const one of referencesOf(analysis))
    if (one.kind === 'map' && !(one.start < offset && offset <= one.end)) names.add(one.name);
  return [...names].map((label) => ({ label, kind: 'map' }));
}

function structs(analysis: Analysis, keyword: string, typed: string, replaces: Span): CompletionList {
  const items: Completion[] = [];
  for (const item of analysis.parsed.program.items)
    if (item.kind === 'c-definition' && item.keyword === keyword && item.name !== undefined)
      items.push({ label: item.name.text, kind: 'struct' });
  const wanted = typed.toLowerCase();
  let incomplete = false;
  for (const name of structNames(analysis.catalog, keyword)) {
    if (!name.toLowerCase().includes(wanted)) continue;
    if (items.length >= 300) {
      incomplete = true;
      break;
    }
    items.push({ label: name, kind: 'struct' });
  }
  return { items, replaces, incomplete };
}

function structNames(catalog: KnownCatalog | undefined, keyword: string): string[] {
  if (catalog === undefined) return [];
  if (keyword === 'enum') return Object.keys(catalog.enums).filter((name) => name !== '');
  return Object.keys(catalog.structs).flatMap((name) =>
    name.startsWith(`${keyword} `) ? [name.slice(keyword.length + 1)] : [],
  );
}

function modes({ version }: Analysis): Completion[] {
  return stackModes
    .filter((word) => exists(word, version))
    .map((word) => ({ label: word.name, kind: 'value', doc: word.doc }));
}

/** Everything that can begin an expression or a statement. */
function general(analysis: Analysis, offset: number): Completion[] {
  const { version } = analysis;
  const types = probeTypes(probeAt(analysis, offset), version);
  const fits = (only: readonly string[] | undefined): boolean =>
    only === undefined || types.size === 0 || only.some((one) => types.has(one as never));
  const items: Completion[] = [];
  for (const word of functions) {
    if (!exists(word, version) || !fits(word.probes)) continue;
    const signature = word.signatures.find((one) => exists(one, version)) ?? word.signatures[0];
    const insert =
      signature === undefined ? {} : { detail: signature.label, snippet: callSnippet(word.name, signature) };
    items.push({
      label: word.name,
      kind: 'function',
      doc: word.doc,
      ...insert,
      ...deprecatedOf(word.deprecated, version),
    });
  }
  for (const word of builtins)
    if (exists(word, version) && fits(word.probes))
      items.push({
        label: word.name,
        kind: 'builtin',
        doc: word.doc,
        ...deprecatedOf(word.deprecated, version),
      });
  for (const word of keywords)
    if (exists(word, version) && !['config', 'fn', 'macro'].includes(word.name))
      items.push({ label: word.name, kind: 'keyword', doc: word.doc });
  for (const word of typeNames)
    if (exists(word, version)) items.push({ label: word.name, kind: 'type', doc: word.doc });
  items.push(...variables(analysis, offset), ...maps(analysis, offset), ...ownNames(analysis));
  return items;
}

function deprecatedOf(
  since: number | undefined,
  version: number,
): { deprecated: true } | Record<never, never> {
  return since !== undefined && version >= since ? { deprecated: true } : {};
}

function callSnippet(name: string, signature: Signature): string {
  if (signature.max === 0) return `${name}()`;
  return name === 'printf' ? 'printf("$1\\n"$2)' : `${name}($1)`;
}

function ownNames(analysis: Analysis): Completion[] {
  const items: Completion[] = [];
  for (const item of analysis.parsed.program.items) {
    if (item.kind === 'macro')
      items.push({ label: item.name.text, kind: 'macro', snippet: `${item.name.text}($1)` });
    if (item.kind === 'subprogram')
      items.push({ label: item.name.text, kind: 'function', snippet: `${item.name.text}($1)` });
    if (item.kind === 'preprocessor' && item.macro !== undefined)
      items.push({ label: item.macro.text, kind: 'macro' });
    if (item.kind === 'c-definition')
      items.push(
        ...item.constants.map((constant): Completion => ({ label: constant.text, kind: 'constant' })),
      );
  }
  return items;
}
