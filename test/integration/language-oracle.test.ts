import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { compare, installedOracle, type Comparison } from '../language/oracle.ts';
import { generateProgram, mutate, randomNumbers } from '../language/programs.ts';

const oracle = installedOracle();

/** What the assertion shows when it fails: the differences, and how many there were. */
function report({ agreed, differences, noVerdict, placed, overlapping }: Comparison): string {
  const lines = differences.map(
    ({ name, source, theirs, ours }) =>
      `${name}: ${JSON.stringify(source)}\n  bpftrace: ${theirs}\n  ours: ${ours}`,
  );
  return `${agreed} agree, ${differences.length} differ, ${noVerdict} without verdict, places ${overlapping}/${placed}\n${lines.join('\n')}`;
}

describe('the installed bpftrace agrees', () => {
  it('on every script of its package', { timeout: 60_000 }, async (context) => {
    if (oracle === undefined) return context.skip('bpftrace is not installed');
    const scripts = globSync('/usr/sbin/*.bt').map((path) => ({
      name: basename(path),
      source: readFileSync(path, 'utf8'),
    }));
    if (scripts.length === 0) return context.skip('the package of bpftrace has no scripts here');
    const result = await compare(oracle, scripts);
    expect(result.differences, report(result)).toEqual([]);
    return undefined;
  });

  it('on every one-liner of its manual', { timeout: 60_000 }, async (context) => {
    if (oracle === undefined) return context.skip('bpftrace is not installed');
    const scripts = manualExamples();
    if (scripts.length === 0) return context.skip('the manual of bpftrace is not installed');
    const result = await compare(oracle, scripts);
    expect(result.differences, report(result)).toEqual([]);
    return undefined;
  });

  it('on generated programs and their mutations by one token', { timeout: 120_000 }, async (context) => {
    if (oracle === undefined) return context.skip('bpftrace is not installed');
    const random = randomNumbers(20_170);
    const scripts = Array.from({ length: 300 }, (_, index) => {
      const source = generateProgram(random, oracle.version);
      return index % 4 === 0
        ? { name: `generated ${index}`, source }
        : { name: `mutated ${index}`, source: mutate(random, source) };
    });
    // 0.06 s a script on an idle machine, ten times that on a busy one: as many as 25 s allow
    const result = await compare(oracle, scripts, 25_000);
    const compared = result.agreed + result.differences.length;
    expect(compared).toBeGreaterThan(20);
    expect(result.differences.length / compared, report(result)).toBeLessThanOrEqual(0.02);
    expect(result.overlapping / Math.max(1, result.placed), report(result)).toBeGreaterThanOrEqual(0.95);
    return undefined;
  });
});

/** The scripts after `bpftrace -e` in the package's examples and manual page. */
function manualExamples(): { name: string; source: string }[] {
  const texts = globSync([
    '/usr/share/doc/bpftrace/**/*.{txt,md,gz}',
    '/usr/share/man/man8/bpftrace.8.gz',
  ]).map((path) => {
    const bytes = readFileSync(path);
    return path.endsWith('.gz') ? gunzipSync(bytes).toString('utf8') : bytes.toString('utf8');
  });
  const found = new Set<string>();
  for (const text of texts)
    for (const match of text.matchAll(/bpftrace (?:-\w+ )*-e '([^']+)'/g))
      if (match[1] !== undefined) found.add(match[1]);
  return [...found].map((source, index) => ({ name: `example ${index + 1}`, source }));
}
