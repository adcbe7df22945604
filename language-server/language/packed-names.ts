const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Many short texts in one block of UTF-8: 100,000 names take their bytes and 0.4 MB, where as many strings of their own
 * take four times that and give the garbage collector something to walk.
 */
export class PackedNames {
  readonly bytes: Uint8Array;
  /** Where each text begins, and one entry more for where the last one ends. */
  readonly starts: Uint32Array;

  constructor(bytes: Uint8Array, starts: Uint32Array) {
    this.bytes = bytes;
    this.starts = starts;
  }

  static of(names: readonly string[]): PackedNames {
    const starts = new Uint32Array(names.length + 1);
    // A UTF-16 unit becomes three bytes at most
    const bytes = new Uint8Array(names.reduce((sum, name) => sum + name.length * 3, 0));
    let end = 0;
    for (const [index, name] of names.entries()) {
      end += encoder.encodeInto(name, bytes.subarray(end)).written;
      starts[index + 1] = end;
    }
    return new PackedNames(bytes.slice(0, end), starts);
  }

  get size(): number {
    return this.starts.length - 1;
  }

  /** Empty for an index that is out of range. */
  at(index: number): string {
    return decoder.decode(this.bytes.subarray(this.starts[index] ?? 0, this.starts[index + 1] ?? 0));
  }

  *[Symbol.iterator](): Generator<string> {
    for (let index = 0; index < this.size; index++) yield this.at(index);
  }

  /** The same texts with A–Z as a–z; the same block where nothing changes. */
  lowered(): PackedNames {
    const isUpper = (code: number): boolean => code >= 65 && code <= 90;
    if (!this.bytes.some(isUpper)) return this;
    return new PackedNames(
      this.bytes.map((code) => (isUpper(code) ? code + 32 : code)),
      this.starts,
    );
  }

  /** Where `name` is among sorted texts; -1 when it is not. */
  indexOf(name: string): number {
    const wanted = encoder.encode(name);
    let [low, high] = [0, this.size - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const order = this.compare(middle, wanted);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  private compare(index: number, wanted: Uint8Array): number {
    const start = this.starts[index] ?? 0;
    const length = (this.starts[index + 1] ?? 0) - start;
    for (let at = 0; at < length && at < wanted.length; at++) {
      const difference = (this.bytes[start + at] ?? 0) - (wanted[at] ?? 0);
      if (difference !== 0) return difference;
    }
    return length - wanted.length;
  }
}

/** A {@link NameTable} as blocks that can go from one process to another. */
export interface PackedTable {
  readonly nameBytes: Uint8Array;
  readonly nameStarts: Uint32Array;
  readonly valueBytes: Uint8Array;
  readonly valueStarts: Uint32Array;
  readonly valueIndex: Uint32Array;
}

/** A table of texts by name that does not change; lookups take a binary search. */
export class NameTable {
  readonly names: PackedNames;
  private readonly values: PackedNames;
  /** Index of a name → index of its value; many names have the same one. */
  private readonly valueIndex: Uint32Array;

  private constructor(names: PackedNames, values: PackedNames, valueIndex: Uint32Array) {
    this.names = names;
    this.values = values;
    this.valueIndex = valueIndex;
  }

  static of(table: Readonly<Record<string, string>>): NameTable {
    // By code point, as the bytes are ordered: what `sort()` does by UTF-16 unit is the same below the surrogates
    const names = Object.keys(table).sort(byCodePoint);
    const places = new Map<string, number>();
    const valueIndex = Uint32Array.from(names, (name) => {
      const value = table[name] ?? '';
      const place = places.get(value) ?? places.size;
      places.set(value, place);
      return place;
    });
    return new NameTable(PackedNames.of(names), PackedNames.of([...places.keys()]), valueIndex);
  }

  static fromPacked(packed: PackedTable): NameTable {
    return new NameTable(
      new PackedNames(packed.nameBytes, packed.nameStarts),
      new PackedNames(packed.valueBytes, packed.valueStarts),
      packed.valueIndex,
    );
  }

  packed(): PackedTable {
    return {
      nameBytes: this.names.bytes,
      nameStarts: this.names.starts,
      valueBytes: this.values.bytes,
      valueStarts: this.values.starts,
      valueIndex: this.valueIndex,
    };
  }

  has(name: string): boolean {
    return this.names.indexOf(name) >= 0;
  }

  get(name: string): string | undefined {
    const index = this.names.indexOf(name);
    return index < 0 ? undefined : this.values.at(this.valueIndex[index] ?? 0);
  }
}

function byCodePoint(a: string, b: string): number {
  for (let at = 0; at < a.length && at < b.length;) {
    const [one, other] = [a.codePointAt(at) ?? 0, b.codePointAt(at) ?? 0];
    if (one !== other) return one - other;
    at += one > 0xffff ? 2 : 1;
  }
  return a.length - b.length;
}
