import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from '../../../extension/core/interchange/import-file.ts';
import { exportFolded } from '../../../profile/export/folded.ts';
import { exportSpeedscope, exportChromeTrace } from '../../../profile/export/json.ts';
import { exportPprof } from '../../../profile/export/pprof.ts';
import { exportCsv } from '../../../profile/export/csv.ts';
import { exportSvg } from '../../../profile/export/svg.ts';
import { BpftraceImporter } from '../../../profile/import/bpftrace.ts';
import { FoldedImporter } from '../../../profile/import/folded.ts';
import { PerfScriptImporter } from '../../../profile/import/perf-script.ts';
import { importPprof } from '../../../profile/import/pprof.ts';
import { importSpeedscope } from '../../../profile/import/speedscope.ts';
import { Painter } from '../../../profile/picture.ts';
import { compareProfiles } from '../../../profile/compare.ts';
import { parentsOf } from '../../../profile/order.ts';
import { defaultFlameOptions } from '../../../protocol/flame.ts';
import { frameKinds, MAX_DEPTH } from '../../../protocol/profile.ts';
import type { Profile } from '../../../protocol/profile.ts';
import { frameNames, profileOf, slowTotals, sorted, stacks } from './slow.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures/profiles');
const bytes = (text: string) => new TextEncoder().encode(text);
const fixture = (name: string) => readFileSync(resolve(fixtures, name), 'utf8');

function folded(text: string | Uint8Array, chunk = 1 << 20) {
  const importer = new FoldedImporter('test');
  const data = typeof text === 'string' ? bytes(text) : text;
  for (let at = 0; at < data.length; at += chunk) importer.push(data.subarray(at, at + chunk));
  return importer.finish();
}
const unfolded = (profile: Profile) => [...exportFolded(profile)].join('').split('\n').filter(Boolean).sort();
const lines = (importer: PerfScriptImporter | BpftraceImporter, text: string) => {
  const splitter = new LineSplitter((line) => {
    importer.pushLine(line);
  });
  splitter.push(bytes(text));
  splitter.finish();
  return importer.finish();
};

test('folded stacks: any order, any chunks, the same totals as added up one by one', () => {
  fc.assert(
    fc.property(stacks, fc.integer({ min: 1, max: 40 }), fc.boolean(), (list, chunk, inOrder) => {
      fc.pre(list.length > 0);
      let text = list.map(({ frames, weight }) => `${frames.join(';')} ${weight}\n`);
      if (inOrder) text = text.sort();
      const { profile, notes } = folded(text.join('').trimEnd(), chunk);
      expect(notes).toEqual([]);
      const totals = new Map<string, number>();
      const names = frameNames(profile);
      const parent = parentsOf(profile.nodes.depth);
      profile.nodes.self.forEach((weight, node) => {
        for (let at = node; at >= 0; at = parent[at]!) {
          const path: string[] = [];
          for (let up = at; up > 0; up = parent[up]!) path.unshift(names[profile.nodes.frame[up]!]!);
          totals.set(path.join(';'), (totals.get(path.join(';')) ?? 0) + weight);
        }
      });
      expect(sorted(totals)).toEqual(sorted(slowTotals(list)));
    }),
  );
});

test('folded stacks: names with spaces, CRLF, comments, kinds, fractions', () => {
  const { profile, notes } = folded(
    '# made by hand\r\nmain;std::vector<int, A>::push 3\r\nmain;do_sys_open_[k] 2\r\n\r\nmain 1.5\r\n',
  );
  expect(notes).toEqual([]);
  expect(unfolded(profile)).toEqual([
    'main 1.5',
    'main;do_sys_open_[k] 2',
    'main;std::vector<int, A>::push 3',
  ]);
  expect([...profile.frames.kind].map((kind) => frameKinds[kind])).toContain('kernel');
});

test('folded stacks: bad lines are told with their place, the good ones are kept', () => {
  const { profile, notes } = folded('a;b 1\na;c\na;d -4\na;e many\na;f 1e9\n\na;g 2\n');
  expect(unfolded(profile)).toEqual(['a;b 1', 'a;g 2']);
  expect(notes).toEqual([
    'line 2: there is no count after the stack',
    'line 3: the count is negative',
    'line 4: “many” is no count',
    'line 5: “1e9” is no count',
  ]);
  expect(() => folded('nothing here\n')).toThrow(/could be used as folded stacks: line 1/);
  expect(() => folded('\n')).toThrow(/holds no stacks/);
});

test('folded stacks: 10,000 frames deep and deeper, NUL, invalid UTF-8, sums above 2^53', () => {
  const deep = Array.from({ length: 10_000 }, (_, i) => `f${i % 7}`).join(';');
  expect(folded(`${deep} 1\n`).profile.nodes.depth.at(-1)).toBe(10_000);
  const tooDeep = `${deep};${deep} 1\n${deep};${deep} 2\n`;
  const cut = folded(tooDeep).profile;
  expect(cut.nodes.depth.at(-1)).toBe(MAX_DEPTH);
  expect(cut.notes.join()).toContain('2 stacks were deeper');
  const { profile, notes } = folded(Uint8Array.from([0x61, 0, 0x3b, 0xff, 0xfe, 0x20, 0x31, 0x0a]));
  expect(frameNames(profile)).toEqual(['', 'a\0', '\ufffd\ufffd']);
  expect(notes.join()).toMatch(/NUL byte.*no UTF-8/);
  expect(folded('a 9007199254740991\nb 9007199254740991\n').notes.join()).toContain('more than 2^53');
});

