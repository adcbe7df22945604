import type { Expression, TextRange } from './ast.ts';
import { parseExpression, type KnowsType } from './parser.ts';
import { ExpressionError } from './problem.ts';

/** How a value is written: by its type, or decimal, unsigned, hexadecimal, octal, binary, character, string, pointer. */
export const formats = ['', 'd', 'u', 'x', 'o', 'b', 'c', 's', 'p'] as const;
export type ValueFormat = (typeof formats)[number];

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | ({
      readonly kind: 'value';
      readonly source: string;
      readonly expression: Expression;
      readonly format: ValueFormat;
    } & TextRange);

/**
 * Parses `text {expr} {expr:x}`. `{{` and `}}` are braces. Ranges of errors count in the whole text.
 */
export function parseTemplate(text: string, knowsType?: KnowsType): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let literal = '';
  let at = 0;
  while (at < text.length) {
    const two = text.slice(at, at + 2);
    if (two === '{{' || two === '}}') {
      literal += two[0];
      at += 2;
    } else if (text[at] === '}')
      throw new ExpressionError(
        { start: at, end: at + 1 },
        'This } closes nothing.',
        'Write }} for a brace.',
      );
    else if (text[at] === '{') {
      if (literal !== '') parts.push({ kind: 'text', text: literal });
      literal = '';
      const end = closingBrace(text, at);
      parts.push(parseHole(text, at, end, knowsType));
      at = end + 1;
    } else literal += text[at++];
  }
  if (literal !== '') parts.push({ kind: 'text', text: literal });
  return parts;
}

function closingBrace(text: string, open: number): number {
  let quote = '';
  for (let at = open + 1; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '}') return at;
    else if (character === '{') break;
  }
  throw new ExpressionError(
    { start: open, end: text.length },
    'This { is never closed.',
    'Write {{ for a brace.',
  );
}

function parseHole(
  text: string,
  open: number,
  close: number,
  knowsType: KnowsType | undefined,
): TemplatePart {
  const inside = text.slice(open + 1, close);
  const [, source = inside, format = ''] = /^(.*[^:]):([a-z]?)$/s.exec(inside) ?? [];
  if (source.trim() === '')
    throw new ExpressionError({ start: open, end: close + 1 }, 'There is no expression between the braces.');
  const known = formats.find((candidate) => candidate === format);
  if (known === undefined)
    throw new ExpressionError(
      { start: close - format.length, end: close },
      `${format} is no format.`,
      'Formats are d (decimal), u (unsigned), x (hexadecimal), o, b (binary), c (character), s (string), p (pointer).',
    );
  const expression = shifted(open + 1, () => parseExpression(source, knowsType));
  return {
    kind: 'value',
    source: source.trim(),
    expression,
    format: known,
    start: open + 1,
    end: open + 1 + source.length,
  };
}

/** Runs what may throw an {@link ExpressionError}, whose range then counts from `by` characters earlier. */
export function shifted<T>(by: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const { start, end } = error.range;
    throw new ExpressionError({ start: start + by, end: end + by }, error.message, error.remedy, error.code);
  }
}
