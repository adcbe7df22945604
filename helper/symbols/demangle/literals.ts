import type { Cursor } from './cursor.ts';
import { parseEncoding, parseUnnamedType } from './names.ts';
import { Around, Name, Sequence } from './nodes.ts';
import type { Node } from './output.ts';
import { LambdaExpression } from './pack-nodes.ts';
import { parseType } from './types.ts';

/** Integer literals: short type names become suffixes, long ones casts. */
const integers: Readonly<Record<string, string>> = {
  w: 'wchar_t',
  c: 'char',
  a: 'signed char',
  h: 'unsigned char',
  s: 'short',
  t: 'unsigned short',
  i: '',
  j: 'u',
  l: 'l',
  m: 'ul',
  x: 'll',
  y: 'ull',
  n: '__int128',
  o: 'unsigned __int128',
};

function signed(number: string): string {
  return number.startsWith('n') ? `-${number.slice(1)}` : number;
}

/** `<expr-primary>`: `L…E`. */
export function parsePrimary(c: Cursor): Node {
  c.expect('L');
  const next = c.peek();
  const integer = integers[next];
  if (integer !== undefined) {
    c.at++;
    const value = c.number(true);
    if (value === '') c.fail();
    c.expect('E');
    return new Name(integer.length > 3 ? `(${integer})${signed(value)}` : signed(value) + integer);
  }
  if (c.take('b0E')) return new Name('false');
  if (c.take('b1E')) return new Name('true');
  if (next === 'f' || next === 'd' || next === 'e') return parseFloat(c, next);
  if (c.take('_Z')) {
    const inner = parseEncoding(c);
    c.expect('E');
    return inner;
  }
  if (next === 'A') {
    const type = parseType(c);
    c.expect('E');
    return new Around('"<', type, '>"');
  }
  if (c.take('Dn')) {
    if (!c.likeLlvm) c.take('0');
    c.expect('E');
    return new Name('nullptr');
  }
  if (next === 'U') {
    if (c.peek(1) !== 'l') c.fail();
    const closure = parseUnnamedType(c);
    c.expect('E');
    return new LambdaExpression(closure);
  }
  if (next === 'T') c.fail();
  const type = parseType(c);
  const value = c.number(true);
  if (value === '') c.fail();
  c.expect('E');
  return new Sequence('(', type, `)${signed(value)}`);
}

/** Floating-point literals are the bytes of the value in hexadecimal; printed as C's %a. */
function parseFloat(c: Cursor, kind: string): Node {
  c.at++;
  const digits = kind === 'f' ? 8 : kind === 'd' ? 16 : 20;
  const hex = c.text.slice(c.at, c.at + digits);
  if (!/^[0-9a-f]+$/.test(hex) || hex.length !== digits) c.fail();
  c.at += digits;
  c.expect('E');
  if (kind === 'e') return c.fail();
  const bytes = Buffer.from(hex, 'hex');
  return new Name(
    hexadecimal(kind === 'f' ? bytes.readFloatBE(0) : bytes.readDoubleBE(0)) + (kind === 'f' ? 'f' : ''),
  );
}

function hexadecimal(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
  const sign = Object.is(value, -0) || value < 0 ? '-' : '';
  if (value === 0) return `${sign}0x0p+0`;
  let exponent = Math.floor(Math.log2(Math.abs(value)));
  let mantissa = Math.abs(value) / 2 ** exponent;
  if (mantissa >= 2) {
    mantissa /= 2;
    exponent++;
  }
  const fraction = (mantissa - 1) * 2 ** 52;
  const text = fraction.toString(16).padStart(13, '0').replace(/0+$/, '');
  return `${sign}0x1${text === '' ? '' : `.${text}`}p${exponent < 0 ? '' : '+'}${exponent}`;
}
