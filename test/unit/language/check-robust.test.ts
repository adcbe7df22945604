import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { check } from '../../../language-server/language/check/check.ts';
import { parse } from '../../../language-server/language/syntax/parser.ts';
import { generateProgram, mutate, randomNumbers } from '../../language/programs.ts';

function checkAll(source: string, version: number): void {
  const parsed = parse(source, { version });
  const { diagnostics } = check(source, parsed, { version });
  for (const { start, end, message } of diagnostics)
    if (start < 0 || end < start || end > source.length || /undefined|\[object|NaN/.test(message))
      expect.fail(`${start}–${end} ${message} in ${JSON.stringify(source)}`);
}

describe('the checker never throws', () => {
  it('on 8,000 programs with up to four mutations, for all releases', { timeout: 60_000 }, () => {
    const random = randomNumbers(4);
    for (let index = 0; index < 8_000; index++) {
      const version = 17 + (index % 11);
      let source = generateProgram(random, [17, 23, 27][index % 3] ?? 27);
      for (let times = index % 5; times > 0; times--) source = mutate(random, source);
      checkAll(source, version);
    }
  });

  it('on 12,000 arrangements of the language’s own words', () => {
    const words = fc.constantFrom(
      ...'BEGIN { } ( ) [ ] ; , : ? @x @ $x $1 $# 1 "a" "%d" = += ++ -- + - * / % ! ~ & && || == < << . .0 -> if else while for unroll let macro fn config import return break struct x enum sizeof offsetof typeof comptime args retval arg0 ctx comm kstack count() hist( print( printf( str( delete( for $i : 0..3 kprobe:f interval:s:1 (uint64) (int8*) macro m($x) m( true'.split(
        ' ',
      ),
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 40 }), fc.integer({ min: 17, max: 27 }), (parts, version) =>
        checkAll(`${parts.length % 2 === 0 ? 'BEGIN { ' : ''}${parts.join(' ')}`, version),
      ),
      { numRuns: 12_000, seed: 17 },
    );
  });

  const hard: readonly [string, string][] = [
    ['10,000 parentheses', `BEGIN { $x = ${'('.repeat(10_000)}1${')'.repeat(10_000)}; }`],
    ['a sum of 20,000 terms', `BEGIN { $x = 1${' + 1'.repeat(20_000)}; }`],
    ['10,000 prefix operators', `BEGIN { $x = ${'!'.repeat(10_000)}1; }`],
    ['5,000 nested blocks', `BEGIN ${'{ if (1) '.repeat(5_000)}{}${'}'.repeat(5_000)}`],
    ['5,000 nested calls', `BEGIN { ${'print('.repeat(5_000)}1${')'.repeat(5_000)}; }`],
    [
      'a chain of 300 maps',
      `BEGIN { ${Array.from({ length: 300 }, (_, i) => `@m${i} = @m${i + 1};`).join(' ')} @m300 = 1; }`,
    ],
    ['macros that call each other', 'macro a(x) { b(x) } macro b(x) { a(x) } BEGIN { a(1); }'],
    [
      'macros that double 30 times',
      `${Array.from({ length: 30 }, (_, i) => `macro m${i}(x) { m${i + 1}(x); m${i + 1}(x) }`).join('\n')} macro m30(x) { x } BEGIN { m0(1); }`,
    ],
    [
      'tuples that double',
      'BEGIN { $x = 1; $x = ($x, $x); @a = (@b, @b); @b = (@a, @a); @c[@c] = @c; @r = (a = @r, b = @r); }',
    ],
    ['a struct inside itself', 'struct a { struct a b; }; BEGIN { $x = sizeof(struct a); }'],
    ['defines in a circle', '#define A B\n#define B A\nBEGIN { $x = A; }'],
    ['NUL bytes', 'BEGIN { \0 $x = \0 1; }'],
    ['a lone surrogate', 'BEGIN { printf("\ud800"); }'],
  ];
  for (const [name, source] of hard)
    it(`on ${name}`, () => {
      for (const version of [17, 23, 27]) checkAll(source, version);
    });
});
