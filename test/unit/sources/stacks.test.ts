import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readColumn } from '../../../helper/sources/columns.ts';
import type { PageRecords } from '../../../helper/sources/tracefs/pages.ts';
import { Rows, Tasks } from '../../../helper/sources/tracefs/rows.ts';
import { type Run, StackJoiner } from '../../../helper/sources/tracefs/stack-joiner.ts';
import { type StackRecord, StackTable } from '../../../helper/sources/tracefs/stacks.ts';
import { EMPTY_STACK, NO_STACK } from '../../../protocol/events.ts';

const kernel: StackRecord = { kind: 'kernel', id: 4, headAt: 8, callersAt: 16 };
const user: StackRecord = { kind: 'user', id: 13, headAt: 8, callersAt: 16 };
const ENTRY = 100;
const EXIT = 101;

function eventRecord(type: number, tid: number): Buffer {
  const data = Buffer.alloc(12);
  data.writeUInt16LE(type, 0);
  data.writeInt32LE(tid, 4);
  return data;
}

/** As kernel/trace/trace_entries.h lays them out; a user stack always has eight callers, of which those at the end are 0. */
function stackRecord(record: StackRecord, tid: number, head: number, callers: readonly bigint[]): Buffer {
  const data = Buffer.alloc(16 + 8 * (record.kind === 'user' ? 8 : callers.length));
  data.writeUInt16LE(record.id, 0);
  data.writeInt32LE(tid, 4);
  data.writeUInt32LE(head, 8);
  callers.forEach((caller, index) => data.writeBigUInt64LE(caller, 16 + 8 * index));
  return data;
}

/** A run of one CPU's records, a nanosecond apart from `fromNs` on. */
function run(cpu: number, fromNs: number, parts: readonly Buffer[]): Run {
  const bytes = new Uint8Array(Buffer.concat(parts));
  const at: number[] = [];
  for (let index = 0, place = 0; index < parts.length; place += parts[index++]?.length ?? 0) at.push(place);
  const records: PageRecords = {
    count: parts.length,
    timesNs: Float64Array.from(parts, (_, index) => fromNs + index),
    at: Uint32Array.from(at),
    lengths: Uint32Array.from(parts, (part) => part.length),
  };
  return { view: new DataView(bytes.buffer), records, cpu, next: 0 };
}

const roleOf = (type: number) => (type === ENTRY ? 'begins' : type === EXIT ? 'completes' : undefined);
const joinerOf = (table: StackTable) => new StackJoiner([user, kernel], table, roleOf);

describe('the table of stacks', () => {
  it('keeps each stack once and gives its addresses in hexadecimal', () => {
    const table = new StackTable();
    const record = stackRecord(user, 7, 42, [0x7fd677036bf7n, 0x1000n]);
    const view = new DataView(record.buffer, record.byteOffset, record.length);
    const id = table.idOf(user, view, 0, record.length);
    expect(id).toBeGreaterThan(EMPTY_STACK);
    expect(table.idOf(user, view, 0, record.length)).toBe(id);
    expect(table.takeFresh()).toEqual([{ id, kind: 'user', pid: 42, addresses: ['7fd677036bf7', '1000'] }]);
    expect(table.takeFresh()).toEqual([]);
  });

  it('tells an empty stack from one that is cut off, and leaves out the mark of trampolines', () => {
    const table = new StackTable();
    const empty = stackRecord(user, 2, 2, []);
    const marked = stackRecord(kernel, 2, 2, [0xffffffffffffffffn, 0xffffffff81000010n]);
    const idOf = (record: StackRecord, bytes: Buffer, length = bytes.length) =>
      table.idOf(record, new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, length);
    expect(idOf(user, empty)).toBe(EMPTY_STACK);
    expect(idOf(user, empty, 12)).toBe(NO_STACK);
    idOf(kernel, marked);
    expect(table.takeFresh().map(({ addresses }) => addresses)).toEqual([['ffffffff81000010']]);
  });

  it('reads no further than a record reaches, whatever its head says', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.constantFrom(user, kernel),
        fc.nat(200),
        (bytes, record, length) => {
          const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
          new StackTable().idOf(record, view, 0, Math.min(length, bytes.length));
        },
      ),
    );
  });

  it('gives different stacks different ids and equal ones the same', () => {
    const address = fc.bigInt({ min: 1n, max: 0xffffffff81ffffffn });
    fc.assert(
      fc.property(fc.array(fc.array(address, { maxLength: 8 }), { maxLength: 30 }), (stacks) => {
        const table = new StackTable();
        const ids = new Map<string, number>();
        for (const callers of stacks) {
          const record = stackRecord(user, 1, 5, callers);
          const view = new DataView(record.buffer, record.byteOffset, record.length);
          const id = table.idOf(user, view, 0, record.length);
          const key = callers.join();
          expect(ids.get(key) ?? id).toBe(id);
          ids.set(key, id);
        }
        expect(new Set(ids.values()).size).toBe(ids.size);
      }),
    );
  });
});

