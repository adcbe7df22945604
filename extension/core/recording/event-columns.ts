import { columnBytes, readValues, writeValue } from '../../../fields/event-columns.ts';
import { EMPTY_STACK, NO_STACK, type ColumnType } from '../../../protocol/events.ts';

export type ColumnValue = number | bigint;

/** The values of a column in base64; of texts their indices. */
export const decodeColumn = (type: ColumnType, base64: string): ColumnValue[] =>
  readValues(type, Buffer.from(base64, 'base64'));

/** The inverse of {@link decodeColumn}. */
export function encodeColumn(type: ColumnType, values: readonly ColumnValue[]): string {
  const width = columnBytes[type];
  const bytes = new Uint8Array(values.length * width);
  const view = new DataView(bytes.buffer);
  values.forEach((value, row) => {
    writeValue(view, type, row * width, value);
  });
  return Buffer.from(bytes.buffer).toString('base64');
}

/** Ids below are no stacks: none was recorded, or it is empty. */
export const isStack = (id: number): boolean => id !== NO_STACK && id !== EMPTY_STACK;
