import { expect, test } from 'vitest';
import { decodeLine } from '../../../helper/engines/bpftrace/decode.ts';
import { generate, type GenerateOptions } from '../../../helper/engines/bpftrace/generate.ts';
import { kernelPoint } from '../../../helper/engines/bpftrace/quote.ts';
import { readPrintout } from '../../../helper/engines/bpftrace/totals.ts';
import { listKernelFunctions } from '../../../helper/kernel/functions.ts';
import { findTracefs } from '../../../helper/kernel/tracefs.ts';
import { KernelSubjects, type KernelAbilities } from '../../../helper/kernel/subjects.ts';
import { measureRefusal, usedSites } from '../../../protocol/sites.ts';
import { KERNEL, type KernelFunctionSubject, type ProbeSpec } from '../../../protocol/probe.ts';

const options: GenerateOptions = {
  version: '0.17.0',
  arch: 'x64',
  orders: { on: 'on', print: 'print', printStacks: 'stacks', off: 'off' },
  mapKeys: 16384,
  first: true,
  pathOf: () => {
    throw new Error('the kernel has no path');
  },
  returnAddressBytes: () => {
    throw new Error('the kernel is no file');
  },
  filterPid: true,
};

const subject = (
  name: string,
  attach: KernelFunctionSubject['attach'],
  module = 'vmlinux',
): KernelFunctionSubject => ({
  kind: 'kernel-function',
  function: name,
  module,
  attach,
  sites: [{ kind: 'entry', symbol: name, vaddr: 0, fileOffsetBytes: 0 }],
});
const probe = (id: number, of: KernelFunctionSubject, measures: ProbeSpec['measures'] = ['latency']) => ({
  id,
  binary: KERNEL,
  measures,
  subject: of,
});
const pointsOf = (script: string): string[] =>
  script.match(/^(?:kfunc|kretfunc|fentry|fexit|kprobe|kretprobe):.*$/gm) ?? [];

test.each([
  ['0.17.0', 'fentry', 'vmlinux', ['kfunc:f', 'kretfunc:f']],
  ['0.20.1', 'fentry', 'vmlinux', ['fentry:f', 'fexit:f']],
  ['0.27.0', 'fentry', 'xfs', ['fentry:xfs:f', 'fexit:xfs:f']],
  ['0.17.0', 'fentry', 'xfs', ['kfunc:xfs:f', 'kretfunc:xfs:f']],
  ['0.17.0', 'kprobe', 'xfs', ['kprobe:f', 'kretprobe:f']],
  ['0.23.2', 'kprobe', 'xfs', ['kprobe:xfs:f', 'kretprobe:xfs:f']],
] as const)('bpftrace %s attaches %s in %s as it calls them', (version, attach, module, points) => {
  const plan = generate([probe(1, subject('f', attach, module))], { ...options, version });
  expect(pointsOf(plan.script)).toEqual(points);
  expect(plan.points).toBe(2);
});

test('only registers that the way of attaching has are read', () => {
  const fentry = generate([probe(1, subject('f', 'fentry'), ['latency', 'callers'])], options).script;
  expect(fentry).not.toContain('reg(');
  expect(fentry).toContain('kstack(perf, 64)');
  expect(fentry).not.toContain('ustack');
  const kprobe = generate([probe(1, subject('f', 'kprobe'))], options).script;
  expect(kprobe).toContain('reg("sp") - 8');
  expect(kprobe).not.toContain('reg("ip")');
});

test('each function has clauses of its own, with the process that is meant', () => {
  const probes = [
    { ...probe(1, subject('f', 'fentry')), pid: 42 },
    probe(2, subject('g', 'fentry'), ['count']),
  ];
  const plan = generate(probes, options);
  expect(pointsOf(plan.script)).toEqual(['kfunc:f /pid == 42/', 'kretfunc:f /pid == 42/', 'kfunc:g']);
  expect([...plan.probeOf.values()]).toEqual([1, 2]);
  for (const code of plan.probeOf.keys()) expect(plan.script).toContain(`$i = (uint64)${code};`);
});

