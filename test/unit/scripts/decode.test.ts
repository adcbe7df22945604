import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ScriptDecoder, type ScriptLine } from '../../../helper/engines/bpftrace/scripts/decode.ts';
import { readJson, textOfBytes } from '../../../helper/engines/bpftrace/scripts/json.ts';
import { profileOfMap } from '../../../profile/import/script-map.ts';
import { textAt } from '../../../profile/strings.ts';
import type { ScriptMap } from '../../../protocol/script.ts';

const folder = resolve(import.meta.dirname, '../../fixtures/script-output');
const versions = ['0.17.0', '0.23.2', '0.27.1'] as const;

function decodeFile(name: string): ScriptLine[] {
  const decoder = new ScriptDecoder();
  return readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .map((line) => decoder.decode(line));
}

/** The maps as they were printed last. */
function mapsOf(lines: readonly ScriptLine[]): Map<string, ScriptMap> {
  return new Map(lines.flatMap((line) => (line.kind === 'map' ? [[line.map.name, line.map]] : [])));
}

const logOf = (lines: readonly ScriptLine[], log: string): string[] =>
  lines.flatMap((line) => (line.kind === 'log' && line.log === log ? [line.text] : []));

describe.each(versions)('everything that a script prints, bpftrace %s', (version) => {
  const lines = decodeFile(`everything-${version}.ndjson`);
  const maps = mapsOf(lines);
  const values = (name: string) => {
    const map = maps.get(name);
    if (map?.kind !== 'values') throw new Error(`${name} is ${map?.kind ?? 'missing'}`);
    return map;
  };

  test('nothing is left over as text of the engine', () => {
    expect(logOf(lines, 'engine')).toEqual([]);
  });

  test('texts: UTF-8 that was escaped byte by byte, bytes that are none, positional parameters', () => {
    expect(logOf(lines, 'printf')).toEqual([
      'café 42 str arg\n',
      '\u0001\\xff|ab\\x00\\xfe\n',
      'no newline|',
    ]);
    expect(logOf(lines, 'cat')).toEqual(['Linux\n']);
    expect(logOf(lines, 'value')).toEqual(['(1, tuple)', '5', 'str']);
    expect(logOf(lines, 'time')[0]).toMatch(/^\d\d:\d\d:\d\d\n$/);
  });

  test('scalars keep all digits; tuples read as bpftrace prints them', () => {
    expect(values('@int').texts).toEqual(['9007199254740993']);
    expect(values('@int').numbers).toEqual([9007199254740992]);
    expect(values('@neg')).toMatchObject({ keyed: false, texts: ['-5'], numbers: [-5] });
    expect(values('@str')).toMatchObject({ texts: ['text'], numbers: [null] });
    expect(values('@tup')).toMatchObject({ texts: ['(1, two, 3)'], numbers: [null] });
    for (const [name, number] of [
      ['@count', 1],
      ['@sum', 5],
      ['@min', 3],
      ['@max', 9],
    ] as const)
      expect(values(name).numbers, name).toEqual([number]);
  });

  test('keys, whose blanks 0.27 leaves out and whose largest number 0.17 and 0.23 print as -1', () => {
    expect(values('@keyed').keys).toEqual([version === '0.27.1' ? 'a,b,1' : 'a, b,1']);
    expect(values('@u64').keys).toEqual([version === '0.27.1' ? '18446744073709551615' : '-1']);
  });

  test('histograms, linear ones with open ends, and by key', () => {
    const hist = maps.get('@hist');
    if (hist?.kind !== 'hist') throw new Error('no histogram');
    const full = hist.series[0]?.buckets.filter(({ count }) => count > 0);
    expect(full).toEqual([
      { low: 0, high: 0, count: 1 },
      { low: 4, high: 7, count: 1 },
      { low: 512, high: 1023, count: 1 },
    ]);
    const linear = maps.get('@lhist');
    if (linear?.kind !== 'hist') throw new Error('no linear histogram');
    const buckets = linear.series[0]?.buckets ?? [];
    expect(buckets[0]).toEqual({ high: -1, count: 1 });
    expect(buckets.at(-1)).toEqual({ low: 100, count: 1 });
    expect(maps.get('@hk')).toMatchObject({ keyed: true, series: [{ key: 'x' }, { key: 'y' }] });
  });

  test('stats in their three forms', () => {
    expect(maps.get('@stats')).toMatchObject({
      keyed: false,
      entries: [{ key: '', average: '15', count: '2', sum: '30' }],
    });
    expect(maps.get('@sk')).toMatchObject({ keyed: true, entries: [{ key: 'a', average: '4', count: '1' }] });
    expect(maps.get('@avg')).toMatchObject({ keyed: false, entries: [{ average: '4' }] });
    expect(maps.get('@ak')).toMatchObject({ keyed: true, entries: [{ key: 'a', average: '4' }] });
  });

  test('stacks become a profile with the functions of the program, outermost first', () => {
    for (const name of ['@stack', '@u']) {
      const map = maps.get(name);
      const profile = map === undefined ? undefined : profileOfMap(map);
      if (profile === undefined) throw new Error(`${name} is no map of stacks`);
      const names = [...profile.frames.name].map((id) => textAt(profile.strings, id));
      expect(names, name).toContain('inner');
      expect(names, name).toContain('start_thread');
      const all = values(name).numbers.reduce((sum: number, value) => sum + (value ?? 0), 0);
      expect(
        profile.nodes.self.reduce((sum, self) => sum + self, 0),
        name,
      ).toBe(all);
      const node = [...profile.nodes.frame].findIndex((frame) => names[frame] === 'inner');
      const parent = [...profile.nodes.depth].lastIndexOf((profile.nodes.depth[node] ?? 0) - 1, node);
      expect(names[profile.nodes.frame[parent] ?? 0], name).toMatch(/^start_thread$|^0x[0-9a-f]+$/);
    }
    const profile = profileOfMap(values('@stack'));
    const modules = [...(profile?.frames.module ?? [])].map((id) => textAt(profile!.strings, id));
    expect(modules).toContain('/src/spin');
  });
});

