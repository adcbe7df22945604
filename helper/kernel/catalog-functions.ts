import { type Btf, BtfKind, MAX_NAME_BYTES } from './btf.ts';
import type { BtfPrinter } from './btf-text.ts';

/** Decoded in pieces, the bytes are few enough to be used again: memory that was never touched costs 10 µs a page. */
const PIECE_BYTES = 1 << 17;

/**
 * Adds every function of a BTF file with its prototype, as `formatPrototype` of `protocol/catalog.ts` writes it; the first prototype of a name
 * wins. They are put together as bytes and decoded in large pieces: as strings, 56,331 prototypes are half a million objects for the
 * garbage collector.
 */
export function addFunctions(btf: Btf, printer: BtfPrinter, functions: Record<string, string>): void {
  const types = new TypeBytes(printer);
  const out = new Bytes(PIECE_BYTES * 2);
  for (let id = btf.start; id < btf.end; id++) {
    if (btf.kind(id) !== BtfKind.function) continue;
    if (out.end > PIECE_BYTES) addLines(out.take(), functions);
    out.name(btf, btf.word(id, 0));
    out.ascii('\t');
    writePrototype(btf, types, btf.target(id), out);
    out.ascii('\n');
  }
  addLines(out.take(), functions);
}

/** Lines of a name, a tab and a prototype. */
function addLines(text: string, functions: Record<string, string>): void {
  for (let at = 0; at < text.length;) {
    const tab = text.indexOf('\t', at);
    const end = text.indexOf('\n', tab);
    const name = text.slice(at, tab);
    if (!functions[name]) functions[name] = text.slice(tab + 1, end);
    at = end + 1;
  }
}

function writePrototype(btf: Btf, types: TypeBytes, prototype: number, out: Bytes): void {
  types.copy(btf.target(prototype), out);
  const count = btf.memberCount(prototype);
  for (let index = 0; index < count; index++) {
    out.ascii(';');
    const type = btf.word(prototype, 4 + index * 2);
    // BTF writes `...` as a parameter of type void
    if (type === 0) out.ascii('...');
    else types.copy(type, out);
    out.ascii('|');
    out.name(btf, btf.word(prototype, 3 + index * 2));
  }
}

/** Types as bytes, each written when first asked for: prototypes share some thousand. */
class TypeBytes {
  private readonly printer: BtfPrinter;
  private readonly places = new Map<number, { readonly start: number; readonly end: number }>();
  private readonly pool = new Bytes(1 << 18);

  constructor(printer: BtfPrinter) {
    this.printer = printer;
  }

  copy(id: number, out: Bytes): void {
    const { start, end } = this.places.get(id) ?? this.write(id);
    out.copy(this.pool.bytes, start, end);
  }

  private write(id: number): { readonly start: number; readonly end: number } {
    const start = this.pool.end;
    this.pool.ascii(this.printer.type(id));
    const place = { start, end: this.pool.end };
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
