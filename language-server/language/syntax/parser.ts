import type { Diagnostic } from '../diagnostic.ts';
import { newestVersion, type Version } from '../version.ts';
import type { Item, Program } from './ast.ts';
import { parseCDefinition, parsePreprocessor, startsCDefinition } from './c-definitions.ts';
import { T } from './codes.ts';
import { parseConfig, parseMacro, parseMapDeclaration, parseProbe, parseSubprogram } from './items.ts';
import type { KnownProbe, ParseMemory } from './memory.ts';
import { behindNextToken, ParserState } from './state.ts';
import { parseImport } from './statements.ts';
import type { TokenList } from './tokens.ts';
import { isCompositeKeyword } from './types.ts';

export interface ParseOptions {
  /** The release whose grammar decides what is an error; the newest one known by default. */
  readonly version?: Version;
}

export interface ParseResult {
  readonly program: Program;
  /** Syntax errors, in order of their place; at most 200. */
  readonly diagnostics: readonly Diagnostic[];
  readonly tokens: TokenList;
  readonly version: Version;
  /** With a memory: what it knows of each item, if that is a probe that was read without a complaint. */
  readonly known?: readonly (KnownProbe | undefined)[];
}

/** Reads a script. Never throws; what it cannot read is reported and skipped. Time and memory grow with its length. */
export function parse(source: string, options: ParseOptions = {}): ParseResult {
  const p = new ParserState(source, options.version ?? newestVersion);
  return resultOf(p, parseItems(p));
}

/** What `parse()` answers, probes that the last text had being taken from there. */
export function parseAgain(source: string, options: ParseOptions, memory: ParseMemory): ParseResult {
  const version = options.version ?? newestVersion;
  const p = new ParserState(source, version);
  const known: (KnownProbe | undefined)[] = [];
  memory.begin(version);
  const items = parseItems(p, memory, known);
  memory.end();
  return { ...resultOf(p, items), known };
}

function resultOf(p: ParserState, items: readonly Item[]): ParseResult {
  const program: Program = { kind: 'program', start: 0, end: p.source.length, items };
  const diagnostics = p.diagnostics.sort((a, b) => a.start - b.start || a.end - b.end);
  return { program, diagnostics, tokens: p.tokens, version: p.version };
}

/** What may still come: bpftrace wants C definitions, then settings and imports, then the rest. */
interface Order {
  definitions: boolean;
  preamble: boolean;
  config: boolean;
}

function parseItems(p: ParserState, memory?: ParseMemory, known: (KnownProbe | undefined)[] = []): Item[] {
  const items: Item[] = [];
  const order: Order = { definitions: true, preamble: true, config: false };
  p.next();
  while (p.code !== T.end) {
    const { start } = p;
    const again = memory?.take(p);
    if (again !== undefined) {
      known[items.length] = again;
      items.push(again.probe);
      order.definitions = order.preamble = false;
      continue;
    }
    const reported = p.diagnostics.length;
    const item = parseItem(p, order, items);
    const tooDeep = p.recoverFromDepth();
    if (item !== undefined) {
      known[items.length] =
        item.kind === 'probe' && !tooDeep
          ? memory?.note(p, item, reported, (source) => parse(source, p))
          : undefined;
      items.push(item);
    }
    if (tooDeep) skipItem(p, start);
    else if (item === undefined && p.start === start) skipItem(p, start);
    if (p.start === start && p.code !== T.end) p.next();
  }
  if (
    !items.some((item) => item.kind === 'probe' || item.kind === 'broken-item') &&
    p.diagnostics.length === 0
  )
    reportNoProbes(p, items);
  return items;
}

function reportNoProbes(p: ParserState, items: readonly Item[]): void {
  const last = items[items.length - 1];
  if (items.some((item) => item.kind === 'subprogram')) return;
  const at = last?.end ?? 0;
  p.report({
    code: 'no-probes',
    // A library for `import` has none
    severity: p.version >= 24 ? 'warning' : 'error',
    start: at,
    end: at,
    message: 'The script has no probe',
    hint: 'Begin with one: `BEGIN { printf("hello\\n"); }`.',
  });
}

