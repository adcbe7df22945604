import { describe, expect, it } from 'vitest';
import { Column } from '../../../helper/sources/columns.ts';
import type { EventRows, StreamSchema } from '../../../protocol/events.ts';
import {
  EventTable,
  MAX_ROWS,
  csvCell,
  firstRow,
  nearestRank,
  placesOf,
  sharedFields,
} from '../../../webview/events/model.ts';

const schema: StreamSchema = {
  stream: 's',
  engine: 'tracefs',
  commands: [],
  events: ['tracepoint:a:b', 'tracepoint:a:c'],
  columns: [
    { name: 'time', type: 'u64', column: 'f64', display: { as: 'timeNs' } },
    { name: 'event', type: 'u32', column: 'u32', display: { as: 'number' } },
    { name: 'comm', type: 'char[16]', column: 'text', display: { as: 'text' } },
    { name: 'ret', type: 'long', column: 'i64', display: { as: 'errno' }, events: [1] },
  ],
};

function batch(
  rows: readonly [time: number, event: number, text: number, ret: number][],
  texts: readonly string[] = [],
): EventRows {
  const columns = schema.columns.map((column) => new Column(column.column));
  for (const row of rows) row.forEach((value, index) => columns[index]?.push(value));
  return {
    stream: 's',
    sequence: 0,
    rows: rows.length,
    texts,
    startedAtMs: 0,
    data: columns.map((column) => column.take()),
    counts: { received: rows.length, lost: 0, sampledOut: 0, missedEntries: 0 },
  };
}

describe('stacks of rows', () => {
  const stacked: StreamSchema = {
    ...schema,
    columns: [{ name: 'user_stack', type: 'stack', column: 'u32', display: { as: 'stack' } }],
  };
  const frames = [
    { function: 'write', module: '/lib/x86_64-linux-gnu/libc.so.6' },
    { function: 'put', file: '/src/stacks.c', line: 19, inlined: true },
    { function: 'vfs_write', module: '[kernel]' },
    { function: '0x7f00' },
  ];

  it('are told from their ids, before and after they are named', () => {
    const table = new EventTable(stacked);
    expect([0, 1, 2].map((id) => table.stackCell(id))).toEqual(['missing', '', '…']);
    table.addStacks([{ id: 2, kind: 'user', frames, notes: [] }]);
    expect(table.stackCell(2)).toBe(
      'write (libc.so.6) ← put stacks.c:19 (inlined) ← vfs_write [kernel] ← 0x7f00',
    );
    expect([0, 1, 2].map((id) => table.stackLines(id))).toEqual([
      null,
      [],
      ['write (libc.so.6)', 'put stacks.c:19 (inlined)', 'vfs_write [kernel]', '0x7f00'],
    ]);
  });

  it('offer the places that have a line, innermost first', () => {
    expect(placesOf({ id: 2, kind: 'user', frames, notes: [] })).toEqual([
      { file: '/src/stacks.c', line: 19 },
    ]);
    expect(placesOf(undefined)).toEqual([]);
  });
});

describe('the live table', () => {
  it('holds what arrived, and nothing where an event has no such field', () => {
    const table = new EventTable(schema, 1);
    table.append(
      batch(
        [
          [1, 0, 0, 0],
          [2, 1, 1, -2],
        ],
        ['fio', 'cat'],
      ),
    );
    table.append(batch([[3, 1, 0, 7]]));
    expect([0, 1, 2].map((row) => table.value(row, 2))).toEqual(['fio', 'cat', 'fio']);
    expect([0, 1, 2].map((row) => table.value(row, 3))).toEqual([undefined, -2n, 7n]);
  });

  it('sorts stably by numbers and texts', () => {
    const table = new EventTable(schema);
    table.append(
      batch(
        [
          [1, 1, 0, 5],
          [2, 1, 1, -2],
          [3, 1, 0, 5],
        ],
        ['fio', 'cat'],
      ),
    );
    const all = Uint32Array.of(0, 1, 2);
    expect([...table.sorted(all, 3, false)]).toEqual([1, 0, 2]);
    expect([...table.sorted(all, 3, true)]).toEqual([0, 2, 1]);
    expect([...table.sorted(all, 2, false)]).toEqual([1, 0, 2]);
  });

  it('groups with counts, sums and nearest-rank percentiles', () => {
    const table = new EventTable(schema);
    table.append(
      batch(
        [
          [1, 1, 0, 10],
          [2, 1, 1, 20],
          [3, 1, 0, 30],
        ],
        ['fio', 'cat'],
      ),
    );
    expect(table.groups(Uint32Array.of(0, 1, 2), 2, 3, (row) => String(table.value(row, 2)))).toEqual([
      { key: 'fio', count: 2, sum: 40, p50: 10, p99: 30 },
      { key: 'cat', count: 1, sum: 20, p50: 20, p99: 20 },
    ]);
    expect(nearestRank([1, 2, 3, 4], 0.5)).toBe(2);
  });

  it('keeps a million rows, drops the oldest beyond and counts them', () => {
    const table = new EventTable(schema);
    const rows = Array.from({ length: 100_000 }, (_, index): [number, number, number, number] => [
      index,
      1,
      0,
      index,
    ]);
    const one = batch(rows, ['x']);
    table.append(one);
    for (let times = 0; times < 10; times++) table.append({ ...one, texts: [] });
    expect(table.rows).toBeLessThanOrEqual(MAX_ROWS);
    expect(table.rows + table.discarded).toBe(1_100_000);
    // 24 bytes a row and room for growth.
    expect(table.bytes).toBeLessThan(30 * 2 ** 20);
  });

  it('maps a capped scroll height to rows', () => {
    expect(firstRow(0, 1000, 1_000_000, 40)).toBe(0);
    expect(firstRow(1000, 1000, 1_000_000, 40)).toBe(999_960);
    expect(firstRow(5000, 1000, 1_000_000, 40)).toBe(999_960);
    expect(firstRow(0, -5, 3, 40)).toBe(0);
  });

  it('writes CSV that a spreadsheet does not run', () => {
    expect(csvCell('a,"b"')).toBe('"a,""b"""');
    expect(csvCell('=1+1')).toBe("'=1+1");
    expect(csvCell('-5')).toBe('-5');
    expect(csvCell('-cmd')).toBe("'-cmd");
  });

  it('lets a filter name what all events have', () => {
    const field = (name: string) => ({
      name,
      type: 'int',
      column: 'i32' as const,
      display: { as: 'number' as const },
      sizeBytes: 4,
      signed: true,
    });
    expect(sharedFields([[field('a'), field('b')], [field('b')]]).map(({ name }) => name)).toEqual(['b']);
  });
});
