import { describe, expect, it } from 'vitest';
import { commandsFor } from '../../../helper/sources/commands.ts';
import type { SourcePlan } from '../../../helper/sources/source.ts';
import type { EventField } from '../../../protocol/events.ts';

const integers = {
  s8: { sizeBytes: 1, signed: true, column: 'i32' },
  s16: { sizeBytes: 2, signed: true, column: 'i32' },
  s32: { sizeBytes: 4, signed: true, column: 'i32' },
  u32: { sizeBytes: 4, signed: false, column: 'u32' },
  s64: { sizeBytes: 8, signed: true, column: 'i64' },
  u64: { sizeBytes: 8, signed: false, column: 'u64' },
} as const;

const number = (name: string, type: keyof typeof integers): EventField => ({
  name,
  type,
  ...integers[type],
  display: { as: type === 'u64' ? 'hex' : 'number' },
});
const text = (name: string): EventField => ({
  name,
  type: '__data_loc char[]',
  sizeBytes: 4,
  signed: false,
  column: 'text',
  display: { as: 'text' },
});

const usdt = (fields: readonly EventField[], path = '/srv/shop'): SourcePlan => ({
  engine: 'uprobe',
  point: { kind: 'usdt', path, provider: 'shop', name: 'request__start' },
  fields,
  definitions: () => [],
});
const userFunction = (name: string): SourcePlan => ({
  engine: 'uprobe',
  point: { kind: 'function', path: '/srv/shop', name },
  fields: [],
  definitions: () => [],
});
const tracepoint: SourcePlan = { engine: 'tracefs', tracepoint: 'sched:sched_switch', fields: [] };

const scriptOf = (plans: readonly SourcePlan[], spec: Parameters<typeof commandsFor>[1] = {}, minor = 17) =>
  commandsFor(plans, spec, minor).find(({ tool }) => tool === 'bpftrace')?.text;

describe('a copied script of probes in programs', () => {
  it('reads arguments of USDT probes with their width and sign, and the texts at them', () => {
    const fields = [number('arg0', 's32'), number('arg1', 'u64'), text('text1')];
    expect(commandsFor([usdt(fields)], { filter: 'arg0 > 3', pid: 42 }, 17)).toEqual([
      {
        tool: 'bpftrace',
        text: `usdt:"/srv/shop":"shop":"request__start"
/pid == 42 && (int32)arg0 > 3/
{
  printf("%s %d request__start arg0=%ld arg1=0x%lx text1=%s\\n", comm, pid, (int32)arg0, (uint64)arg1, str(arg1));
}
`,
      },
    ]);
  });

  it('narrows each kind of integer', () => {
    const types = ['s8', 's16', 'u32', 's64'] as const;
    const script = scriptOf([usdt(types.map((type, place) => number(`arg${place}`, type)))]);
    expect(script).toContain('comm, pid, (int8)arg0, (int16)arg1, (uint32)arg2, (int64)arg3);');
    expect(script).toContain('arg0=%ld arg1=%ld arg2=%lu arg3=%ld');
  });

  it('compares texts in the predicate', () => {
    const script = scriptOf([usdt([number('arg0', 'u64'), text('text0')])], { filter: 'text0 == "/menu"' });
    expect(script).toContain('/str(arg0) == "/menu"/');
  });

  it('names what bpftrace has no word for in a comment, and gives no script when the filter asks for it', () => {
    // 40 arguments: no machine passes as many in registers
    const fields = [number('arg0', 's32'), number('arg39', 'u64'), text('text39')];
    expect(scriptOf([usdt(fields)])).toContain(`{
  // bpftrace cannot read arg39, text39
  printf("%s %d request__start arg0=%ld\\n", comm, pid, (int32)arg0);
}`);
    expect(commandsFor([usdt(fields)], { filter: 'arg39 == 1' }, 17)).toEqual([]);
  });

  it('prints many arguments in as many calls as this bpftrace needs', () => {
    const fields = Array.from({ length: 6 }, (_, place) => [
      number(`arg${place}`, 'u64'),
      text(`text${place}`),
    ]);
    const calls = (minor: number) => scriptOf([usdt(fields.flat())], {}, minor)?.match(/printf\(/g)?.length;
    expect(calls(17)).toBe(2);
    expect(calls(20)).toBe(1);
    for (const { name } of fields.flat()) expect(scriptOf([usdt(fields.flat())])).toContain(` ${name}=`);
  });

  it('has functions at their entry, with stacks, beside events of the kernel', () => {
    const script = scriptOf([userFunction('_ZN4shop5routeEi'), tracepoint], { userStack: true });
    expect(script).toBe(`uprobe:"/srv/shop":"_ZN4shop5routeEi"
{
  printf("%s %d _ZN4shop5routeEi%s\\n", comm, pid, ustack);
}

tracepoint:sched:sched_switch
{
  printf("%s %d sched_switch%s\\n", comm, pid, ustack);
}
`);
    expect(commandsFor([userFunction('f'), tracepoint], {}, 17).map(({ tool }) => tool)).toEqual([
      'bpftrace',
    ]);
  });

  it('is refused for a path or a symbol that no script can hold', () => {
    for (const plan of [usdt([], '/srv/a"b'), userFunction('f"/{}')])
      expect(() => commandsFor([plan], {}, 17)).toThrow(
        expect.objectContaining({ code: 'probe-refused' }) as Error,
      );
  });
});
