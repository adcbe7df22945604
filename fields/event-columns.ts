/** Columns of events as they travel (`protocol/events.ts`): little-endian values, of texts their indices. */
import type { ColumnType } from '../protocol/events.ts';

/** Bytes of one value. */
export const columnBytes: Readonly<Record<ColumnType, 4 | 8>> = {
  i32: 4,
  u32: 4,
  i64: 8,
  u64: 8,
  f64: 8,
  text: 4,
};

/** The value at a place, in bytes; of a text its index. */
export function readValue(view: DataView, type: ColumnType, at: number): number | bigint {
  switch (type) {
    case 'i32':
      return view.getInt32(at, true);
    case 'u32':
    case 'text':
      return view.getUint32(at, true);
    case 'i64':
      return view.getBigInt64(at, true);
    case 'u64':
      return view.getBigUint64(at, true);
    case 'f64':
      return view.getFloat64(at, true);
  }
}

/** The inverse of {@link readValue}; what does not fit is cut off. Throws RangeError for a fraction in a column of 64-bit integers. */
export function writeValue(view: DataView, type: ColumnType, at: number, value: number | bigint): void {
  switch (type) {
    case 'i32':
      return view.setInt32(at, Number(value), true);
    case 'u32':
    case 'text':
      return view.setUint32(at, Number(value), true);
    case 'i64':
      return view.setBigInt64(at, BigInt(value), true);
    case 'u64':
      return view.setBigUint64(at, BigInt(value), true);
    case 'f64':
      return view.setFloat64(at, Number(value), true);
  }
}

/** All values of a column. */
export function readValues(type: ColumnType, bytes: Uint8Array): (number | bigint)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = columnBytes[type];
  return Array.from({ length: Math.floor(bytes.length / width) }, (_, row) =>
    readValue(view, type, row * width),
  );
}
