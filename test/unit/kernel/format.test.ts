import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dynamicKind, isArray, isPointer, isText, parseFormat } from '../../../helper/kernel/format.ts';
import { displaysOf, evaluate } from '../../../helper/kernel/print-format.ts';

const fixture = (name: string) =>
  readFileSync(join(import.meta.dirname, '../../fixtures/kernel/formats', `${name}.txt`), 'utf8');
const none = () => undefined;

describe('format files', () => {
  it('reads the fields of block_rq_issue with their places', () => {
    const format = parseFormat(fixture('block_rq_issue'));
    expect(format).toMatchObject({ name: 'block_rq_issue', id: 2104, unreadable: [] });
    expect(format.fields.filter((field) => !field.common)).toEqual([
      { name: 'dev', type: 'dev_t', offsetBytes: 8, sizeBytes: 4, signed: false, common: false },
      { name: 'sector', type: 'sector_t', offsetBytes: 16, sizeBytes: 8, signed: false, common: false },
      {
        name: 'nr_sector',
        type: 'unsigned int',
        offsetBytes: 24,
        sizeBytes: 4,
        signed: false,
        common: false,
      },
      { name: 'bytes', type: 'unsigned int', offsetBytes: 28, sizeBytes: 4, signed: false, common: false },
      { name: 'ioprio', type: 'unsigned short', offsetBytes: 32, sizeBytes: 2, signed: false, common: false },
      { name: 'rwbs', type: 'char[10]', offsetBytes: 34, sizeBytes: 10, signed: false, common: false },
      { name: 'comm', type: 'char[16]', offsetBytes: 44, sizeBytes: 16, signed: false, common: false },
      { name: 'cmd', type: '__data_loc char[]', offsetBytes: 60, sizeBytes: 4, signed: false, common: false },
    ]);
  });

  it('tells pointers, arrays and texts apart', () => {
    expect(isPointer('const char *')).toBe(true);
    expect(isPointer('const void *const')).toBe(true);
    expect(isText('char[16]')).toBe(true);
    expect(isText('__data_loc char[]')).toBe(true);
    expect(isText('u8[16]')).toBe(false);
    expect(isArray('u8[16]')).toBe(true);
    expect(isArray('__data_loc cpumask_t')).toBe(true);
    expect(dynamicKind('__rel_loc char[]')).toBe('relative');
  });

  it('keeps what it can read of a malformed file and lists the rest', () => {
    const format = parseFormat(
      'name: x\r\nID: many\nformat:\n\tfield:int a;\toffset:0;\tsize:4;\tsigned:1;\n\tfield:int b;\toffset:4;\n\tfield:;\toffset:0;\tsize:4;\tsigned:0;\n???\n',
    );
    expect(format.name).toBe('x');
    expect(format.id).toBe(-1);
    expect(format.fields.map((field) => field.name)).toEqual(['a']);
    expect(format.unreadable).toHaveLength(4);
    expect(format.printFormat).toBe('');
  });

  it('never throws on mutated files', () => {
    const text = fixture('sched_switch');
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(40), fc.string(), (at, drop, insert) => {
        const mutated = parseFormat(text.slice(0, at) + insert + text.slice(at + drop));
        displaysOf(mutated.printFormat, none);
      }),
      { numRuns: 500 },
    );
  });
});

describe('print formats', () => {
  it('names the flags of a masked task state', () => {
    const states = displaysOf(parseFormat(fixture('sched_switch')).printFormat, none).get('prev_state');
    expect(states).toMatchObject({ as: 'flags', separator: '|' });
    expect(states?.as === 'flags' && states.values.slice(0, 3)).toEqual([
      { name: 'S', value: 1 },
      { name: 'D', value: 2 },
      { name: 'T', value: 4 },
    ]);
  });

  it('names soft interrupts', () => {
    expect(displaysOf(parseFormat(fixture('softirq_entry')).printFormat, none).get('vec')).toMatchObject({
      as: 'enum',
      values: expect.arrayContaining([{ name: 'NET_RX', value: 3 }]) as unknown,
    });
  });

  it('leaves shifted values alone: they are not the field', () => {
    expect(displaysOf(parseFormat(fixture('block_rq_issue')).printFormat, none).has('ioprio')).toBe(false);
  });

  it('evaluates the constant expressions that kernels print', () => {
    expect(evaluate('(( gfp_t)((((1UL))) << (3)))', none)).toBe(8);
    expect(evaluate('0x10 | 0x01', none)).toBe(17);
    expect(evaluate('~0x1', none)).toBe(-2);
    expect(evaluate('1ULL << 63', none)).toBe('0x8000000000000000');
    expect(evaluate('SOME', (name) => (name === 'SOME' ? 4 : undefined))).toBe(4);
    expect(evaluate('SOME', none)).toBeUndefined();
    expect(evaluate('1 << 99999', none)).toBeUndefined();
    expect(evaluate('', none)).toBeUndefined();
  });
});
