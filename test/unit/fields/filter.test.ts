import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterFields } from '../../../fields/common.ts';
import { type CheckedFilter, type FilterField, checkFilter } from '../../../fields/filter/check.ts';
import { compileBpftrace, compileTracefs } from '../../../fields/filter/compile.ts';
import { completeFilter } from '../../../fields/filter/complete.ts';
import { globPattern, predicateOf } from '../../../fields/filter/evaluate.ts';
import { parseFilter } from '../../../fields/filter/syntax.ts';
import { openFlags } from '../../../fields/constants.ts';

const own: FilterField[] = [
  {
    name: 'bytes',
    type: 'unsigned int',
    column: 'u32',
    display: { as: 'number' },
    sizeBytes: 4,
    signed: false,
  },
  { name: 'ret', type: 'long', column: 'i64', display: { as: 'errno' }, sizeBytes: 8, signed: true },
  { name: 'rwbs', type: 'char[10]', column: 'text', display: { as: 'rwbs' }, sizeBytes: 10, signed: false },
  {
    name: 'flags',
    type: 'int',
    column: 'i64',
    display: { as: 'flags', separator: '|', values: openFlags },
    sizeBytes: 8,
    signed: true,
  },
  {
    name: 'dev',
    type: 'dev_t',
    column: 'u32',
    display: { as: 'device', values: [{ name: 'vda', value: 254 << 20 }] },
    sizeBytes: 4,
    signed: false,
  },
  {
    name: 'duration',
    type: 'u64',
    column: 'f64',
    display: { as: 'durationNs' },
    sizeBytes: 8,
    signed: false,
  },
  { name: 'saddr', type: 'u8[4]', column: 'text', display: { as: 'ipv4' }, sizeBytes: 4, signed: false },
];
const fields = filterFields(own);

function checked(source: string): CheckedFilter {
  const { filter, problems } = checkFilter(source, fields);
  expect(problems).toEqual([]);
  if (filter === undefined) throw new Error('empty');
  return filter;
}
const problemOf = (source: string) => {
  const { problems } = checkFilter(source, fields);
  expect(problems).toHaveLength(1);
  const [problem] = problems;
  return { ...problem, at: source.slice(problem?.start, problem?.end) };
};
const tracefs = (source: string) => compileTracefs(checked(source)).text;
const dialect = { minor: 17, field: (name: string) => `args->${name}` };
const bpftrace = (source: string) => compileBpftrace(checked(source), dialect).text;

