import type { AggregationName } from '../tables/aggregations.ts';

export type IntegerBits = 8 | 16 | 32 | 64;

export interface IntegerType {
  readonly kind: 'integer';
  readonly bits: IntegerBits;
  readonly signed: boolean;
  /** A positive literal, whose sign follows its partner's (0.27). */
  readonly flexible?: boolean;
  /** The clock that a timestamp was read from, where it was said. */
  readonly clock?: string;
  /** The enum whose constant it is. */
  readonly enumName?: string;
}
export interface StringType {
  readonly kind: 'string';
  /** Bytes with the terminating NUL; 0 when not yet known. */
  readonly size: number;
}
export interface PointerType {
  readonly kind: 'pointer';
  readonly to: Type;
  /** Points to the probe's context, which cannot be stored. */
  readonly context?: boolean;
}
export interface ArrayType {
  readonly kind: 'array';
  readonly of: Type;
  /** Undefined for `T[]`. */
  readonly count?: number;
}
export interface StructType {
  readonly kind: 'struct';
  /** `struct x`, `union x`, or for a probe's arguments the probe. */
  readonly name: string;
  /** The probe's `args`: of a tracepoint, or of a function. */
  readonly args?: 'tracepoint' | 'function';
}
export interface TupleType {
  readonly kind: 'tuple';
  readonly elements: readonly Type[];
}
export interface RecordType {
  readonly kind: 'record';
  readonly fields: readonly { readonly name: string; readonly type: Type }[];
}
export interface StackType {
  readonly kind: 'stack';
  readonly user: boolean;
  readonly mode: string;
  readonly limit: number;
}
export interface AggregationType {
  readonly kind: 'aggregation';
  readonly name: AggregationName;
  readonly signed: boolean;
}
/** Types that are only printed. */
export interface OpaqueType {
  readonly kind: 'opaque';
  readonly name:
    | 'ksym'
    | 'usym'
    | 'username'
    | 'probe'
    | 'inet'
    | 'macaddr'
    | 'cgroup_path'
    | 'strerror'
    | 'timestamp'
    | 'clock'
    | 'stack_mode';
}

/**
 * `none` is not known yet (a map that is assigned later), `unknown` cannot be known without the target (a kernel's
 * struct): neither is ever reason for an error. `void` is what `printf()` returns.
 */
export type Type =
  | { readonly kind: 'none' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'void' }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'buffer'; readonly size: number }
  | IntegerType
  | StringType
  | PointerType
  | ArrayType
  | StructType
  | TupleType
  | RecordType
  | StackType
  | AggregationType
  | OpaqueType;

export const none: Type = { kind: 'none' };
export const unknown: Type = { kind: 'unknown' };
export const voidType: Type = { kind: 'void' };
export const boolean: Type = { kind: 'boolean' };
export const integer = (bits: IntegerBits, signed: boolean): IntegerType =>
  integers[signed ? 'signed' : 'unsigned'][bits];
const integers = {
  signed: { 8: int(8, true), 16: int(16, true), 32: int(32, true), 64: int(64, true) },
  unsigned: { 8: int(8, false), 16: int(16, false), 32: int(32, false), 64: int(64, false) },
};
function int(bits: IntegerBits, signed: boolean): IntegerType {
  return { kind: 'integer', bits, signed };
}
export const int64 = integer(64, true);
export const uint64 = integer(64, false);
export const uint32 = integer(32, false);
export const string = (size: number): StringType => ({ kind: 'string', size });
export const pointer = (to: Type, context = false): PointerType =>
  context ? { kind: 'pointer', to, context } : { kind: 'pointer', to };
export const opaque = (name: OpaqueType['name']): OpaqueType => ({ kind: 'opaque', name });

/** Not known, now or ever: no rule applies. */
export function isOpen(type: Type): boolean {
  return type.kind === 'none' || type.kind === 'unknown';
}

export function isInteger(type: Type): type is IntegerType {
  return type.kind === 'integer';
}

