import { type Btf, BtfKind, MAX_NAME_BYTES } from './btf.ts';
import type { BtfPrinter } from './btf-text.ts';

/** Decoded in pieces, the bytes are few enough to be used again: memory that was never touched costs 2 to 10 µs a page. */
const PIECE_BYTES = 1 << 17;

/**
 * Adds every function of a BTF file with its prototype, as `formatPrototype` of `protocol/catalog.ts` writes it; the first prototype of a name
 * wins.
 */
export function addFunctions(btf: Btf, printer: BtfPrinter, functions: Record<string, string>): void {
  const ids = btf.idsOf(BtfKind.function);
  const prototypes = new Prototypes(btf, printer);
  for (const id of ids) prototypes.add(btf.target(id));
  prototypes.takePiece();
  for (const id of ids) {
    const name = btf.passingText(btf.word(id, 0));
    if (!functions[name]) functions[name] = prototypes.text(btf.target(id));
  }
}

/**
 * Prototypes as text, each written once: 56,265 functions of a kernel share 25,027. They are put together as bytes and decoded in
 * large pieces: their parts as strings are half a million objects for the garbage collector.
 */
class Prototypes {
  private readonly btf: Btf;
  private readonly types: TypeBytes;
  private readonly texts: string[] = [];
  /** Prototype → its number in `texts` and one. */
  private readonly places: Uint32Array;
  private bytes = Buffer.allocUnsafe(PIECE_BYTES * 2);
  private end = 0;
  /** Where the texts end that are still bytes. */
  private readonly ends: number[] = [];

  constructor(btf: Btf, printer: BtfPrinter) {
    this.btf = btf;
    this.types = new TypeBytes(printer);
    this.places = new Uint32Array(btf.end);
  }

  /** Of a prototype that was added. */
  text(prototype: number): string {
    return this.texts[(this.places[prototype] ?? 0) - 1] ?? '';
  }

  add(prototype: number): void {
    if (this.places[prototype] !== 0) return;
    this.write(prototype);
    this.places[prototype] = this.texts.length + this.ends.push(this.end);
    if (this.end > PIECE_BYTES) this.takePiece();
  }

  takePiece(): void {
    const text = this.bytes.toString('latin1', 0, this.end);
    let start = 0;
    for (const end of this.ends) {
      this.texts.push(text.slice(start, end));
      start = end;
    }
    this.ends.length = 0;
    this.end = 0;
  }

  /** The inner loops stand in one function: most of their turns come before calls in them were compiled. */
  private write(prototype: number): void {
    const { btf, types } = this;
    const count = btf.memberCount(prototype);
    for (let index = -1; index < count; index++) {
      const type = btf.word(prototype, index < 0 ? 2 : 4 + index * 2);
      // BTF writes `...` as a parameter of type void
      const place = types.place(index >= 0 && type === 0 ? ELLIPSIS : type);
      let from = types.starts[place]!;
      const last = types.starts[place + 1]!;
      this.makeRoom(last - from + MAX_NAME_BYTES + 2);
      const { bytes } = this;
      const pool = types.bytes;
      let to = this.end;
      if (index >= 0) bytes[to++] = SEMICOLON;
      while (from < last) bytes[to++] = pool[from++]!;
      if (index >= 0) {
        bytes[to++] = BAR;
        to = btf.copyText(btf.word(prototype, 3 + index * 2), bytes, to);
      }
      this.end = to;
    }
  }

  private makeRoom(count: number): void {
    if (this.end + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe((this.end + count) * 2);
    larger.set(this.bytes.subarray(0, this.end));
    this.bytes = larger;
  }
}

const SEMICOLON = 0x3b;
const BAR = 0x7c;
/** Stands for a type where no type can. */
const ELLIPSIS = -1;

/** Types as bytes, each written when first asked for: prototypes share some thousand. */
class TypeBytes {
  bytes = Buffer.allocUnsafe(1 << 18);
  /** Type at place `n` is `bytes[starts[n] … starts[n + 1])`. */
  readonly starts: number[] = [0];
  private readonly printer: BtfPrinter;
  private readonly places = new Map<number, number>();

  constructor(printer: BtfPrinter) {
    this.printer = printer;
  }

  place(type: number): number {
    return this.places.get(type) ?? this.write(type);
  }

  private write(type: number): number {
    const text = type === ELLIPSIS ? '...' : this.printer.type(type);
    const start = this.starts.at(-1)!;
    if (start + text.length > this.bytes.length) {
      const larger = Buffer.allocUnsafe((start + text.length) * 2);
      larger.set(this.bytes.subarray(0, start));
      this.bytes = larger;
    }
    const end = start + this.bytes.write(text, start, 'latin1');
    const place = this.starts.push(end) - 2;
    this.places.set(type, place);
    return place;
  }
}
