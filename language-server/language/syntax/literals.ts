import type { IntegerLiteral, StringLiteral } from './ast.ts';
import type { ParserState } from './state.ts';

const suffixPattern = /(?:ns|us|ms|[smhd]|[uU]?[lL]{0,2})$/;
/** Durations are integers of nanoseconds. */
const unitNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
};
const maxUnsigned = 0xffff_ffff_ffff_ffffn;
const smallInteger = /^(?:0|[1-9][0-9]{0,14})$/;

/** The current integer token; checks what bpftrace checks: range, octal digits, scientific notation. */
export function parseInteger(p: ParserState): IntegerLiteral {
  const { start, end } = p;
  const text = p.source.slice(start, end);
  p.next();
  if (smallInteger.test(text)) return { kind: 'integer', start, end, text, value: BigInt(text) };
  const hex = /^0[xX]/.test(text);
  const suffix = hex ? '' : (suffixPattern.exec(text)?.[0] ?? '');
  const body = text.slice(0, text.length - suffix.length).replaceAll('_', '');
  const problem = problemOf(text, body, suffix, p.version);
  if (problem !== undefined) p.error('invalid-number', start, end, problem);
  const value = problem === undefined ? valueOf(body, hex) * (unitNs[suffix] ?? 1n) : 0n;
  if (value > maxUnsigned) {
    p.error(
      'invalid-number',
      start,
      end,
      `${text} does not fit into 64 bits`,
      'The largest integer is 18446744073709551615.',
    );
    return { kind: 'integer', start, end, text, value: 0n, ...(suffix === '' ? {} : { suffix }) };
  }
  return { kind: 'integer', start, end, text, value, ...(suffix === '' ? {} : { suffix }) };
}

function problemOf(text: string, body: string, suffix: string, version: number): string | undefined {
  if (/_$/.test(text)) return `${text} ends in an underscore`;
  if (/^0[xX]/.test(text)) return undefined;
  if (version >= 26 && /[UL]/.test(suffix)) return `The suffix of ${text} must be in lower case`;
  if (/_[eE]/.test(text)) return `${text} has an underscore before its exponent`;
  const [coefficient = '', exponent] = body.toLowerCase().split('e');
  if (exponent !== undefined) {
    if (!(version >= 27 ? /^0*[1-9]$/ : /^0*[0-9]$/).test(coefficient))
      return `The number before \`e\` must be one of ${version >= 27 ? 1 : 0} … 9, not ${coefficient}`;
    if (!/^[0-9]+$/.test(exponent)) return `${text} has no exponent`;
    const most = version >= 26 ? 19 : 16;
    return Number(exponent) > most ? `The exponent ${exponent} is larger than ${most}` : undefined;
  }
  if (/^0[0-9]/.test(body) && /[89]/.test(body))
    return `${text} begins with 0, which makes it octal, and has a digit that octal has not`;
  return /^[0-9]+$/.test(body) ? undefined : `${text} is no number`;
}

function valueOf(body: string, hex: boolean): bigint {
  if (hex) return BigInt(body);
  const [coefficient = '0', exponent] = body.toLowerCase().split('e');
  if (exponent !== undefined) return BigInt(coefficient) * 10n ** BigInt(exponent);
  return /^0[0-7]+$/.test(body) ? BigInt(`0o${body.slice(1)}`) : BigInt(body);
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
