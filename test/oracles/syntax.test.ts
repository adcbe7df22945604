import { describe, expect, test } from 'vitest';
import { otherBpftrace, type Suite } from '../lab/other-bpftrace.ts';
import type { Oracle } from './bpftrace.ts';
import { baseScripts, compare, describeDifferences, mutations } from './syntax.ts';

// of bpftrace 0.17, as installed, every run asks for 150 mutations and all cases
const releases: readonly (readonly [suite: Suite | 'bookworm', version: Oracle['version'], count: number])[] =
  [
    ['bookworm', 17, 400],
    ['trixie', 23, 400],
    ['sid', 27, 400],
  ];

describe.each(releases)('bpftrace of %s (0.%i)', (suite, version, count) => {
  const oracle = (): Oracle => ({
    version,
    program: suite === 'bookworm' ? 'bpftrace' : otherBpftrace(suite),
  });

  test('agrees on the syntax of all cases and shipped scripts', { timeout: 600_000 }, async () => {
    const differences = await compare(oracle(), baseScripts(version));
    expect(describeDifferences(differences.filter(({ reason }) => reason === undefined))).toBe('');
  });

  test(`agrees on ${count} single-token mutations`, { timeout: 600_000 }, async () => {
    const differences = await compare(oracle(), mutations(version, count, version));
    expect(describeDifferences(differences.filter(({ reason }) => reason === undefined))).toBe('');
  });
});
