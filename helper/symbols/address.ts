/**
 * Addresses are JavaScript numbers, taken as *signed* 64-bit values: kernel text at 0xffffffff81000000 is −0x7f000000.
 * Every canonical address of x86-64 and aarch64 lies within ±2^53 that way, so that no BigInt is needed and the order
 * inside an image stays right. Files of 32 bits use their addresses as they are.
 */

/** `0x…` as people and other tools write it: negative numbers as the upper half of 64 bits. */
export function formatAddress(address: number): string {
  return `0x${(address < 0 ? BigInt.asUintN(64, BigInt(address)) : address).toString(16)}`;
}

/** Takes an unsigned 64-bit value into the representation used here; undefined when 2^53 cannot hold it. */
export function addressFromBigInt(value: bigint): number | undefined {
  const signed = Number(BigInt.asIntN(64, value));
  return Number.isSafeInteger(signed) && value >= 0n && value < 1n << 64n ? signed : undefined;
}

/**
 * Reads an address as llvm-symbolizer does: `0x` hexadecimal, `0b` binary, `0o` or a leading 0 octal, else decimal
 * (StringRef::getAsInteger with radix 0). Undefined when it is none of these.
 */
export function parseAddress(text: string): number | undefined {
  const normal = text.trim().toLowerCase();
  if (!/^(0x[0-9a-f]+|0b[01]+|0o?[0-7]+|[1-9][0-9]*|0)$/.test(normal)) return undefined;
  return addressFromBigInt(BigInt(/^0[0-7]+$/.test(normal) ? `0o${normal.slice(1)}` : normal));
}
