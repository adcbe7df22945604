import type { TextRange } from './ast.ts';
import { ExpressionError } from './problem.ts';

export type Token = TextRange &
  (
    | { readonly kind: 'name'; readonly text: string }
    | { readonly kind: 'number'; readonly value: bigint }
    | { readonly kind: 'string'; readonly text: string }
    | { readonly kind: 'symbol'; readonly text: string }
    | { readonly kind: 'end' }
  );

/** Longest first. */
const symbols = [
  ...['<<', '>>', '<=', '>=', '==', '!=', '&&', '||', '->', '..', '::'],
  ...['+', '-', '*', '/', '%', '&', '|', '^', '~', '!', '<', '>', '(', ')', '[', ']', '.', ':'],
];

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** Splits an expression. The last token is `end`. Throws {@link ExpressionError} at the first character that fits nothing. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const start = at;
    const character = text[at] ?? '';
    if (/\s/.test(character)) {
      at++;
      continue;
    }
    const name = matchAt(/[A-Za-z_$][\w$]*/y, text, at);
    const number = name === undefined ? matchAt(/\d[\w]*/y, text, at) : undefined;
    if (name !== undefined) {
      at += name.length;
      tokens.push({ kind: 'name', text: name, start, end: at });
    } else if (number !== undefined) {
      at += number.length;
      tokens.push({ kind: 'number', value: numberOf(number, { start, end: at }), start, end: at });
    } else if (character === '"' || character === "'") {
      const { value, end } = quoted(text, at, character);
      at = end;
      if (character === '"') tokens.push({ kind: 'string', text: value, start, end });
      else tokens.push({ kind: 'number', value: characterOf(value, { start, end }), start, end });
    } else {
      const symbol = symbols.find((candidate) => text.startsWith(candidate, at));
      if (symbol === undefined)
        throw new ExpressionError(
          { start, end: start + 1 },
          `${JSON.stringify(character)} means nothing in an expression.`,
          character === '=' ? 'Write == to compare; a logpoint changes nothing.' : undefined,
        );
      at += symbol.length;
      tokens.push({ kind: 'symbol', text: symbol, start, end: at });
    }
  }
  tokens.push({ kind: 'end', start: text.length, end: text.length });
  return tokens;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** C's integers: decimal, 0x…, 0b…, octal with a leading 0, any u/l suffix. */
function numberOf(text: string, range: TextRange): bigint {
  const digits = text.replace(/(?:u?l{0,2}|l{1,2}u)$/i, '');
  const valid = /^(?:0x[\da-f]+|0b[01]+|0[0-7]*|[1-9]\d*)$/i.test(digits);
  if (!valid) throw new ExpressionError(range, `${text} is no integer.`, 'Write 42, 0x2a, 052 or 0b101010.');
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (value >= 1n << 64n) throw new ExpressionError(range, `${text} does not fit 64 bits.`);
  return value;
}

function quoted(text: string, start: number, quote: string): { value: string; end: number } {
  let value = '';
  let at = start + 1;
  while (at < text.length && text[at] !== quote) {
    if (text[at] === '\\') {
      const escape = escapes[text[at + 1] ?? ''];
      if (escape === undefined)
        throw new ExpressionError(
          { start: at, end: at + 2 },
          `${text.slice(at, at + 2)} is no escape that is known here.`,
        );
      value += escape;
      at += 2;
    } else value += text[at++];
  }
  if (at >= text.length)
    throw new ExpressionError({ start, end: text.length }, `The ${quote} is never closed.`);
  return { value, end: at + 1 };
}

function characterOf(value: string, range: TextRange): bigint {
  const bytes = Buffer.from(value, 'utf8');
  if (bytes.length !== 1) throw new ExpressionError(range, 'A character constant is one byte.');
  return BigInt(bytes[0] ?? 0);
}
