// From which release on, and up to which, a program is accepted: what bpftrace's change log and documentation say of 0.17 to 0.27.
import { expect, test } from 'vitest';
import { check } from '../../../language-server/language/check/check.ts';
import { parse } from '../../../language-server/language/syntax/parser.ts';
import type { Version } from '../../../language-server/language/version.ts';

const OLDEST = 17;
const NEWEST = 27;

/** Program, first release that accepts it, last one. */
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
