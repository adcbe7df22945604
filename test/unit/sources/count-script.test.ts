import { describe, expect, it } from 'vitest';
import { countScript } from '../../../helper/sources/count-script.ts';
import type { SourcePlan } from '../../../helper/sources/source.ts';
import { asProblem } from '../../../protocol/errors.ts';
import type { EventField } from '../../../protocol/events.ts';

const field = (name: string, type: string, column: EventField['column'] = 'u32'): EventField => ({
  name,
  type,
  sizeBytes: column === 'u64' ? 8 : 4,
  signed: false,
  column,
  display: { as: column === 'text' ? 'text' : 'number' },
});
const issue: SourcePlan = {
  engine: 'tracefs',
  tracepoint: 'block:block_rq_issue',
  fields: [
    field('bytes', 'unsigned int'),
    field('rwbs', 'char[8]', 'text'),
    field('cmd', '__data_loc char[]', 'text'),
  ],
};
const read: SourcePlan = {
  engine: 'tracefs',
  tracepoint: 'syscalls:sys_enter_read',
  exit: 'syscalls:sys_exit_read',
  fields: [field('fd', 'unsigned int', 'u64'), field('ret', 'long'), field('duration', 'u64')],
};
const usdt: SourcePlan = {
  engine: 'uprobe',
  point: { kind: 'usdt', path: '/srv/shop', provider: 'shop', name: 'request__start' },
  fields: [field('arg0', 'u64', 'u64'), field('text0', '__data_loc char[]', 'text')],
  definitions: () => [],
};
const userFunction: SourcePlan = {
  engine: 'uprobe',
  point: { kind: 'function', path: '/srv/shop', name: 'put', places: new Map([['key', 1]]) },
  fields: [field('key', 'unsigned int'), field('late', 'int')],
  definitions: () => [],
};
const kernelFunction: SourcePlan = {
  engine: 'kprobe',
  symbol: 'xfs:xfs_read',
  fields: [field('len', 'size_t', 'u64')],
};

describe('a script that counts in the kernel', () => {
  it('has a map an event, keyed by the field, and prints them each second', () => {
    expect(countScript([issue, read], { filter: 'pid > 7', pid: 42 }, 'comm', 17))
      .toBe(`tracepoint:block:block_rq_issue
/pid == 42 && pid > 7/
{
  @block_rq_issue[comm] = count();
}

tracepoint:syscalls:sys_enter_read
/pid == 42 && pid > 7/
{
  @read[comm] = count();
}

interval:s:1 { print(@block_rq_issue); print(@read); }
`);
  });

  it.each([
    ['a number', issue, 'bytes', '@block_rq_issue[args->bytes]'],
    ['a text', issue, 'rwbs', '@block_rq_issue[args->rwbs]'],
    ['a text at another place', issue, 'cmd', '@block_rq_issue[str(args->cmd)]'],
    ['an argument of a system call', read, 'fd', '@read[args->fd]'],
    ['an argument of a USDT probe', usdt, 'arg0', '@request__start[(uint64)arg0]'],
    ['a text of a USDT probe', usdt, 'text0', '@request__start[str(arg0)]'],
    ['a parameter', userFunction, 'key', '@put[(uint32)arg1]'],
    ['an argument of a kernel function', kernelFunction, 'len', '@xfs_read[(uint64)arg0]'],
  ] as const)('counts by %s', (_what, plan, by, expected) => {
    expect(countScript([plan], {}, by, 17)).toContain(`  ${expected} = count();`);
  });

  it('tells events of one name apart', () => {
    expect(countScript([read, read], {}, 'pid', 23)).toContain('print(@read); print(@read_2);');
  });

  it('refuses what is not known when the event begins, with what is', () => {
    const problem = (run: () => unknown) => {
      try {
        run();
      } catch (thrown) {
        return asProblem(thrown);
      }
      return undefined;
    };
    expect(problem(() => countScript([read], {}, 'bytes', 17))).toMatchObject({
      code: 'invalid-argument',
      message: 'read has no field bytes to count by.',
      remedy: 'Count by comm, pid, tid, cpu, fd.',
    });
    for (const by of ['ret', 'duration'])
      expect(problem(() => countScript([read], {}, by, 17))).toMatchObject({ code: 'invalid-argument' });
    expect(problem(() => countScript([userFunction], {}, 'late', 17))).toMatchObject({
      message: 'put cannot be counted by late when it begins.',
    });
    expect(problem(() => countScript([read], { filter: 'ret < 0' }, 'fd', 17))).toMatchObject({
      code: 'probe-refused',
    });
    expect(
      problem(() => countScript([{ engine: 'counter', event: 'cycles' }], {}, 'cpu', 17))?.remedy,
    ).toContain('probescope stat --events cycles');
  });
});
