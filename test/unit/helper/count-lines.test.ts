import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCountLine } from '../../../helper/engines/count/lines.ts';
import { splitByEngine } from '../../../helper/probe-session.ts';
import type { Measure, ProbeSpec, Site } from '../../../protocol/probe.ts';

const fixture = (name: string): string[] =>
  readFileSync(join(import.meta.dirname, '../../fixtures/perf-stat', name), 'utf8').split('\n');

test('what a perf said that counted 2,862 calls', () => {
  const lines = fixture('count-copies.txt').map(readCountLine);
  expect(lines[0]).toEqual({ kind: 'counting', event: 'e1_4e7219e239', pid: 17822 });
  expect(lines.filter(({ kind }) => kind === 'enabled')).toHaveLength(1);
  const hitsOf = (event: string): number =>
    lines.reduce((sum, line) => sum + (line.kind === 'hits' && line.event === event ? line.hits : 0), 0);
  expect(hitsOf('e1_4e7219e239') + 2 * hitsOf('e2_4e7219e239')).toBe(2862);
  expect(lines.filter(({ kind }) => kind === 'ended')).toEqual([
    { kind: 'ended', event: 'e1_4e7219e239', exitCode: 130 },
  ]);
  expect(lines.filter(({ kind }) => kind === 'words').map((line) => 'text' in line && line.text)).toEqual([
    'Events disabled',
    '',
  ]);
});

test.each([
  ['     0.205015864,510,,group:e2_ab,16724736,100.00,,', { kind: 'hits', event: 'e2_ab', hits: 510 }],
  ['    27.242537079,<not counted>,,group:e2_ab,0,100.00,,', { kind: 'hits', event: 'e2_ab', hits: 0 }],
  ['         summary,2862,,group:e2_ab,16724736,100.00,,', { kind: 'sum', event: 'e2_ab', hits: 2862 }],
  ['         summary,<not counted>,,group:e2_ab,0,100.00,,', { kind: 'sum', event: 'e2_ab', hits: 0 }],
  ['counting e1_ab,e2_ab 17', { kind: 'counting', event: 'e1_ab', pid: 17 }],
  ['ended e1_ab,e2_ab 130', { kind: 'ended', event: 'e1_ab', exitCode: 130 }],
  ['Events enabled', { kind: 'enabled' }],
  ['     0.2,5', { kind: 'words', text: '0.2,5' }],
  ['     0.20,<not supported>,,group:e2,0,0.00,,', { kind: 'words' }],
  ['Error: The sys_perf_event_open() syscall returned with 524', { kind: 'words' }],
  ['', { kind: 'words', text: '' }],
])('%j', (line, meaning) => expect(readCountLine(line)).toMatchObject(meaning));

const named: Site = { kind: 'entry', symbol: 'f', vaddr: 1, fileOffsetBytes: 1 };
const copy: Site = {
  kind: 'inlined',
  vaddr: 2,
  fileOffsetBytes: 2,
  countedOnly: 'It is inlined into g there.',
};

test.each<[string, Measure[], Site[], 'named' | 'counted']>([
  ['a count of copies', ['count'], [copy], 'counted'],
  ['a count of a body and copies: all by one engine', ['count'], [named, copy], 'counted'],
  ['a count of a body', ['count'], [named], 'named'],
  ['durations of a body', ['count', 'latency'], [named, copy], 'named'],
])('%s', (_name, measures, sites, engine) => {
  const probe: ProbeSpec = {
    id: 1,
    binary: '/bin/x',
    measures,
    subject: { kind: 'function', function: 'f', sites, refused: [] },
  };
  expect(splitByEngine([probe])[engine]).toEqual([probe]);
});

test('Go: durations between addresses, callers by name, counts without the calls that begin again', () => {
  const at = (vaddr: number, kind: Site['kind']): Site => ({ kind, vaddr, fileOffsetBytes: vaddr });
  const bounds = {
    entries: [at(4, 'entry')],
    restarts: [at(20, 'entry')],
    exits: [at(12, 'return')],
    refused: [],
  };
  const split = (measures: Measure[]) =>
    splitByEngine([
      {
        id: 1,
        binary: '/bin/x',
        measures,
        subject: { kind: 'function', function: 'main.f', sites: [named], refused: [], bounds },
      },
    ]);
  expect(split(['count'])).toMatchObject({ counted: [{ id: 1 }], named: [], timed: [] });
  expect(split(['latency'])).toMatchObject({ counted: [], named: [], timed: [{ id: 1 }] });
  expect(split(['callers'])).toMatchObject({ counted: [], named: [{ measures: ['callers'] }], timed: [] });
  expect(split(['latency', 'callers'])).toMatchObject({
    counted: [],
    named: [{ measures: ['callers'] }],
    timed: [{ id: 1 }],
  });
});
