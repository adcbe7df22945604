import type { Span } from '../diagnostic.ts';
import type { Expression, FieldAccess, Identifier, Name, TypeNode } from '../syntax/ast.ts';
import { argumentMembers } from './arguments.ts';
import { isTypeNode, typeNodeType } from './casts.ts';
import { typeOf } from './expressions.ts';
import { nearest, replace } from './report.ts';
import { refuseBareBuiltin, unevaluated } from './sizeof.ts';
import type { State } from './state.ts';
import { passedPath, passedType } from './type-arguments.ts';
import { integer, isOpen, typeName, uint64, unknown, type StructType, type Type } from './types.ts';

/** `object.field`, `object->field`. */
export function fieldType(state: State, expression: FieldAccess): Type {
  const object = typeOf(state, expression.object);
  const isArgs = expression.object.kind === 'identifier' && expression.object.name === 'args';
  if (isArgs && state.version < 19 && !expression.arrow) {
    state.report.error(expression.operatorSpan, 'field-access', '`args` is a pointer before 0.19.', {
      hint: 'Write `args->…`, which newer releases understand too.',
      fixes: [replace(expression.operatorSpan, '->', 'Replace `args.` by `args->`')],
    });
    return unknown;
  }
  if (isOpen(object)) {
    if (object.kind === 'none' && state.final && state.version >= 25 && expression.object.kind === 'map')
      state.report.error(expression, 'field-access', 'Nothing is assigned to this map; it has no fields.');
    return object;
  }
  const subject = reach(state, expression, object);
  if (subject === undefined) return unknown;
  if (subject.kind === 'record') {
    const field = subject.fields.find((candidate) => candidate.name === expression.field.text);
    if (field !== undefined) return field.type;
    unknownField(
      state,
      expression.field,
      typeName(subject),
      subject.fields.map((candidate) => candidate.name),
    );
    return unknown;
  }
  if (subject.kind === 'struct') return memberType(state, expression, subject);
  if (!isOpen(subject))
    state.report.error(expression, 'field-access', `${typeName(subject)} has no fields.`, fieldHint(subject));
  return unknown;
}

function fieldHint(type: Type): { hint?: string } {
  if (type.kind === 'integer')
    return { hint: 'Cast it to a pointer to a struct first: `((struct … *)…)->…`.' };
  if (type.kind === 'tuple') return { hint: 'Elements of tuples are `.0`, `.1`, …' };
  return {};
}

/** What the field is looked up in: `->` goes through one pointer, from 0.25 `.` through any number. */
function reach(state: State, expression: FieldAccess, object: Type): Type | undefined {
  let type = object;
  if (state.version >= 25) {
    while (type.kind === 'pointer') type = type.to;
    return type;
  }
  if (expression.arrow) {
    if (type.kind === 'pointer') return type.to;
    // `args->x` stays valid where `args` is a struct
    if (type.kind === 'struct' && type.args !== undefined) return type;
    if (type.kind === 'struct' || type.kind === 'record')
      state.report.error(expression.operatorSpan, 'field-access', `${typeName(type)} is no pointer.`, {
        fixes: [replace(expression.operatorSpan, '.', 'Replace `->` by `.`')],
      });
    else state.report.error(expression, 'field-access', `${typeName(type)} has no fields.`, fieldHint(type));
    return undefined;
  }
  if (type.kind === 'pointer') {
    if (type.context === true && type.to.kind === 'struct' && type.to.args !== undefined) return type.to;
    state.report.error(
      expression.operatorSpan,
      'field-access',
      `${typeName(type)} is a pointer; its fields are reached by \`->\`.`,
      {
        hint: 'From 0.25 on `.` works too.',
        fixes: [replace(expression.operatorSpan, '->', 'Replace `.` by `->`')],
      },
    );
    return undefined;
  }
  return type;
}

function memberType(state: State, expression: FieldAccess, subject: StructType): Type {
  if (subject.args !== undefined) return argumentType(state, expression, subject);
  const definition = state.c.struct(subject.name);
  if (definition === undefined) return unknown;
  const field = definition.fields.get(expression.field.text);
  if (field !== undefined) return field.type;
  unknownField(state, expression.field, subject.name, definition.fields.keys());
  return unknown;
}

function argumentType(state: State, expression: FieldAccess, subject: StructType): Type {
  const isTracepoint = subject.args === 'tracepoint';
  if (isTracepoint && /^common_(type|flags|preempt_count|pid)$/.test(expression.field.text)) {
    state.report.error(
      expression.field,
      'field-access',
      `BPF programs cannot read \`${expression.field.text}\`.`,
      {
        hint:
          expression.field.text === 'common_pid'
            ? 'Use `pid` or `tid`.'
            : 'The first 8 bytes of an event are not theirs.',
      },
    );
    return unknown;
  }
  const all = argumentMembers(state);
  if (all === undefined || all.length === 0) return unknown;
  let type: Type = unknown;
  for (const members of all) {
    const member = members.fields.get(expression.field.text);
    if (member === undefined) {
      unknownField(state, expression.field, members.owner, members.fields.keys());
      return unknown;
    }
    type = member.type;
  }
  return type;
}

function unknownField(state: State, name: Name, owner: string, candidates: Iterable<string>): void {
  const similar = nearest(name.text, candidates);
  state.report.error(name, 'unknown-field', `${owner} has no field \`${name.text}\`.`, {
    ...(similar === undefined
      ? {}
      : {
          hint: `Did you mean \`${similar}\`?`,
          fixes: [replace(name, similar, `Change to \`${similar}\``)],
        }),
  });
}

/** The type of a bare word: what a macro was given for it, else what has that name. */
function wordType(state: State, word: Identifier): Type {
  if (state.frame?.expressions.has(word.name) === true)
    return passedType(state, word.name) ?? unevaluated(state, word);
  if (refuseBareBuiltin(state, word)) return unknown;
  const { start, end, name } = word;
  return typeNodeType(state, {
    kind: 'named-type',
    start,
    end,
    name: { kind: 'name', start, end, text: name },
  });
}

/** `offsetof(struct x, a.b)` */
export function offsetofType(
  state: State,
  expression: { readonly subject: Expression | TypeNode; readonly path: readonly Name[] } & Span,
): Type {
  let type: Type;
  if (isTypeNode(expression.subject)) type = typeNodeType(state, expression.subject);
  else if (expression.subject.kind === 'identifier') type = wordType(state, expression.subject);
  else type = unevaluated(state, expression.subject);
  for (const name of passedPath(state, expression.path)) {
    if (isOpen(type)) break;
    if (type.kind !== 'struct') {
      state.report.error(name, 'field-access', `${typeName(type)} has no fields.`);
      break;
    }
    const definition = state.c.struct(type.name);
    if (definition === undefined) break;
    const field = definition.fields.get(name.text);
    if (field === undefined) {
      unknownField(state, name, type.name, definition.fields.keys());
      break;
    }
    type = field.type;
  }
  return state.version >= 25 ? integer(8, false) : uint64;
}
