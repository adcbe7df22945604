import type { Cast, Expression, TypeNode } from '../syntax/ast.ts';
import { typeByName } from '../tables/words.ts';
import { exists } from '../tables/entry.ts';
import { formatVersion } from '../version.ts';
import { cInteger } from './c-types.ts';
import { typeOf } from './expressions.ts';
import { constantInteger } from './fold.ts';
import { nearest, replace } from './report.ts';
import { passedType, substitutedType } from './type-arguments.ts';
import type { State } from './state.ts';
import {
  boolean,
  equal,
  integer,
  isCastable,
  isContext,
  isOpen,
  none,
  opaque,
  pointer,
  sizeOf,
  string,
  typeName,
  unknown,
  voidType,
  type ArrayType,
  type IntegerBits,
  type Type,
} from './types.ts';
import { mapState } from './state.ts';

export function isTypeNode(node: Expression | TypeNode): node is TypeNode {
  return (
    node.kind === 'named-type' ||
    node.kind === 'pointer-type' ||
    node.kind === 'array-type' ||
    node.kind === 'typeof-type'
  );
}

/** What a written type means. `none` and a report when nothing has that name; `quiet` leaves out the report. */
export function typeNodeType(state: State, node: TypeNode, mode: 'report' | 'quiet' = 'report'): Type {
  switch (node.kind) {
    case 'named-type':
      return namedType(state, node, mode);
    case 'pointer-type': {
      const { target } = node;
      // Only a pointer to it is known before 0.24: the kernel's own type
      const isBool =
        target.kind === 'named-type' && target.keyword === undefined && target.name.text === 'bool';
      if (isBool && state.version < 24) return pointer(integer(8, false));
      const to = typeNodeType(state, target, mode);
      return to.kind === 'none' ? none : pointer(to);
    }
    case 'array-type': {
      const element = typeNodeType(state, node.element, mode);
      if (element.kind === 'none') return none;
      if (element.kind === 'string' && element.size === 0)
        return node.size === undefined ? string(0) : string(node.size);
      if (element.kind === 'buffer') return { kind: 'buffer', size: node.size ?? 0 };
      return node.size === undefined
        ? { kind: 'array', of: element }
        : { kind: 'array', of: element, count: node.size };
    }
    case 'typeof-type':
      return typeofType(state, node.argument);
  }
}

function typeofType(state: State, argument: Expression | TypeNode): Type {
  if (isTypeNode(argument)) return typeNodeType(state, argument);
  const passed = argument.kind === 'identifier' ? passedType(state, argument.name) : undefined;
  if (passed !== undefined) return passed;
  // A bare map stands for the type of its keys; whether it has any may be told later (change 4972)
  const isBareMap = argument.kind === 'map' && argument.keys === undefined;
  const map = isBareMap ? mapState(state, argument.name, argument) : undefined;
  if (map?.shape === undefined && isBareMap && !state.final) return none;
  state.unevaluated++;
  const type = map?.shape === 'keyed' ? map.key : typeOf(state, argument);
  state.unevaluated--;
  return type;
}

const opaqueNames: Readonly<Record<string, Type>> = {
  ksym_t: opaque('ksym'),
  usym_t: opaque('usym'),
  username_t: opaque('username'),
  macaddr_t: opaque('macaddr'),
  cgroup_path_t: opaque('cgroup_path'),
  inet: opaque('inet'),
  inet_t: opaque('inet'),
  timestamp: opaque('timestamp'),
  timestamp_t: opaque('timestamp'),
  kstack_t: { kind: 'stack', user: false, mode: 'bpftrace', limit: 127 },
  ustack_t: { kind: 'stack', user: true, mode: 'bpftrace', limit: 127 },
};

