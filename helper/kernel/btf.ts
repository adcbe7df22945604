import { ProbeError } from '../../protocol/errors.ts';

/**
 * BTF, the kernel's type information (`/sys/kernel/btf/vmlinux`, and one file a module that continues its numbers).
 * Format: kernel documentation bpf/btf.rst, section "BTF Type and String Encoding". Type 0 is `void`.
 * Types stay where they are in the file; only the offset of each is kept, in one typed array.
 */
export const BtfKind = {
  void: 0,
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  function: 12,
  prototype: 13,
  variable: 14,
  dataSection: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

/** Bytes of a type after its 12-byte head: a constant and so many per member, by kind. */
const EXTRA = [0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0];
const PER_MEMBER = [0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12];

/** The kernel accepts no longer names (KSYM_NAME_LEN). */
export const MAX_NAME_BYTES = 512;

/** A piece that is decoded at once. */
const PASSING_BYTES = 1 << 16;

export class Btf {
  /** The kernel's types that a module's file continues. */
  readonly base: Btf | undefined;
  /** One above the largest type number. */
  readonly end: number;
  /** The smallest type number of this file: 1, or the base's end. */
  readonly start: number;
  /** The types' section as 32-bit words; type `start + index` begins at `words[places[index]]`. */
  private readonly words: Uint32Array;
  private readonly places: Uint32Array;
  private readonly strings: Buffer;
  private readonly stringStart: number;
  /** A piece of the strings as text, and where it begins. */
  private passing = '';
  private passingStart = 0;

  /**
   * Reads the file's index. Throws `malformed-file` naming the place when it is truncated or refers outside itself.
   * Only little-endian files are read: the helper runs on the traced host, so the byte order is its own.
   */
  constructor(bytes: Uint8Array, base?: Btf) {
    this.base = base;
    const header = readHeader(bytes);
    this.strings = Buffer.from(bytes.buffer, bytes.byteOffset + header.stringOffset, header.stringBytes);
    this.stringStart = base === undefined ? 0 : base.stringEnd;
    this.words = alignedWords(bytes, header.typeOffset, header.typeBytes);
    this.start = base === undefined ? 1 : base.end;
    const places = indexTypes(this.words);
    this.places = places;
    this.end = this.start + places.length;
  }

  get stringEnd(): number {
    return this.stringStart + this.strings.length;
  }

  /** The file that holds `id`, or undefined for void and numbers out of range. */
  private owner(id: number): Btf | undefined {
    if (id >= this.start) return id < this.end ? this : undefined;
    return this.base?.owner(id);
  }

  /**
   * The word at `index` of a type: 0 its name, 1 kind and count, 2 size or target, then what its kind adds. 0 for void
   * and bad numbers.
   */
  word(id: number, index: number): number {
    const owner = this.owner(id);
    return owner === undefined ? 0 : (owner.words[(owner.places[id - owner.start] ?? 0) + index] ?? 0);
  }

  kind(id: number): number {
    return (this.word(id, 1) >>> 24) & 0x1f;
  }

  /** Number of members, parameters or enumerators. */
  memberCount(id: number): number {
    return this.word(id, 1) & 0xffff;
  }

  /** Whether a struct has bit fields, an enumeration is signed, a forward declaration is of a union. */
  flag(id: number): boolean {
    return this.word(id, 1) >>> 31 === 1;
  }

  /** Size in bytes of an int, struct, union, enum or float. */
  sizeField(id: number): number {
    return this.word(id, 2);
  }

  /** The type that a pointer, typedef, qualifier, function or prototype refers to. */
  target(id: number): number {
    return this.sizeField(id);
  }

  name(id: number): string {
    return this.text(this.word(id, 0));
  }

  /** The text at an offset of the string section; empty when out of range. */
  text(offset: number): string {
    if (offset < this.stringStart) return this.base?.text(offset) ?? '';
    const from = offset - this.stringStart;
    const to = this.strings.indexOf(0, from);
    return to < 0 ? '' : this.strings.toString('latin1', from, to);
  }

  /** As {@link text}, for questions in ascending order: what lies side by side is decoded at once. */
  passingText(offset: number): string {
    const from = offset - this.stringStart;
    if (from < 0) return this.base?.text(offset) ?? '';
    let start = from - this.passingStart;
    let end = start < 0 ? -1 : this.passing.indexOf('\0', start);
    if (end < 0) {
      this.passingStart = from;
      this.passing = this.strings.toString('latin1', from, from + PASSING_BYTES);
      start = 0;
      end = this.passing.indexOf('\0');
      if (end < 0) return this.text(offset);
    }
    return this.passing.slice(start, end);
  }

  /** Copies the text at an offset to `into`, MAX_NAME_BYTES at the most; answers where it ends there. */
  copyText(offset: number, into: Uint8Array, at: number): number {
    if (offset < this.stringStart) return this.base?.copyText(offset, into, at) ?? at;
    const { strings } = this;
    let from = offset - this.stringStart;
    const limit = at + MAX_NAME_BYTES;
    let to = at;
    for (let byte = strings[from]; byte !== undefined && byte > 0 && to < limit; byte = strings[++from])
      into[to++] = byte;
    return to;
  }

  /** Numbers of this file's types of one kind, ascending. */
  idsOf(kind: number): number[] {
    const { words, places, start } = this;
    const ids: number[] = [];
    for (let index = 0; index < places.length; index++)
      if (((words[places[index]! + 1]! >>> 24) & 0x1f) === kind) ids.push(start + index);
    return ids;
  }
}

function malformed(what: string): ProbeError {
  return new ProbeError({
    code: 'malformed-file',
    message: `The kernel's type information (BTF) cannot be read: ${what}.`,
    remedy: 'Prototypes and structs are not offered; everything else works.',
  });
}

function readHeader(bytes: Uint8Array): {
  typeOffset: number;
  typeBytes: number;
  stringOffset: number;
  stringBytes: number;
} {
  if (bytes.byteLength < 24) throw malformed(`the header needs 24 bytes, the file has ${bytes.byteLength}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint16(0, true);
  if (magic === 0x9feb) throw malformed('it is in big-endian byte order');
  if (magic !== 0xeb9f) throw malformed(`its first bytes are 0x${magic.toString(16)} instead of 0xeb9f`);
  if (bytes[2] !== 1) throw malformed(`version ${bytes[2]} is unknown, 1 is read`);
  const headerBytes = view.getUint32(4, true);
  const typeOffset = headerBytes + view.getUint32(8, true);
  const typeBytes = view.getUint32(12, true);
  const stringOffset = headerBytes + view.getUint32(16, true);
  const stringBytes = view.getUint32(20, true);
  if (typeOffset + typeBytes > bytes.byteLength) throw malformed('the type section reaches beyond the file');
  if (stringOffset + stringBytes > bytes.byteLength)
    throw malformed('the string section reaches beyond the file');
  return { typeOffset, typeBytes, stringOffset, stringBytes };
}

function alignedWords(bytes: Uint8Array, offset: number, length: number): Uint32Array {
  const whole = length & ~3;
  const start = bytes.byteOffset + offset;
  return (start & 3) === 0
    ? new Uint32Array(bytes.buffer, start, whole >> 2)
    : new Uint32Array(bytes.slice(offset, offset + whole).buffer);
}

/** Word index of each type, in order. The loop uses locals only: captured variables cost 1.5 times as much. */
function indexTypes(words: Uint32Array): Uint32Array {
  const end = words.length;
  let places = new Uint32Array(Math.max(16, Math.floor(end / 5)));
  let count = 0;
  let word = 0;
  while (word + 3 <= end) {
    const info = words[word + 1] ?? 0;
    const kind = (info >>> 24) & 0x1f;
    if (kind === 0 || kind > BtfKind.enum64)
      throw malformed(`type ${count + 1} is of the unknown kind ${kind}`);
    if (count === places.length) {
      const larger = new Uint32Array(places.length * 2);
      larger.set(places);
      places = larger;
    }
    places[count++] = word;
    word += 3 + (((EXTRA[kind] ?? 0) + (PER_MEMBER[kind] ?? 0) * (info & 0xffff)) >> 2);
  }
  if (word !== end) throw malformed(`type ${count} reaches beyond the type section`);
  return places.slice(0, count);
}
