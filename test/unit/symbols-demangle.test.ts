import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { demangle } from '../../helper/symbols/demangle/demangle.ts';
import { demangleItanium } from '../../helper/symbols/demangle/itanium.ts';

const recorded = readFileSync(join(import.meta.dirname, '../fixtures/symbols/demangled.tsv'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t') as [string, string]);

describe('demangle', () => {
  it(`prints ${recorded.length} names to the letter as llvm-cxxfilt does`, () => {
    expect(recorded.map(([name]) => [name, demangle(name, 'llvm')])).toEqual(recorded);
  });

  it('shows Rust without hashes and escapes to people', () => {
    expect(demangle('_ZN4core3fmt5write17h0123456789abcdefE')).toBe('core::fmt::write');
    expect(demangle('_ZN4core3fmt5write17h0123456789abcdefE', 'llvm')).toBe(
      'core::fmt::write::h0123456789abcdef',
    );
  });

  it('leaves other names as they are', () => {
    for (const name of ['main', '', '_', '_Z', '__libc_start_main', 'main.(*T).M', '_start.part.0'])
      expect(demangle(name)).toBe(name);
  });

  it('never throws and never prints without end', () => {
    const names = recorded.map(([name]) => name);
    const damaged = fc
      .tuple(fc.constantFrom(...names), fc.nat(), fc.constantFrom(...'_0123SITNEKZLJXDptvi.$'))
      .map(
        ([name, at, char]) =>
          name.slice(0, 2 + (at % name.length)) + char + name.slice(3 + (at % name.length)),
      );
    fc.assert(
      fc.property(damaged, (name) => {
        expect((demangleItanium(name) ?? '').length).toBeLessThan(2 ** 21);
      }),
      { numRuns: 3000 },
    );
    // Substitutions that double: 2^40 letters from 200.
    const bomb = `_Z1fI${'1A'}${Array.from({ length: 40 }, (_, i) => `1BIS${i === 0 ? '' : (i - 1).toString(36).toUpperCase()}_S${i === 0 ? '' : (i - 1).toString(36).toUpperCase()}_E`).join('')}Evv`;
    expect(() => demangleItanium(bomb)).not.toThrow();
  });
});
