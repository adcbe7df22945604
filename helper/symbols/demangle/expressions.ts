import type { Cursor } from './cursor.ts';
import { parsePrimary } from './literals.ts';
import {
  bareName,
  parseName,
  parseOperatorName,
  parseSourceName,
  parseSubstitution,
  parseTemplateArgument,
  parseTemplateArguments,
  parseTemplateParameter,
} from './names.ts';
import { Around, Name, Nested, Sequence, Templated } from './nodes.ts';
import { binaryOperators, operatorNames, prefixOperators } from './operators.ts';
import type { Node } from './output.ts';
import { ArgumentPack, LeftOnly, PackExpansion } from './pack-nodes.ts';
import { parseDecltype, parseType } from './types.ts';

/** `<expression>` (Itanium C++ ABI section 5.1.6). */
export function parseExpression(c: Cursor): Node {
  return c.nest(() => expression(c));
}

function expression(c: Cursor): Node {
  const next = c.peek();
  if (next === 'L') return parsePrimary(c);
  if (next === 'T') return parseTemplateParameter(c);
  const code = next + c.peek(1);
  if (code === 'fp' || (code === 'fL' && c.isDigit(2))) return parseFunctionParameter(c);
  if (next === 'f' && 'rlLR'.includes(c.peek(1) || ' ')) return parseFold(c);
  const global = c.take('gs');
  const operator = c.peek() + c.peek(1);
  const binary = binaryOperators.get(operator);
  if (binary !== undefined && !global) {
    c.at += 2;
    return binaryExpression(parseExpression(c), binary, parseExpression(c));
  }
  const prefix = prefixOperators.get(operator);
  if (prefix !== undefined && !global) {
    c.at += 2;
    return new Around(`${prefix}(`, parseExpression(c), ')');
  }
  return special(c, operator, global);
}

function binaryExpression(left: Node, sign: string, right: Node): Node {
  // Inside of template arguments a bare > would end them.
  const [open, close] = sign === '>' ? ['(', ')'] : ['', ''];
  return new Sequence(`${open}(`, left, `) ${sign} (`, right, `)${close}`);
}

function special(c: Cursor, code: string, global: boolean): Node {
  const skip = (): void => {
    c.at += 2;
  };
  switch (code) {
    case 'at':
    case 'st':
      skip();
      return new Around(code === 'at' ? 'alignof (' : 'sizeof (', parseType(c), ')');
    case 'az':
    case 'sz':
      skip();
      return new Around(code === 'az' ? 'alignof (' : 'sizeof (', parseExpression(c), ')');
    case 'te':
    case 'ti':
      skip();
      return new Around('typeid (', code === 'te' ? parseExpression(c) : parseType(c), ')');
    case 'nx':
      skip();
      return new Around('noexcept (', parseExpression(c), ')');
    case 'cc':
    case 'dc':
    case 'rc':
    case 'sc': {
      skip();
      const casts = { cc: 'const_cast', dc: 'dynamic_cast', rc: 'reinterpret_cast', sc: 'static_cast' };
      const to = parseType(c);
      return new Sequence(`${casts[code]}<`, new LeftOnly(to), '>(', new LeftOnly(parseExpression(c)), ')');
    }
    case 'cl': {
      skip();
      const callee = parseExpression(c);
      return new Sequence(callee, '(', until(c, parseExpression), ')');
    }
    case 'cv':
      return parseConversion(c);
    case 'dt':
    case 'pt': {
      skip();
      const object = parseExpression(c);
      return new Sequence(object, code === 'dt' ? '.' : '->', parseExpression(c));
    }
    case 'pm': {
      skip();
      const object = parseExpression(c);
      return new Sequence(object, '->*', parseExpression(c));
    }
    case 'ix': {
      skip();
      const array = parseExpression(c);
      return new Sequence('(', array, ')[', parseExpression(c), ']');
    }
    case 'qu': {
      skip();
      const condition = parseExpression(c);
      const then = parseExpression(c);
      return new Sequence('(', condition, ') ? (', then, ') : (', parseExpression(c), ')');
    }
    case 'mm':
    case 'pp': {
      skip();
      const sign = code === 'mm' ? '--' : '++';
      return c.take('_')
        ? new Around(`${sign}(`, parseExpression(c), ')')
        : new Sequence('(', parseExpression(c), `)${sign}`);
    }
    case 'il':
      skip();
      return new Sequence('{', until(c, parseBraced), '}');
    case 'tl': {
      skip();
      const type = parseType(c);
      return new Sequence(type, '{', until(c, parseBraced), '}');
    }
    case 'sp':
      skip();
      return new PackExpansion(parseExpression(c));
    case 'sZ': {
      skip();
      const pack = c.peek() === 'T' ? parseTemplateParameter(c) : parseFunctionParameter(c);
      return new Around('sizeof...(', new PackExpansion(pack), ')');
    }
    case 'sP':
      skip();
      return new Around('sizeof... (', new ArgumentPack(until(c, parseTemplateArgument)), ')');
    case 'tr':
      skip();
      return new Name('throw');
    case 'tw':
      skip();
      return new Around('throw ', parseExpression(c));
    case 'nw':
    case 'na':
      return parseNew(c, code === 'na');
    case 'dl':
    case 'da':
      skip();
      return new Around(
        `${global ? '::' : ''}delete${code === 'da' ? '[] ' : c.likeLlvm ? '' : ' '}`,
        parseExpression(c),
      );
    default:
      return parseUnresolvedName(c, global);
  }
}

