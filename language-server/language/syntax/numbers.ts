/** How bpftrace itself reads a number, in a script's statements and inside its attach points alike. */

const maxUnsigned = 0xffff_ffff_ffff_ffffn;

/** From 0.24 on: what may follow the digits, the largest number before it, and what it stands for. */
const suffixes: ReadonlyMap<string, { readonly most: bigint; readonly times: bigint }> = new Map([
  ['', { most: maxUnsigned, times: 1n }],
  ['u', { most: 0xffff_ffffn, times: 1n }],
  ['ul', { most: maxUnsigned, times: 1n }],
  ['ull', { most: maxUnsigned, times: 1n }],
  ['l', { most: 0x7fff_ffff_ffff_ffffn, times: 1n }],
  ['ll', { most: 0x7fff_ffff_ffff_ffffn, times: 1n }],
  ['ns', { most: maxUnsigned, times: 1n }],
  ['us', { most: maxUnsigned, times: 1_000n }],
  ['ms', { most: maxUnsigned, times: 1_000_000n }],
  ['s', { most: maxUnsigned, times: 1_000_000_000n }],
  ['m', { most: maxUnsigned, times: 60_000_000_000n }],
  ['h', { most: maxUnsigned, times: 3_600_000_000_000n }],
  ['d', { most: maxUnsigned, times: 86_400_000_000_000n }],
]);

export type ReadNumber =
  | { readonly value: bigint; readonly problem?: undefined }
  | { readonly problem: string; readonly value?: undefined };

/**
 * A whole text as a number of 64 bits, with the sign that attach points may have. Durations are nanoseconds.
 *
 * Up to 0.23 bpftrace splits a number at its `e` and allows 0 … 9 before and 0 … 16 behind it; from 0.24 on
 * (change 4141) it reads 1 … 9 before and, without leading zero, what fits into 64 bits behind it, and knows durations.
 */
export function readNumber(text: string, version: number): ReadNumber {
  const [, sign = '', bare = ''] = /^([+-]?)(.*)$/s.exec(text.replaceAll('_', '')) ?? [];
  if (sign === '-') {
    const { value, problem } = readNumber(bare, version);
    return value === undefined ? { problem } : { value: -value };
  }
  const { digits, rest, base } = split(bare, version);
  if (digits === '') return { problem: `${shown(text)} is no number` };
  const value = valueOf(digits, base);
  const exponent = /^[eE](\d+)/.exec(rest);
  const power = exponent?.[1] ?? '';
  if (exponent === null || base === 16 || (version >= 24 && power.startsWith('0')))
    return withSuffix(text, value, rest, version);
  const least = version >= 24 ? 1n : 0n;
  if (value < least || value > 9n)
    return { problem: `The number before \`e\` must be one of ${least} … 9, not ${shown(digits)}` };
  const most = version >= 24 ? 19 : 16;
  if (Number(power) > most) return { problem: `The exponent ${shown(power)} is larger than ${most}` };
  return withSuffix(text, value * 10n ** BigInt(power), rest.slice(exponent[0].length), version);
}

/** As `strtoull` with base 0 stops at what is no digit; the C library of older releases knows no binary numbers. */
function split(
  text: string,
  version: number,
): { readonly digits: string; readonly rest: string; readonly base: 2 | 8 | 10 | 16 } {
  const forms: readonly (readonly [RegExp, 2 | 8 | 10 | 16, number])[] = [
    [/^0[xX][\da-fA-F]+/, 16, 2],
    ...(version >= 23 ? ([[/^0[bB][01]+/, 2, 2]] as const) : []),
    [/^0[0-7]+/, 8, 1],
    [/^(?:0|[1-9]\d*)/, 10, 0],
  ];
  for (const [form, base, prefix] of forms) {
    const match = form.exec(text)?.[0];
    if (match !== undefined) return { digits: match.slice(prefix), rest: text.slice(match.length), base };
  }
  return { digits: '', rest: text, base: 10 };
}

function valueOf(digits: string, base: 2 | 8 | 10 | 16): bigint {
  if (base === 10) return BigInt(digits);
  return BigInt(`${base === 16 ? '0x' : base === 8 ? '0o' : '0b'}${digits}`);
}

function withSuffix(text: string, value: bigint, rest: string, version: number): ReadNumber {
  if (version < 24) {
    if (!/^[uU]?[lL]{0,2}$/.test(rest)) return badEnd(text, rest);
    return value > maxUnsigned ? tooLarge(text) : { value };
  }
  const suffix = suffixes.get(rest);
  if (suffix === undefined) return badEnd(text, rest);
  return value > suffix.most / suffix.times ? tooLarge(text, rest) : { value: value * suffix.times };
}

function badEnd(text: string, rest: string): ReadNumber {
  if (/^[uUlL]+$/.test(rest) && /^u?l{0,2}$/.test(rest.toLowerCase()))
    return { problem: `The suffix of ${shown(text)} must be in lower case` };
  if (/^0\d*[89]/.test(text))
    return {
      problem: `${shown(text)} begins with 0, which makes it octal, and has a digit that octal has not`,
    };
  if (/^[eE]0/.test(rest)) return { problem: `The exponent of ${shown(text)} begins with 0` };
  return { problem: `${shown(text)} is no number` };
}

const tooLarge = (text: string, suffix = ''): ReadNumber => ({
  problem: `${shown(text)} does not fit into ${suffix === 'u' ? 32 : 64} bits`,
});

const shown = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