function namedType(state: State, node: TypeNode & { kind: 'named-type' }, mode: 'report' | 'quiet'): Type {
  const substituted = substitutedType(state, node, mode);
  if (substituted !== undefined) return substituted;
  const name = node.name.text;
  if (node.keyword !== undefined) return taggedType(state, node, node.keyword, mode);
  const sized = /^(u?)int(8|16|32|64)$/.exec(name);
  if (sized !== null) return integer(Number(sized[2]) as IntegerBits, sized[1] === '');
  const word = typeByName.get(name);
  if (word !== undefined && exists(word, state.version)) {
    if (name === 'bool') return boolean;
    if (name === 'void') return voidType;
    if (name === 'string') return string(0);
    if (name === 'buffer') return { kind: 'buffer', size: 0 };
    const aggregation = /^(min|max|count|sum|avg|stats)_t$/.exec(name);
    if (aggregation !== null) return { kind: 'aggregation', name: aggregation[1] as 'min', signed: true };
    const known = Object.hasOwn(opaqueNames, name) ? opaqueNames[name] : undefined;
    if (known !== undefined) return known;
  }
  // From 0.24 on any typedef of the kernel's BTF serves; before only structs do
  // Up to 0.23 the lexer replaces macros, also those that stand for types
  const macro = state.version < 24 ? state.c.macros.get(name) : undefined;
  if (macro !== undefined && macro !== name && /^[A-Za-z_]\w*$/.test(macro) && !state.c.macros.has(macro))
    return namedType(state, { ...node, name: { ...node.name, text: macro } }, mode);
  if (state.version >= 24) {
    const c = cInteger(name);
    if (c !== undefined) return c;
    const typedef =
      state.catalog?.typedefs !== undefined && Object.hasOwn(state.catalog.typedefs, name)
        ? state.catalog.typedefs[name]
        : undefined;
    if (typedef !== undefined) return state.c.parseDeclared(typedef);
    if (state.catalog === undefined || state.c.includes)
      return mode === 'quiet' && /^[a-z]{1,3}$/.test(name) ? none : unknown;
  } else if (state.c.includes && state.c.isOwn(`struct ${name}`) === false && /_t$/.test(name))
    return unknown;
  if (mode === 'report') unknownType(state, node, name, word !== undefined);
  return none;
}

function taggedType(
  state: State,
  node: TypeNode & { kind: 'named-type' },
  keyword: 'struct' | 'union' | 'enum',
  mode: 'report' | 'quiet',
): Type {
  const name = `${keyword} ${node.name.text}`;
  if (keyword === 'enum') {
    if (state.version < 22) return state.c.enums.has(node.name.text) ? integer(64, false) : unknown;
    const isOwn = state.c.enums.has(node.name.text);
    if (!isOwn && state.c.knows(name) === 'no') {
      if (mode === 'report') unknownType(state, node, name, false);
      return none;
    }
    return { kind: 'integer', bits: 64, signed: false, enumName: node.name.text };
  }
  if (state.c.knows(name) !== 'no') return { kind: 'struct', name };
  if (mode === 'report') unknownType(state, node, name, false);
  return none;
}

function unknownType(
  state: State,
  node: TypeNode & { kind: 'named-type' },
  name: string,
  isLater: boolean,
): void {
  if (isLater) {
    const since = typeByName.get(name)?.since ?? 0;
    state.report.error(
      node,
      'not-in-version',
      `The type ${name} exists since ${formatVersion(since)}; the script is checked for ${formatVersion(state.version)}.`,
    );
    return;
  }
  if (node.keyword === undefined && state.c.isOwn(`struct ${name}`)) {
    state.report.error(
      node,
      'unknown-type',
      `There is no type ${name}; the struct's name is \`struct ${name}\`.`,
      {
        fixes: [replace(node, `struct ${name}`, `Change to \`struct ${name}\``)],
      },
    );
    return;
  }
  const c = cInteger(name);
  if (c !== undefined) {
    state.report.error(node, 'unknown-type', `${name} cannot be cast to before 0.24; ${typeName(c)} can.`, {
      fixes: [replace(node, typeName(c), `Change to \`${typeName(c)}\``)],
    });
    return;
  }
  const similar = nearest(name, node.keyword === undefined ? typeByName.keys() : state.c.structNames());
  state.report.error(node, 'unknown-type', `There is no type ${name}.`, {
    ...(similar === undefined
      ? { hint: 'Define it in the script, or include the header that does.' }
      : { hint: `Did you mean ${similar}?`, fixes: [replace(node, similar, `Change to \`${similar}\``)] }),
  });
}

export function castType(state: State, expression: Cast): Type {
  const type = typeNodeType(state, expression.type);
  const operand = typeOf(state, expression.operand);
  if (isOpen(type)) return unknown;
  const target = sizeArray(type, operand);
  if (isOpen(operand)) return target;
  const refusal =
    state.version < 22
      ? refusedBefore22(state, target, operand)
      : refused(state, expression, target, operand);
  if (refusal !== undefined)
    state.report.error(
      expression,
      'cast',
      refusal.message,
      refusal.hint === undefined ? {} : { hint: refusal.hint },
    );
  if (state.version >= 24 && isContext(operand) && target.kind === 'pointer')
    return { ...target, context: true };
  if (isContext(operand) && target.kind === 'pointer') return { ...target, context: true };
  return target;
}

/** `(int8[])x` has as many elements as fit. */
function sizeArray(type: Type, operand: Type): Type {
  if (type.kind !== 'array' || type.count !== undefined) return type;
  const [element, size] = [sizeOf(type.of), sizeOf(operand)];
  if (element === undefined || size === undefined || element === 0 || size % element !== 0) return type;
  return { ...type, count: size / element };
}

