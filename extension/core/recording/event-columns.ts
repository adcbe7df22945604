/** Columns of events as they travel (`protocol/events.ts`): little-endian values in base64, texts as indices. */
import { EMPTY_STACK, NO_STACK, type ColumnType } from '../../../protocol/events.ts';

export type ColumnValue = number | bigint;

const widths: Readonly<Record<ColumnType, 4 | 8>> = { i32: 4, u32: 4, i64: 8, u64: 8, f64: 8, text: 4 };

/** The values of a column; of texts their indices. */
export function decodeColumn(type: ColumnType, base64: string): ColumnValue[] {
  const bytes = Buffer.from(base64, 'base64');
  const width = widths[type];
  return Array.from({ length: bytes.length / width }, (_, row): ColumnValue => {
    const at = row * width;
    switch (type) {
      case 'i32':
        return bytes.readInt32LE(at);
      case 'u32':
      case 'text':
        return bytes.readUInt32LE(at);
      case 'i64':
        return bytes.readBigInt64LE(at);
      case 'u64':
        return bytes.readBigUInt64LE(at);
      case 'f64':
        return bytes.readDoubleLE(at);
    }
  });
}

/** The inverse of {@link decodeColumn}. */
export function encodeColumn(type: ColumnType, values: readonly ColumnValue[]): string {
  const width = widths[type];
  const bytes = Buffer.alloc(values.length * width);
  values.forEach((value, row) => {
    const at = row * width;
    switch (type) {
      case 'i32':
        bytes.writeInt32LE(Number(value) | 0, at);
        break;
      case 'u32':
      case 'text':
        bytes.writeUInt32LE(Number(value) >>> 0, at);
        break;
      case 'i64':
        bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)), at);
        break;
      case 'u64':
        bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);
        break;
      case 'f64':
        bytes.writeDoubleLE(Number(value), at);
    }
  });
  return bytes.toString('base64');
}

/** Ids below are no stacks: none was recorded, or it is empty. */
export const isStack = (id: number): boolean => id !== NO_STACK && id !== EMPTY_STACK;