test('programs and the kernel are measured in one script, with stacks of either kind in a map of its own', () => {
  const user: ProbeSpec = {
    id: 3,
    binary: '/srv/demo',
    measures: ['latency', 'callers'],
    subject: {
      kind: 'function',
      function: 'main',
      sites: [{ kind: 'entry', symbol: 'main', vaddr: 0x10, fileOffsetBytes: 0x10 }],
      refused: [],
    },
  };
  const both = { ...options, pathOf: (path: string) => path, returnAddressBytes: () => 8 };
  const { script, probeOf } = generate(
    [probe(1, subject('f', 'fentry'), ['latency', 'callers']), user],
    both,
  );
  expect(script).toMatch(/print\(@k\);\n {2}print\(@kk\);/);
  expect(script).toContain('clear(@k); clear(@kk);');
  expect(generate([user], both).script).not.toContain('@kk');
  const codeOf = (id: number) => [...probeOf].find(([, owner]) => owner === id)?.[0] ?? 0;
  const lines = [
    `{"type": "map", "data": {"@k": {"${codeOf(3)},7,0,\\n\\t10 main+0 (/x)": 2}}}`,
    `{"type": "map", "data": {"@kk": {"${codeOf(1)},7,0,\\n\\tffffffff81000000 f+0\\n\\tffffffff81000100 g+5": 5}}}`,
  ].map(decodeLine);
  const maps = new Map(lines.flatMap((line) => (line.kind === 'map' ? [[line.name, line.entries]] : [])));
  const totals = readPrintout(
    { monotonicNs: 1, maps, withStacks: true },
    generate([probe(1, subject('f', 'fentry'), ['latency', 'callers']), user], both),
  );
  expect(totals.get(1)?.stacks).toEqual([
    { pid: 7, addresses: ['ffffffff81000000', 'ffffffff81000100'], count: 5 },
  ]);
  expect(totals.get(3)?.stacks).toEqual([{ pid: 7, addresses: ['10'], count: 2 }]);
});

test('a process cannot be told from others where bpftrace does not see its number', () => {
  const named = { ...probe(1, subject('f', 'fentry')), pid: 42 };
  expect(() => generate([named], { ...options, filterPid: false })).toThrow(/cannot tell process 42/);
});

test('names become text of a script only when they are names', () => {
  expect(kernelPoint('kprobe', undefined, 'do_exec.isra.0')).toBe('kprobe:do_exec.isra.0');
  for (const bad of ['a b', 'a*', '', 'a:b', 'a{', '1a', 'a\n', 'a+4', 'a,b', 'a$'])
    expect(() => kernelPoint('kprobe', undefined, bad)).toThrow();
  for (const bad of ['', 'a*', 'a:b', 'a b']) expect(() => kernelPoint('fentry', bad, 'f')).toThrow();
});

test('a kernel function has one site, and nothing keeps it from being measured', () => {
  const of = subject('f', 'kprobe');
  expect(usedSites(of, ['latency'])).toEqual({ sites: of.sites, refused: [] });
  expect(measureRefusal(of, ['latency'], KERNEL)).toBeUndefined();
});

const works = { works: true, detail: '' };
const not = (detail: string) => ({ works: false, detail });
const subjects = (abilities: KernelAbilities) => new KernelSubjects(() => Promise.resolve(abilities));

test('what is attached follows from what was found by trying and from what BTF says of the function', async () => {
  const both = subjects({ fentry: works, kprobe: works });
  await expect(both.find('vfs_read')).resolves.toMatchObject([
    { function: 'vfs_read', module: 'vmlinux', attach: 'fentry' },
  ]);
  // eight arguments
  await expect(both.find('vmlinux:do_mmap')).resolves.toMatchObject([{ attach: 'kprobe' }]);
  await expect(subjects({ fentry: not('no'), kprobe: works }).find('vfs_read')).resolves.toMatchObject([
    { attach: 'kprobe' },
  ]);
  await expect(
    subjects({ fentry: not('No ftrace.'), kprobe: not('No kprobes.') }).find('vfs_read'),
  ).rejects.toMatchObject({
    code: 'probe-refused',
    message: expect.stringMatching(/No ftrace\..*No kprobes\./) as string,
  });
  await expect(subjects({ fentry: works, kprobe: not('No kprobes.') }).find('do_mmap')).rejects.toMatchObject(
    {
      code: 'probe-refused',
      message: expect.stringMatching(/more than 6 arguments.*No kprobes\./) as string,
    },
  );
});

test('a function that is not there is not found, whatever its name', async () => {
  for (const name of ['no_such_function', '', 'nomodule:vfs_read', ':vfs_read', 'vfs_read; exit()', 'a:b:c'])
    await expect(subjects({ fentry: works, kprobe: works }).find(name), name).rejects.toMatchObject({
      code: 'function-not-found',
    });
  const { byModule } = listKernelFunctions((await findTracefs()).root);
  expect([...byModule.keys()]).toContain('vmlinux');
});
