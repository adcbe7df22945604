import { describe, expect, it } from 'vitest';
import { compareWithSymbolizer } from '../support/compare-symbolizer.ts';
import { missingTools, sample, type SampleName } from '../support/symbols-corpus.ts';

const names: SampleName[] = [
  'gcc-c++',
  'clang-c++-split',
  'zlib',
  'zlib-gnu',
  'zstd',
  'dwz',
  'debuglink',
  'go',
  'rust',
];

describe('addresses → function, file, line, column, inlined frames', () => {
  for (const name of names)
    it(`${name}: as llvm-symbolizer at 2,000 random addresses`, { timeout: 300_000 }, async (context) => {
      const missing = missingTools(name);
      if (missing.length > 0) context.skip(`${missing.join(', ')} not installed`);
      expect((await compareWithSymbolizer(sample(name), 2000)).slice(0, 3)).toEqual([]);
    });
});