test('0.27: warnings and errors of the script, time series (hexadecimal after addresses), records, booleans', () => {
  const lines = decodeFile('everything-0.27.1.ndjson');
  expect(lines).toContainEqual({
    kind: 'log',
    log: 'warning',
    text: 'warned 3',
    place: { line: 26, column: 18 },
  });
  expect(lines).toContainEqual({
    kind: 'log',
    log: 'error',
    text: 'errored 4',
    place: { line: 26, column: 43 },
  });
  const maps = mapsOf(lines);
  const series = maps.get('@tk');
  if (series?.kind !== 'tseries') throw new Error('no time series');
  // 50 Hz for 100 ms, 2 each time
  expect(series.series.map(({ points }) => points.map(({ value }) => value))).toEqual([
    [10, 10, 8],
    [10, 10, 8],
  ]);
  const [first, second] = series.series[0]?.points ?? [];
  expect((second?.startMs ?? 0) - (first?.startMs ?? 0)).toBe(100);
  expect(maps.get('@ts')).toMatchObject({ kind: 'tseries', keyed: false });
  expect(maps.get('@b')).toMatchObject({ keys: ['true'], numbers: [1] });
  expect(maps.get('@rec')).toMatchObject({ keys: ['a', 'b'], texts: ['1', 'x'] });
});

test.each(versions)('lost events, full maps, commands and benchmarks, bpftrace %s', (version) => {
  const lines = decodeFile(`faults-${version}.ndjson`);
  expect(logOf(lines, 'join')).toEqual(['/bin/echo one two']);
  const lost = lines.reduce((sum, line) => sum + (line.kind === 'lost' ? line.events : 0), 0);
  expect(lost).toBeGreaterThan(10_000);
  // 0.27 sends the command's output past the JSON
  expect(logOf(lines, 'syscall')).toEqual(version === '0.27.1' ? [] : ['from the shell\n']);
  const full = lines.find((line) => line.kind === 'log' && line.log === 'error');
  if (version === '0.17.0') expect(full).toBeUndefined();
  else
    expect(full).toMatchObject({
      text: expect.stringContaining('map_update_elem') as string,
      place: { line: 0, column: 19 },
    });
  if (version === '0.27.1')
    expect(logOf(lines, 'benchmark')).toEqual([expect.stringMatching(/^empty: \d+ ns on average of \d+$/)]);
});

test('the stacks of threads that 0.17 prints under one key are added', () => {
  const line = new ScriptDecoder().decode(
    '{"type": "map", "data": {"@u": {"\\n    f+1\\n": 2, "\\n    f+1\\n": 40}}}',
  );
  expect(line).toMatchObject({ map: { keys: ['\n    f+1\n'], numbers: [42], total: 1 } });
});

test('what is no message of bpftrace stays text: warnings, cut lines, numbers, other types', () => {
  const decoder = new ScriptDecoder();
  for (const text of [
    'stdin:1:1-4: WARNING: x',
    '{"type": "map", "data": {"@a"',
    '{"type": "new", "data": 1}',
    '{}',
    '{"type":"map","data":5}',
  ])
    expect(decoder.decode(text), text).toEqual({ kind: 'log', log: 'engine', text });
  expect(decoder.decode('  ')).toEqual({ kind: 'blank' });
});

test('bytes that are no UTF-8 are shown as such, those around them as text', () => {
  expect(textOfBytes([0xc3, 0xa9, 0xff, 0xe2, 0x82])).toBe('é\\xff\\xe2\\x82');
});

test('never throws, whatever comes; JSON is read as JSON.parse reads it', () => {
  const decoder = new ScriptDecoder();
  fc.assert(
    fc.property(fc.string(), (text) => void decoder.decode(text)),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(readJson(JSON.stringify(text))).toBe(text);
    }),
  );
  const real = readFileSync(join(folder, 'everything-0.27.1.ndjson'), 'utf8');
  fc.assert(
    fc.property(
      fc.nat(real.length),
      fc.nat(real.length),
      fc.string({ maxLength: 4 }),
      (from, length, middle) => {
        for (const line of (real.slice(0, from) + middle + real.slice(from + (length % 50))).split('\n'))
          decoder.decode(line);
      },
    ),
    { numRuns: 300 },
  );
  expect(readJson('['.repeat(100_000))).toBeUndefined();
});
