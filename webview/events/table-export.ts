import { EVENT_COLUMN } from '../../fields/row-columns.ts';
import type { EventTable } from './model.ts';
import type { EventCell } from '../../protocol/events-panel.ts';

/** Rows that travel to the host in one message. */
export const ROWS_A_MESSAGE = 20_000;

/** A value as it travels: raw, integers beyond 2^53 as decimal text, stacks a frame a line, null where there is none. */
export function databaseCell(table: EventTable, row: number, column: number): EventCell {
  const value = table.value(row, column);
  const described = table.columns[column];
  if (value === undefined || described === undefined) return null;
  if (column === EVENT_COLUMN) return table.schema.events[Number(value)] ?? '';
  if (described.display.as === 'stack') return table.stackLines(Number(value))?.join('\n') ?? null;
  if (typeof value !== 'bigint') return value;
  return value > 9007199254740991n || value < -9007199254740991n ? value.toString() : Number(value);
}
