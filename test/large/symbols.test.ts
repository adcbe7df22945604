import { describe, expect, it } from 'vitest';
import { compareWithSymbolizer } from '../support/compare-symbolizer.ts';
import { missingTools, sample, vmlinux, type SampleName } from '../support/symbols-corpus.ts';

const names: SampleName[] = [
  'sqlite-gcc',
  'sqlite-gcc-dwarf4',
  'sqlite-gcc-dwarf3',
  'sqlite-gcc-dwarf2',
  'sqlite-gcc-lto',
  'sqlite-clang',
  'sqlite-clang-lto',
  'gcc-c++',
  'clang-c++-split',
  'clang-c++-split-dwarf4',
  'gcc-c++-types',
  'zlib-gnu',
  'debuglink',
  'zlib',
  'zstd',
  'dwz',
  'go',
  'rust',
];

describe('10,000 random addresses as llvm-symbolizer has them', () => {
  for (const name of names)
    it(name, { timeout: 600_000 }, async (context) => {
      const missing = missingTools(name);
      if (missing.length > 0) context.skip(`${missing.join(', ')} not installed`);
      expect((await compareWithSymbolizer(sample(name), 10_000)).slice(0, 3)).toEqual([]);
    });

  it("Debian's vmlinux", { timeout: 1_800_000 }, async () => {
    const binary = vmlinux();
    expect((await compareWithSymbolizer({ binary, oracle: binary }, 10_000)).slice(0, 3)).toEqual([]);
  });
});
