import type { Cursor, NameState } from './cursor.ts';
import { newState } from './cursor.ts';
import { parseExpression } from './expressions.ts';
import {
  Around,
  Constructor,
  Encoding,
  Name,
  Nested,
  Sequence,
  StandardName,
  Tagged,
  Templated,
  TemplateArguments,
} from './nodes.ts';
import { operatorNames } from './operators.ts';
import type { Node } from './output.ts';
import { ArgumentPack, Closure, ForwardReference, ParameterPack } from './pack-nodes.ts';
import { parseDecltype, parseType } from './types.ts';
import { parsePrimary } from './literals.ts';
import { parseSpecialName } from './special-names.ts';

/** `<encoding>`: a function with its parameters, or data, or a special name. */
export function parseEncoding(c: Cursor): Node {
  const { templateParameters, outerParameters } = c;
  c.templateParameters = [];
  c.outerParameters = [];
  const parsed = c.nest(() => encoding(c));
  c.templateParameters = templateParameters;
  c.outerParameters = outerParameters;
  return parsed;
}

function encoding(c: Cursor): Node {
  if (c.peek() === 'G' || c.peek() === 'T') return parseSpecialName(c);
  const ends = (): boolean => c.atEnd || c.peek() === 'E' || c.peek() === '.' || c.peek() === '_';
  const state = newState(c);
  const name = parseName(c, state);
  resolveForwardReferences(c, state);
  if (ends()) return name;
  let attributes: Node | undefined;
  if (c.take('Ua9enable_ifI')) {
    const conditions: Node[] = [];
    while (!c.take('E')) conditions.push(parseTemplateArgument(c));
    attributes = new Sequence(' [enable_if:', conditions, ']');
  }
  const result = !state.constructorOrConversion && state.endsWithTemplateArguments ? parseType(c) : undefined;
  const parameters: Node[] = [];
  if (!c.take('v'))
    do parameters.push(parseType(c));
    while (!ends());
  return new Encoding(result, name, parameters, state.qualifiers, state.reference, attributes);
}

function resolveForwardReferences(c: Cursor, state: NameState): void {
  const from = state.forwardReferencesFrom;
  for (const reference of c.forwardReferences.slice(from)) {
    const target = c.templateParameters[0]?.[reference.index];
    if (target === undefined) c.fail();
    reference.target = target;
  }
  c.forwardReferences.length = from;
}

/** `<name>`. `state` is given when the name is that of an encoding. */
export function parseName(c: Cursor, state?: NameState): Node {
  if (c.peek() === 'N') return c.nest(() => parseNestedName(c, state));
  if (c.peek() === 'Z') return c.nest(() => parseLocalName(c, state));
  const substituted = c.peek() === 'S' && c.peek(1) !== 't';
  const name = substituted ? parseSubstitution(c) : parseUnscopedName(c, state);
  if (c.peek() !== 'I') return substituted ? c.fail() : name;
  if (!substituted) c.substitutions.push(name);
  const args = parseTemplateArguments(c, state !== undefined);
  if (state) state.endsWithTemplateArguments = true;
  return new Templated(name, args);
}

function parseUnscopedName(c: Cursor, state?: NameState): Node {
  const standard = c.take('St');
  c.take('L');
  const name = parseUnqualifiedName(c, state);
  return standard ? new Around('std::', name, '', 'inner') : name;
}

function parseLocalName(c: Cursor, state?: NameState): Node {
  c.expect('Z');
  const around = parseEncoding(c);
  c.expect('E');
  if (c.take('s')) {
    skipDiscriminator(c);
    return new Nested(around, new Name('string literal'));
  }
  if (c.take('d')) {
    c.number(true);
    c.expect('_');
    return new Nested(around, parseName(c, state));
  }
  const entity = parseName(c, state);
  skipDiscriminator(c);
  return new Nested(around, entity);
}

/** `_5`, `__12_`, or digits up to the end. */
function skipDiscriminator(c: Cursor): void {
  if (c.peek() === '_') {
    if (c.isDigit(1)) c.at += 2;
    else if (c.peek(1) === '_') {
      let ahead = 2;
      while (c.isDigit(ahead)) ahead++;
      if (ahead > 2 && c.peek(ahead) === '_') c.at += ahead + 1;
    }
  } else if (c.isDigit()) {
    let ahead = 1;
    while (c.isDigit(ahead)) ahead++;
    if (c.at + ahead >= c.end) c.at = c.end;
  }
}

