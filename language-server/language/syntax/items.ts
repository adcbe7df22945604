import type {
  AttachPoint,
  ConfigBlock,
  ConfigEntry,
  Expression,
  Item,
  MapReference,
  Probe,
  SubprogramParameter,
  TypeNode,
} from './ast.ts';
import { checkAttachPoint } from './attach-point-rules.ts';
import { parseAttachPoint } from './attach-point.ts';
import { T } from './codes.ts';
import { endsPredicate, expectColon, parseExpression } from './expressions.ts';
import { parseInteger, parseString } from './literals.ts';
import type { ParserState } from './state.ts';
import { expectVariable, parseBlock } from './statements.ts';
import { isBuiltinWord, parseTypeAnnotation } from './types.ts';

/** `config = { a = 1; b = "c" }` */
export function parseConfig(p: ParserState): ConfigBlock {
  const { start, end } = p;
  p.requires(20, '`config` is known', start, end);
  p.next();
  p.expect(T.assign, '=', 'after `config`');
  const entries: ConfigEntry[] = [];
  if (!p.expect(T.leftBrace, '{', 'to begin the settings'))
    return { kind: 'config', start, end: p.endFrom(start), entries };
  while (p.code !== T.rightBrace && p.code !== T.end) {
    if (!p.handWritten && p.code === T.word && isBuiltinWord(p.text, p.version))
      p.error('unexpected-token', p.start, p.end, `\`${p.text}\` is a builtin and no setting`);
    const name = p.handWritten && p.code >= T.word ? p.name() : p.expectName('the name of a setting');
    if (name.text === '') break;
    p.expect(T.assign, '=', 'after the name of the setting');
    const value = parseConfigValue(p);
    entries.push({ kind: 'config-entry', start: name.start, end: p.endFrom(start), name, value });
    if (p.accept(T.semicolon)) {
      if (p.handWritten) p.accept(T.semicolon);
      continue;
    }
    if (p.code === T.rightBrace) break;
    p.missing(';', 'after the setting');
    if (p.code < T.word) break;
  }
  if (entries.length === 0 && p.version < 21) p.unexpected('the name of a setting');
  while (p.code !== T.rightBrace && p.code !== T.end) p.next();
  p.expect(T.rightBrace, '}', 'to close the settings');
  return { kind: 'config', start, end: p.endFrom(start), entries };
}

function parseConfigValue(p: ParserState): Expression {
  const { start, end, code } = p;
  if (p.version < 24) return parseExpression(p);
  if (code === T.string) return parseString(p);
  if (code === T.integer) return parseInteger(p);
  if (code >= T.word) {
    const { text } = p;
    p.next();
    if (text === 'true' || text === 'false') return { kind: 'boolean', start, end, value: text === 'true' };
    return { kind: 'identifier', start, end, name: text };
  }
  p.unexpected('a number, a word or a string');
  return { kind: 'broken-expression', start: p.previousEnd, end: p.previousEnd };
}

/** `let @name = hash(100);` */
export function parseMapDeclaration(p: ParserState): Item {
  const { start, end } = p;
  p.requires(24, 'Map declarations are known', start, end);
  p.next();
  if (p.code !== T.map) {
    p.unexpected('a map: only maps are declared here, as in `let @a = hash(100);`');
    return { kind: 'broken-item', start, end: p.endFrom(start) };
  }
  const name = { kind: 'name', start: p.start, end: p.end, text: p.source.slice(p.start, p.end) } as const;
  p.next();
  p.expect(T.assign, '=', 'after the name of the map');
  const mapType = p.expectName('the type of the map, such as `hash`');
  p.expect(T.leftParen, '(', 'after the type of the map');
  const maxEntries: Expression = p.code === T.integer ? parseInteger(p) : p.brokenExpression();
  p.expect(T.rightParen, ')', 'after the number of entries');
  if (!p.accept(T.semicolon) && !p.handWritten) p.missing(';', 'after the declaration');
  return { kind: 'map-declaration', start, end: p.endFrom(start), name, mapType, maxEntries };
}

/** `macro name($x, @y, z) { … }` */
export function parseMacro(p: ParserState): Item {
  const { start, end } = p;
  p.requires(24, 'Macros are known', start, end);
  p.next();
  if (!p.handWritten && p.code >= T.word && isBuiltinWord(p.text, p.version))
    p.error('unexpected-token', p.start, p.end, `\`${p.text}\` is a builtin and cannot be a macro`);
  const name = p.expectName('the name of the macro');
  p.expect(T.leftParen, '(', 'after the name of the macro');
  const parameters: (MapReference | Extract<Expression, { kind: 'variable' | 'identifier' }>)[] = [];
  while (p.code !== T.rightParen && p.code !== T.end && p.code !== T.leftBrace) {
    const parameter = parseMacroParameter(p);
    if (parameter === undefined) break;
    parameters.push(parameter);
    if (!p.accept(T.comma)) break;
    if (p.code === T.rightParen) p.unexpected('a parameter');
  }
  p.expect(T.rightParen, ')', 'after the parameters');
  const body = parseBlock(p, 'the body of the macro');
  return { kind: 'macro', start, end: p.endFrom(start), name, parameters, body };
}

