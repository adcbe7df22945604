import { type FilterField, namesFor } from './check.ts';
import { operators } from './syntax.ts';

export interface Completion {
  readonly label: string;
  readonly kind: 'field' | 'operator' | 'value' | 'join';
  /** One line for people. */
  readonly detail: string;
  /** Replaces the text from here to the cursor. */
  readonly start: number;
}

/** What can stand at `offset` of a filter: fields, operators for the field's type, names of its values, `&&` and `||`. */
export function completeFilter(source: string, offset: number, fields: readonly FilterField[]): Completion[] {
  const before = source.slice(0, offset);
  const word = /[\w.]*$/.exec(before)?.[0] ?? '';
  const start = offset - word.length;
  const head = before.slice(0, start).trimEnd();
  const starts = (label: string) => label.toLowerCase().startsWith(word.toLowerCase());

  const compared = /([A-Za-z_]\w*)\s*(==|!=|<=|>=|<|>|&|~|!~)\s*(?:\(?[\w\s|]*\|\s*)?-?\(?["']?$/.exec(head);
  const field = fields.find((known) => known.name === compared?.[1]);
  if (field !== undefined && !/&&$/.test(head)) {
    const quoted = /["']$/.test(head);
    return namesFor(field)
      .filter(({ name }) => starts(name))
      .slice(0, 200)
      .map(({ name, value }) => ({
        label: /^\w+$/.test(name) || quoted ? name : `"${name}"`,
        kind: 'value' as const,
        detail: String(value),
        start,
      }));
  }
  if (head === '' || /(?:&&|\|\||!|\()$/.test(head))
    return fields
      .filter(({ name }) => starts(name))
      .map(({ name, type }) => ({ label: name, kind: 'field' as const, detail: type, start }));

  if (word !== '') return [];
  const last = fields.find((known) => known.name === /([A-Za-z_]\w*)$/.exec(head)?.[1]);
  if (last !== undefined && !/(?:==|!=|<=|>=|<|>|[^&]&|~)\s*\w+$/.test(head))
    return operators
      .filter((operator) => fits(operator, last))
      .map((operator) => ({
        label: operator,
        kind: 'operator' as const,
        detail: MEANINGS[operator] ?? '',
        start,
      }));
  return ['&&', '||'].map((label) => ({
    label,
    kind: 'join' as const,
    detail: label === '&&' ? 'both hold' : 'one of them holds',
    start,
  }));
}

function fits(operator: string, field: FilterField): boolean {
  const forText = operator === '~' || operator === '!~';
  if (operator === '==' || operator === '!=') return true;
  return (field.column === 'text') === forText;
}

const MEANINGS: Readonly<Record<string, string>> = {
  '==': 'equals',
  '!=': 'differs',
  '<': 'less',
  '<=': 'at most',
  '>': 'more',
  '>=': 'at least',
  '&': 'has any of these bits',
  '~': 'matches, with * and ?',
  '!~': 'does not match, with * and ?',
};
