// Events of sources in a recording: what a stream told is what a table is opened with again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { EventRecorder, eventsMeta } from '../../../extension/core/recording/event-recorder.ts';
import { encodeColumn } from '../../../extension/core/recording/event-columns.ts';
import { Recording } from '../../../extension/core/recording/reader.ts';
import { RecordedEvents } from '../../../extension/core/recording/recorded-events.ts';
import { summarise } from '../../../extension/core/recording/summary.ts';
import { RecordingWriter } from '../../../extension/core/recording/writer.ts';
import type { EventRows, EventStack, StreamColumn, StreamSchema } from '../../../protocol/events.ts';
import { EventTable } from '../../../webview/events/model.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-recorded-events-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const column = (
  name: string,
  type: StreamColumn['column'],
  as: 'number' | 'text' | 'stack' | 'hex' = type === 'text' ? 'text' : 'number',
  events?: readonly number[],
): StreamColumn => ({
  name,
  type,
  column: type,
  display: { as },
  ...(events === undefined ? {} : { events }),
});
const schema: StreamSchema = {
  stream: 's',
  events: ['tracepoint:block:block_rq_issue', 'syscall:read'],
  columns: [
    column('time', 'f64'),
    column('event', 'u32'),
    column('cpu', 'u32'),
    column('pid', 'i32'),
    column('tid', 'i32'),
    column('comm', 'text'),
    column('sector', 'u64', 'hex', [0]),
    column('ret', 'i64', 'number', [1]),
    column('rwbs', 'text', 'text', [0]),
    column('user_stack', 'u32', 'stack'),
  ],
  engine: 'tracefs',
  commands: [{ tool: 'perf', text: 'perf trace -e block:block_rq_issue' }],
};
const counts = { received: 3, lost: 5, sampledOut: 2, missedEntries: 1 };
const values: readonly (readonly (number | bigint)[])[] = [
  [10, 20.5, 3e12],
  [0, 1, 0],
  [0, 1, 1],
  [7, 8, 0],
  [7, 9, 11],
  [0, 1, 0],
  [2n ** 64n - 1n, 0n, 12n],
  [0n, -(2n ** 63n), 0n],
  [2, 0, 3],
  [2, 0, 1],
];
const texts = ['dd', 'späße\n"', 'R', 'W'];
const batch: EventRows = {
  stream: 's',
  sequence: 0,
  rows: 3,
  data: values.map((list, index) => encodeColumn(schema.columns[index]!.column, list)),
  texts,
  counts,
  startedAtMs: 1_700_000_000_000,
};
const stacks: EventStack[] = [
  {
    id: 2,
    kind: 'user',
    frames: [
      { function: 'put', file: '/src/a.c', line: 3, inlined: true, module: '/bin/a' },
      { function: 'main', module: '/bin/a' },
    ],
    notes: [],
  },
];

function record(name: string, write: (recorder: EventRecorder) => void, before?: readonly string[]): string {
  const path = join(folder, name);
  const writer = new RecordingWriter(path, eventsMeta(schema, 'bytes > 1', { host: 'here' }));
  write(new EventRecorder(writer, schema, { texts: before ?? [] }));
  return path;
}

/** The table as its grid reads it. */
function tableOf(path: string): EventTable {
  const recording = new Recording(path);
  try {
    const events = new RecordedEvents(recording);
    const table = new EventTable(events.schema);
    table.addStacks(events.stacks());
    for (const rows of events.batches()) table.append(rows);
    table.counts = events.counts;
    return table;
  } finally {
    recording.close();
  }
}

const cells = (table: EventTable) =>
  Array.from({ length: table.rows }, (_, row) =>
    schema.columns.slice(0, 9).map((_column, index) => table.value(row, index)),
  );

test('the table of a recording is the table that was recorded', () => {
  const path = record('same.probescope', (recorder) => {
    recorder.addRows(batch);
    recorder.addStacks(stacks);
    recorder.finish(counts);
  });
  const live = new EventTable(schema);
  live.append(batch);
  live.addStacks(stacks);
  const again = tableOf(path);
  // times are whole nanoseconds in the file
  expect(cells(again)).toEqual(cells(live).map((row) => [Math.round(Number(row[0])), ...row.slice(1)]));
  expect(again.counts).toEqual(counts);
  expect(again.startedAtMs).toBe(batch.startedAtMs);
  for (const row of [0, 1, 2])
    expect(again.stackLines(again.number(row, 9))).toEqual(live.stackLines(live.number(row, 9)));
  expect(again.stack(again.number(0, 9))?.frames).toEqual(stacks[0]?.frames);
  expect(summarise(path).facts).toMatchObject({
    kind: 'events',
    name: 'block:block_rq_issue, read',
    state: 'ended',
  });
});

