import type { Cursor } from './cursor.ts';
import { parseExpression } from './expressions.ts';
import {
  bareName,
  parseName,
  parseSubstitution,
  parseTemplateArguments,
  parseTemplateParameter,
} from './names.ts';
import {
  Around,
  ArrayType,
  FunctionType,
  MemberPointer,
  Name,
  Pointer,
  Qualified,
  ReferenceType,
  Sequence,
  Templated,
} from './nodes.ts';
import type { Node } from './output.ts';
import { PackExpansion } from './pack-nodes.ts';

const builtins: Readonly<Record<string, string>> = {
  v: 'void',
  w: 'wchar_t',
  b: 'bool',
  c: 'char',
  a: 'signed char',
  h: 'unsigned char',
  s: 'short',
  t: 'unsigned short',
  i: 'int',
  j: 'unsigned int',
  l: 'long',
  m: 'unsigned long',
  x: 'long long',
  y: 'unsigned long long',
  n: '__int128',
  o: 'unsigned __int128',
  f: 'float',
  d: 'double',
  e: 'long double',
  g: '__float128',
  z: '...',
};

const extendedBuiltins: Readonly<Record<string, string>> = {
  d: 'decimal64',
  e: 'decimal128',
  f: 'decimal32',
  h: 'decimal16',
  i: 'char32_t',
  s: 'char16_t',
  u: 'char8_t',
  a: 'auto',
  c: 'decltype(auto)',
  n: 'std::nullptr_t',
};

/** `<type>`. All but builtin types and plain substitutions can be substituted later. */
export function parseType(c: Cursor): Node {
  return c.nest(() => type(c));
}

function type(c: Cursor): Node {
  const next = c.peek();
  const builtin = builtins[next];
  if (builtin !== undefined) {
    c.at++;
    return new Name(builtin);
  }
  if (next === 'D') {
    const extended = extendedBuiltins[c.peek(1)];
    if (extended !== undefined) {
      c.at += 2;
      return new Name(extended);
    }
  }
  if (next === 'S' && c.peek(1) !== 't') {
    const substitution = parseSubstitution(c);
    if (!c.tryTemplateArguments || c.peek() !== 'I') return substitution;
    const templated = new Templated(substitution, parseTemplateArguments(c));
    c.substitutions.push(templated);
    return templated;
  }
  const parsed = compoundType(c, next);
  c.substitutions.push(parsed);
  return parsed;
}

function compoundType(c: Cursor, next: string): Node {
  switch (next) {
    case 'r':
    case 'V':
    case 'K': {
      let after = 0;
      if (c.peek(after) === 'r') after++;
      if (c.peek(after) === 'V') after++;
      if (c.peek(after) === 'K') after++;
      const isFunction =
        c.peek(after) === 'F' || (c.peek(after) === 'D' && 'oOwx'.includes(c.peek(after + 1) || ' '));
      return isFunction ? parseFunctionType(c) : parseQualifiedType(c);
    }
    case 'U':
      return parseQualifiedType(c);
    case 'u':
      c.at++;
      return new Name(bareName(c));
    case 'D':
      return parseExtendedType(c);
    case 'F':
      return parseFunctionType(c);
    case 'A':
      return parseArrayType(c);
    case 'M': {
      c.at++;
      const className = parseType(c);
      return new MemberPointer(className, parseType(c));
    }
    case 'T':
      return parseParameterType(c);
    case 'P':
      c.at++;
      return new Pointer(parseType(c));
    case 'R':
      c.at++;
      return new ReferenceType(parseType(c), '&');
    case 'O':
      c.at++;
      return new ReferenceType(parseType(c), '&&');
    case 'C':
    case 'G':
      c.at++;
      return new Sequence(parseType(c), next === 'C' ? ' complex' : ' imaginary');
    default:
      return parseClassType(c);
  }
}

function parseExtendedType(c: Cursor): Node {
  switch (c.peek(1)) {
    case 't':
    case 'T':
      return parseDecltype(c);
    case 'v':
      return parseVectorType(c);
    case 'p':
      c.at += 2;
      return new PackExpansion(parseType(c));
    case 'F': {
      c.at += 2;
      const bits = c.number();
      c.expect('_');
      return new Name(`_Float${bits}`);
    }
    case 'o':
    case 'O':
    case 'w':
    case 'x':
      return parseFunctionType(c);
    default:
      return c.fail();
  }
}

function parseParameterType(c: Cursor): Node {
  if ('sue'.includes(c.peek(1) || ' ')) return parseClassType(c);
  const parameter = parseTemplateParameter(c);
  if (!c.tryTemplateArguments || c.peek() !== 'I') return parameter;
  c.substitutions.push(parameter);
  return new Templated(parameter, parseTemplateArguments(c));
}

function parseClassType(c: Cursor): Node {
  const kind = c.take('Ts') ? 'struct ' : c.take('Tu') ? 'union ' : c.take('Te') ? 'enum ' : '';
  const name = parseName(c);
  return kind === '' ? name : new Around(kind, name);
}

function parseQualifiedType(c: Cursor): Node {
  if (c.take('U')) {
    const qualifier = bareName(c);
    const args = c.peek() === 'I' ? parseTemplateArguments(c) : undefined;
    const inner = parseQualifiedType(c);
    return args === undefined
      ? new Sequence(inner, ` ${qualifier}`)
      : new Sequence(inner, ` ${qualifier}`, args);
  }
  const qualifiers = c.qualifiers();
  const inner = parseType(c);
  return qualifiers.isConst || qualifiers.isVolatile || qualifiers.isRestrict
    ? new Qualified(inner, qualifiers)
    : inner;
}

function parseFunctionType(c: Cursor): Node {
  const qualifiers = c.qualifiers();
  let exceptions: Node | undefined;
  if (c.take('Do')) exceptions = new Name('noexcept');
  else if (c.take('DO')) {
    exceptions = new Around('noexcept(', parseExpression(c), ')');
    c.expect('E');
  } else if (c.take('Dw')) {
    const thrown: Node[] = [];
    while (!c.take('E')) thrown.push(parseType(c));
    exceptions = new Sequence('throw(', thrown, ')');
  }
  c.take('Dx');
  c.expect('F');
  c.take('Y');
  const result = parseType(c);
  const parameters: Node[] = [];
  for (;;) {
    if (c.take('E')) return new FunctionType(result, parameters, qualifiers, '', exceptions);
    if (c.take('v')) continue;
    if (c.take('RE')) return new FunctionType(result, parameters, qualifiers, '&', exceptions);
    if (c.take('OE')) return new FunctionType(result, parameters, qualifiers, '&&', exceptions);
    parameters.push(parseType(c));
  }
}

function parseArrayType(c: Cursor): Node {
  c.expect('A');
  let size: Node | undefined;
  if (c.isDigit()) size = new Name(c.number());
  else if (c.peek() !== '_') size = parseExpression(c);
  c.expect('_');
  return new ArrayType(parseType(c), size);
}

function parseVectorType(c: Cursor): Node {
  c.expect('Dv');
  let size: Node | undefined;
  if (c.isDigit()) {
    size = new Name(c.number());
    c.expect('_');
    if (c.take('p')) return new Around('pixel vector[', size, ']');
  } else {
    if (c.peek() !== '_') size = parseExpression(c);
    c.expect('_');
  }
  return new Sequence(parseType(c), ' vector[', ...(size === undefined ? [] : [size]), ']');
}

export function parseDecltype(c: Cursor): Node {
  if (!c.take('Dt')) c.expect('DT');
  const expression = parseExpression(c);
  c.expect('E');
  return new Around('decltype(', expression, ')');
}
