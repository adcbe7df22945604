import type { StringTable } from '../protocol/profile.ts';

const encoder = new TextEncoder();
/** A malformed byte reads as U+FFFD; a leading BOM is kept, because it is part of the name. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The multiplier of FNV-1a; callers that hash while they scan use it so that {@link StringInterner.internBytes} agrees. */
export const HASH_PRIME = 0x01000193;
export const HASH_SEED = 0x811c9dc5 | 0;

/** Gives each distinct text an id in order of arrival; id 0 is the empty text. */
export class StringInterner {
  /** Texts end to end. Read it anew after each call: it grows by being replaced. */
  bytes = new Uint8Array(4096);
  ends = new Uint32Array(512);
  count = 1;
  #hashes = new Int32Array(512);
  #slots = new Int32Array(1024);
  readonly #byText = new Map<string, number>([['', 0]]);

  /** Id of `text`. */
  intern(text: string): number {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const bytes = encoder.encode(text);
    let hash = HASH_SEED;
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, HASH_PRIME);
    const id = this.internBytes(bytes, 0, bytes.length, hash);
    this.#byText.set(text, id);
    return id;
  }

  /** Id of `source[from … to]`, whose FNV-1a is `hash`. */
  internBytes(source: Uint8Array, from: number, to: number, hash: number): number {
    const length = to - from;
    if (length === 0) return 0;
    const slots = this.#slots;
    const mask = slots.length - 1;
    // FNV's low bits are good, its high bits better: fold them in
    let slot = (hash ^ (hash >>> 15)) & mask;
    const { bytes, ends } = this;
    const hashes = this.#hashes;
    for (let id = slots[slot]!; id !== 0; id = slots[slot]!) {
      if (hashes[id] === hash) {
        const start = ends[id - 1]!;
        if (ends[id]! - start === length) {
          let i = 0;
          while (i < length && bytes[start + i] === source[from + i]) i++;
          if (i === length) return id;
        }
      }
      slot = (slot + 1) & mask;
    }
    return this.#append(source, from, to, hash, slot);
  }

  #append(source: Uint8Array, from: number, to: number, hash: number, slot: number): number {
    const id = this.count;
    const start = this.ends[id - 1]!;
    const end = start + (to - from);
    if (end > this.bytes.length) this.bytes = grown(this.bytes, end);
    if (id === this.ends.length) {
      this.ends = grown(this.ends, id + 1);
      this.#hashes = grown(this.#hashes, id + 1);
    }
    this.bytes.set(source.subarray(from, to), start);
    this.ends[id] = end;
    this.#hashes[id] = hash;
    this.#slots[slot] = id;
    this.count = id + 1;
    if (this.count * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let id = 1; id < this.count; id++) {
      const hash = this.#hashes[id]!;
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }

  table(): StringTable {
    return {
      bytes: this.bytes.slice(0, this.ends[this.count - 1]),
      ends: this.ends.slice(0, this.count),
    };
  }
}

/** A copy of `array` with room for at least `needed` elements, at least doubled. */
export function grown<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array>(
  array: T,
  needed: number,
): T {
  const larger = new (array.constructor as new (length: number) => T)(Math.max(needed, array.length * 2));
  larger.set(array);
  return larger;
}

/** Text `id` of a table. */
export function textAt(strings: StringTable, id: number): string {
  return decoder.decode(strings.bytes.subarray(id === 0 ? 0 : strings.ends[id - 1], strings.ends[id]));
}

/** Tables below this are decoded at once: V8's longest string has 2^29 - 24 characters. */
const LONGEST = 1 << 28;

/** Reads the texts of a table that is asked for many of them: as parts of one string, where it is all ASCII. */
export function textReader(strings: StringTable): (id: number) => string {
  const { bytes, ends } = strings;
  const all = bytes.length < LONGEST ? decoder.decode(bytes) : '';
  // as many characters as bytes: each byte is one, or is malformed and reads as one
  if (all.length === bytes.length) return (id) => all.slice(id === 0 ? 0 : ends[id - 1]!, ends[id]);
  const known = new Map<number, string>();
  return (id) => {
    let text = known.get(id);
    if (text === undefined) known.set(id, (text = textAt(strings, id)));
    return text;
  };
}
