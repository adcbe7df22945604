import { decodeString } from '../bytes.ts';
import { malformed } from '../problems.ts';

/** Reads DWARF's encodings from one place on (DWARF 5 section 7.6 for LEB128). Little-endian. Throws at the end of the bytes. */
export class DwarfReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly #path: string;
  readonly #section: string;
  at: number;

  constructor(bytes: Uint8Array, at: number, end: number, path: string, section: string) {
    this.bytes = bytes;
    this.at = at;
    this.end = Math.min(end, bytes.length);
    this.#path = path;
    this.#section = section;
  }

  fail(what: string): never {
    throw malformed(this.#path, this.#section, this.at, what);
  }

  #take(count: number): number {
    const at = this.at;
    if (!(count >= 0 && at + count <= this.end)) this.fail('it is cut off in the middle of a value');
    this.at = at + count;
    return at;
  }

  skip(count: number): void {
    this.#take(count);
  }

  u8(): number {
    return this.bytes[this.#take(1)]!;
  }

  i8(): number {
    return (this.u8() << 24) >> 24;
  }

  u16(): number {
    const at = this.#take(2);
    return this.bytes[at]! | (this.bytes[at + 1]! << 8);
  }

  u24(): number {
    const at = this.#take(3);
    return this.bytes[at]! | (this.bytes[at + 1]! << 8) | (this.bytes[at + 2]! << 16);
  }

  u32(): number {
    const at = this.#take(4);
    const { bytes } = this;
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
  }

  /** 64 bits as an unsigned number, exact below 2^53. */
  u64(): number {
    const low = this.u32();
    return this.u32() * 4294967296 + low;
  }

  /** 64 bits as an address: signed (see address.ts). */
  i64(): number {
    const low = this.u32();
    return (this.u32() | 0) * 4294967296 + low;
  }

  big64(): bigint {
    const low = this.u32();
    return (BigInt(this.u32()) << 32n) | BigInt(low);
  }

  /** A section offset: 4 bytes, 8 in 64-bit DWARF. */
  offset(is64: boolean): number {
    return is64 ? this.u64() : this.u32();
  }

  address(sizeBytes: number): number {
    if (sizeBytes === 8) return this.i64();
    if (sizeBytes === 4) return this.u32();
    if (sizeBytes === 2) return this.u16();
    return this.fail(`addresses of ${sizeBytes} bytes`);
  }

  /** Unsigned LEB128, exact below 2^53. */
  uleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
      if (scale > 2 ** 70) this.fail('a LEB128 number longer than 10 bytes');
    }
  }

  /** Signed LEB128. */
  sleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - scale;
      if (scale > 2 ** 70) this.fail('a LEB128 number longer than 10 bytes');
    }
  }

  /** LEB128 of any length up to 64 bits, exact. */
  bigLeb(signed: boolean): bigint {
    let value = 0n;
    let shift = 0n;
    for (;;) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) return signed && (byte & 0x40) !== 0 ? value - (1n << shift) : value;
      if (shift > 70n) this.fail('a LEB128 number longer than 10 bytes');
    }
  }

  /** A NUL-terminated string in place. */
  string(): string {
    const from = this.at;
    const end = this.bytes.indexOf(0, from);
    if (end < 0 || end >= this.end) this.fail('a string without end');
    this.at = end + 1;
    return decodeString(this.bytes, from, end);
  }

  block(length: number): Uint8Array {
    const at = this.#take(length);
    return this.bytes.subarray(at, at + length);
  }

  /** An initial length (DWARF 5 section 7.4): the length, and whether offsets have 8 bytes. */
  initialLength(): { length: number; is64: boolean } {
    const length = this.u32();
    if (length < 0xfffffff0) return { length, is64: false };
    if (length !== 0xffffffff) this.fail(`the reserved length 0x${length.toString(16)}`);
    return { length: this.u64(), is64: true };
  }
}