test('SQL finds events by their fields, with threads, stacks and what was lost', () => {
  const path = record('sql.probescope', (recorder) => {
    recorder.addStacks(stacks);
    recorder.addRows(batch);
    recorder.finish(counts);
  });
  const recording = new Recording(path);
  const all = (sql: string) => recording.database.prepare(sql).all();
  expect(
    all(`SELECT json_extract(fields, '$.sector') AS sector, threads.name AS comm, stack IS NOT NULL AS hasStack
         FROM events JOIN threads ON threads.id = thread WHERE json_extract(fields, '$.rwbs') = 'R'`),
  ).toEqual([{ sector: '18446744073709551615', comm: 'dd', hasStack: 1 }]);
  expect(all('SELECT source, count FROM lost')).toEqual([{ source: 'events', count: 5 }]);
  expect(all('SELECT name FROM scripts')).toEqual([{ name: 'perf' }]);
  recording.close();
});

test('a recording that begins in the middle of a stream knows the texts from before, and only what is lost from then on', () => {
  const path = join(folder, 'middle.probescope');
  const writer = new RecordingWriter(path, eventsMeta(schema, ''));
  const recorder = new EventRecorder(writer, schema, {
    texts: texts.slice(0, 2),
    counts: { ...counts, received: 100, lost: 4 },
  });
  recorder.addStacks(stacks);
  recorder.addRows({ ...batch, texts: texts.slice(2) });
  recorder.finish({ ...counts, received: 103, lost: 5 });
  expect(cells(tableOf(path))[0]?.[5]).toBe('dd');
  expect(tableOf(path).counts).toEqual({ received: 3, lost: 1, sampledOut: 0, missedEntries: 0 });
});

test('rows wait for the names of their stacks, and are written without at the end', () => {
  const path = record('late.probescope', (recorder) => {
    recorder.addRows(batch);
    recorder.finish(counts);
  });
  const table = tableOf(path);
  expect(table.rows).toBe(3);
  expect(table.stackLines(table.number(0, 9))).toBeNull();
  expect(table.stackLines(table.number(2, 9))).toEqual([]);
});

test('its bound holds, and it says that it was cut', () => {
  const path = join(folder, 'bound.probescope');
  let reason = '';
  const writer = new RecordingWriter(path, eventsMeta(schema, ''), {
    maxBytes: 400_000,
    onStop: (why) => (reason = why),
  });
  const recorder = new EventRecorder(writer, schema);
  recorder.addStacks(stacks);
  for (let round = 0; round < 2000; round++) {
    recorder.addRows(round === 0 ? batch : { ...batch, texts: [] });
    if (round % 100 === 0) writer.commit();
  }
  recorder.finish(counts);
  expect(reason).toMatch(/bound/);
  expect(summarise(path).facts?.stopped).toMatch(/bound/);
  expect(tableOf(path).rows).toBeGreaterThan(0);
  expect(tableOf(path).rows).toBeLessThan(6000);
});

test('what a hand wrote into the file opens or is refused, and never throws otherwise', () => {
  const broken = join(folder, 'none.probescope');
  new RecordingWriter(broken, { kind: 'events', events_schema: '{"columns": 3}' }).finish();
  const recording = new Recording(broken);
  expect(() => new RecordedEvents(recording)).toThrow(/does not say what its events are/);
  recording.close();
  const odd = join(folder, 'odd.probescope');
  const writer = new RecordingWriter(odd, eventsMeta(schema, ''));
  writer.addEvent(undefined, 5, undefined, ['no', 'fields']);
  writer.addEvent(undefined, 6, undefined, {
    event: 'nobody',
    sector: 'x',
    ret: 1e300,
    user_stack: 99,
    rwbs: 4,
  });
  writer.finish();
  expect(tableOf(odd).rows).toBe(2);
});

test('an event’s own pid, comm and cpu are not those of the thread and the CPU it happened in', () => {
  const one: StreamSchema = {
    ...schema,
    events: ['tracepoint:sched:sched_wakeup'],
    columns: [
      ...schema.columns.slice(0, 6),
      column('comm', 'text'),
      column('pid', 'i32'),
      column('cpu', 'i32'),
      column('time', 'u32'),
    ],
  };
  const path = join(folder, 'same-names.probescope');
  const recorder = new EventRecorder(new RecordingWriter(path, eventsMeta(one, '')), one);
  recorder.addRows({
    ...batch,
    rows: 1,
    data: [10, 0, 1, 7, 8, 0, 1, 42, 3, 99].map((value, index) =>
      encodeColumn(one.columns[index]!.column, [value]),
    ),
    texts: ['waker', 'woken'],
  });
  recorder.finish(undefined);
  const table = tableOf(path);
  expect(one.columns.map((_column, index) => table.value(0, index))).toEqual([
    10,
    0,
    1,
    7,
    8,
    'waker',
    'woken',
    42,
    3,
    99,
  ]);
  const recording = new Recording(path);
  try {
    const row = recording.database
      .prepare('SELECT pid, tid, name, fields FROM events JOIN threads ON threads.id = thread')
      .get();
    expect(row).toMatchObject({ pid: 7, tid: 8, name: 'waker' });
    expect(JSON.parse(String(row?.['fields']))).toEqual({
      event: 'tracepoint:sched:sched_wakeup',
      ...{ cpu: 1, comm_2: 'woken', pid_2: 42, cpu_2: 3, time_2: 99 },
    });
  } finally {
    recording.close();
  }
});
