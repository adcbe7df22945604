import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { EventDatabase } from '../../../extension/core/recording/event-database.ts';
import { databaseColumns } from '../../../fields/database-columns.ts';
import { Column } from '../../../helper/sources/columns.ts';
import type { StreamSchema } from '../../../protocol/events.ts';
import { EventTable } from '../../../webview/events/model.ts';
import { databaseCell } from '../../../webview/events/table-export.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-database-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function read(path: string, sql: string): unknown[] {
  const database = new DatabaseSync(path, { readOnly: true });
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  const rows = statement.all().map((row) => Object.values(row));
  database.close();
  return rows;
}

describe('a database of events', () => {
  it('holds raw values: integers whole up to 2^63, larger ones as text, nothing where there is no field', () => {
    const path = join(folder, 'values.sqlite');
    const database = new EventDatabase(path, [
      { name: 'n', type: 'UNSIGNED' },
      { name: 'text', type: 'TEXT' },
      { name: 'x', type: 'REAL' },
    ]);
    database.add([
      [1, 'a "quoted" one', 1.5],
      ['9223372036854775807', '12', 2],
      ['-9223372036854775808', '', 3],
      ['18446744073709551615', null, null],
      [null, null, 0],
    ]);
    database.close({ filter: 'n > 0' });
    expect(read(path, 'SELECT n, text FROM events')).toEqual([
      [1n, 'a "quoted" one'],
      [9223372036854775807n, '12'],
      [-9223372036854775808n, ''],
      ['18446744073709551615', null],
      [null, null],
    ]);
    expect(read(path, 'SELECT * FROM about')).toEqual([['filter', 'n > 0']]);
  });

  it('takes fields of any name, also the same one twice, and replaces what was there', () => {
    const path = join(folder, 'names.sqlite');
    writeFileSync(path, 'not a database');
    const names = ['ret', 'RET', 'a"; DROP TABLE events; --', 'select'];
    const database = new EventDatabase(
      path,
      names.map((name) => ({ name, type: 'INTEGER' })),
    );
    database.add([[1, 2, 3, 4]]);
    database.close({});
    expect(read(path, 'SELECT * FROM events')).toEqual([[1n, 2n, 3n, 4n]]);
    expect(read(path, "SELECT name FROM pragma_table_info('events')")).toEqual([
      ['ret'],
      ['RET_2'],
      ['a"; DROP TABLE events; --'],
      ['select'],
    ]);
  });

  it('says what cannot be written', () => {
    expect(() => new EventDatabase(join(folder, 'no', 'folder.sqlite'), [])).toThrow(/cannot be written/);
  });

  it('gets from the live table names of events, stacks a frame a line, and integers that travel as JSON', () => {
    const schema: StreamSchema = {
      stream: 's',
      engine: 'tracefs',
      commands: [],
      events: ['syscall:write'],
      columns: [
        { name: 'time', type: 'u64', column: 'f64', display: { as: 'timeNs' } },
        { name: 'event', type: 'u32', column: 'u32', display: { as: 'number' } },
        { name: 'buf', type: 'u64', column: 'u64', display: { as: 'hex' } },
        { name: 'ret', type: 'long', column: 'i64', display: { as: 'errno' }, events: [7] },
        { name: 'user_stack', type: 'stack', column: 'u32', display: { as: 'stack' } },
      ],
    };
    const values = [5, 0, 2 ** 60, 0, 2];
    const data = schema.columns.map(({ column }, index) => {
      const made = new Column(column);
      made.push(values[index] ?? 0);
      return made.take();
    });
    const table = new EventTable(schema);
    const counts = { received: 1, lost: 0, sampledOut: 0, missedEntries: 0 };
    table.append({ stream: 's', sequence: 0, rows: 1, data, texts: [], counts, startedAtMs: 0 });
    table.addStacks([
      { id: 2, kind: 'user', frames: [{ function: 'write' }, { function: 'main' }], notes: [] },
    ]);
    expect(schema.columns.map((_, column) => databaseCell(table, 0, column))).toEqual([
      5,
      'syscall:write',
      '1152921504606846976',
      null,
      'write\nmain',
    ]);
    expect(databaseColumns(schema.columns).map(({ type }) => type)).toEqual([
      'REAL',
      'TEXT',
      'UNSIGNED',
      'INTEGER',
      'TEXT',
    ]);
  });
});