function parseNestedName(c: Cursor, state?: NameState): Node {
  c.expect('N');
  const qualifiers = c.qualifiers();
  const reference = c.take('O') ? '&&' : c.take('R') ? '&' : '';
  if (state) {
    state.qualifiers = qualifiers;
    state.reference = reference;
  }
  let soFar: Node | undefined;
  let pushed = false;
  while (!c.take('E')) {
    if (state) state.endsWithTemplateArguments = false;
    if (c.peek() === 'T') {
      if (soFar !== undefined) c.fail();
      soFar = parseTemplateParameter(c);
    } else if (c.peek() === 'I') {
      if (soFar === undefined || soFar instanceof Templated) c.fail();
      const args = parseTemplateArguments(c, state !== undefined);
      if (state) state.endsWithTemplateArguments = true;
      soFar = new Templated(soFar, args);
    } else if (c.peek() === 'D' && (c.peek(1) === 't' || c.peek(1) === 'T')) {
      if (soFar !== undefined) c.fail();
      soFar = parseDecltype(c);
    } else if (c.peek() === 'S') {
      if (soFar !== undefined) c.fail();
      soFar = c.take('St') ? new Name('std') : parseSubstitution(c);
      continue;
    } else {
      c.take('L');
      if (soFar instanceof StandardName && 'CD'.includes(c.peek())) soFar = soFar.forConstructor();
      const component = parseUnqualifiedName(c, state, soFar);
      soFar = soFar === undefined ? component : new Nested(soFar, component);
    }
    c.substitutions.push(soFar);
    pushed = true;
    c.take('M');
  }
  if (soFar === undefined || !pushed) c.fail();
  c.substitutions.pop();
  return soFar;
}

function parseUnqualifiedName(c: Cursor, state?: NameState, soFar?: Node): Node {
  const next = c.peek();
  let name: Node;
  if (next === 'U') name = parseUnnamedType(c, state);
  else if (next >= '1' && next <= '9') name = parseSourceName(c);
  else if (c.take('DC')) {
    const bindings: Node[] = [];
    do bindings.push(parseSourceName(c));
    while (!c.take('E'));
    name = new Sequence('[', bindings, ']');
  } else if (next === 'C' || next === 'D') name = parseConstructor(c, soFar ?? c.fail(), state);
  else name = parseOperatorName(c, state);
  return parseTags(c, name);
}

function parseTags(c: Cursor, name: Node): Node {
  let tagged = name;
  while (c.take('B')) tagged = new Tagged(tagged, bareName(c));
  return tagged;
}

/** `<length> <identifier>`. */
export function bareName(c: Cursor): string {
  const length = c.positive();
  if (length === 0 || c.at + length > c.end) c.fail();
  const name = c.text.slice(c.at, c.at + length);
  c.at += length;
  return name;
}

export function parseSourceName(c: Cursor): Node {
  const name = bareName(c);
  return new Name(name.startsWith('_GLOBAL__N') ? '(anonymous namespace)' : name);
}

function parseConstructor(c: Cursor, soFar: Node, state?: NameState): Node {
  const destructor = c.peek() === 'D';
  c.at++;
  const inherited = !destructor && c.take('I');
  const variant = c.peek();
  if (!(destructor ? '01245' : '12345').includes(variant) || variant === '') c.fail();
  c.at++;
  if (state) state.constructorOrConversion = true;
  if (inherited) parseName(c, state);
  return new Constructor(soFar, destructor);
}

export function parseOperatorName(c: Cursor, state?: NameState): Node {
  if (c.take('cv')) {
    const { tryTemplateArguments, permitForwardReferences } = c;
    c.tryTemplateArguments = false;
    c.permitForwardReferences ||= state !== undefined;
    const type = parseType(c);
    c.tryTemplateArguments = tryTemplateArguments;
    c.permitForwardReferences = permitForwardReferences;
    if (state) state.constructorOrConversion = true;
    return new Around('operator ', type);
  }
  if (c.take('li')) return new Around('operator"" ', parseSourceName(c));
  if (c.peek() === 'v' && c.isDigit(1)) {
    c.at += 2;
    return new Around('operator ', parseSourceName(c));
  }
  const name = operatorNames.get(c.peek() + c.peek(1));
  if (name === undefined) c.fail();
  c.at += 2;
  return new Name(name);
}

/** Lambdas and unnamed types. */
export function parseUnnamedType(c: Cursor, state?: NameState): Node {
  if (state !== undefined) c.templateParameters = [];
  if (c.take('Ut')) {
    const count = c.number();
    c.expect('_');
    return new Name(`'unnamed${count}'`);
  }
  if (c.take('Ul')) return c.nest(() => parseLambda(c));
  if (c.take('Ub')) {
    c.number();
    c.expect('_');
    return new Name("'block-literal'");
  }
  return c.fail();
}