function until(c: Cursor, parse: (c: Cursor) => Node): Node[] {
  const found: Node[] = [];
  while (!c.take('E')) found.push(parse(c));
  return found;
}

function parseFunctionParameter(c: Cursor): Node {
  if (c.take('fpT')) return new Name('this');
  if (c.take('fL')) {
    c.number();
    c.expect('p');
  } else c.expect('fp');
  c.qualifiers();
  const number = c.number();
  c.expect('_');
  return new Name(`fp${number}`);
}

function parseConversion(c: Cursor): Node {
  c.expect('cv');
  const { tryTemplateArguments } = c;
  c.tryTemplateArguments = false;
  const type = parseType(c);
  c.tryTemplateArguments = tryTemplateArguments;
  if (c.take('_')) return new Sequence('(', type, ')(', until(c, parseExpression), ')');
  return new Sequence('(', type, ')(', parseExpression(c), ')');
}

function parseNew(c: Cursor, array: boolean): Node {
  c.at += 2;
  const placement: Node[] = [];
  while (!c.take('_')) placement.push(parseExpression(c));
  const type = parseType(c);
  const parts: (Node | string | Node[])[] = [`new${array ? '[]' : ''} `];
  if (placement.length > 0) parts.push('(', placement, ')');
  parts.push(type);
  if (c.take('pi')) {
    const initialisers = until(c, parseExpression);
    if (initialisers.length > 0) parts.push('(', initialisers, ')');
  } else c.expect('E');
  return new Sequence(...parts);
}

function parseBraced(c: Cursor): Node {
  if (c.take('di')) {
    const field = parseSourceName(c);
    return new Sequence('.', field, ' = ', parseBraced(c));
  }
  if (c.take('dx')) {
    const index = parseExpression(c);
    return new Sequence('[', index, '] = ', parseBraced(c));
  }
  if (c.take('dX')) {
    const from = parseExpression(c);
    const to = parseExpression(c);
    return new Sequence('[', from, ' ... ', to, '] = ', parseBraced(c));
  }
  return parseExpression(c);
}

function parseFold(c: Cursor): Node {
  c.expect('f');
  const kind = c.peek();
  c.at++;
  const isLeft = kind === 'l' || kind === 'L';
  const sign = binaryOperators.get(c.peek() + c.peek(1));
  if (sign === undefined) return c.fail();
  c.at += 2;
  let pack = parseExpression(c);
  let initial = kind === 'L' || kind === 'R' ? parseExpression(c) : undefined;
  if (isLeft && initial !== undefined) [pack, initial] = [initial, pack];
  const expanded = new Sequence('(', new PackExpansion(pack), ')');
  const parts: (Node | string)[] = ['('];
  if (isLeft) {
    if (initial !== undefined) parts.push(initial, ` ${sign} `);
    parts.push('... ', sign, ' ', expanded);
  } else {
    parts.push(expanded, ` ${sign} ...`);
    if (initial !== undefined) parts.push(` ${sign} `, initial);
  }
  parts.push(')');
  return new Sequence(...parts);
}

/** `<unresolved-name>`: a name that depends on template parameters. */
function parseUnresolvedName(c: Cursor, global: boolean): Node {
  if (c.take('srN')) {
    let name = withArguments(c, parseUnresolvedType(c));
    while (!c.take('E')) name = new Nested(name, parseSimpleId(c));
    return new Nested(name, parseBaseName(c));
  }
  if (!c.take('sr')) {
    const name = parseBaseName(c);
    return global ? new Around('::', name) : name;
  }
  if (c.isDigit()) {
    let name: Node | undefined;
    do {
      const part = parseSimpleId(c);
      name = name === undefined ? (global ? new Around('::', part) : part) : new Nested(name, part);
    } while (!c.take('E'));
    return new Nested(name, parseBaseName(c));
  }
  const type = withArguments(c, parseUnresolvedType(c));
  return new Nested(type, parseBaseName(c));
}

function parseUnresolvedType(c: Cursor): Node {
  if (c.peek() === 'S') {
    if (c.peek(1) !== 't') return parseSubstitution(c);
    // gcc writes it, and LLVM gives the whole name up.
    return c.likeLlvm ? c.fail() : parseName(c);
  }
  const type = c.peek() === 'T' ? parseTemplateParameter(c) : parseDecltype(c);
  c.substitutions.push(type);
  return type;
}

function withArguments(c: Cursor, name: Node): Node {
  return c.peek() === 'I' ? new Templated(name, parseTemplateArguments(c)) : name;
}

function parseSimpleId(c: Cursor): Node {
  return withArguments(c, new Name(bareName(c)));
}

function parseBaseName(c: Cursor): Node {
  if (c.isDigit()) return parseSimpleId(c);
  if (c.take('dn')) return new Around('~', c.isDigit() ? parseSimpleId(c) : parseUnresolvedType(c));
  c.take('on');
  if (!operatorNames.has(c.peek() + c.peek(1)) && !/^(cv|li|v\d)/.test(c.peek() + c.peek(1))) c.fail();
  return withArguments(c, parseOperatorName(c));
}
