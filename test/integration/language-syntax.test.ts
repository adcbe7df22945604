import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { baseScripts, compare, describeDifferences, mutations } from '../oracles/syntax.ts';

const bpftrace = spawnSync('bpftrace', ['--version'], { encoding: 'utf8' });
const isOracle = bpftrace.status === 0 && bpftrace.stdout.includes('v0.17.');
const oracle = { version: 17, program: 'bpftrace' } as const;

test(
  'agrees with bpftrace 0.17 on the syntax of all cases and shipped scripts',
  { timeout: 600_000 },
  async (ctx) => {
    if (!isOracle || process.getuid?.() !== 0)
      ctx.skip('bpftrace 0.17 as root is the oracle, and it is not here');
    const differences = await compare(oracle, baseScripts(17));
    expect(describeDifferences(differences.filter(({ reason }) => reason === undefined))).toBe('');
  },
);

test('agrees with bpftrace 0.17 on 150 single-token mutations', { timeout: 600_000 }, async (ctx) => {
  if (!isOracle || process.getuid?.() !== 0)
    ctx.skip('bpftrace 0.17 as root is the oracle, and it is not here');
  const differences = await compare(oracle, mutations(17, 150, 17));
  expect(describeDifferences(differences.filter(({ reason }) => reason === undefined))).toBe('');
});
