import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeLine, decodeStackKey } from '../../helper/engines/bpftrace/decode.ts';
import { generate, type GenerateOptions } from '../../helper/engines/bpftrace/generate.ts';
import { needsAlias, orderToken, uprobePoint, usdtPoint } from '../../helper/engines/bpftrace/quote.ts';
import { engineProblem } from '../../helper/engines/bpftrace/refusals.ts';
import { readPrintout } from '../../helper/engines/bpftrace/totals.ts';
import type { ProbeSpec, Site } from '../../protocol/probe.ts';

const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../fixtures/bpftrace-lines', name), 'utf8').trim();

const options: GenerateOptions = {
  version: '0.17.0',
  arch: 'x64',
  orders: { on: 'on', print: 'print', printStacks: 'stacks', off: 'off' },
  mapKeys: 16384,
  first: true,
  pathOf: (binary) => binary,
  returnAddressBytes: () => 8,
  filterPid: true,
};

const site = (symbol: string, vaddr: number): Site => ({
  kind: 'entry',
  symbol,
  vaddr,
  fileOffsetBytes: vaddr,
});
const probe = (id: number, measures: ProbeSpec['measures'], ...sites: Site[]): ProbeSpec => ({
  id,
  binary: '/srv/demo',
  measures,
  subject: { kind: 'function', function: `f${id}`, sites, refused: [] },
});

test.each(['0.17', '0.17-symbols', '0.23', '0.27'])('stacks as bpftrace %s prints them', (version) => {
  const line = decodeLine(fixture(`stacks-${version}.txt`));
  expect(line.kind).toBe('map');
  if (line.kind !== 'map') return;
  const stacks = [...line.entries.keys()].map(decodeStackKey);
  expect(stacks).toHaveLength(2);
  for (const stack of stacks) {
    expect(stack?.addresses.length).toBeGreaterThanOrEqual(4);
    for (const address of stack?.addresses ?? []) expect(address).toMatch(/^[0-9a-f]{12}$/);
  }
});

test('a return address that the frame pointers miss is put in', () => {
  expect(decodeStackKey('353,7,4660,\n\t1000 f+0 (/x)\n\t3000 main+0 (/x)\n')?.addresses).toEqual([
    '1000',
    '1234',
    '3000',
  ]);
  expect(decodeStackKey('353,7,4660,\n1000\n1234\n')?.addresses).toEqual(['1000', '1234']);
  expect(decodeStackKey('nonsense')).toBeUndefined();
});

test('0.17 prints one key for the stacks of several threads: they are added', () => {
  const line = decodeLine('{"type": "map", "data": {"@k": {"1,2,3,\\n\\t10 f": 5, "1,2,3,\\n\\t10 f": 7}}}');
  expect(line.kind === 'map' && [...line.entries.values()]).toEqual([[12]]);
});

test('lines that are no messages are passed over', () => {
  for (const line of [
    '',
    'WARNING: x',
    '{',
    '{"type": "map"}',
    '{"type": 5}',
    '[]',
    '{"type":"map","data":{"@a":{},"@b":{}}}',
  ])
    expect(decodeLine(line).kind).toBe('other');
  expect(decodeLine('{"type": "printf", "data": "\\uffffffc3\\uffffffa9"}')).toMatchObject({
    kind: 'printf',
  });
  expect(decodeLine('{"type": "lost_events", "data": {"events": 12}}')).toEqual({ kind: 'lost', events: 12 });
});

test('probes of a kind share one clause; sites with equal low bits do not', () => {
  const plan = generate(
    [
      probe(1, ['latency'], site('a', 0x1010)),
      probe(2, ['latency'], site('b', 0x1020)),
      probe(3, ['latency'], site('c', 0x5010)),
    ],
    options,
  );
  expect(plan.script.match(/^uprobe:/gm)).toHaveLength(3);
  expect(plan.script.match(/@c\[\$i\] = count\(\)/g)).toHaveLength(2);
  expect([...plan.probeOf.values()].sort()).toEqual([1, 2, 3]);
  expect(plan.points).toBe(6);
});

