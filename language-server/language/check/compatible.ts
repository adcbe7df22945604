import type { Version } from '../version.ts';
import {
  equal,
  integer,
  isOpen,
  none,
  string,
  type IntegerBits,
  type IntegerType,
  type RecordType,
  type Type,
} from './types.ts';

/**
 * Whether two types are of one sort, sizes aside: what bpftrace asks before it stores a value beside another one.
 * Stacks of different modes or limits are one sort up to 0.23.
 */
export function compatible(a: Type, b: Type, version: Version): boolean {
  if (isOpen(a) || isOpen(b)) return true;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'struct':
      return a.name === (b as typeof a).name;
    case 'pointer':
      return compatible(a.to, (b as typeof a).to, version);
    case 'stack': {
      const other = b as typeof a;
      return a.user === other.user && (version < 24 || (a.mode === other.mode && a.limit === other.limit));
    }
    case 'opaque':
      return a.name === (b as typeof a).name;
    case 'aggregation':
      return a.name === (b as typeof a).name;
    case 'tuple': {
      const others = (b as typeof a).elements;
      return (
        a.elements.length === others.length &&
        a.elements.every((element, index) => compatible(element, others[index] ?? none, version))
      );
    }
    case 'record': {
      const others = b as RecordType;
      return (
        a.fields.length === others.fields.length &&
        a.fields.every((field) => compatibleField(field, others, version))
      );
    }
    default:
      return true;
  }
}

function compatibleField(field: RecordType['fields'][number], other: RecordType, version: Version): boolean {
  const match = other.fields.find((candidate) => candidate.name === field.name);
  return match !== undefined && compatible(field.type, match.type, version);
}

const wider = (a: IntegerBits, b: IntegerBits): IntegerBits => (a > b ? a : b);

/** The smallest signed type for a value; undefined above 2^63 − 1. */
export function signedFor(value: bigint): IntegerType | undefined {
  for (const bits of [8, 16, 32, 64] as const) {
    const limit = 1n << BigInt(bits - 1);
    if (value >= -limit && value < limit) return integer(bits, true);
  }
  return undefined;
}

/** The type of an integer literal: always 64 bits up to 0.24, the smallest unsigned one in 0.25, signed from 0.26. */
export function literalType(value: bigint, version: Version): IntegerType {
  if (version <= 24) return value > 0x7fff_ffff_ffff_ffffn ? integer(64, false) : integer(64, true);
  if (value < 0n) return signedFor(value) ?? integer(64, true);
  if (version === 25) {
    for (const bits of [8, 16, 32] as const) if (value < 1n << BigInt(bits)) return integer(bits, false);
    return integer(64, false);
  }
  const signed = signedFor(value);
  return signed === undefined ? integer(64, false) : { ...signed, flexible: true };
}

/**
 * The integer type that holds both, or undefined when there is none: 0.25 knows none for int64 and uint64, 0.26
 * always falls back to int64. `value` is the second one's where it is a literal.
 */
export function promoteIntegers(
  a: IntegerType,
  b: IntegerType,
  version: Version,
  value?: bigint,
): IntegerType | undefined {
  if (a.signed === b.signed) return integer(wider(a.bits, b.bits), a.signed);
  const [signed, other] = a.signed ? [a, b] : [b, a];
  if (signed.bits > other.bits) return integer(signed.bits, true);
  if (value !== undefined && value >= 0n && a.signed) {
    const fitting = signedFor(value);
    if (fitting === undefined) return undefined;
    if (fitting.bits <= a.bits) return integer(a.bits, true);
  }
  const bits = wider(a.bits, b.bits) * 2;
  if (bits <= 64) return integer(bits as IntegerBits, true);
  return version >= 26 ? integer(64, true) : undefined;
}

/** What holds both values, from 0.25 on; undefined when nothing does. The types must be {@link compatible}. */
export function promote(a: Type, b: Type, version: Version, value?: bigint): Type | undefined {
  if (isOpen(a)) return b;
  if (isOpen(b)) return a;
  if (a.kind === 'integer' && b.kind === 'integer') return promoteIntegers(a, b, version, value);
  if (a.kind !== b.kind) return undefined;
  switch (a.kind) {
    case 'string':
      return string(Math.max(a.size, (b as typeof a).size));
    case 'buffer':
      return { kind: 'buffer', size: Math.max(a.size, (b as typeof a).size) };
    case 'tuple': {
      const others = (b as typeof a).elements;
      if (a.elements.length !== others.length) return undefined;
      const elements: Type[] = [];
      for (const [index, element] of a.elements.entries()) {
        const promoted = promote(element, others[index] ?? none, version);
        if (promoted === undefined) return undefined;
        elements.push(promoted);
      }
      return { kind: 'tuple', elements };
    }
    case 'record': {
      const fields: { name: string; type: Type }[] = [];
      for (const field of a.fields) {
        const match = (b as typeof a).fields.find((candidate) => candidate.name === field.name);
        const promoted = match === undefined ? undefined : promote(field.type, match.type, version);
        if (promoted === undefined) return undefined;
        fields.push({ name: field.name, type: promoted });
      }
      return fields.length === (b as typeof a).fields.length ? { kind: 'record', fields } : undefined;
    }
    case 'array':
      return equal(a, b) ? a : undefined;
    default:
      return compatible(a, b, version) ? a : undefined;
  }
}
