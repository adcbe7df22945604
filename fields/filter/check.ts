import type { EventField, NamedValue } from '../../protocol/events.ts';
import { errno, signals } from '../constants.ts';
import { nearest } from '../nearest.ts';
import {
  type Atom,
  type FilterNode,
  type FilterProblem,
  type Operator,
  type Value,
  parseFilter,
} from './syntax.ts';

/** A field that filters may name: those of the event and the common ones. */
export type FilterField = Pick<
  EventField,
  'name' | 'type' | 'column' | 'display' | 'sizeBytes' | 'signed'
> & {
  /** Carried by every event; each engine has its own word for it. */
  readonly common?: boolean;
};

/** A filter whose names and values are resolved: what the compilers and the evaluator take. */
export type CheckedFilter =
  | { readonly kind: 'and' | 'or'; readonly left: CheckedFilter; readonly right: CheckedFilter }
  | { readonly kind: 'not'; readonly operand: CheckedFilter }
  | {
      readonly kind: 'compare';
      readonly field: FilterField;
      readonly operator: Operator;
      readonly value: bigint | string;
    };

export interface FilterCheck {
  /** Present when there are no problems and the filter is not empty. */
  readonly filter?: CheckedFilter;
  readonly problems: readonly FilterProblem[];
}

/** Parses and checks a filter against an event's fields; never throws. */
export function checkFilter(source: string, fields: readonly FilterField[]): FilterCheck {
  const { node, problems: syntax } = parseFilter(source);
  if (node === undefined) return { problems: syntax };
  const problems: FilterProblem[] = [];
  const filter = checkNode(node, { fields, problems });
  return problems.length > 0 || filter === undefined ? { problems } : { filter, problems: [] };
}

interface Context {
  readonly fields: readonly FilterField[];
  readonly problems: FilterProblem[];
}

function checkNode(node: FilterNode, context: Context): CheckedFilter | undefined {
  if (node.kind === 'not') {
    const operand = checkNode(node.operand, context);
    return operand && { kind: 'not', operand };
  }
  if (node.kind !== 'compare') {
    const left = checkNode(node.left, context);
    const right = checkNode(node.right, context);
    return left && right && { kind: node.kind, left, right };
  }
  const field = context.fields.find((known) => known.name === node.field);
  if (field === undefined) return unknownField(node.field, node.fieldRange, context);
  const operator = node.operator ?? '!=';
  const problem = (message: string, suggestion?: string): undefined => {
    const { start, end } = node.value ?? node;
    context.problems.push(
      suggestion === undefined ? { start, end, message } : { start, end, message, suggestion },
    );
  };
  if (field.column === 'text') {
    if (node.value === undefined)
      return problem(`${field.name} is text: compare it, for example ${field.name} == "…".`);
    return checkText(field, operator, node.value, problem);
  }
  if (operator === '~' || operator === '!~')
    return problem(`${operator} matches texts, and ${field.name} is a number (${field.type}).`);
  const value = node.value === undefined ? 0n : numberOf(field, node.value, problem);
  if (value === undefined) return undefined;
  return inRange(field, value, problem) ? { kind: 'compare', field, operator, value } : undefined;
}

type Report = (message: string, suggestion?: string) => undefined;

function unknownField(name: string, range: { start: number; end: number }, context: Context): undefined {
  const near = nearest(
    name,
    context.fields.map((field) => field.name),
  );
  const names = context.fields.filter((field) => field.common !== true).map((field) => field.name);
  const message = `This event has no field “${name}”${near === undefined ? `; it has ${names.join(', ') || 'none'}` : ''}.`;
  const { start, end } = range;
  context.problems.push(
    near === undefined ? { start, end, message } : { start, end, message, suggestion: near },
  );
}

function checkText(
  field: FilterField,
  operator: Operator,
  value: Value,
  problem: Report,
): CheckedFilter | undefined {
  const [atom] = value.atoms;
  if (operator === '&' || operator === '<' || operator === '<=' || operator === '>' || operator === '>=')
    return problem(`${field.name} is text (${field.type}): it can be compared with ==, !=, ~ and !~.`);
  if (atom?.kind === 'name') return problem(`Text is written in quotes.`, `"${atom.name}"`);
  if (atom?.kind !== 'text' || value.atoms.length !== 1 || value.negative)
    return problem(`${field.name} is text (${field.type}), and this is a number.`);
  return { kind: 'compare', field, operator, value: atom.value };
}

