import type { Call } from '../syntax/ast.ts';
import type { FunctionWord } from '../tables/signature.ts';
import { stackModeByName } from '../tables/words.ts';
import { constant, constantInteger } from './fold.ts';
import type { State } from './state.ts';
import {
  boolean,
  int64,
  integer,
  opaque,
  pointer,
  sizeOf,
  string,
  uint32,
  uint64,
  unknown,
  voidType,
  type Type,
} from './types.ts';

/** The type of what a call yields. */
export function returnTypeOf(state: State, call: Call, word: FunctionWord, types: readonly Type[]): Type {
  switch (word.returns) {
    case 'void':
      return voidType;
    case 'uint8':
      return integer(8, false);
    case 'uint32':
      return uint32;
    case 'uint64':
      return types[0]?.kind === 'integer' && types[0].clock !== undefined
        ? { ...integer(64, false), clock: types[0].clock }
        : uint64;
    case 'int64':
      return int64;
    case 'bool':
      return state.version >= 24 ? boolean : uint64;
    case 'string':
      return string(lengthOf(state, call) ?? state.maxStringBytes);
    case 'buffer':
      return bufferType(state, call, types);
    case 'ksym':
    case 'usym':
    case 'inet':
    case 'macaddr':
    case 'cgroup_path':
    case 'timestamp':
      return opaque(word.returns);
    case 'strerror':
      return state.version >= 25 ? string(64) : opaque('strerror');
    case 'bytes':
      return { kind: 'array', of: integer(8, false), count: addressBytes(state, call) };
    case 'kstack':
    case 'ustack':
      return stackType(state, call, word.returns === 'ustack');
    case 'aggregation':
      return unknown;
    case 'special':
      return specialReturn(state, call, word.name, types);
  }
}

function lengthOf(state: State, call: Call): number | undefined {
  const argument = call.args[1];
  const value = argument === undefined ? undefined : constantInteger(state, argument);
  return value === undefined || state.version < 21 || value < 0n || value >= BigInt(state.maxStringBytes)
    ? undefined
    : Number(value) + 1;
}

function bufferType(state: State, call: Call, types: readonly Type[]): Type {
  const [type] = types;
  const size =
    types.length === 1 && type !== undefined
      ? sizeOf(type)
      : call.args[1] === undefined
        ? undefined
        : Number(constantInteger(state, call.args[1]) ?? -1n);
  return {
    kind: 'buffer',
    size: size === undefined || size < 0 ? state.maxStringBytes : Math.min(size, state.maxStringBytes),
  };
}

function addressBytes(state: State, call: Call): number {
  const value = call.args[0] === undefined ? undefined : constant(state, call.args[0]);
  return value?.kind === 'string' && value.value.includes(':') ? 16 : 4;
}

function stackType(state: State, call: Call, user: boolean): Type {
  const [first, second] = call.args;
  const mode = first?.kind === 'identifier' && stackModeByName.has(first.name) ? first.name : 'bpftrace';
  const limit = mode === 'bpftrace' && first?.kind !== 'identifier' ? first : second;
  const value = limit === undefined ? undefined : constantInteger(state, limit);
  return { kind: 'stack', user, mode, limit: value === undefined ? 127 : Number(BigInt.asUintN(32, value)) };
}

function specialReturn(state: State, call: Call, name: string, types: readonly Type[]): Type {
  const [type] = types;
  switch (name) {
    case 'delete':
      return state.version >= 24 ? boolean : voidType;
    case 'uaddr':
      return pointer(uint64);
    case 'kptr':
    case 'uptr':
      return type ?? unknown;
    case 'bswap':
      return type?.kind === 'integer' ? integer(type.bits, false) : unknown;
    case 'getopt': {
      const fallback = call.args[1] === undefined ? undefined : constant(state, call.args[1]);
      if (call.args[1] === undefined || fallback?.kind === 'boolean') return boolean;
      return fallback?.kind === 'string'
        ? string(state.maxStringBytes)
        : fallback?.kind === 'integer'
          ? int64
          : unknown;
    }
    case 'strcap':
    case 'default_str_length':
      return uint32;
    default:
      return unknown;
  }
}