describe('the filter language', () => {
  it('compiles one filter for both engines', () => {
    expect(tracefs('bytes > 65536 && comm == "fio"')).toBe('bytes > 65536 && COMM == "fio"');
    expect(bpftrace('bytes > 65536 && comm == "fio"')).toBe('args->bytes > 65536 && comm == "fio"');
    expect(tracefs('bytes > 64k || !(flags & (O_CREAT|O_EXCL))')).toBe('(bytes > 65536 || !(flags & 192))');
    expect(bpftrace('!(flags & O_CREAT)')).toBe('!((args->flags & 64) != 0)');
    expect(tracefs('ret == -ENOENT && tid == 7 && cpu < 2')).toBe('ret == -2 && common_pid == 7 && CPU < 2');
    expect(tracefs('dev == vda && dev != 8:1')).toBe('dev == 266338304 && dev != 8388609');
    expect(tracefs('rwbs ~ "*W*"')).toBe('rwbs ~ "*W*"');
    expect(bpftrace('comm ~ "postgres*"')).toBe('strncmp(comm, "postgres", 8) == 0');
    expect(tracefs('bytes')).toBe('bytes != 0');
    expect(tracefs('duration >= 5ms')).toBe('duration >= 5000000');
  });

  it('leaves to the helper exactly what an engine cannot say', () => {
    const parts = compileTracefs(checked('bytes > 1 && saddr == "7f000001" && (pid == 3 || bytes < 9)'));
    expect(parts.text).toBe('bytes > 1');
    expect(parts.rest).toMatchObject({
      kind: 'and',
      left: { field: { name: 'saddr' } },
      right: { kind: 'or' },
    });
    expect(compileBpftrace(checked('rwbs ~ "*W"'), dialect).text).toBeUndefined();
    expect(compileBpftrace(checked('comm ~ "a*"'), { ...dialect, minor: 27 }).text).toBeUndefined();
  });

  it('never pastes quotes into an engine', () => {
    expect(compileBpftrace(checked(`comm == 'a"b'`), dialect).text).toBeUndefined();
    expect(tracefs(`comm == 'a"b'`)).toBe(`COMM == 'a"b'`);
    expect(compileTracefs(checked(`comm == "a\\"b'c"`)).text).toBeUndefined();
  });

  it('marks unknown fields and values with a suggestion', () => {
    expect(problemOf('byte > 4')).toMatchObject({ at: 'byte', suggestion: 'bytes' });
    expect(problemOf('flags & O_CREATE')).toMatchObject({ at: 'O_CREATE', suggestion: 'O_CREAT' });
    expect(problemOf('zzz == 1')).toMatchObject({
      at: 'zzz',
      message: expect.stringContaining('bytes, ret') as unknown,
    });
    expect(problemOf('ret == -ENOENTT')).toMatchObject({ suggestion: 'ENOENT' });
  });

  it('marks wrong types', () => {
    expect(problemOf('bytes == "x"').message).toContain('is a number');
    expect(problemOf('rwbs > 3').message).toContain('is text');
    expect(problemOf('comm == fio')).toMatchObject({ at: 'fio', suggestion: '"fio"' });
    expect(problemOf('bytes ~ "x"').message).toContain('matches texts');
    expect(problemOf('bytes == -1').message).toContain('never negative');
    expect(problemOf('bytes > 5000000000').message).toContain('32 bits');
    expect(problemOf('bytes > 5ms').message).toContain('no duration');
    expect(problemOf('bytes > 5q').message).toContain('no unit');
  });

  it('marks syntax errors where they are', () => {
    expect(problemOf('bytes = 4')).toMatchObject({ at: '=', suggestion: '==' });
    expect(problemOf('bytes > 4 and ret < 0')).toMatchObject({ at: 'and', suggestion: '&&' });
    expect(problemOf('bytes >').message).toContain('missing');
    expect(problemOf('(bytes > 4').message).toContain('closing');
    expect(problemOf('bytes > 4 $').at).toBe('$');
    expect(problemOf('('.repeat(5000)).message).toContain('nested');
    expect(checkFilter('   ', fields)).toEqual({ problems: [] });
  });

  it('never throws', () => {
    const piece = fc.constantFrom(
      'bytes',
      '&&',
      '||',
      '!',
      '(',
      ')',
      '==',
      '>',
      '64k',
      '"x',
      '"',
      '-',
      '|',
      'vda',
      '8:0',
      ' ',
      '\\',
      '\u0000',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 14 }), (parts) => {
        const source = parts.join(' ');
        const { filter } = checkFilter(source, fields);
        completeFilter(source, source.length, fields);
        if (filter !== undefined) {
          compileTracefs(filter);
          compileBpftrace(filter, dialect);
        }
        for (const problem of parseFilter(source).problems)
          expect(problem.end).toBeGreaterThan(problem.start);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('conditions checked by the helper', () => {
  const row: Record<string, number | bigint | string> = {
    bytes: 65537,
    ret: -2n,
    comm: 'fio',
    flags: 64n,
    rwbs: 'WS',
    pid: 3,
  };
  const holds = (source: string) => predicateOf(checked(source))((name) => row[name] ?? 0);

  it('decides as the kernel does', () => {
    expect(holds('bytes > 64k && comm == "fio"')).toBe(true);
    expect(holds('ret == -ENOENT')).toBe(true);
    expect(holds('flags & O_CREAT')).toBe(true);
    expect(holds('!(flags & O_CREAT)')).toBe(false);
    expect(holds('rwbs ~ "*S" && comm !~ "x*"')).toBe(true);
    expect(holds('pid == 4 || bytes <= 65537')).toBe(true);
  });

  it('matches globs literally apart from * and ?', () => {
    expect(globPattern('a.b*').test('a.bcd')).toBe(true);
    expect(globPattern('a.b*').test('axbcd')).toBe(false);
    expect(globPattern('(?)').test('(x)')).toBe(true);
  });
});

describe('completion', () => {
  const labels = (source: string) => completeFilter(source, source.length, fields).map((item) => item.label);

  it('offers fields, then operators, then values, then joins', () => {
    expect(labels('by')).toEqual(['bytes']);
    expect(labels('bytes ')).toEqual(['==', '!=', '<', '<=', '>', '>=', '&']);
    expect(labels('comm ')).toEqual(['==', '!=', '~', '!~']);
    expect(labels('flags & O_CR')).toEqual(['O_CREAT']);
    expect(labels('ret == -ENOE')).toEqual(['ENOENT', 'ENOEXEC']);
    expect(labels('bytes > 5 ')).toEqual(['&&', '||']);
    expect(labels('bytes > 5 && r')).toEqual(['ret', 'rwbs']);
    expect(labels('dev == ')).toEqual(['vda']);
  });
});