function numberOf(field: FilterField, value: Value, problem: Report): bigint | undefined {
  let bits = 0n;
  for (const atom of value.atoms) {
    const part = atomValue(field, atom, problem);
    if (part === undefined) return undefined;
    bits = value.atoms.length === 1 ? part : bits | part;
  }
  return value.negative ? -bits : bits;
}

function atomValue(field: FilterField, atom: Atom, problem: Report): bigint | undefined {
  switch (atom.kind) {
    case 'number':
      return scaled(field, atom.value, atom.unit, problem);
    case 'device':
      if (field.display.as !== 'device') return problem(`${field.name} is no device.`);
      return (BigInt(atom.major) << 20n) | BigInt(atom.minor);
    case 'name':
    case 'text':
      return named(field, atom.kind === 'name' ? atom.name : atom.value, atom.kind, problem);
  }
}

const SIZES: Readonly<Record<string, bigint>> = { k: 1n << 10n, m: 1n << 20n, g: 1n << 30n, t: 1n << 40n };
const DURATIONS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
};
/** Suffixes of C constants mean nothing here. */
const C_SUFFIX = /^(?:u|l|ul|ll|ull|lu|llu)$/i;

function scaled(
  field: FilterField,
  value: bigint,
  unit: string | undefined,
  problem: Report,
): bigint | undefined {
  if (unit === undefined || C_SUFFIX.test(unit)) return value;
  const duration = DURATIONS[unit];
  if (duration !== undefined) {
    if (field.display.as === 'durationNs' || field.display.as === 'timeNs') return value * duration;
    return problem(
      `${field.name} (${field.type}) holds no duration, so ${unit} has no meaning here.`,
      String(value),
    );
  }
  const size = SIZES[unit.toLowerCase().replace(/i?b$/, '')];
  return size === undefined
    ? problem(`“${unit}” is no unit: k, M, G, T (powers of 1024) or ns, us, ms, s are.`, String(value))
    : value * size;
}

/** The names that stand for numbers in this field. */
export function namesFor(field: Pick<FilterField, 'display'>): readonly NamedValue[] {
  switch (field.display.as) {
    case 'flags':
    case 'enum':
    case 'device':
      return field.display.values;
    case 'errno':
      return errno;
    case 'signal':
      return signals;
    case 'boolean':
      return [
        { name: 'true', value: 1 },
        { name: 'false', value: 0 },
      ];
    default:
      return [];
  }
}

function named(field: FilterField, name: string, kind: 'name' | 'text', problem: Report): bigint | undefined {
  const names = namesFor(field);
  const found = names.find((item) => item.name === name);
  if (found !== undefined) return BigInt(found.value);
  if (names.length === 0)
    return problem(`${field.name} is a number (${field.type}), not ${kind === 'text' ? 'text' : 'a name'}.`);
  const near = nearest(
    name,
    names.map((item) => item.name),
  );
  const quoted = near !== undefined && (kind === 'text' || !/^\w+$/.test(near)) ? `"${near}"` : near;
  const some = names.slice(0, 6).map((item) => item.name);
  return problem(
    `${field.name} has no value “${name}”; it knows ${some.join(', ')}${names.length > 6 ? ', …' : ''}.`,
    quoted,
  );
}

function inRange(field: FilterField, value: bigint, problem: Report): boolean {
  // Fields of system calls are declared with the argument's type but are as wide as a register.
  const bits = BigInt(Math.max(1, Math.min(8, field.sizeBytes || 8)) * 8);
  const low = -(1n << (bits - 1n));
  const high = (1n << bits) - 1n;
  if (value >= (field.signed ? low : 0n) && value <= high) return true;
  // Negative numbers in unsigned fields are a common slip: u32 == -1.
  problem(
    value < 0n && !field.signed
      ? `${field.name} is unsigned (${field.type}) and is never negative.`
      : `${field.name} (${field.type}) has ${bits} bits: ${value} does not fit.`,
  );
  return false;
}
