// From which release on, and up to which, a program is accepted: what bpftrace's change log and documentation say of 0.17 to 0.27.
import { expect, test } from 'vitest';
import { check } from '../../../language-server/language/check/check.ts';
import { parse } from '../../../language-server/language/syntax/parser.ts';
import type { Version } from '../../../language-server/language/version.ts';

const OLDEST = 17;
const NEWEST = 27;

/** Program, first release that accepts it, last one; 28 for what none accepts. The numbers are those of bpftrace's changes. */
const facts: readonly (readonly [source: string, first: number, last: number])[] = [
  ['BEGIN { exit() }', 17, 27],
  ['BEGIN { $x = 1; print(sizeof($x)); }', 17, 27],
  ['tracepoint:sched:sched_switch { print(args.prev_pid); }', 19, 27],
  ['config = { max_map_keys = 10 } BEGIN { }', 20, 27],
  ['fentry:vfs_read { @ = count(); }', 20, 27],
  ['BEGIN { @a[1] = 1; for ($kv : @a) { print($kv.0); } }', 21, 27],
  ['BEGIN { exit(1) }', 22, 27],
  ['BEGIN { let $x = 1; print($x); }', 22, 27],
  ['BEGIN { @a[1] = 1; print(has_key(@a, 1)); }', 22, 27],
  ['begin { }', 24, 27],
  ['BEGIN { for ($i : 0..3) { print($i); } }', 24, 27],
  ['BEGIN { print(pid()); }', 24, 27],
  ['BEGIN { print(comm()); }', 24, 27],
  ['BEGIN { $r = (a=1, b=2); print($r.a); }', 25, 27],
  ['BEGIN { $t = (1, 2); print($t[0]); }', 25, 27],
  ['uprobe:/bin/sh:main { print(sarg0); }', 17, 24],
  // Change 4141 reads numbers anew in 0.24, with durations among them
  ['BEGIN { print(1e17); }', 24, 27],
  ['BEGIN { print(0e3); }', 17, 23],
  ['BEGIN { print(1e01); }', 17, 23],
  ['BEGIN { print(1ULL); }', 17, 23],
  ['BEGIN { print(4294967296u); }', 17, 23],
  ['BEGIN { print(2e19); }', 28, 27],
  ['interval:1_0ms { }', 24, 27],
  ['interval:s:12e3 { }', 28, 27],
  ['profile:hz:99u { }', 17, 27],
  // Changes 4371, and the one that lets probes attach to BPF programs
  ['Begin { }', 24, 27],
  ['K:vfs_read { }', 28, 27],
  ['fentry:bpf:1:f { }', 24, 27],
  ['fentry:bpf:x:f { }', 28, 27],
  ['fentry:bpf:*:f { }', 24, 27],
  // Change 4677 holds licences against those that the kernel takes
  ['config = { license = "foo" } BEGIN { }', 24, 24],
  ['config = { license = "GPL v2" } BEGIN { }', 24, 27],
  // Change 4587: jumps lead neither out of a macro nor, by `exit()`, out of a `for`
  ['BEGIN { unroll(2) { break; } }', 24, 24],
  ['macro m() { return; } BEGIN { m(); }', 24, 24],
  ['macro m() { while (1) { break; } } BEGIN { m(); }', 24, 27],
  ['BEGIN { for $i : 0..2 { exit(); } }', 24, 24],
  ['BEGIN { $x = { return; 1 }; }', 24, 24],
  ['BEGIN { unroll(2) { return; } }', 17, 27],
  // With `typeof`, what is only looked at sets no map
  ['BEGIN { print(sizeof({ @x = 1; 1 })); }', 24, 24],
  ['BEGIN { print(sizeof({ $x = 1; 1 })); }', 24, 27],
  ['BEGIN { let $y : typeof({ @x = 1; 1 }); $y = 2; }', 28, 27],
  ['BEGIN { let $y : typeof(@m); @m[(int8)1] = 1; $y = (int8)2; }', 25, 27],
  // Change 5007: a map that nothing is assigned to holds a number
  ['BEGIN { $a = @a; print($a); }', 25, 27],
  ['BEGIN { if (@y == 1) { } }', 25, 27],
  ['BEGIN { @x[@y] = 1; }', 25, 27],
  ['BEGIN { print(@a); }', 28, 27],
  // Change 5234: types as arguments of macros
  ['macro t(T) { sizeof(T) } BEGIN { print(t(typeof(uint64))); }', 27, 27],
  ['macro t(T) { sizeof(T) } BEGIN { print(t(typeof(uint64 *))); }', 27, 27],
  ['macro t(x) { 1 } BEGIN { print(t(nope)); }', 24, 27],
  ['macro t(x) { x + 1 } BEGIN { print(t(nope)); }', 28, 27],
  ['macro t(a) { a } macro t($a) { 1 } BEGIN { print(t(1)); }', 28, 27],
  ['macro t($a) { $a } macro t(a) { 1 } BEGIN { print(t(1)); }', 25, 27],
  // What 0.25.0 itself says, as Ubuntu 26.04 ships it
  ['BEGIN { if (false) { fail("never"); } }', 28, 27],
  ['BEGIN { if (false) { nope(); } }', 28, 27],
  ['struct A { int x[2]; int y[4]; };\nBEGIN { $p = (struct A *)0; @x[$p->x] = 0; @x[$p->y] = 1; }', 24, 24],
  ['BEGIN { @x = buf("abcdef", 6); @x = buf("abcd", 4); }', 25, 27],
  ['BEGIN { @c = count(); printf("%d", @c); }', 28, 27],
  ['BEGIN { @c = count(); print(-@c); }', 24, 24],
  ['kprobe:$name { }', 28, 27],
  ['BEGIN { print(strftime("%H", -1)); }', 17, 26],
  ['BEGIN { $r = str(1, 2, 3); }', 25, 27],
  ['BEGIN { $r = strerror((int8 *)1); }', 25, 27],
  ['BEGIN { $r = (string)comm; }', 22, 24],
  ['BEGIN { pid ? 3 : exit(); }', 25, 27],
  ['kprobe:f { $r = comm(pid); }', 28, 27],
  ['interval:s:1 { $r = comm(pid); }', 25, 27],
  ['macro pid() { 1 } BEGIN { }', 26, 27],
  ['macro f(a, a) { 1 } BEGIN { }', 25, 25],
  ['macro f($a, $a) { 1 } BEGIN { }', 28, 27],
  ['BEGIN { while (comm) { } }', 17, 27],
  ['BEGIN { $x = (uint8) { 1 }; }', 28, 27],
  ['BEGIN { /***/ }', 17, 27],
  ['BEGIN { $x = (); }', 24, 24],
  ['BEGIN { $x = (1,); }', 24, 27],
  ['#error no\nBEGIN { }', 28, 27],
  ['#nope\nBEGIN { }', 28, 27],
  ['#ifdef A\n#error no\n#endif\nBEGIN { }', 17, 27],
  ['#pragma once\nBEGIN { }', 17, 27],
  // Functions return the very type up to 0.24, what fits from 0.25 on
  ['fn f() : int8 { return 1; } BEGIN { }', 25, 27],
  ['fn f() : int64 { return 1; } BEGIN { }', 21, 27],
  ['fn f($x : int64) : int64 { if ($x) { return 1; } else { return 2; } } BEGIN { }', 21, 27],
];

const accepts = (source: string, version: Version): boolean => {
  const parsed = parse(source, { version });
  return ![...parsed.diagnostics, ...check(source, parsed, { version, unsafe: false }).diagnostics].some(
    ({ severity }) => severity === 'error',
  );
};

test.each(facts)('%s: accepted from 0.%i to 0.%i', (source, first, last) => {
  const versions = Array.from({ length: NEWEST - OLDEST + 1 }, (_, index) => OLDEST + index);
  expect(versions.filter((version) => accepts(source, version))).toEqual(
    versions.filter((version) => version >= first && version <= last),
  );
});

test.each(['BEGIN { let $x; }', 'BEGIN { /**/ }', 'BEGIN { /* x **/ }', '/****/ BEGIN { }'])(
  '%s: refused by 0.25 alone',
  (source) => {
    expect(([24, 25, 26, 27] as const).filter((version) => !accepts(source, version))).toEqual([25]);
  },
);
