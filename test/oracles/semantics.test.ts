import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compare, installedOracle, laboratoryOracles, type Comparison } from '../language/oracle.ts';
import { generateProgram, mutate, randomNumbers } from '../language/programs.ts';
import { snippets } from '../language/snippets.ts';

/** As many as agree at least; what is left is listed in test/language/DIFFERENCES.md. */
const leastAgreement = 0.98;
const leastOverlap = 0.95;

const count = Number(process.env['ORACLE_COUNT'] ?? 300);
const chosen = process.env['ORACLE_SEED'];
const seed = chosen === 'random' ? Math.floor(Math.random() * 1e9) : Number(chosen ?? 1);

const installed = installedOracle();
const oracles = [...(installed === undefined ? [] : [installed]), ...laboratoryOracles()];

/** Rounded down: 99.99 % is not all. */
const percent = (part: number, whole: number): string =>
  whole === 0 ? '–' : `${(Math.floor((10_000 * part) / whole) / 100).toFixed(2)} %`;

/** The figures, and each script on which the two differ. */
function report(what: string, result: Comparison): string {
  const { agreed, differences, noVerdict, placed, overlapping } = result;
  const compared = agreed + differences.length;
  const figures = `${what}: ${agreed} of ${compared} agree (${percent(agreed, compared)}), ${noVerdict} without verdict; places overlap ${overlapping} of ${placed} (${percent(overlapping, placed)})`;
  const details = differences.map(
    ({ name, source, theirs, ours }) =>
      `  ${name} ${JSON.stringify(source.slice(0, 400))}\n    bpftrace: ${theirs || 'accepts'}\n    ours: ${ours || 'accepted'}`,
  );
  return [figures, ...details].join('\n');
}

async function expectAgreement(
  oracle: (typeof oracles)[number],
  what: string,
  scripts: readonly { readonly name: string; readonly source: string }[],
): Promise<void> {
  const result = await compare(oracle, scripts);
  const text = report(`bpftrace ${oracle.release}, ${what}`, result);
  process.stdout.write(`${text}\n`);
  const compared = result.agreed + result.differences.length;
  expect(compared, text).toBeGreaterThan(0);
  expect(result.agreed / compared, text).toBeGreaterThanOrEqual(leastAgreement);
  if (result.placed >= 20)
    expect(result.overlapping / result.placed, text).toBeGreaterThanOrEqual(leastOverlap);
}

describe.each(oracles)('bpftrace $release', (oracle) => {
  test('agrees on the scripts of the installed package', { timeout: 600_000 }, async () => {
    const paths = globSync('/usr/sbin/*.bt');
    const scripts = paths.map((path) => ({ name: basename(path), source: readFileSync(path, 'utf8') }));
    const result = await compare(oracle, scripts);
    const text = report(`bpftrace ${oracle.release}, shipped scripts`, result);
    process.stdout.write(`${text}\n`);
    // Names of the kernel are not known without a catalog; DIFFERENCES.md tells which one
    const unknown = result.differences.filter(
      ({ theirs }) => !/Unknown identifier: '(?:TASK_RUNNING|PF_INET)'/.test(theirs),
    );
    expect(unknown, text).toEqual([]);
  });

  test('agrees on snippets, one question each', { timeout: 600_000 }, () =>
    expectAgreement(
      oracle,
      'snippets',
      snippets.map((source, index) => ({ name: `snippet ${index}`, source })),
    ),
  );

  test(`agrees on ${count} generated programs and mutations, seed ${seed}`, { timeout: 600_000 }, () => {
    const random = randomNumbers(seed);
    const made = Array.from({ length: count }, (_, index) => {
      const source = generateProgram(random, oracle.version);
      return index % 5 === 0
        ? { name: `generated ${index}`, source }
        : { name: `mutated ${index}`, source: mutate(random, source) };
    });
    return expectAgreement(oracle, 'generated and mutated', made);
  });
});
