import { type Btf, BtfKind, MAX_NAME_BYTES } from './btf.ts';
import { BtfPrinter } from './btf-text.ts';

/**
 * Every function of a BTF file with its prototype in C, one a line, in the file's order. The text is put together as
 * bytes and decoded in large pieces: as strings, 56,331 prototypes are half a million objects for the garbage collector.
 */
export function prototypesText(btf: Btf): string {
  const types = new TypeBytes(btf);
  const out = new Bytes(PIECE_BYTES * 2);
  let text = '';
  for (let id = btf.start; id < btf.end; id++) {
    if (btf.kind(id) !== BtfKind.function) continue;
    if (out.end > PIECE_BYTES) text += out.take();
    const prototype = btf.target(id);
    const result = types.of(btf.target(prototype));
    out.copy(types.bytes, result.start, result.middle);
    out.name(btf, btf.word(id, 0));
    writeParameters(btf, types, prototype, out);
    out.copy(types.bytes, result.middle, result.end);
    out.ascii('\n');
  }
  return text + out.take();
}

/** Decoded in pieces, the bytes are few enough to be used again: memory that was never touched costs 10 µs a page. */
const PIECE_BYTES = 1 << 17;

function writeParameters(btf: Btf, types: TypeBytes, prototype: number, out: Bytes): void {
  const count = btf.memberCount(prototype);
  if (count === 0) return out.ascii('(void)');
  out.ascii('(');
  for (let index = 0; index < count; index++) {
    if (index > 0) out.ascii(', ');
    const name = btf.word(prototype, 3 + index * 2);
    const type = btf.word(prototype, 4 + index * 2);
    // A last parameter of type void stands for `...`.
    if (type === 0 && name === 0) out.ascii('...');
    else {
      const { start, middle, end } = types.of(type);
      out.copy(types.bytes, start, middle);
      if (name === 0) out.trimSpace();
      else out.name(btf, name);
      out.copy(types.bytes, middle, end);
    }
  }
  out.ascii(')');
}

/** Where a type's declarator lies among the bytes: up to `middle` what stands before the name, then what stands behind. */
interface Place {
  readonly start: number;
  readonly middle: number;
  readonly end: number;
}

/** Declarators of types as bytes, each written when first asked for: prototypes share some thousand types. */
class TypeBytes {
  private readonly printer: BtfPrinter;
  private readonly places = new Map<number, Place>();
  private readonly pool = new Bytes(1 << 18);

  constructor(btf: Btf) {
    this.printer = new BtfPrinter(btf);
  }

  get bytes(): Buffer {
    return this.pool.bytes;
  }

  of(id: number): Place {
    return this.places.get(id) ?? this.write(id);
  }

  private write(id: number): Place {
    const { before, right } = this.printer.declarator(id);
    const start = this.pool.end;
    this.pool.ascii(before);
    const middle = this.pool.end;
    this.pool.ascii(right);
    const place = { start, middle, end: this.pool.end };
    this.places.set(id, place);
    return place;
  }
}

/** Bytes that grow. */
class Bytes {
  bytes: Buffer;
  end = 0;

  constructor(roomBytes: number) {
    this.bytes = Buffer.allocUnsafe(roomBytes);
  }

  ascii(text: string): void {
    this.makeRoom(text.length);
    for (let index = 0; index < text.length; index++) this.bytes[this.end++] = text.charCodeAt(index);
  }

  copy(from: Uint8Array, start: number, end: number): void {
    this.makeRoom(end - start);
    const { bytes } = this;
    let to = this.end;
    for (let at = start; at < end; at++) bytes[to++] = from[at] ?? 0;
    this.end = to;
  }

  name(btf: Btf, offset: number): void {
    this.makeRoom(MAX_NAME_BYTES);
    this.end = btf.copyText(offset, this.bytes, this.end);
  }

  trimSpace(): void {
    if (this.bytes[this.end - 1] === 0x20) this.end--;
  }

  /** The text so far; the bytes are used again. */
  take(): string {
    const text = this.bytes.toString('latin1', 0, this.end);
    this.end = 0;
    return text;
  }

  private makeRoom(count: number): void {
    if (this.end + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe((this.end + count) * 2);
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
  }
}
