import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ScriptDecoder } from '../../../helper/engines/bpftrace/scripts/decode.ts';
import { summaryOf } from '../../../helper/sources/syscalls/decode.ts';
import { syscallNames } from '../../../helper/sources/syscalls/numbers.ts';
import { syscallScript } from '../../../helper/sources/syscalls/script.ts';
import { summaryTable } from '../../../cli/syscalls.ts';
import type { ScriptMap } from '../../../protocol/script.ts';

const recorded = readFileSync(
  join(import.meta.dirname, '../../fixtures/kernel/syscall-summary-0.17.ndjson'),
  'utf8',
);

function mapsOf(text: string): ScriptMap[] {
  const decoder = new ScriptDecoder();
  return text.split('\n').flatMap((line) => {
    const said = decoder.decode(line);
    return said.kind === 'map' ? [said.map] : [];
  });
}

describe('the summary of system calls', () => {
  const names = syscallNames('x64');
  const summary = summaryOf(mapsOf(recorded), names);
  const of = (name: string) => summary.syscalls.find((one) => one.name === name);

  it('reads what bpftrace printed', () => {
    expect(of('chdir')).toMatchObject({ calls: 20, errors: [{ name: 'ENOENT', count: 20 }], open: 0 });
    expect(of('mkdir')).toMatchObject({ calls: 1, errors: [{ name: 'EEXIST', count: 1 }] });
    // sleep sleeps; the child's exit_group never returns, and is no open call
    expect(of('clock_nanosleep')).toMatchObject({ calls: 0, open: 1, maxNs: 0 });
    expect(of('exit_group')).toBeUndefined();
    expect(summary).toMatchObject({ missedEntries: 1, missingDurations: 0 });
    for (const { calls, buckets } of summary.syscalls)
      expect(buckets.reduce((sum, [, count]) => sum + count, 0)).toBe(calls);
    const totals = summary.syscalls.map(({ totalNs }) => totalNs);
    expect(totals).toEqual([...totals].sort((a, b) => b - a));
  });

  it('tells which calls are missing from the percentiles when the map of durations was full', () => {
    const full = mapsOf(recorded).filter(({ name }) => name !== '@b');
    const all = summary.syscalls.reduce((sum, { calls }) => sum + calls, 0);
    expect(summaryOf(full, names).missingDurations).toBe(all);
  });

  it('takes cut lines, unknown numbers and no output at all', () => {
    expect(summaryOf([], names).syscalls).toEqual([]);
    expect(() => mapsOf(recorded.slice(0, 2000))).not.toThrow();
    expect(summaryOf(mapsOf('{"type": "map", "data": {"@c": {"9999": 3}}}'), names).syscalls).toMatchObject([
      { name: 'syscall 9999', calls: 3 },
    ]);
  });

  it('is printed as a table with names of errors and what is missing', () => {
    const text = summaryTable({ stream: 's', elapsedMs: 5000, final: true, ...summary });
    expect(text).toMatch(/^ +share +total +calls +mean +p50 +p99 +max +syscall +errors$/m);
    expect(text).toMatch(/ 20 .* chdir +20 ENOENT$/m);
    expect(text).toMatch(/clock_nanosleep +\(1 not returned yet\)$/m);
    expect(text).toContain('calls that had begun before and are not in it: 1');
  });
});

describe('the table of system calls', () => {
  it('has each name once, and the numbers that every architecture shares', () => {
    for (const arch of ['x64', 'arm64']) {
      const names = syscallNames(arch);
      expect(new Set(names.values()).size).toBe(names.size);
      expect(names.get(435)).toBe('clone3');
      expect(names.get(469)).toBe('file_setattr');
    }
    expect([0, 59, 231, 257, 334].map((number) => syscallNames('x64').get(number))).toEqual([
      ...['read', 'execve', 'exit_group', 'openat', 'rseq'],
    ]);
    expect([56, 63, 94, 221, 293].map((number) => syscallNames('arm64').get(number))).toEqual([
      ...['openat', 'read', 'exit_group', 'execve', 'rseq'],
    ]);
    expect(syscallNames('mips').size).toBe(0);
  });
});

describe('the script', () => {
  const options = { version: '0.17.0', arch: 'x64', helperPid: 77, intervalMs: 1000, mapKeys: 16_384 };

  it('follows a process with its children, or everybody but bpftrace and the helper', () => {
    expect(syscallScript({ ...options, pid: 42 })).toContain('@follow[(uint64)42] = 1;');
    expect(syscallScript(options)).toContain('/pid != @self && pid != 77/');
    expect(syscallScript(options)).not.toContain('@follow');
  });

  it('sets the number of keys where the release can', () => {
    expect(syscallScript(options)).not.toContain('config');
    expect(syscallScript({ ...options, version: '0.23.2' })).toMatch(
      /^config = \{ max_map_keys = 16384 \}\n/,
    );
  });
});
