import { EVENT_COLUMN, recordNames } from './row-columns.ts';
import type { StreamColumn } from '../protocol/events.ts';
import type { EventColumn } from '../protocol/events-panel.ts';

const types = {
  i32: 'INTEGER',
  u32: 'INTEGER',
  i64: 'INTEGER',
  u64: 'UNSIGNED',
  f64: 'REAL',
  text: 'TEXT',
} as const;

/** The columns of a database's table: names of events and stacks are texts there. */
export function databaseColumns(columns: readonly StreamColumn[]): EventColumn[] {
  const names = recordNames(columns);
  return columns.map(({ name, column, display }, index) => ({
    name: names[index] ?? name,
    type: index === EVENT_COLUMN || display.as === 'stack' ? 'TEXT' : types[column],
  }));
}
