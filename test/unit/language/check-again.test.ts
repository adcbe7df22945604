import { describe, expect, it } from 'vitest';
import { check, checkAgain } from '../../../language-server/language/check/check.ts';
import { CheckMemory } from '../../../language-server/language/check/memory.ts';
import { parse } from '../../../language-server/language/syntax/parser.ts';
import { generateProgram, mutate, randomNumbers } from '../../language/programs.ts';
import { commonScripts, newestScripts } from './scripts.ts';

/** One edit: a mutation, a line typed, taken out or moved, or what was there before. */
function edit(random: () => number, source: string, earlier: string): string {
  const lines = source.split('\n');
  const at = Math.floor(random() * lines.length);
  switch (Math.floor(random() * 6)) {
    case 0:
      return earlier;
    case 1:
      lines.splice(at, 0, '// typed');
      return lines.join('\n');
    case 2:
      lines.splice(at, 1);
      return lines.join('\n');
    case 3:
      lines.push(...lines.splice(at, 1));
      return lines.join('\n');
    default:
      return mutate(random, source);
  }
}

/** Checks a script and 15 edits of it one after the other, each also without memory. */
function followEdits(random: () => number, first: string, version: number): void {
  const memory = new CheckMemory();
  let [source, earlier] = [first, first];
  for (let step = 0; step < 15; step++) {
    const parsed = parse(source, { version });
    const again = checkAgain(source, parsed, { version }, memory);
    const anew = check(source, parsed, { version }).diagnostics;
    if (JSON.stringify(again) !== JSON.stringify(anew)) {
      expect(again, `0.${version}, step ${step}: ${source}`).toEqual(anew);
    }
    const next = edit(random, source, earlier);
    earlier = source;
    source = next;
  }
}

describe('a check with memory finds what one without it finds', () => {
  it('over 15 edits of each of 60 generated scripts', { timeout: 60_000 }, () => {
    const seed = process.env['FUZZ_SEED'] === 'random' ? Math.floor(Math.random() * 1e9) : 26;
    const random = randomNumbers(seed);
    for (let index = 0; index < 60; index++) {
      const version = 17 + (index % 11);
      const parts = Array.from({ length: 4 }, () => generateProgram(random, version));
      followEdits(random, parts.join('\n'), version);
    }
  });

  it('over 15 edits of scripts with macros, functions, structs and settings', () => {
    const random = randomNumbers(27);
    for (const version of [17, 23, 24, 27])
      for (const script of [...commonScripts, ...newestScripts]) followEdits(random, script, version);
  });

  it('forgets what it found when a macro, a setting or the release changes', () => {
    const memory = new CheckMemory();
    const codes = (source: string, version: number): string[] =>
      checkAgain(source, parse(source, { version }), { version }, memory).map(({ code }) => code);
    const probe = 'BEGIN { @x = SIZE; print(@x); }';
    expect(codes(`#define SIZE 5\n${probe}`, 23)).toEqual([]);
    expect(codes(`#define SIZE "a"\n${probe} END { @x = 1; }`, 23)).toEqual(['type-mismatch']);
    const scoped = 'BEGIN { if (pid) { $x = 1; } print($x); }';
    expect(codes(scoped, 17)).toEqual([]);
    expect(codes(scoped, 22)).toEqual(['unused-variable', 'undefined-variable']);
  });
});
