import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from '../../../language-server/language/syntax/parser.ts';
import { walk } from '../../../language-server/language/syntax/walk.ts';
import { commonScripts, mutate, newestScripts, programs, seeded } from './scripts.ts';

const codes = (source: string, version: number): string[] =>
  parse(source, { version }).diagnostics.map((one) => one.code);

/** Tokens and the white space between them give the source again. */
function checkTokens(source: string, version: number): void {
  const { tokens, program } = parse(source, { version });
  let text = '';
  let end = 0;
  for (let index = 0; index < tokens.count; index++) {
    const gap = source.slice(end, tokens.start(index));
    if (gap.trim() !== '')
      throw new Error(`${JSON.stringify(gap)} belongs to no token in ${JSON.stringify(source)}`);
    text += gap + source.slice(tokens.start(index), tokens.end(index));
    end = tokens.end(index);
  }
  expect(text + source.slice(end)).toBe(source);
  walk(program, (node) => {
    if (node.start > node.end || node.start < 0 || node.end > source.length)
      throw new Error(`${node.kind} has no place`);
  });
}

describe('parse', () => {
  test.each(commonScripts)('accepts in all releases: %s', (script) => {
    for (let version = 17; version <= 27; version++) {
      expect(codes(script, version)).toEqual([]);
      checkTokens(script, version);
    }
  });

  test.each(newestScripts)('accepts in 0.27 and says in 0.17 what is newer: %s', (script) => {
    expect(codes(script, 27)).toEqual([]);
    expect(codes(script, 17)).not.toEqual([]);
    checkTokens(script, 27);
  });

  test.each([
    ['let $x = 1;', 22],
    ['for ($kv : @m) { }', 21],
    ['for ($i : 0..3) { }', 24],
    ['@x = (1,);', 24],
    ['{ @x = 1; }', 24],
    ['$x = if (1) { 2 } else { 3 };', 24],
    ['if 1 { }', 24],
    ['$r = (a = 1);', 25],
    ['$c = comptime 1;', 25],
    ['$x = 1 ?: 2;', 26],
    ['@x = offsetof(struct a, b);', 18],
    ['@x = offsetof(struct a, b.c);', 23],
    ['$x = (int8[4])1;', 19],
    ['return 1;', 21],
    ['@x = 5ms;', 24],
  ])('knows %s since 0.%i', (statement, since) => {
    const script = `BEGIN { ${statement} }`;
    expect(codes(script, since)).toEqual([]);
    expect(codes(script, since - 1)).not.toEqual([]);
  });

  test.each([
    ['BEGIN { $x = 1 ? 2 :3; }', 25, 'space-after-colon'],
    ['BEGIN { 1;; }', 27, 'unexpected-token'],
    ['BEGIN { "a }', 27, 'unterminated-string'],
    ['BEGIN { "\\q" }', 27, 'invalid-escape'],
    ['BEGIN { 08 }', 27, 'invalid-number'],
    ['BEGIN { 18446744073709551616 }', 27, 'invalid-number'],
    ['BEGIN { f(1,) }', 27, 'trailing-comma'],
    ['BEGIN { $x.0 = 1 }', 27, 'invalid-target'],
    ['BEGIN { 5++ }', 27, 'invalid-operand'],
    ['BEGIN', 27, 'expected-token'],
    ['BEGIN { @x = 1 @y = 2; }', 27, 'expected-token'],
    ['', 27, 'no-probes'],
    ['{ 1 }', 17, 'no-attach-point'],
    ['kprobe:a:b:c { }', 27, 'attach-point-parts'],
    ['kretprobe:a+4 { }', 27, 'attach-point-argument'],
    ['kprbe:a { }', 27, 'unknown-probe-type'],
    ['begin { }', 23, 'needs-newer-version'],
    ['BEGIN { } config = { a = 1 }', 27, 'misplaced-definition'],
  ])('says what is wrong with %s in 0.%i', (script, version, code) => {
    expect(codes(script, version)).toContain(code);
  });

  test('a broken probe does not hide the next', () => {
    const source = 'kprobe:a {\n  @x = ;\n  print(@x\n\nkprobe:b {\n  @y = count(;\n}\nEND { clear(@x) }\n';
    const { program, diagnostics } = parse(source);
    expect(
      program.items
        .filter((item) => item.kind === 'probe')
        .map((probe) => source.slice(probe.start, probe.start + 8)),
    ).toEqual(['kprobe:a', 'kprobe:b', 'END { cl']);
    expect(diagnostics.length).toBeGreaterThanOrEqual(3);
  });

  test('survives what is no script', () => {
    const bad = [
      '\0\u0001\ud800\udfff'.repeat(1000),
      '('.repeat(10_000),
      `BEGIN { ${'('.repeat(10_000)}1${')'.repeat(10_000)} } END { @x = ; }`,
      `BEGIN { ${'{'.repeat(10_000)}`,
      `BEGIN { @x = ${'!'.repeat(10_000)}1; }`,
      `BEGIN { @x = 1${'+1'.repeat(100_000)}; }`,
      `BEGIN { @x = $a${'.b'.repeat(100_000)}; }`,
      `BEGIN { ${'if (1) { } else '.repeat(5000)} { } }`,
      `struct ${'{'.repeat(10_000)}`,
      'x'.repeat(1_000_000),
      `"${'a'.repeat(1_000_000)}`,
      '/*',
      '#',
      '@[',
      '$',
    ];
    for (const source of bad)
      for (const version of [17, 24, 27]) {
        const { diagnostics } = parse(source, { version });
        expect(diagnostics.length).toBeGreaterThan(0);
        expect(diagnostics.length).toBeLessThanOrEqual(200);
      }
    const nested = parse(bad[2] ?? '');
    expect(nested.diagnostics.map((one) => one.code)).toContain('nesting-too-deep');
    expect(nested.program.items.filter((item) => item.kind === 'probe')).toHaveLength(2);
  });

  test('generated programs are valid in all releases', () => {
    fc.assert(
      fc.property(programs, fc.integer({ min: 17, max: 27 }), (program, version) => {
        expect(codes(program, version)).toEqual([]);
        checkTokens(program, version);
      }),
      { numRuns: 300 },
    );
  });

  test('20,000 damaged scripts never throw, and their tokens give the source again', () => {
    const random = seeded(20_000);
    const scripts = [...commonScripts, ...newestScripts];
    for (let count = 0; count < 20_000; count++) {
      const source = mutate(scripts[random(scripts.length)] ?? '', random);
      checkTokens(source, 17 + random(11));
    }
  });
});
