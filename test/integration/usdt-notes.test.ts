import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ElfFile } from '../../helper/symbols/elf.ts';
import { usdtProbes } from '../../helper/symbols/usdt.ts';

/** Every USDT probe as `readelf -n` prints it. */
function oracle(path: string): string[] {
  const text = execFileSync('readelf', ['-n', path], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pattern =
    /Provider: (.*)\n +Name: (.*)\n +Location: 0x([0-9a-f]+), Base: 0x([0-9a-f]+), Semaphore: 0x([0-9a-f]+)\n +Arguments: ?(.*)/g;
  return [...text.matchAll(pattern)].map(
    ([, provider, name, location, , semaphore, args]) =>
      `${provider}:${name} ${parseInt(location ?? '', 16)} ${parseInt(semaphore ?? '', 16)} ${args}`,
  );
}

const candidates: [what: string, paths: () => string[]][] = [
  ['libstdc++', () => globSync('/usr/lib/*/libstdc++.so.6')],
  ['python 3', () => globSync('/usr/bin/python3.1?')],
  ['PostgreSQL', () => globSync('/usr/lib/postgresql/*/bin/postgres')],
  ['libjvm', () => globSync('/usr/lib/jvm/*/lib/server/libjvm.so')],
];

describe('USDT probes agree with readelf -n', () => {
  for (const [what, paths] of candidates)
    it(what, (ctx) => {
      const [path] = paths();
      if (path === undefined || !existsSync(path)) return ctx.skip(`${what} is not installed`);
      const elf = ElfFile.open(path);
      const probes = usdtProbes(elf);
      expect(
        probes.map(
          ({ provider, name, vaddr, semaphore, argumentText }) =>
            `${provider}:${name} ${vaddr} ${semaphore?.vaddr ?? 0} ${argumentText}`,
        ),
      ).toEqual(oracle(path));
      expect(probes.length).toBeGreaterThan(0);
      // Each operand of a real program is understood, and each place has bytes in the file.
      expect(
        probes.flatMap((probe) => probe.arguments.filter(({ operand }) => operand.kind === 'unknown')),
      ).toEqual([]);
      elf.close();
    });
});