function parseItem(p: ParserState, order: Order, items: readonly Item[]): Item | undefined {
  const { start, end, code } = p;
  switch (code) {
    case T.shebang:
      return parseShebang(p, items);
    case T.preprocessor: {
      const node = parsePreprocessor(p);
      checkOrder(p, order, 'definitions', node.start, node.end);
      return node;
    }
    case T.config:
      if (p.version < 20 && !/^\s*=/.test(p.source.slice(end, end + 40))) break;
      if (order.config) p.error('duplicate-config', start, end, 'A script has one `config` block at most');
      else checkOrder(p, order, 'preamble', start, end);
      order.config = true;
      return parseConfig(p);
    case T.import:
      if (p.version < 24 && !/^\s*"/.test(p.source.slice(end, end + 40))) break;
      p.requires(24, 'Imports are known', start, end);
      checkOrder(p, order, 'preamble', start, end);
      return parseImport(p);
    case T.let:
      if (p.version < 22 && !/^\s*[@$]/.test(p.source.slice(end, end + 40))) break;
      checkOrder(p, order, 'rest', start, end);
      return parseMapDeclaration(p);
    case T.macro:
      if (p.version < 24 && !/^\s+\w+\s*\(/.test(p.source.slice(end, end + 80))) break;
      checkOrder(p, order, 'rest', start, end);
      return parseMacro(p);
    case T.fn:
      if (p.version < 21 && !/^\s+\w+\s*\(/.test(p.source.slice(end, end + 80))) break;
      checkOrder(p, order, 'rest', start, end);
      return parseSubprogram(p);
    default:
      if (isCompositeKeyword(code) && (startsCDefinition(p) || !p.handWritten)) {
        checkOrder(p, order, 'definitions', start, end);
        return parseCDefinition(p);
      }
  }
  if (code === T.rightBrace || code === T.semicolon) return strayToken(p);
  checkOrder(p, order, 'rest', start, end);
  return parseProbe(p);
}

function parseShebang(p: ParserState, items: readonly Item[]): Item {
  const { start, end, source } = p;
  const before = source.slice(0, start);
  const atLineStart = start === 0 || source.charCodeAt(start - 1) === 10;
  const allowed = p.handWritten || (atLineStart && (p.version <= 23 || before.trim() === ''));
  if (!allowed || (p.version >= 24 && items.length > 0))
    p.error('misplaced-definition', start, end, '`#!` can stand in the first line only');
  p.next();
  return { kind: 'shebang', start, end, text: source.slice(start, end) };
}

/** A `}` or `;` that belongs to nothing. */
function strayToken(p: ParserState): Item {
  const { start, end } = p;
  p.report({
    code: 'unexpected-token',
    severity: 'error',
    start,
    // To the hand-written parser it is a part of the name of a probe
    end: p.handWritten ? behindNextToken(p.source, end) : end,
    message: `This \`${p.source.slice(start, end)}\` belongs to nothing`,
    fixes: [{ title: 'Remove it', edits: [{ start, end, newText: '' }] }],
  });
  p.next();
  return { kind: 'broken-item', start, end };
}

function checkOrder(
  p: ParserState,
  order: Order,
  group: 'definitions' | 'preamble' | 'rest',
  start: number,
  end: number,
): void {
  if (group === 'rest') {
    order.definitions = false;
    order.preamble = false;
    return;
  }
  if (group === 'preamble') order.definitions = false;
  if (order[group]) return;
  const definitions = group === 'definitions';
  const what = definitions ? 'C definitions' : 'Settings and imports';
  const before = definitions ? 'settings and all probes' : 'all probes';
  p.error('misplaced-definition', start, end, `${what} must stand before ${before}`, 'Move this up.');
}

/** After an item that could not be read: on to behind its block, or to the next line that begins one. */
function skipItem(p: ParserState, from: number): void {
  p.seek(from);
  let depth = 0;
  for (let first = true; p.code !== T.end; p.next()) {
    if (p.code === T.leftBrace) depth++;
    else if (p.code === T.rightBrace) {
      if (--depth <= 0) {
        p.next();
        return;
      }
    } else if (depth === 0 && !first && startsLine(p)) return;
    first = false;
  }
}

function startsLine(p: ParserState): boolean {
  return p.code >= T.word && (p.start === 0 || p.source.charCodeAt(p.start - 1) === 10);
}
