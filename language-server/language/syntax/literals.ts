import type { IntegerLiteral, StringLiteral } from './ast.ts';
import { readNumber, type ReadNumber } from './numbers.ts';
import type { ParserState } from './state.ts';

/** What belongs to a literal's type or unit, and not to its digits. */
const suffixPattern = /(?:ns|us|ms|[smhd]|[uU]?[lL]{0,2})$/;
const smallInteger = /^(?:0|[1-9][0-9]{0,14})$/;

/** The current integer token; checks what bpftrace checks: range, octal digits, scientific notation. */
export function parseInteger(p: ParserState): IntegerLiteral {
  const { start, end } = p;
  const text = p.source.slice(start, end);
  p.next();
  if (smallInteger.test(text)) return { kind: 'integer', start, end, text, value: BigInt(text) };
  const hex = /^0[xX]/.test(text);
  const suffix = hex ? '' : (suffixPattern.exec(text)?.[0] ?? '');
  const read = readsBadly(text) ?? readNumber(text, p.version);
  if (read.problem !== undefined) p.error('invalid-number', start, end, read.problem, hintOf(read.problem));
  return {
    kind: 'integer',
    start,
    end,
    text,
    value: read.value ?? 0n,
    ...(suffix === '' ? {} : { suffix }),
  };
}

const hintOf = (problem: string): string | undefined =>
  problem.includes('64 bits') ? 'The largest integer is 18446744073709551615.' : undefined;

/** Underscores stand between digits; the hand-written lexer takes others into the number and refuses it. */
function readsBadly(text: string): ReadNumber | undefined {
  if (/_$/.test(text)) return { problem: `${text} ends in an underscore` };
  return !/^0[xX]/.test(text) && /_[eE]/.test(text)
    ? { problem: `${text} has an underscore before its exponent` }
    : undefined;
}

/** The current string token. */
export function parseString(p: ParserState): StringLiteral {
  const { start, end } = p;
  const closed = end - start >= 2 && p.source.charCodeAt(end - 1) === 34;
  const raw = p.source.slice(start + 1, closed ? end - 1 : end);
  const value = raw.includes('\\') ? decodeString(p, raw, start + 1) : raw;
  p.next();
  return { kind: 'string', start, end, value };
}

const simpleEscapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\' };
const escapePattern = /\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|([^]))/g;

function decodeString(p: ParserState, raw: string, offset: number): string {
  return raw.replace(
    escapePattern,
    (
      escape: string,
      octal: string | undefined,
      hex: string | undefined,
      other: string | undefined,
      at: number,
    ) => {
      const from = offset + at;
      if (octal !== undefined) {
        const value = Number.parseInt(octal, 8);
        if (value > 255)
          p.error(
            'invalid-escape',
            from,
            from + escape.length,
            `${escape} is larger than a byte`,
            'The largest is \\377.',
          );
        return String.fromCharCode(value & 255);
      }
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      const simple = simpleEscapes[other ?? ''];
      if (simple !== undefined) return simple;
      const hint = 'The escapes are \\n \\t \\r \\" \\\\ \\123 (octal) and \\x41.';
      p.error('invalid-escape', from, from + escape.length, `\`${escape}\` is no escape sequence`, hint);
      return other ?? '';
    },
  );
}
