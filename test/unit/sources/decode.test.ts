import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Column, Texts, readColumn } from '../../../helper/sources/columns.ts';
import { parseEntry } from '../../../helper/sources/source.ts';
import { parseStat, ratiosOf } from '../../../helper/sources/perf-stat/decode.ts';
import { emptyRecords, readPage } from '../../../helper/sources/tracefs/pages.ts';
import { Rows, Tasks } from '../../../helper/sources/tracefs/rows.ts';
import { parseStats } from '../../../helper/sources/tracefs/instance.ts';
import { groupEvents, mountedTracefs } from '../../../helper/kernel/tracefs.ts';
import { sourceKinds, type EventField } from '../../../protocol/events.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/kernel');

/** A page of the ring buffer with records of the given data, `deltaNs` apart. */
function page(records: readonly Buffer[], timestampNs: bigint, deltaNs: number): Buffer {
  const parts = records.flatMap((data) => {
    const head = Buffer.alloc(data.length > 112 ? 8 : 4);
    if (data.length > 112) {
      head.writeUInt32LE((deltaNs << 5) >>> 0, 0);
      head.writeUInt32LE(data.length + 4, 4);
    } else head.writeUInt32LE(((deltaNs << 5) | (data.length / 4)) >>> 0, 0);
    return [head, data];
  });
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(16);
  header.writeBigUInt64LE(timestampNs, 0);
  header.writeUInt32LE(body.length, 8);
  return Buffer.concat([header, body, Buffer.alloc(4096 - 16 - body.length)]);
}

function record(type: number, tid: number, value: number): Buffer {
  const data = Buffer.alloc(12);
  data.writeUInt16LE(type, 0);
  data.writeInt32LE(tid, 4);
  data.writeUInt32LE(value, 8);
  return data;
}

const view = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

const valueField: EventField = {
  name: 'value',
  type: 'u32',
  offsetBytes: 8,
  sizeBytes: 4,
  signed: false,
  column: 'u32',
  display: { as: 'number' },
};

describe('pages of the ring buffer', () => {
  it('gives records with their times, short and long', () => {
    const records = emptyRecords();
    const long = Buffer.alloc(200, 7);
    expect(readPage(view(page([record(1, 5, 9), long], 1_000n, 10)), 0, 4096, 900n, records)).toBe(true);
    expect(records.count).toBe(2);
    expect([...records.timesNs.subarray(0, 2)]).toEqual([110, 120]);
    expect([...records.lengths.subarray(0, 2)]).toEqual([12, 200]);
  });

  it('reads a page that this kernel wrote', () => {
    const bytes = readFileSync(join(fixtures, 'ring-buffer-page.bin'));
    const records = emptyRecords();
    expect(readPage(view(bytes), 0, bytes.length, 0n, records)).toBe(true);
    const expected = JSON.parse(readFileSync(join(fixtures, 'ring-buffer-page.json'), 'utf8')) as {
      count: number;
      tids: number[];
    };
    expect(records.count).toBe(expected.count);
    expect(Array.from(records.at.subarray(0, 5), (at) => view(bytes).getInt32(at + 4, true))).toEqual(
      expected.tids,
    );
  });

  it('never throws nor leaves the page, whatever is in it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 300 }), (bytes) => {
        const records = emptyRecords(4);
        const copy = Buffer.from(bytes);
        readPage(view(copy), 0, copy.length, 0n, records);
        for (let index = 0; index < records.count; index++)
          expect((records.at[index] ?? 0) + (records.lengths[index] ?? 0)).toBeLessThanOrEqual(copy.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('rows', () => {
  const tasks = new Tasks(() => '4194000 gone');

  it('pairs a call with its return by thread and measures it', () => {
    const fields: EventField[] = [
      valueField,
      {
        name: 'ret',
        type: 'long',
        offsetBytes: 8,
        sizeBytes: 4,
        signed: true,
        column: 'i64',
        display: { as: 'errno' },
      },
      {
        name: 'duration',
        type: 'u64',
        sizeBytes: 8,
        signed: false,
        column: 'f64',
        display: { as: 'durationNs' },
      },
    ];
    const rows = new Rows([{ source: 'syscall:x', id: 1, exitId: 2, fields }], tasks);
    const add = (bytes: Buffer, timeNs: number) => rows.add(view(bytes), 0, bytes.length, timeNs, 0);
    add(record(2, 4194000, 1), 5);
    add(record(1, 4194000, 70), 10);
    add(record(1, 4194001, 71), 20);
    add(record(2, 4194001, 0xfffffffe), 50);
    add(record(2, 4194000, 3), 60);
    add(record(9, 1, 0), 70);
    const { rows: count, data, texts } = rows.take();
    const column = (name: string) => {
      const index = rows.columns.findIndex((known) => known.name === name);
      return readColumn(rows.columns[index]?.column ?? 'u32', data[index] ?? '', texts);
    };
    expect(count).toBe(2);
    expect(column('value')).toEqual([71, 70]);
    expect(column('ret')).toEqual([-2n, 3n]);
    expect(column('duration')).toEqual([30, 50]);
    expect(column('comm')).toEqual(['', 'gone']);
    expect(rows.missedEntries).toBe(1);
    expect(rows.openCalls).toBe(0);
  });

  it('keeps what a condition holds for and counts the rest as dropped', () => {
    const rows = new Rows([{ source: 'tracepoint:a:b', id: 1, fields: [valueField] }], tasks);
    for (let value = 0; value < 10; value++) {
      const bytes = record(1, 4194000, value);
      rows.add(view(bytes), 0, bytes.length, value, 0);
    }
    const taken = rows.take((field) => Number(field('value')) % 3 === 0);
    expect(taken).toMatchObject({ rows: 4, dropped: 6 });
    expect(readColumn('u32', taken.data[6] ?? '', [])).toEqual([0, 3, 6, 9]);
  });

  it('samples one in N across batches', () => {
    const rows = new Rows([{ source: 'tracepoint:a:b', id: 1, fields: [valueField] }], tasks);
    let phase = 0;
    const kept: unknown[] = [];
    for (let batch = 0; batch < 3; batch++) {
      for (let index = 0; index < 5; index++) {
        const bytes = record(1, 4194000, batch * 5 + index);
        rows.add(view(bytes), 0, bytes.length, 0, 0);
      }
      phase = rows.thin(4, phase);
      kept.push(...readColumn('u32', rows.take().data[6] ?? '', []));
    }
    expect(kept).toEqual([0, 4, 8, 12]);
  });

  it('gives back every value that a column was given', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })), (values) => {
        const column = new Column('i64');
        for (const value of values) column.pushBig(value);
        expect(readColumn('i64', column.take(), [])).toEqual(values);
      }),
    );
    const texts = new Texts();
    expect([texts.indexOf('a'), texts.indexOf('b'), texts.indexOf('a')]).toEqual([0, 1, 0]);
    expect(texts.takeFresh()).toEqual(['a', 'b']);
    expect(texts.takeFresh()).toEqual([]);
  });
});