interface Refusal {
  readonly message: string;
  readonly hint?: string;
}

function refusedBefore22(state: State, type: Type, operand: Type): Refusal | undefined {
  if (operand.kind === 'struct' && operand.args === undefined)
    return { message: `${typeName(operand)} cannot be cast.`, hint: 'Cast a pointer to it.' };
  if (operand.kind === 'void') return { message: 'There is no value here to cast.' };
  if (type.kind === 'struct')
    return {
      message: `A value cannot be cast to ${typeName(type)}.`,
      hint: `Cast to a pointer: \`(${typeName(type)} *)\`.`,
    };
  if (type.kind === 'pointer' && type.to.kind === 'integer' && isContext(operand))
    return { message: '`ctx` cannot be cast to a pointer to integers.' };
  if (
    type.kind === 'integer' &&
    !['integer', 'pointer', 'boolean'].includes(operand.kind) &&
    !isContext(operand)
  ) {
    if (operand.kind === 'array' && state.version >= 19) return sameSize(type, operand);
    if (isCastable(operand) && state.version >= 21) return undefined;
    return { message: `${typeName(operand)} cannot be cast to ${typeName(type)}.` };
  }
  if (type.kind === 'array') return arrayRefusal(state, type, operand);
  return undefined;
}

function sameSize(type: Type, operand: Type): Refusal | undefined {
  const [a, b] = [sizeOf(type), sizeOf(operand)];
  return a === undefined || b === undefined || a === b
    ? undefined
    : { message: `${typeName(operand)} has ${b} bytes and ${typeName(type)} ${a}.` };
}

function refused(state: State, expression: Cast, type: Type, operand: Type): Refusal | undefined {
  const message = `${typeName(operand)} cannot be cast to ${typeName(type)}.`;
  if (operand.kind === 'struct' && !isContext(operand)) return { message, hint: 'Cast a pointer to it.' };
  if (operand.kind === 'void') return { message: 'There is no value here to cast.' };
  if (state.version >= 25 && equal(type, operand)) return undefined;
  if (type.kind === 'string' && operand.kind === 'string')
    return (type.size === 0 ? state.version >= 25 : type.size < operand.size) ? { message } : undefined;
  if (type.kind === 'opaque' && type.name === 'username' && operand.kind === 'integer') return undefined;
  if (type.kind === 'array') return arrayRefusal(state, type, operand);
  if (type.kind === 'integer' && type.enumName !== undefined) {
    const refusal = enumRefusal(state, expression, type.enumName);
    if (refusal !== undefined) return refusal;
  }
  if (type.kind !== 'integer' && type.kind !== 'pointer' && type.kind !== 'boolean')
    return {
      message,
      ...(type.kind === 'struct' ? { hint: `Cast to a pointer: \`(${typeName(type)} *)\`.` } : {}),
    };
  if (operand.kind === 'array') return type.kind === 'integer' ? sameSize(type, operand) : { message };
  if (['pointer', 'integer'].includes(operand.kind) || isCastable(operand)) return undefined;
  if (type.kind === 'boolean')
    return operand.kind === 'string' || operand.kind === 'boolean' ? undefined : { message };
  if (type.kind === 'integer' && operand.kind !== 'boolean' && !isContext(operand)) return { message };
  return undefined;
}

function arrayRefusal(state: State, type: ArrayType, operand: Type): Refusal | undefined {
  const message = `${typeName(operand)} cannot be cast to ${typeName(type)}.`;
  if (isOpen(type.of)) return undefined;
  if (type.of.kind !== 'integer' && type.of.kind !== 'boolean') return { message };
  const [size, have] = [sizeOf(type), sizeOf(operand)];
  if (size === undefined)
    return { message: `The size of ${typeName(type)} cannot be told from ${typeName(operand)}.` };
  if (have === undefined) return { message };
  if (operand.kind === 'integer') {
    if (size === have || (state.version >= 25 && size <= 8 && size > have)) return undefined;
    return { message: `${message} ${typeName(operand)} has ${have} bytes, the array ${size}.` };
  }
  if ((operand.kind === 'boolean' || operand.kind === 'string') && state.version >= 25 && size === have)
    return undefined;
  return { message };
}

function enumRefusal(state: State, expression: Cast, enumName: string): Refusal | undefined {
  const values = state.c.enums.get(enumName);
  if (values === undefined) return undefined;
  const value = constantInteger(state, expression.operand);
  if (expression.operand.kind !== 'integer' || value === undefined || values.has(value)) return undefined;
  return { message: `enum ${enumName} has no constant of the value ${value}.` };
}
