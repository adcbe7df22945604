import type { ColumnType } from '../../protocol/events.ts';
import { columnBytes, readValue, readValues } from '../../fields/event-columns.ts';
import type { RawValue } from '../../fields/show.ts';

/** One growing column of little-endian values; `take` empties it. */
export class Column {
  readonly type: ColumnType;
  private bytes: Uint8Array<ArrayBuffer>;
  private view: DataView;
  private used = 0;
  private readonly width: number;

  constructor(type: ColumnType) {
    this.type = type;
    this.width = columnBytes[type];
    this.bytes = new Uint8Array(this.width * 256);
    this.view = new DataView(this.bytes.buffer);
  }

  /** A number, or the index of a text. */
  push(value: number): void {
    const at = this.next();
    switch (this.type) {
      case 'i32':
        return this.view.setInt32(at, value, true);
      case 'u32':
      case 'text':
        return this.view.setUint32(at, value, true);
      case 'f64':
        return this.view.setFloat64(at, value, true);
      default:
        return this.view.setBigInt64(at, BigInt(Math.trunc(value)), true);
    }
  }

  /** A 64-bit value as its two halves, without the cost of a BigInt. */
  pushHalves(low: number, high: number): void {
    const at = this.next();
    this.view.setUint32(at, low, true);
    this.view.setUint32(at + 4, high, true);
  }

  pushBig(value: bigint): void {
    this.view.setBigUint64(this.next(), BigInt.asUintN(64, value), true);
  }

  private next(): number {
    const at = this.used;
    this.used += this.width;
    if (this.used > this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  /** The value of a row; texts give their index. */
  at(row: number): number | bigint {
    return readValue(this.view, this.type, row * this.width);
  }

  move(from: number, to: number): void {
    this.bytes.copyWithin(to * this.width, from * this.width, (from + 1) * this.width);
  }

  truncate(rows: number): void {
    this.used = Math.min(this.used, rows * this.width);
  }

  take(): string {
    const text = Buffer.from(this.bytes.buffer, 0, this.used).toString('base64');
    this.used = 0;
    return text;
  }
}

/** The texts of a stream: each travels once. */
export class Texts {
  private readonly known = new Map<string, number>();
  private readonly all: string[] = [];
  private sent = 0;

  indexOf(text: string): number {
    const known = this.known.get(text);
    if (known !== undefined) return known;
    const index = this.all.push(text) - 1;
    this.known.set(text, index);
    return index;
  }

  /** Texts that are new since the last call. */
  takeFresh(): string[] {
    const fresh = this.all.slice(this.sent);
    this.sent = this.all.length;
    return fresh;
  }

  at(index: number): string {
    return this.all[index] ?? '';
  }
}

/** Reads columns that travelled: the inverse of {@link Column.take}. `texts` are all texts of the stream so far. */
export function readColumn(type: ColumnType, base64: string, texts: readonly string[]): RawValue[] {
  const values = readValues(type, Buffer.from(base64, 'base64'));
  return type === 'text' ? values.map((index) => texts[Number(index)] ?? '') : values;
}
