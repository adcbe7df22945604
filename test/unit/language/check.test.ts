import { describe, expect, it } from 'vitest';
import { check } from '../../../language-server/language/check/check.ts';
import { parse } from '../../../language-server/language/syntax/parser.ts';
import type { Version } from '../../../language-server/language/version.ts';

/** Codes of the errors, syntax errors included. */
function errors(source: string, version: Version, unsafe = false): string[] {
  const parsed = parse(source, { version });
  const { diagnostics } = check(source, parsed, { version, unsafe });
  return [...parsed.diagnostics, ...diagnostics]
    .filter((diagnostic) => diagnostic.severity === 'error')
    .map((diagnostic) => diagnostic.code);
}

/** Every verdict here was given by bpftrace 0.17.0, 0.23.2 and 0.27.1 themselves; undefined means accepted. */
const verdicts: readonly [string, string | undefined, string | undefined, string | undefined][] = [
  ['BEGIN { @x = @x + 1 }', undefined, undefined, undefined],
  ['BEGIN { @x = @y + @z }', 'undefined-map', 'undefined-map', undefined],
  ['BEGIN { @x = 1; @x = "a"; }', 'type-mismatch', 'type-mismatch', 'type-mismatch'],
  ['BEGIN { @x = count(); @x = 1; }', 'type-mismatch', 'type-mismatch', 'type-mismatch'],
  ['BEGIN { @x = count(); printf("%d", @x); }', 'format-type', 'format-type', 'format-type'],
  ['BEGIN { printf("%d %d", 1); }', 'format-arguments', 'format-arguments', 'format-arguments'],
  ['BEGIN { if (1) { $x = 1; } print($x); }', undefined, 'undefined-variable', 'undefined-variable'],
  ['BEGIN { print(retval); }', 'wrong-probe-type', 'wrong-probe-type', 'wrong-probe-type'],
  ['BEGIN { signal(9); }', 'unsafe-function', 'unsafe-function', 'unsafe-function'],
  ['BEGIN { } BEGIN { }', 'duplicate-probe', 'duplicate-probe', undefined],
  ['begin { }', 'needs-newer-version', 'needs-newer-version', undefined],
  ['interval:s:1e3 { exit() }', undefined, undefined, undefined],
  ['interval:parsec:1 { exit() }', 'attach-point-value', 'attach-point-value', 'attach-point-value'],
  ['BEGIN { @x[1] = 1; @x[1, 2] = 1; }', 'key-mismatch', 'key-mismatch', 'key-mismatch'],
  ['BEGIN { @x = 1; @x[1] = 1; }', 'scalar-mismatch', 'scalar-mismatch', 'scalar-mismatch'],
  ['BEGIN { nosuch(1); }', 'unknown-function', 'unknown-function', 'unknown-function'],
  ['BEGIN { $x = (1, 2); $x = (1, "a") }', 'type-mismatch', 'type-mismatch', 'type-mismatch'],
];

describe('accept and reject', () => {
  for (const [source, oldest, middle, newest] of verdicts)
    it(source, () => {
      expect([17, 23, 27].map((version) => errors(source, version)[0])).toEqual([oldest, middle, newest]);
    });
});

/** Errors as `TEXT AT ITS PLACE: MESSAGE`, each followed by the places that it leads to. */
function placed(source: string, version: Version): string[] {
  const at = ({ start, end }: { start: number; end: number }): string => source.slice(start, end);
  return check(source, parse(source, { version }), { version }).diagnostics.flatMap((diagnostic) =>
    diagnostic.severity === 'error'
      ? [
          `${at(diagnostic)}: ${diagnostic.message}`,
          ...(diagnostic.related ?? []).map((one) => `  ${at(one)}: ${one.message}`),
        ]
      : [],
  );
}

describe('places', () => {
  it('what is wrong in a macro for the arguments of a call stands in the macro, and leads to the call', () => {
    expect(placed('macro m(x) { x.a } BEGIN { print(m(1)); }', 25)).toEqual([
      'x.a: uint8 has no fields.',
      '  m(1): `m` is called here.',
    ]);
  });

  it('in a macro that a macro calls it leads to both calls', () => {
    expect(placed('macro u(x) { nope + x } macro m(x) { u(x) } BEGIN { print(m(1)); }', 25)).toEqual([
      'nope: Nothing is called `nope`.',
      '  u(x): `u` is called here.',
      '  m(1): `m` is called here.',
    ]);
  });

  it('what is wrong in an argument stands in the call', () => {
    expect(placed('macro m(x) { x + 1 } BEGIN { print(m(nope)); }', 25)).toEqual([
      'nope: Nothing is called `nope`.',
    ]);
  });

  it('two calls that are wrong alike are told once, with the first', () => {
    expect(placed('macro m(x) { x.a } BEGIN { print(m(1)); print(m(2)); }', 25)).toEqual([
      'x.a: uint8 has no fields.',
      '  m(1): `m` is called here.',
    ]);
  });

  it('a truth value before a number is what 0.25 complains of, other releases of the number', () => {
    const script = 'BEGIN { $r = pid == 1; $r = (int8)pid; print($r); }';
    expect(placed(script, 25)[0]).toMatch(/^\$r: /);
    expect(placed(script, 25)[1]).toBe('  $r = (int8)pid: $r is int8 here.');
  });
});