describe('what the tools and the kernel print', () => {
  it('decodes perf stat, unsupported counters and a line cut in the middle', () => {
    const intervals = parseStat(readFileSync(join(fixtures, 'perf/stat-interval-6.1.txt'), 'utf8'));
    expect(intervals.length).toBeGreaterThan(1);
    const [first] = intervals;
    expect(first?.counters.find((counter) => counter.event === 'cycles')).toMatchObject({
      state: 'not-supported',
    });
    expect(first?.counters.find((counter) => counter.event === 'page-faults')).toMatchObject({
      state: 'counted',
      value: 58,
      unit: '',
    });
    const text = readFileSync(join(fixtures, 'perf/stat-interval-6.1.txt'), 'utf8');
    fc.assert(fc.property(fc.nat(text.length), (at) => void parseStat(text.slice(0, at))));
  });

  it('computes ratios only from counters that counted', () => {
    const counted = (event: string, value: number) => ({
      event,
      value,
      unit: '',
      state: 'counted' as const,
      runningFraction: 1,
    });
    expect(ratiosOf([counted('instructions', 30), counted('cycles', 20)])).toEqual([
      { name: 'instructions per cycle', formula: 'instructions ÷ cycles', value: 1.5, unit: '' },
    ]);
    expect(
      ratiosOf([
        counted('instructions', 30),
        { event: 'cycles', unit: '', state: 'not-supported', runningFraction: 1 },
      ]),
    ).toEqual([]);
  });

  it('adds up what a ring buffer lost', () => {
    expect(
      parseStats(
        'entries: 12\noverrun: 3\ncommit overrun: 1\nbytes: 9\ndropped events: 2\nread events: 40\n',
      ),
    ).toEqual({ entries: 12, lost: 6 });
    expect(parseStats('')).toEqual({ entries: 0, lost: 0 });
  });

  it('finds tracefs among mounts and groups its events', () => {
    expect(mountedTracefs('tracefs /mnt/a\\040b tracefs rw 0 0\n')).toBe('/mnt/a b');
    expect(mountedTracefs('x /sys/kernel/debug/tracing tracefs rw\ny /sys/kernel/tracing tracefs rw\n')).toBe(
      '/sys/kernel/tracing',
    );
    expect(mountedTracefs('')).toBeUndefined();
    expect(groupEvents('b:z\nb:a\na:q\nbroken\n')).toEqual(
      new Map([
        ['a', ['q']],
        ['b', ['a', 'z']],
      ]),
    );
  });

  it('takes ids apart at the last colon', () => {
    expect(parseEntry('usdt:/opt/a:b:prov/name', sourceKinds)).toMatchObject({
      group: '/opt/a:b',
      name: 'prov/name',
    });
    expect(parseEntry('syscall:openat', sourceKinds)).toMatchObject({ group: '', name: 'openat' });
    expect(() => parseEntry('nonsense:x', sourceKinds)).toThrow(/names no event source/);
  });
});
