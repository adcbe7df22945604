import { columnBytes, readValues, writeValue } from '../../../fields/event-columns.ts';
import { recordNames } from '../../../fields/row-columns.ts';
import { EMPTY_STACK, NO_STACK, type ColumnType, type StreamColumn } from '../../../protocol/events.ts';

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

/** What a recording keeps of every event beside its fields: when it happened and in which thread. */
const threadColumns = ['time', 'pid', 'tid', 'comm'] as const;
export type ThreadColumn = (typeof threadColumns)[number];

/** Where the values of a column are in a recording: with the event's thread, or in `fields` by a name. */
export type StoredColumn = { readonly thread: ThreadColumn } | { readonly field: string };

/** Where a recording has each column of a stream. */
export function storedColumns(columns: readonly StreamColumn[]): StoredColumn[] {
  return recordNames(columns).map((field) => {
    const thread = threadColumns.find((name) => name === field);
    return thread === undefined ? { field } : { thread };
  });
}