function parseMacroParameter(
  p: ParserState,
): MapReference | Extract<Expression, { kind: 'variable' | 'identifier' }> | undefined {
  const { start, end, code } = p;
  const text = p.source.slice(start, end);
  if (code === T.variable) {
    p.next();
    return { kind: 'variable', start, end, name: text };
  }
  if (code === T.map) {
    p.next();
    return { kind: 'map', start, end, name: text, nameEnd: end };
  }
  if (!p.isFreeWord()) {
    p.unexpected('a parameter: `$x`, `@x` or a word');
    return undefined;
  }
  if (isBuiltinWord(text, p.version))
    p.error('unexpected-token', start, end, `\`${text}\` is a builtin and cannot be a parameter`);
  p.next();
  return { kind: 'identifier', start, end, name: text };
}

/** `fn name($x : int64) : void { … }` */
export function parseSubprogram(p: ParserState): Item {
  const { start, end } = p;
  p.requires(21, 'Functions are known', start, end);
  p.next();
  const name = p.expectName('the name of the function');
  p.expect(T.leftParen, '(', 'after the name of the function');
  const parameters: SubprogramParameter[] = [];
  while (p.code !== T.rightParen && p.code !== T.end && p.code !== T.leftBrace) {
    const variable = expectVariable(p);
    if (variable.name === '') break;
    expectColon(p);
    const type = parseTypeAnnotation(p);
    parameters.push({ kind: 'parameter', start: variable.start, end: p.endFrom(start), variable, type });
    if (!p.accept(T.comma)) break;
    if (p.code === T.rightParen) p.unexpected('a parameter');
  }
  p.expect(T.rightParen, ')', 'after the parameters');
  expectColon(p);
  const returnType: TypeNode = parseTypeAnnotation(p);
  const body = parseBlock(p, 'the body of the function');
  return { kind: 'subprogram', start, end: p.endFrom(start), name, parameters, returnType, body };
}

/** Attach points, a predicate and a block. */
export function parseProbe(p: ParserState): Probe | undefined {
  const { start } = p;
  const attachPoints = parseAttachPoints(p);
  if (attachPoints === undefined) return undefined;
  const predicate = parsePredicate(p);
  if (p.code !== T.leftBrace) {
    const last = attachPoints[attachPoints.length - 1];
    p.missing('{', `after ${last === undefined ? 'the attach points' : `\`${last.text.slice(0, 60)}\``}`);
    const body = { kind: 'block', start: p.previousEnd, end: p.previousEnd, statements: [] } as const;
    const probe = { kind: 'probe', start, end: p.endFrom(start), attachPoints, body } as const;
    return predicate === undefined ? probe : { ...probe, predicate };
  }
  const body = parseBlock(p, 'the probe');
  const probe = { kind: 'probe', start, end: p.endFrom(start), attachPoints, body } as const;
  return predicate === undefined ? probe : { ...probe, predicate };
}

function parseAttachPoints(p: ParserState): AttachPoint[] | undefined {
  const { start } = p;
  const points: AttachPoint[] = [];
  for (;;) {
    const point = parseAttachPoint(p);
    if (point !== undefined) {
      checkAttachPoint(p, point, points);
      points.push(point);
    } else if (!canBeEmpty(p, points.length)) p.unexpected('a probe such as `kprobe:vfs_read`');
    if (!p.accept(T.comma)) break;
    // Since 0.24 a comma may stand behind the last point.
    if (p.version >= 24 && (p.code === T.slash || p.code === T.leftBrace)) break;
  }
  // bpftrace drops points without a type, and then misses one: `:vfs_read { … }`.
  if (points.some((point) => point.provider.text !== '' || point.parts.length === 0)) return points;
  if (points.length > 0) {
    p.error(
      'no-attach-point',
      start,
      p.previousEnd,
      'None of these has a type such as `kprobe` before its colon',
    );
    return points;
  }
  if (p.code !== T.leftBrace) {
    if (p.version < 24) p.unexpected('a probe such as `kprobe:vfs_read`');
    return undefined;
  }
  p.error(
    'no-attach-point',
    start,
    p.end,
    'This block has no probe to run in',
    'Put one before it: `interval:s:1 { … }`.',
  );
  return points;
}

/** Up to 0.23 attach points may be empty: `BEGIN,,END,{}` runs in two. */
function canBeEmpty(p: ParserState, count: number): boolean {
  if (p.version >= 24) return false;
  return p.code === T.comma || (p.code === T.leftBrace && count >= 0) || p.code === T.slash;
}

function parsePredicate(p: ParserState): Expression | undefined {
  if (p.code !== T.slash && p.code !== T.slashAssign) return undefined;
  if (!p.handWritten && p.code === T.slash && endsPredicate(p)) {
    p.unexpected('a condition');
    p.next();
    return undefined;
  }
  p.next();
  const predicate = parseExpression(p);
  if (p.code !== T.slash) p.missing('/', 'to close the predicate');
  else {
    if (!p.handWritten && !endsPredicate(p))
      p.error('unexpected-token', p.start, p.end, 'Only `{` may follow the `/` that closes a predicate');
    p.next();
  }
  return predicate;
}
