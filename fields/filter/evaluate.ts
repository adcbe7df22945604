import type { RawValue } from '../show.ts';
import type { CheckedFilter } from './check.ts';

/** A filter as a function of a row, for conditions that the kernel cannot check. */
export type RowPredicate = (field: (name: string) => RawValue) => boolean;

/** Makes the filter a function; texts match as in the kernel: `*` any run, `?` one character. */
export function predicateOf(filter: CheckedFilter): RowPredicate {
  switch (filter.kind) {
    case 'and': {
      const [left, right] = [predicateOf(filter.left), predicateOf(filter.right)];
      return (field) => left(field) && right(field);
    }
    case 'or': {
      const [left, right] = [predicateOf(filter.left), predicateOf(filter.right)];
      return (field) => left(field) || right(field);
    }
    case 'not': {
      const operand = predicateOf(filter.operand);
      return (field) => !operand(field);
    }
    case 'compare':
      return typeof filter.value === 'string'
        ? textPredicate(filter.field.name, filter.operator, filter.value)
        : numberPredicate(filter.field.name, filter.operator, filter.value, filter.field);
  }
}

function textPredicate(name: string, operator: string, wanted: string): RowPredicate {
  if (operator === '==') return (field) => field(name) === wanted;
  if (operator === '!=') return (field) => field(name) !== wanted;
  const pattern = globPattern(wanted);
  return operator === '~'
    ? (field) => pattern.test(String(field(name)))
    : (field) => !pattern.test(String(field(name)));
}

/** `nginx*` as an anchored regular expression. */
export function globPattern(glob: string): RegExp {
  const escaped = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '[^]*')
    .replace(/\?/g, '[^]');
  return new RegExp(`^${escaped}$`);
}

function numberPredicate(
  name: string,
  operator: string,
  wanted: bigint,
  { signed, sizeBytes }: { signed: boolean; sizeBytes: number },
): RowPredicate {
  // A value such as 0xffffffff may stand for −1 in a signed field: both are brought to the field's width.
  const bits = Math.max(1, Math.min(8, sizeBytes || 8)) * 8;
  const wrap = (value: bigint) => (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value));
  const target = wrap(wanted);
  const value = (field: (name: string) => RawValue) => wrap(BigInt(field(name)));
  switch (operator) {
    case '==':
      return (field) => value(field) === target;
    case '!=':
      return (field) => value(field) !== target;
    case '<':
      return (field) => value(field) < target;
    case '<=':
      return (field) => value(field) <= target;
    case '>':
      return (field) => value(field) > target;
    case '>=':
      return (field) => value(field) >= target;
    default:
      return (field) => (value(field) & target) !== 0n;
  }
}