test('garbage never throws anything but a ProbeError, and never hangs', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.string({ maxLength: 300 }), (raw, text) => {
      for (const read of [
        () => folded(raw, 7),
        () => importPprof(raw, 'x'),
        () => lines(new PerfScriptImporter('x'), text),
        () => lines(new BpftraceImporter('x'), `@[\n${text}\n]: 4\n`),
        () => importSpeedscope({ shared: { frames: [] }, profiles: [text] }, 'x'),
      ])
        try {
          read();
        } catch (error) {
          expect(error).toHaveProperty('code', 'malformed-file');
        }
    }),
  );
});

test('perf script: as stackcollapse-perf.pl counts it, with threads, times and places', () => {
  const { profile, notes } = lines(new PerfScriptImporter('spin'), fixture('perf-script.txt'));
  const total = profile.nodes.self.reduce((sum, weight) => sum + weight, 0);
  expect(total).toBe((fixture('perf-script.txt').match(/cpu-clock:/g) ?? []).length);
  expect(notes).toEqual([]);
  expect(unfolded(profile).join('\n')).toMatchSnapshot();
  expect(profile.threads).toHaveLength(1);
  const placed = lines(new PerfScriptImporter('spin'), fixture('perf-script-srcline.txt')).profile;
  const { layout, names, groups } = new Painter(placed).paint(defaultFlameOptions);
  const leaf = names.indexOf('leaf');
  expect(placed.frames.line[groups.frame[leaf]!]).toBe(2);
  expect(layout.total[0]).toBe(total);
});

test('perf script: a file cut off inside a sample gives what came before', () => {
  const text = fixture('perf-script.txt');
  const { profile } = lines(new PerfScriptImporter('spin'), text.slice(0, text.length - 40));
  expect(profile.nodes.self.reduce((sum, weight) => sum + weight, 0)).toBeGreaterThan(5);
});

test('bpftrace maps: text and JSON, kernel frames inside, other keys outside', () => {
  const text = lines(new BpftraceImporter('spin'), fixture('bpftrace-maps.txt'));
  expect(text.notes).toEqual([]);
  const sum = (found: readonly string[] | null) =>
    (found ?? []).reduce((total, each) => total + Number(/\d+$/.exec(each)![0]), 0);
  expect(text.profile.nodes.self.reduce((a, b) => a + b, 0)).toBe(
    sum(fixture('bpftrace-maps.txt').match(/\]: \d+/g)),
  );
  expect(unfolded(text.profile).every((line) => line.startsWith('spin;'))).toBe(true);
  const json = lines(new BpftraceImporter('spin'), fixture('bpftrace-maps.ndjson'));
  expect(json.profile.nodes.self.reduce((a, b) => a + b, 0)).toBe(
    sum(
      fixture('bpftrace-maps.ndjson')
        .match(/": \d+/g)
        ?.filter((each) => !each.includes('probes')) ?? null,
    ) - 1,
  );
  expect(unfolded(json.profile).join('\n')).toMatch(
    /^0x\w+;entry_SYSCALL_64_after_hwframe_\[k\];do_syscall_64_\[k\];ksys_read_\[k\];vfs_read_\[k\];read_zero_\[k\] 1$/m,
  );
});

test('round trips keep every stack: folded, speedscope, pprof', () => {
  fc.assert(
    fc.property(stacks, (list) => {
      fc.pre(list.length > 0);
      const profile = profileOf(list);
      const before = unfolded(profile);
      expect(unfolded(folded([...exportFolded(profile)].join('')).profile)).toEqual(before);
      expect(
        unfolded(importSpeedscope(JSON.parse([...exportSpeedscope(profile)].join('')), 'x').profile),
      ).toEqual(before);
      expect(unfolded(importPprof(exportPprof(profile), 'x').profile)).toEqual(before);
      const events = (
        JSON.parse([...exportChromeTrace(profile)].join('')) as { traceEvents: { ph: string }[] }
      ).traceEvents;
      expect(events.every(({ ph }) => ph === 'X' || ph === 'M')).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('exports keep places and quote what other programs would run', () => {
  const { profile } = lines(new PerfScriptImporter('spin'), fixture('perf-script-srcline.txt'));
  const again = importPprof(exportPprof(profile), 'x').profile;
  expect([...again.frames.line].sort()).toEqual([...profile.frames.line].sort());
  expect(exportCsv(profile)).toContain('leaf,/src/spin/spin,/src/spin/spin.c,2,user,');
  expect(exportCsv(folded('=cmd|calc;"a",b 1\n').profile)).toContain('\r\n"""a"",b",');
  expect(exportCsv(folded('=cmd 1\n').profile)).toContain(`\r\n'=cmd,`);
  const hostile = folded('</text><script>alert(1)</script>;\u0001]]> 1\n').profile;
  const svg = exportSvg(new Painter(hostile).paint(defaultFlameOptions), hostile, defaultFlameOptions);
  expect(svg).not.toContain('<script>alert');
  expect(svg).not.toContain('\u0001');
});

test('the function that got slower is the reddest of the comparison', () => {
  const before = folded('main;fast 100\nmain;slow 100\nmain;other 50\n').profile;
  const after = folded('main;fast 101\nmain;slow 300\nmain;other 50\n').profile;
  const { layout, names } = new Painter(compareProfiles(before, after)).paint({
    ...defaultFlameOptions,
    normalised: false,
  });
  const reddest = layout.deltaSelf!.indexOf(Math.max(...layout.deltaSelf!));
  expect(names[layout.frame[reddest]!]).toBe('slow');
  expect(layout.delta![reddest]).toBe(200);
});