test('clones of one function share a code even when their low bits are equal', () => {
  const plan = generate([probe(1, ['count'], site('a', 0x1010), site('a.part.0', 0x2010))], options);
  expect([...plan.probeOf.values()]).toEqual([1]);
  expect(plan.sites).toBe(2);
});

test('a function that exceptions pass through gets no return probe', () => {
  const spec = probe(1, ['latency'], site('a', 0x10));
  const thrower: ProbeSpec = {
    ...spec,
    subject: { ...spec.subject, unwinding: 'throws' } as ProbeSpec['subject'],
  };
  expect(() => generate([thrower], options)).toThrow(/exception can pass/);
  expect(() => generate([{ ...thrower, measures: ['count'] }], options)).not.toThrow();
});

test('names become text of a script only when no version can misread them', () => {
  expect(uprobePoint('uprobe', '/usr/lib/libstdc++.so.6', '_ZN1aE')).toBe(
    'uprobe:"/usr/lib/libstdc++.so.6":"_ZN1aE"',
  );
  for (const bad of ['a b', 'a"', 'a*', 'a\n', '', 'a{', '1a'])
    expect(() => uprobePoint('uprobe', '/x', bad)).toThrow();
  for (const bad of ['/a"b', '/a\\b', '/a*', '/a\n', 'relative', "/a'b", '/ö', '/a$1', '/a{b}']) {
    expect(needsAlias(bad)).toBe(true);
    expect(() => uprobePoint('uprobe', bad, 'f')).toThrow();
  }
  expect(() => usdtPoint('/x', 'p"', 'n')).toThrow();
  expect(orderToken()).toMatch(/^ps_[A-Za-z0-9_]{12}$/);
});

test('figures are sorted by probe, and returns in no bucket count as dropped', () => {
  const plan = generate([probe(7, ['latency'], site('a', 0x10))], options);
  const maps = new Map([
    ['@c', new Map([['17', [10]]])],
    ['@r', new Map([['17', [9]]])],
    [
      '@b',
      new Map([
        ['17,40', [3]],
        ['17,33', [4]],
      ]),
    ],
    ['@d', new Map([['17', [900]]])],
    ['@m', new Map([['17', [200]]])],
    [
      '@q',
      new Map([
        ['17', [1]],
        ['0', [5]],
      ]),
    ],
  ]);
  expect(readPrintout({ monotonicNs: 1, maps, withStacks: false }, plan).get(7)).toEqual({
    count: 10,
    lost: { missedEntries: 1, abandonedCalls: 0, droppedByEngine: 2 },
    latency: {
      buckets: [
        [33, 4],
        [40, 3],
      ],
      sumNs: 900,
      maxNs: 200,
    },
  });
});

test('what an engine says at its end has a code', () => {
  const command = { words: ['sudo', '-n', '/usr/bin/bpftrace'], version: '0.17.0' };
  const end = { exitCode: 1, signal: null, stdout: '', command, wasReady: false };
  const memlock = "ERROR: Unknown error -1: couldn't set RLIMIT_MEMLOCK for bpftrace.\n";
  expect(engineProblem({ ...end, stderr: 'sudo: a password is required\n' }).code).toBe('no-privileges');
  expect(engineProblem({ ...end, stderr: '', exitCode: 127 }).code).toBe('engine-missing');
  const refused = engineProblem({ ...end, stderr: `${memlock}stdin:1:1-2: ERROR: syntax error\n` });
  expect(refused.code).toBe('engine-refused');
  expect(refused.message).toContain('syntax error');
  expect(refused.message).not.toContain('MEMLOCK');
  const withoutAdmin = { ...end.command, uprobeRemedy: 'Give it CAP_SYS_ADMIN.' };
  const noUprobes = 'ERROR: Unable to attach probe: uprobe:/bin/x:main. If this is expected, …\n';
  expect(engineProblem({ ...end, command: withoutAdmin, stderr: noUprobes })).toMatchObject({
    code: 'no-privileges',
    remedy: 'Give it CAP_SYS_ADMIN.',
  });
  expect(engineProblem({ ...end, stderr: noUprobes }).code).toBe('engine-refused');
  expect(engineProblem({ ...end, stderr: memlock, wasReady: true, exitCode: 137 }).code).toBe('engine-ended');
});
