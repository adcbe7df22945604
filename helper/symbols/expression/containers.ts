import { tags } from '../dwarf/constants.ts';
import { stripped, typeOf, type Type } from '../dwarf/types.ts';
import { findMember, isPointer, isStruct, type StructType } from './value.ts';

/** Names to follow from a container's struct, one member after the other. */
type Path = readonly string[];

/** A string or sequence of a standard library, by the members that make it one. */
export interface Container {
  readonly what: 'text' | 'list';
  readonly data: Path;
  /** The number of elements; absent when it is the distance of `end` from `data`. */
  readonly length?: Path;
  readonly end?: Path;
  readonly element: Type;
}

/**
 * What a struct is to people, told by the names of its members:
 * libstdc++ (std::string, string_view, vector, span), libc++ (string_view, vector), Rust (&str, String, Vec, slices) and
 * Go (strings, slices).
 */
export function containerOf(type: Type): Container | undefined {
  const plain = stripped(type);
  if (!isStruct(plain)) return undefined;
  for (const { data, length, end, text } of layouts) {
    const pointer = stripped(memberType(plain, data) ?? plain);
    if (!isPointer(pointer)) continue;
    const last = length === undefined ? end : length;
    if (last === undefined || memberType(plain, last) === undefined) continue;
    const element = pointer.target();
    return {
      what: text(plain, element) ? 'text' : 'list',
      data,
      element,
      ...(length === undefined ? {} : { length }),
      ...(end === undefined ? {} : { end }),
    };
  }
  return rustVector(plain);
}

interface Layout {
  readonly data: Path;
  readonly length?: Path;
  readonly end?: Path;
  readonly text: (type: StructType, element: Type) => boolean;
}

const byCharacter = (_: StructType, element: Type): boolean => isChar(element);
const never = (): boolean => false;

const layouts: readonly Layout[] = [
  { data: ['_M_dataplus', '_M_p'], length: ['_M_string_length'], text: byCharacter },
  { data: ['_M_str'], length: ['_M_len'], text: byCharacter },
  { data: ['_M_impl', '_M_start'], end: ['_M_impl', '_M_finish'], text: never },
  { data: ['_M_ptr'], length: ['_M_extent', '_M_extent_value'], text: never },
  { data: ['__data_'], length: ['__size_'], text: byCharacter },
  { data: ['__begin_'], end: ['__end_'], text: never },
  { data: ['data_ptr'], length: ['length'], text: (type) => /\bstr$/.test(type.name) },
  { data: ['str'], length: ['len'], text: (type) => /(^|\s)string$/.test(type.name) },
  { data: ['array'], length: ['len'], text: never },
];

/** `String { vec: Vec<u8> { buf: RawVec<…>, len } }`: the pointer is somewhere inside `buf`, deeper with each release. */
function rustVector(type: StructType): Container | undefined {
  const inner = findMember(type, 'vec');
  const isString = inner !== undefined && type.name.endsWith('String');
  const vector = isString ? stripped(inner.member.type()) : type;
  if (!isStruct(vector) || !/\bVec</.test(vector.name) || memberType(vector, ['len']) === undefined)
    return undefined;
  const buffer = findMember(vector, 'buf');
  const path = buffer === undefined ? undefined : pathToPointer(buffer.member.type(), 0);
  const element = vectorElement(vector);
  if (path === undefined || element === undefined) return undefined;
  const prefix = isString ? ['vec'] : [];
  return {
    what: isString ? 'text' : 'list',
    data: [...prefix, 'buf', ...path],
    length: [...prefix, 'len'],
    element,
  };
}

/** The pointer inside a smart pointer of C++ (libstdc++, libc++, Boost): how far in it is, and what it points to. */
export function smartPointer(type: Type): { offsetBytes: number; target: Type } | undefined {
  const plain = stripped(type);
  if (!isStruct(plain) || !/^(unique_ptr|shared_ptr|weak_ptr|intrusive_ptr)</.test(plain.name))
    return undefined;
  return firstPointer(plain, 0);
}

function firstPointer(type: StructType, depth: number): { offsetBytes: number; target: Type } | undefined {
  for (const member of type.members()) {
    const plain = stripped(member.type());
    if (isPointer(plain)) return { offsetBytes: member.offsetBytes, target: plain.target() };
    const inner = isStruct(plain) && depth < 8 ? firstPointer(plain, depth + 1) : undefined;
    if (inner !== undefined) return { ...inner, offsetBytes: member.offsetBytes + inner.offsetBytes };
  }
  return undefined;
}

function pathToPointer(type: Type, depth: number): string[] | undefined {
  const plain = stripped(type);
  if (depth > 0 && isPointer(plain)) return [];
  if (!isStruct(plain) || depth > 8) return undefined;
  for (const member of plain.members()) {
    const path = pathToPointer(member.type(), depth + 1);
    if (path !== undefined) return [member.name, ...path];
  }
  return undefined;
}

/** Template parameter T of `Vec<T, A>`: since Rust 1.83 the buffer's pointer is one to bytes whatever T is. */
function vectorElement(vector: StructType): Type | undefined {
  const { die } = vector;
  if (die === undefined) return undefined;
  for (const child of die.children())
    if (child.tag === tags.templateTypeParameter && child.name === 'T') return typeOf(child);
  return undefined;
}

function memberType(type: StructType, path: Path): Type | undefined {
  let current: Type = type;
  for (const name of path) {
    const found = findMember(current, name);
    if (found === undefined) return undefined;
    current = found.member.type();
  }
  return current;
}

function isChar(type: Type): boolean {
  const plain = stripped(type);
  return plain.kind === 'base' && plain.sizeBytes === 1;
}
