import type { FieldDisplay, NamedValue } from '../protocol/events.ts';
import { errnoName, signals } from './constants.ts';

/** A value as it lies in a column: texts for strings and byte arrays (lower-case hexadecimal), numbers otherwise. */
export type RawValue = number | bigint | string;

/** The value for people. What a display does not understand is shown as the raw value, never hidden. */
export function show(display: FieldDisplay, value: RawValue): string {
  if (typeof value === 'string') return showText(display, value);
  switch (display.as) {
    case 'hex':
    case 'symbol':
      return hex(value);
    case 'boolean':
      return Number(value) === 0 ? 'false' : 'true';
    case 'errno':
      return showResult(value);
    case 'mode':
      return `0${value.toString(8)}`;
    case 'device':
      return display.values.find((device) => same(device.value, value))?.name ?? majorMinor(Number(value));
    case 'flags':
      return showFlags(display.values, display.separator, value);
    case 'enum':
      return display.values.find((item) => same(item.value, value))?.name ?? String(value);
    case 'signal':
      return signals.find((item) => item.value === Number(value))?.name ?? String(value);
    case 'fd':
      return Number(value) === -100 ? 'AT_FDCWD' : String(value);
    case 'ipv4':
      return ipv4FromNumber(Number(value));
    case 'durationNs':
      return showDuration(Number(value));
    default:
      return String(value);
  }
}

/** The untouched value, for the cell's detail: numbers in decimal and hexadecimal. */
export function showRaw(value: RawValue): string {
  return typeof value === 'string' ? value : `${value} (${hex(value)})`;
}

function showText(display: FieldDisplay, value: string): string {
  switch (display.as) {
    case 'rwbs':
      return showRwbs(value);
    case 'ipv4':
      return /^[\da-f]{8}$/.test(value) ? bytesOf(value).join('.') : value;
    case 'ipv6':
      return /^[\da-f]{32}$/.test(value) ? showIpv6(value) : value;
    case 'sockaddr':
      return showSocketAddress(value);
    case 'mac':
      return value.match(/../g)?.join(':') ?? value;
    case 'bytes':
      return value.match(/../g)?.join(' ') ?? value;
    default:
      return value;
  }
}

export function hex(value: number | bigint): string {
  return `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}

function same(one: number | string, other: number | bigint): boolean {
  if (typeof one === 'number' && typeof other === 'number') return one === other;
  return BigInt.asIntN(64, BigInt(one)) === BigInt.asIntN(64, BigInt(other));
}

/** The kernel's own dev_t: the minor number in the low 20 bits (MINORBITS of linux/kdev_t.h). */
export function majorMinor(device: number): string {
  return `${Math.floor(device / 2 ** 20)}:${device % 2 ** 20}`;
}

/** `O_CREAT|O_EXCL`; bits without a name follow in hexadecimal, no bits are `0`. */
export function showFlags(values: readonly NamedValue[], separator: string, raw: number | bigint): string {
  let rest = BigInt.asUintN(64, BigInt(raw));
  if (rest === 0n) return values.find((item) => BigInt(item.value) === 0n)?.name ?? '0';
  const names: string[] = [];
  for (const { name, value } of values) {
    const mask = BigInt.asUintN(64, BigInt(value));
    if (mask === 0n || (rest & mask) !== mask) continue;
    names.push(name);
    rest &= ~mask;
  }
  if (rest !== 0n) names.push(`0x${rest.toString(16)}`);
  return names.join(separator || '|');
}

/** Results of system calls: −4095…−1 are errors (linux/err.h, MAX_ERRNO). */
function showResult(value: number | bigint): string {
  const number = Number(value);
  if (number >= 0 || number < -4095) return String(value);
  const name = errnoName(-number);
  return name === undefined ? String(value) : `-${name}`;
}

const RWBS_OPERATIONS: Readonly<Record<string, string>> = {
  R: 'read',
  W: 'write',
  D: 'discard',
  DE: 'secure erase',
  F: 'flush',
  N: 'none',
  ZF: 'zone finish',
  ZO: 'zone open',
  ZC: 'zone close',
  ZR: 'zone reset',
  ZRA: 'zone reset all',
  ZA: 'zone append',
};
const RWBS_FLAGS: Readonly<Record<string, string>> = {
  F: 'force unit access',
  A: 'read-ahead',
  S: 'synchronous',
  M: 'metadata',
  U: 'atomic',
};

/**
 * `WFS` → `write, force unit access, synchronous`, after blk_fill_rwbs() of kernel/trace/blktrace.c: an optional leading F
 * (flush first), one operation, then flags. Text that does not fit stays as it is.
 */
export function showRwbs(text: string): string {
  const match = /^(F?)(ZRA|ZF|ZO|ZC|ZR|ZA|DE|[RWDNF])([FASMU]*)$/.exec(text);
  if (match === null) return text;
  const [, before = '', operation = '', flags = ''] = match;
  return [
    ...(before === '' ? [] : ['flush before']),
    RWBS_OPERATIONS[operation] ?? operation,
    ...Array.from(flags, (letter) => RWBS_FLAGS[letter] ?? letter),
  ].join(', ');
}

function bytesOf(hexText: string): number[] {
  return (hexText.match(/../g) ?? []).map((pair) => parseInt(pair, 16));
}

/** Addresses lie in network order, so a little-endian number holds the first byte lowest. */
function ipv4FromNumber(value: number): string {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff).join('.');
}

/** The shortest spelling of RFC 5952: the longest run of zero groups becomes `::`. */
export function showIpv6(hexText: string): string {
  const groups = (hexText.match(/.{4}/g) ?? []).map((group) => parseInt(group, 16));
  let [from, length] = [-1, 1];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > length) [from, length] = [start, end - start];
    start = Math.max(start, end);
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (from < 0) return text(groups);
  // ::ffff:a.b.c.d are IPv4 addresses on an IPv6 socket.
  if (from === 0 && length === 5 && groups[5] === 0xffff)
    return `::ffff:${bytesOf(hexText.slice(24)).join('.')}`;
  return `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}

/** struct sockaddr of the families IPv4 and IPv6 (u8[28] of tcp tracepoints): `10.0.0.1:443`, `[::1]:443`. */
function showSocketAddress(hexText: string): string {
  const bytes = bytesOf(hexText);
  const family = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  if (family === 2 && bytes.length >= 8) return `${bytes.slice(4, 8).join('.')}:${port}`;
  if (family === 10 && bytes.length >= 24) return `[${showIpv6(hexText.slice(16, 48))}]:${port}`;
  return hexText;
}

/** Nanoseconds with three significant digits: `940 ns`, `12.3 µs`. */
function showDuration(ns: number): string {
  const units: [number, string][] = [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
  ];
  for (const [scale, unit] of units)
    if (Math.abs(ns) >= scale) return `${Number((ns / scale).toPrecision(3))} ${unit}`;
  return `${ns} ns`;
}