function parseLambda(c: Cursor): Node {
  const savedLevel = c.lambdaParametersAtLevel;
  const outer = c.templateParameters.length;
  c.lambdaParametersAtLevel = outer;
  const own: Node[] = [];
  c.templateParameters.push(own);
  const declared: Node[] = [];
  while (c.peek() === 'T' && 'yptn'.includes(c.peek(1)) && c.peek(1) !== '')
    declared.push(parseTemplateDeclaration(c, own));
  if (declared.length === 0) c.templateParameters.pop();
  const parameters: Node[] = [];
  if (!c.take('vE'))
    do parameters.push(parseType(c));
    while (!c.take('E'));
  c.templateParameters.length = Math.min(c.templateParameters.length, outer);
  c.lambdaParametersAtLevel = savedLevel;
  const count = c.number();
  c.expect('_');
  return new Closure(declared, parameters, count);
}

/** `<template-param-decl>`: a lambda's own template parameters, which get invented names `$T`, `$N0`, `$TT1`. */
function parseTemplateDeclaration(c: Cursor, into: Node[]): Node {
  const invent = (kind: 0 | 1 | 2): Name => {
    const index = c.nextInvented(kind);
    const name = new Name(`${['$T', '$N', '$TT'][kind]}${index === 0 ? '' : index - 1}`);
    into.push(name);
    return name;
  };
  if (c.take('Ty')) return new Sequence('typename ', invent(0));
  if (c.take('Tn')) {
    const name = invent(1);
    const type = parseType(c);
    return new Sequence(type, ' ', name);
  }
  if (c.take('Tt')) {
    const name = invent(2);
    const parameters: Node[] = [];
    const own: Node[] = [];
    c.templateParameters.push(own);
    while (!c.take('E')) parameters.push(parseTemplateDeclaration(c, own));
    c.templateParameters.pop();
    return new Sequence('template<', parameters, '> typename ', name);
  }
  if (c.take('Tp')) return new Sequence(parseTemplateDeclaration(c, into), '...');
  return c.fail();
}

/** `<template-args>`. With `tag`, later `T_` refer to these. */
export function parseTemplateArguments(c: Cursor, tag = false): Node {
  c.expect('I');
  if (tag) {
    c.outerParameters = [];
    c.templateParameters = [c.outerParameters];
  }
  const args: Node[] = [];
  while (!c.take('E')) {
    if (!tag) {
      args.push(c.nest(() => parseTemplateArgument(c)));
      continue;
    }
    const { templateParameters } = c;
    // An argument does not see the parameters that it is given for.
    c.templateParameters = [];
    const argument = c.nest(() => parseTemplateArgument(c));
    c.templateParameters = templateParameters;
    args.push(argument);
    templateParameters[templateParameters.length - 1]!.push(
      argument instanceof ArgumentPack ? new ParameterPack(argument.elements) : argument,
    );
  }
  return new TemplateArguments(args);
}

export function parseTemplateArgument(c: Cursor): Node {
  if (c.take('X')) {
    const expression = parseExpression(c);
    c.expect('E');
    return expression;
  }
  if (c.take('J')) {
    const args: Node[] = [];
    while (!c.take('E')) args.push(parseTemplateArgument(c));
    return new ArgumentPack(args);
  }
  if (c.peek() !== 'L') return parseType(c);
  if (c.peek(1) !== 'Z') return parsePrimary(c);
  c.at += 2;
  const inner = parseEncoding(c);
  c.expect('E');
  return inner;
}

/** `T_`, `T0_`, `TL0__`. */
export function parseTemplateParameter(c: Cursor): Node {
  c.expect('T');
  let level = 0;
  if (c.take('L')) {
    level = c.positive() + 1;
    c.expect('_');
  }
  let index = 0;
  if (!c.take('_')) {
    index = c.positive() + 1;
    c.expect('_');
  }
  if (c.permitForwardReferences && level === 0) {
    const reference = new ForwardReference(index);
    c.forwardReferences.push(reference);
    return reference;
  }
  const found = c.templateParameters[level]?.[index];
  if (found !== undefined) return found;
  // `auto` of a generic lambda's parameters.
  if (c.lambdaParametersAtLevel === level && level <= c.templateParameters.length) {
    if (level === c.templateParameters.length) c.templateParameters.push(undefined);
    return new Name('auto');
  }
  return c.fail();
}

const abbreviations: Readonly<Record<string, string>> = {
  a: 'allocator',
  b: 'basic_string',
  d: 'iostream',
  i: 'istream',
  o: 'ostream',
  s: 'string',
};

/** `S_`, `S0_`, `Sa`. */
export function parseSubstitution(c: Cursor): Node {
  c.expect('S');
  const next = c.peek();
  if (next >= 'a' && next <= 'z') {
    const short = abbreviations[next];
    if (short === undefined) c.fail();
    c.at++;
    const name = new StandardName(short, false);
    const tagged = parseTags(c, name);
    if (tagged !== name) c.substitutions.push(tagged);
    return tagged;
  }
  let index = 0;
  if (!c.take('_')) {
    index = c.sequenceId() + 1;
    c.expect('_');
  }
  return c.substitutions[index] ?? c.fail();
}
