/**
 * The wire format of protocol buffers (protobuf.dev/programming-guides/encoding): just enough to read and write pprof.
 * Numbers are JavaScript's: exact up to 2^53. A profile's values and addresses above that are rounded.
 */
export class ProtobufReader {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #wire = 0;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.#bytes = bytes;
    this.at = from;
    this.#end = to;
  }

  /** Number of the next field, or undefined at the end. Throws on damage. */
  next(): number | undefined {
    if (this.at >= this.#end) return undefined;
    const key = this.#varint();
    this.#wire = key & 7;
    if (this.#wire > 5 || this.#wire === 3 || this.#wire === 4 || key < 8)
      throw new Error('this is no protobuf field');
    return Math.floor(key / 8);
  }

  get isMessage(): boolean {
    return this.#wire === 2;
  }

  get isNumber(): boolean {
    return this.#wire === 0;
  }

  number(): number {
    if (this.#wire !== 0) {
      this.skip();
      return 0;
    }
    return this.#varint();
  }

  /** A repeated number, packed or single. */
  numbers(): number[] {
    if (this.#wire === 0) return [this.#varint()];
    const inner = this.message();
    const numbers: number[] = [];
    while (inner.at < inner.#end) numbers.push(inner.#varint());
    return numbers;
  }

  message(): ProtobufReader {
    const length = this.#varint();
    const from = this.at;
    if (!(from + length <= this.#end)) throw new Error('a field is longer than the file');
    this.at = from + length;
    return new ProtobufReader(this.#bytes, from, from + length);
  }

  text(): string {
    const inner = this.message();
    return new TextDecoder().decode(this.#bytes.subarray(inner.at, inner.#end));
  }

  skip(): void {
    if (this.#wire === 0) this.#varint();
    else if (this.#wire === 2) this.message();
    else this.at += this.#wire === 1 ? 8 : 4;
    if (this.at > this.#end) throw new Error('the file ends inside a field');
  }

  /** Up to ten bytes, seven bits each; read as two's complement of 64 bits. */
  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.#end) throw new Error('the file ends inside a number');
      const byte = this.#bytes[this.at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value >= 2 ** 63 ? value - 2 ** 64 : value;
      scale *= 128;
    }
    throw new Error('a number has more than ten bytes');
  }
}

/** Writes fields into a growing buffer. */
export class ProtobufWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  number(field: number, value: number): this {
    if (value === 0) return this;
    this.#varint(field * 8);
    this.#varint(value);
    return this;
  }

  /** Packed, zeros included. */
  numbers(field: number, values: readonly number[]): this {
    const packed = new ProtobufWriter();
    for (const value of values) packed.#varint(value);
    return this.bytes(field, packed.finish());
  }

  bytes(field: number, bytes: Uint8Array): this {
    this.#varint(field * 8 + 2);
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  text(field: number, text: string): this {
    return this.bytes(field, new TextEncoder().encode(text));
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
