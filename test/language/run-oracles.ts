// `npm run test:oracles:semantics`: many generated programs and mutations against every bpftrace release at hand. The installed
// one is always asked; unpacked packages of other releases are looked for below $PROBESCOPE_LAB.
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { compare, installedOracle, laboratoryOracles } from './oracle.ts';
import { generateProgram, mutate, randomNumbers } from './programs.ts';
import { snippets } from './snippets.ts';

const count = Number(process.argv[2] ?? 600);
const seed = Number(process.argv[3] ?? 1);
const installed = installedOracle();
const oracles = [...(installed === undefined ? [] : [installed]), ...laboratoryOracles()];
if (oracles.length === 0) {
  process.stderr.write('test:oracles:semantics: no bpftrace here. Install one, or set PROBESCOPE_LAB.\n');
  process.exitCode = 2;
}

const aim = 0.98;
for (const oracle of oracles) {
  const random = randomNumbers(seed);
  const shipped = globSync('/usr/sbin/*.bt').map((path) => ({
    name: basename(path),
    source: readFileSync(path, 'utf8'),
  }));
  const made = Array.from({ length: count }, (_, index) => {
    const source = generateProgram(random, oracle.version);
    return index % 5 === 0
      ? { name: `generated ${index}`, source }
      : { name: `mutated ${index}`, source: mutate(random, source) };
  });
  const written = snippets.map((source, index) => ({ name: `snippet ${index}`, source }));
  for (const [kind, scripts] of [
    ['shipped scripts', shipped],
    ['snippets', written],
    [`generated and mutated, seed ${seed}`, made],
  ] as const) {
    const { agreed, differences, noVerdict, placed, overlapping } = await compare(oracle, scripts);
    const compared = agreed + differences.length;
    // Rounded down: 99.99 % is not all
    const percent = (part: number, whole: number): string =>
      whole === 0 ? '–' : `${(Math.floor((10_000 * part) / whole) / 100).toFixed(2)} %`;
    console.log(
      `${oracle.release} ${kind}: ${agreed} of ${compared} agree (${percent(agreed, compared)}), ${noVerdict} without verdict; places overlap ${overlapping} of ${placed} (${percent(overlapping, placed)})`,
    );
    for (const { name, source, theirs, ours } of differences)
      console.log(
        `  ${name} ${JSON.stringify(source)}\n    bpftrace: ${theirs || 'accepts'}\n    ours: ${ours || 'accepted'}`,
      );
    if (compared > 0 && agreed / compared < aim) process.exitCode = 1;
  }
}