/** An integer or what an integer can be read from: `@ = count()` in an expression, from 0.21. */
export const castableAggregations: ReadonlySet<AggregationName> = new Set([
  'count',
  'sum',
  'min',
  'max',
  'avg',
]);
export function isCastable(type: Type): type is AggregationType {
  return type.kind === 'aggregation' && castableAggregations.has(type.name);
}
/** Aggregations that are more than one number. */
export function isMultiValue(type: Type): boolean {
  return type.kind === 'aggregation' && !castableAggregations.has(type.name);
}

export function isContext(type: Type): boolean {
  return type.kind === 'pointer' ? type.context === true : type.kind === 'struct' && type.args !== undefined;
}

/** Bytes, or undefined when they depend on the target. */
export function sizeOf(type: Type): number | undefined {
  switch (type.kind) {
    case 'integer':
      return type.bits / 8;
    case 'boolean':
      return 1;
    case 'pointer':
      return 8;
    case 'string':
    case 'buffer':
      return type.size;
    case 'array': {
      const element = sizeOf(type.of);
      return element === undefined || type.count === undefined ? undefined : element * type.count;
    }
    default:
      return undefined;
  }
}

/** As messages name it. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'integer':
      return type.enumName !== undefined && type.enumName !== ''
        ? `enum ${type.enumName}`
        : `${type.signed ? '' : 'u'}int${type.bits}`;
    case 'boolean':
      return 'bool';
    case 'string':
      return type.size > 0 ? `string[${type.size}]` : 'string';
    case 'buffer':
      return type.size > 0 ? `buffer[${type.size}]` : 'buffer';
    case 'pointer':
      return type.to.kind === 'pointer' ? `${typeName(type.to)}*` : `${typeName(type.to)} *`;
    case 'array':
      return `${typeName(type.of)}[${type.count ?? ''}]`;
    case 'struct':
      return type.name;
    case 'tuple':
      return `(${type.elements.map(typeName).join(', ')})`;
    case 'record':
      return `(${type.fields.map((field) => `${field.name} = ${typeName(field.type)}`).join(', ')})`;
    case 'stack':
      return type.user ? 'ustack' : 'kstack';
    case 'aggregation':
      return `${type.name}()`;
    case 'opaque':
      return type.name;
    case 'void':
      return 'void';
    case 'none':
    case 'unknown':
      return 'unknown';
  }
}

/** Equal in every respect; compares shapes, which are shallow. */
export function equal(a: Type, b: Type): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'integer':
      return (
        a.bits === (b as IntegerType).bits &&
        a.signed === (b as IntegerType).signed &&
        a.flexible === (b as IntegerType).flexible
      );
    case 'string':
    case 'buffer':
      return a.size === (b as StringType).size;
    case 'pointer':
      return equal(a.to, (b as PointerType).to);
    case 'array':
      return a.count === (b as ArrayType).count && equal(a.of, (b as ArrayType).of);
    case 'struct':
      return a.name === (b as StructType).name;
    case 'tuple': {
      const others = (b as TupleType).elements;
      return (
        a.elements.length === others.length &&
        a.elements.every((element, index) => equal(element, others[index] ?? none))
      );
    }
    case 'record': {
      const others = (b as RecordType).fields;
      return (
        a.fields.length === others.length &&
        a.fields.every(
          (field, index) =>
            field.name === others[index]?.name && equal(field.type, others[index]?.type ?? none),
        )
      );
    }
    case 'stack': {
      const other = b as StackType;
      return a.user === other.user && a.mode === other.mode && a.limit === other.limit;
    }
    case 'aggregation':
      return a.name === (b as AggregationType).name && a.signed === (b as AggregationType).signed;
    case 'opaque':
      return a.name === (b as OpaqueType).name;
    default:
      return true;
  }
}

/** The type of a range's variable: the wider bound's. */
export function promoteRange(from: IntegerType, to: IntegerType): Type {
  return from.bits >= to.bits ? from : integer(to.bits, from.signed);
}

/** Whether something of it is not known yet. */
export const hasOpen = (type: Type): boolean =>
  isOpen(type) ||
  (type.kind === 'pointer' && hasOpen(type.to)) ||
  (type.kind === 'array' && hasOpen(type.of));
