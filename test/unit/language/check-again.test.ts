import { describe, expect, it } from 'vitest';
import { check, checkAgain } from '../../../language-server/language/check/check.ts';
import { CheckMemory } from '../../../language-server/language/check/memory.ts';
import { parse, parseAgain, type ParseResult } from '../../../language-server/language/syntax/parser.ts';
import { generateProgram, mutate, randomNumbers } from '../../language/programs.ts';
import { commonScripts, newestScripts } from './scripts.ts';

/** A character typed into one name of a map, or one of its names replaced by another's or by a new one. */
function renameMap(random: () => number, source: string): string {
  const names = [...source.matchAll(/@\w*/g)];
  const [chosen, other] = [0, 1].map(() => names[Math.floor(random() * names.length)]);
  if (chosen === undefined || other === undefined) return source;
  const [from, to] = [chosen.index, chosen.index + chosen[0].length];
  const name =
    [`${chosen[0]}x`, other[0], '@new', chosen[0].slice(0, -1) || '@'][Math.floor(random() * 4)] ?? '@';
  return source.slice(0, from) + name + source.slice(to);
}

/** What a map holds or is keyed by changes, for all that use it. */
function retypeMap(random: () => number, source: string): string {
  const uses = [...source.matchAll(/(@\w+\[)(?=[^\]])|(@\w* = )(?=\w)/g)];
  const use = uses[Math.floor(random() * uses.length)];
  if (use === undefined) return source;
  const at = use.index + use[0].length;
  return `${source.slice(0, at)}${use[1] === undefined ? '(1, comm).1 + ' : 'comm, '}${source.slice(at)}`;
}

/** One edit: a mutation, a map renamed or retyped, a line typed, taken out or moved, or what was there before. */
function edit(random: () => number, source: string, earlier: string): string {
  const lines = source.split('\n');
  const at = Math.floor(random() * lines.length);
  switch (Math.floor(random() * 9)) {
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
    case 4:
    case 5:
      return renameMap(random, source);
    case 6:
      return retypeMap(random, source);
    default:
      return mutate(random, source);
  }
}

/** Everything that a reader of the result can see: tree, tokens and errors. */
function shapeOf({ program, tokens, diagnostics }: ParseResult): string {
  const items = program.items.map((item) => {
    if (item.kind !== 'probe') return item;
    // Of a probe that has moved, these are made when they are asked for
    const { kind, start, end, attachPoints, predicate, body } = item;
    return { kind, start, end, attachPoints, predicate, body };
  });
  const places = Array.from({ length: tokens.count }, (_, index) => [
    tokens.code(index),
    tokens.start(index),
    tokens.end(index),
  ]);
  return JSON.stringify([{ ...program, items }, places, diagnostics], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

/** Checks a script and some edits of it one after the other, each also without memory. */
function followEdits(random: () => number, first: string, version: number, steps = 15): void {
  const memory = new CheckMemory();
  let [source, earlier] = [first, first];
  for (let step = 0; step < steps; step++) {
    const parsed = parse(source, { version });
    const reread = parseAgain(source, { version }, memory.syntax);
    if (shapeOf(reread) !== shapeOf(parsed))
      expect(reread, `0.${version}, step ${step}: ${source}`).toEqual(parsed);
    const again = checkAgain(source, reread, { version }, memory);
    const anew = check(source, parsed, { version }).diagnostics;
    if (JSON.stringify(again) !== JSON.stringify(anew)) {
      expect(again, `0.${version}, step ${step}: ${source}`).toEqual(anew);
    }
    const next = edit(random, source, earlier);
    earlier = source;
    source = next;
  }
}

describe('parser and checker with memory find what they find without', () => {
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

  it('over 60 edits of one script in which probes share their maps', { timeout: 60_000 }, () => {
    const random = randomNumbers(28);
    for (const version of [17, 21, 23, 25, 26, 27]) {
      const probes = Array.from({ length: 30 }, () => generateProgram(random, version));
      followEdits(random, probes.join('\n'), version, 60);
    }
  });

  it('forgets what it found when a macro, a setting or the release changes', () => {
    const memory = new CheckMemory();
    const codes = (source: string, version: number): string[] =>
      checkAgain(source, parseAgain(source, { version }, memory.syntax), { version }, memory).map(
        ({ code }) => code,
      );
    const probe = 'BEGIN { @x = SIZE; print(@x); }';
    expect(codes(`#define SIZE 5\n${probe}`, 23)).toEqual([]);
    expect(codes(`#define SIZE "a"\n${probe} END { @x = 1; }`, 23)).toEqual(['type-mismatch']);
    const scoped = 'BEGIN { if (pid) { $x = 1; } print($x); }';
    expect(codes(scoped, 17)).toEqual([]);
    expect(codes(scoped, 22)).toEqual(['unused-variable', 'undefined-variable']);
  });
});