describe('stacks are joined to their events', () => {
  it('that an interrupt came in between makes no difference', () => {
    const table = new StackTable();
    const mixed = run(0, 0, [
      eventRecord(ENTRY, 7),
      // an interrupt's event and its stacks stand before those of the thread's own
      eventRecord(ENTRY, 7),
      stackRecord(kernel, 7, 1, [0xbn]),
      stackRecord(user, 7, 7, [0xbbn]),
      stackRecord(kernel, 7, 1, [0xan]),
      stackRecord(user, 7, 7, [0xaan]),
    ]);
    const joiner = joinerOf(table);
    joiner.read(mixed);
    const addresses = new Map(table.takeFresh().map(({ id, addresses: [first] }) => [id, first]));
    const shown = [0, 1].map((index) => {
      const ids = mixed.stacks?.[index];
      return [addresses.get(ids?.kernel ?? 0), addresses.get(ids?.user ?? 0)];
    });
    expect(shown).toEqual([
      ['a', 'aa'],
      ['b', 'bb'],
    ]);
    expect(joiner.completeUntilNs()).toBe(Number.POSITIVE_INFINITY);
  });

  it('holds an event back whose stacks are on the next page, but not for ever', () => {
    const table = new StackTable();
    const joiner = joinerOf(table);
    const first = run(0, 50, [eventRecord(ENTRY, 7), stackRecord(kernel, 7, 1, [0xan])]);
    joiner.read(first);
    expect(joiner.completeUntilNs()).toBe(49);
    joiner.read(run(0, 60, [stackRecord(user, 7, 7, [0xaan])]));
    expect(joiner.completeUntilNs()).toBe(Number.POSITIVE_INFINITY);
    expect(first.stacks?.[0]?.user).toBeGreaterThan(EMPTY_STACK);
    const lost = run(0, 70, [eventRecord(ENTRY, 7)]);
    joiner.read(lost);
    expect(joiner.completeUntilNs()).toBe(69);
    expect(joiner.completeUntilNs()).toBe(Number.POSITIVE_INFINITY);
    expect(lost.stacks?.[0]).toEqual({ user: NO_STACK, kernel: NO_STACK });
  });

  it("takes no other thread's, no other CPU's, and keeps none of a return", () => {
    const table = new StackTable();
    const joiner = joinerOf(table);
    const events = run(0, 0, [eventRecord(ENTRY, 7), stackRecord(user, 8, 8, [0xan])]);
    joiner.read(events);
    joiner.read(run(1, 0, [stackRecord(user, 7, 7, [0xan])]));
    expect(events.stacks?.[0]?.user).toBe(NO_STACK);
    joiner.read(run(2, 0, [eventRecord(EXIT, 9), stackRecord(user, 9, 9, [0xcn])]));
    expect(table.takeFresh()).toEqual([]);
  });
});

describe('rows with stacks', () => {
  const tasks = new Tasks(() => '');
  const event = { source: 'syscall:x', id: ENTRY, exitId: EXIT, fields: [] };

  it('carry those of the entry, and those that are missing are counted', () => {
    const rows = new Rows([event], tasks, ['user', 'kernel']);
    const view = (type: number) => {
      const data = eventRecord(type, 0);
      return new DataView(data.buffer, data.byteOffset, data.length);
    };
    rows.add(view(ENTRY), 0, 12, 1, 0, { user: 5, kernel: 6 });
    rows.add(view(EXIT), 0, 12, 2, 0, { user: 8, kernel: 9 });
    rows.add(view(ENTRY), 0, 12, 3, 0, { user: EMPTY_STACK, kernel: NO_STACK });
    rows.add(view(EXIT), 0, 12, 4, 0);
    const names = rows.columns.map(({ name }) => name);
    const taken = rows.take();
    const column = (name: string) => readColumn('u32', taken.data[names.indexOf(name)] ?? '', []);
    expect(names.slice(-2)).toEqual(['user_stack', 'kernel_stack']);
    expect(column('user_stack')).toEqual([5, EMPTY_STACK]);
    expect(column('kernel_stack')).toEqual([6, NO_STACK]);
    expect(rows.missingStacks).toBe(1);
  });
});
