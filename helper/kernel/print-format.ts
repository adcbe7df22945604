import type { FieldDisplay, NamedValue } from '../../protocol/events.ts';

/** Looks up a C constant that a print format names instead of giving its number (BTF's enumerations know them). */
export type ConstantLookup = (name: string) => number | undefined;

/**
 * What the `print fmt` of a tracepoint tells about its fields: `__print_flags(REC->f, "|", {1, "A"}, …)` and
 * `__print_symbolic(REC->f, …)` name values, `%pS` marks kernel addresses. Only an argument which is the field itself
 * (casts and parentheses aside) says something about the field's own values, so shifted and masked ones are left out.
 */
export function displaysOf(printFormat: string, constant: ConstantLookup): Map<string, FieldDisplay> {
  const displays = new Map<string, FieldDisplay>();
  const call = /__print_(flags|symbolic)(?:_u64)?\(/g;
  for (let match = call.exec(printFormat); match !== null; match = call.exec(printFormat)) {
    const parts = splitArguments(printFormat, call.lastIndex);
    const field = plainField(parts[0] ?? '');
    if (field === undefined || displays.has(field)) continue;
    const flags = match[1] === 'flags';
    const values = parts
      .slice(flags ? 2 : 1)
      .map((part) => namedValue(part, constant))
      .filter((value) => value !== undefined);
    if (values.length === 0) continue;
    displays.set(
      field,
      flags ? { as: 'flags', separator: unquote(parts[1] ?? '"|"'), values } : { as: 'enum', values },
    );
  }
  return displays;
}

/** The field of `REC->f`, `((unsigned long)REC->f)` and the like; undefined for anything computed. */
function plainField(expression: string): string | undefined {
  let text = expression.trim();
  for (;;) {
    const inner = text
      .replace(/^\(\s*(?:unsigned |signed |long |int|char|short|u\d+|s\d+|__u\d+|\s)+\)\s*/, '')
      .replace(/^\((.*)\)$/s, '$1')
      .trim();
    if (inner === text) break;
    text = inner;
  }
  // Masks with an all-ones constant of the state's width (sched_switch) keep the low values as they are.
  const masked = /^REC->(\w+)\s*&\s*\(.*-\s*1\)$/s.exec(text);
  return masked?.[1] ?? /^REC->(\w+)$/.exec(text)?.[1];
}

/** Splits at commas outside brackets and strings from `start` to the bracket that closes the call. */
function splitArguments(text: string, start: number): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = start;
  for (let at = start; at < text.length; at++) {
    const c = text[at];
    if (c === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
    } else if (c === '(' || c === '{') depth++;
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(from, at));
      from = at + 1;
    } else if (c === ')' || c === '}') {
      if (--depth < 0) {
        parts.push(text.slice(from, at));
        return parts;
      }
    }
  }
  return parts;
}

/** `{ 0x1, "NAME" }`; undefined when its value is no constant that can be computed here. */
function namedValue(part: string, constant: ConstantLookup): NamedValue | undefined {
  const match = /^\s*\{(.*),\s*("(?:[^"\\]|\\.)*")\s*\}\s*$/s.exec(part);
  if (match === null) return undefined;
  const value = evaluate(match[1] ?? '', constant);
  const name = unquote(match[2] ?? '').trim();
  // A value of −1 and names made of blanks terminate the kernel's own tables.
  return value === undefined || name === '' ? undefined : { name, value };
}

function unquote(text: string): string {
  return text
    .trim()
    .replace(/^"|"$/g, '')
    .replace(/\\(["\\])/g, '$1');
}

/**
 * Evaluates the constant expressions of print formats: integers with suffixes, casts, `<<`, `|`, `&`, `~`, `+`, `-`,
 * parentheses and named constants. Undefined for anything else; values wrap at 64 bits.
 */
export function evaluate(text: string, constant: ConstantLookup): number | string | undefined {
  // Casts such as `((( gfp_t)((((1UL))) << (3))))` change nothing for masks.
  const plain = text.replace(
    /\(\s*(?:(?:unsigned|signed|long|int|char|short|[us]\d+|__[us]\d+|\w+_t)\s*)+\)/g,
    '',
  );
  const tokens = plain.match(/0x[\da-f]+|\d+|[A-Za-z_]\w*|<<|>>|[()|&~+\-*]/gi) ?? [];
  let at = 0;
  const primary = (): bigint | undefined => {
    const token = tokens[at++];
    if (token === undefined) return undefined;
    if (token === '(') {
      const inner = binary(0);
      return tokens[at++] === ')' ? inner : undefined;
    }
    if (token === '~' || token === '-') {
      const operand = primary();
      return operand === undefined ? undefined : token === '~' ? ~operand : -operand;
    }
    if (/^\d/.test(token)) {
      if (/^[ul]+$/i.test(tokens[at] ?? '')) at++;
      if (!/^0\d/.test(token)) return BigInt(token);
      // C's octal: 08 is no number
      return /^[0-7]+$/.test(token) ? BigInt(`0o${token.slice(1)}`) : undefined;
    }
    const value = constant(token);
    return value === undefined ? undefined : BigInt(value);
  };
  const binary = (level: number): bigint | undefined => {
    if (level === LEVELS.length) return primary();
    let left = binary(level + 1);
    for (
      let op = tokens[at];
      left !== undefined && op !== undefined && LEVELS[level]?.includes(op);
      op = tokens[at]
    ) {
      at++;
      const right = binary(level + 1);
      left = right === undefined ? undefined : apply(op, left, right);
    }
    return left;
  };
  const result = binary(0);
  if (result === undefined || at !== tokens.length) return undefined;
  const wrapped = BigInt.asIntN(64, result);
  if (wrapped >= -0x1fffffffffffffn && wrapped <= 0x1fffffffffffffn) return Number(wrapped);
  return `0x${BigInt.asUintN(64, result).toString(16)}`;
}

const LEVELS = [['|'], ['&'], ['<<', '>>'], ['+', '-'], ['*']];

function apply(op: string, left: bigint, right: bigint): bigint | undefined {
  switch (op) {
    case '|':
      return left | right;
    case '&':
      return left & right;
    case '<<':
      return right >= 0n && right < 64n ? left << right : undefined;
    case '>>':
      return right >= 0n && right < 64n ? left >> right : undefined;
    case '+':
      return left + right;
    case '-':
      return left - right;
    default:
      return left * right;
  }
}
