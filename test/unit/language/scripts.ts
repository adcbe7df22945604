import fc from 'fast-check';

/** Programs that every release from 0.17 to 0.27 accepts, and ones for the newest grammar only. */
export const commonScripts: readonly string[] = [
  'BEGIN { $x = 1; @a[$x, pid] = count(); printf("%d %s\\n", $x, comm); }',
  'kprobe:vfs_read /pid == 1 && comm != "foo"/ { @start[tid] = nsecs; }\nkretprobe:vfs_read /@start[tid]/ { @h = hist((nsecs - @start[tid]) / 1000); delete(@start[tid]); }',
  'struct foo { int x; char *y; };\nuprobe:/bin/bash:readline { $f = (struct foo *)arg0; print($f->x); $g = *$f; print($g.x); }',
  'interval:s:1, END { if (@x > 1) { print(@x); clear(@x); } else if (@x) { zero(@x); } else { exit(); } }',
  'BEGIN { $i = 0; while ($i < 10) { $i++; if ($i == 5) { break; } continue; } unroll(3) { @x += 2; } }',
  'tracepoint:syscalls:sys_enter_open* { @[str(args->filename)] = count(); $t = (1, "a", (2, 3)); $y = $t.2.0; }',
  'profile:hz:99 { @[kstack(perf), ustack(3), comm] = count(); @x = pid > 5 ? 1 : 2; @y = (uint8)-3; @z = ~5 | 3 ^ 2 & !1; }',
  'usdt:"/bin/b":foo { @ = lhist(arg1, 0, 10, 1); join(arg0); @a = sizeof(uint64); @b = 1e3 + 0x1f + 1_000; }',
  'software:faults:100 { @++; --@; @[1]--; @a = @a[1] - -1; return; }',
  'BEGIN { $a = (struct x *)0; @ = $a->b->c[1].d; @s = "a\\n\\x41\\t\\"" } // done\n',
  'hardware:cpu-cycles:1000000 { @ <<= 1; @ >>= 1; @ ^= 3; @ |= 4; @ &= 1; @ %= 2; @ /= 4; @ *= 5; @ -= 1 }',
  '#include <linux/fs.h>\n#define FOO 5\nenum bar { A, B = 3 };\n/* c */ BEGIN // d\n{ print(A); @ = macaddr(arg0); @k = ksym(arg1) } END { clear(@) }',
];

export const newestScripts: readonly string[] = [
  'config = { max_map_keys = 5; stack_mode = perf; unstable_macro = true }\nimport "std";\nlet @m = lruhash(100);\nmacro add($x, @y, z) { @y[1] = $x; z + 1 }\nbegin { let $x : uint64 = add($a, @m, 5); }',
  'fn f($a : uint64, $b : struct foo *) : uint64 { return $a + 1; }\nbegin { for ($kv : @x) { print($kv.0); continue; } for $i : 0..10 { print($i) } }',
  'begin { let $r = (a=1, b="x"); print($r.a); $t = (1,); $e = (); @b = $x ?: 3; _ = f(1); $c = comptime (1 + 2); $q = &$x; $z = &@m; }',
  'begin { $x = if (1) { 2 } else { 3 }; $y = { let $z = 5; $z + 1 }; { print(1); } if true { 1 } else { 2 } print(3) }',
  'uprobe:/bin/bash@main.c:12:3 { let $a : typeof($x) = 1; $b = typeinfo(uint64); $c = (foo_t *)3; $d = (foo)*$x; $e = 5ms + 1_000 + 0x1f + 1e6; }',
  'begin { @++; ++@x[1]; $x--; $p = (int64 ***)5; $a = $b[1].c->d.0; @[1] <<= 2; if !$x { } while $x { import "foo"; return 5; } }',
  'test:foo { 1 } bench:bar { 2 } self:signal:SIGUSR1 { print(len(@x)); } kprobe:ext4:foo, fentry:vmlinux:bar { @ = args.x; } // c',
];

const name = fc.constantFrom('x', 'y', 'foo', 'start', 'bytes');
const atom = fc.oneof(
  fc.nat({ max: 100_000 }).map(String),
  // No bare `comm`: to the grammar of 0.25 it is a name, and `(comm * …` the beginning of a cast
  fc.constantFrom('pid', 'tid', 'str(comm)', 'nsecs', 'arg0', '"s"', '$1', '1e6', '0xff', '@'),
  name.map((text) => `$${text}`),
  name.map((text) => `@${text}`),
);

/** Expressions of the grammar that all releases share. Every generated one is valid. */
export const expressions: fc.Arbitrary<string> = fc.letrec<{ e: string }>((tie) => ({
  e: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    atom,
    fc
      .tuple(
        tie('e'),
        fc.constantFrom(
          '+',
          '-',
          '*',
          '/',
          '%',
          '==',
          '!=',
          '<',
          '>=',
          '&&',
          '||',
          '&',
          '|',
          '^',
          '<<',
          '>>',
        ),
        tie('e'),
      )
      .map((parts) => parts.join(' ')),
    tie('e').map((inner) => `(${inner} + 0)`),
    fc.tuple(fc.constantFrom('!', '~', '-', '*'), atom).map(([sign, inner]) => `${sign} ${inner}`),
    fc.tuple(tie('e'), tie('e'), tie('e')).map(([c, a, b]) => `((${c} + 0) ? ${a} : ${b})`),
    fc.tuple(name, tie('e'), tie('e')).map(([map, a, b]) => `@${map}[${a}, ${b}]`),
    fc.tuple(tie('e'), tie('e')).map(([a, b]) => `(${a}, ${b})`),
    tie('e').map((inner) => `str(${inner})`),
    fc.tuple(name, fc.constantFrom('.', '->'), name).map(([v, dot, field]) => `$${v}${dot}${field}`),
    tie('e').map((inner) => `(uint64)(${inner} + 0)`),
  ),
})).e;

const statements: fc.Arbitrary<string> = fc.letrec<{ s: string }>((tie) => ({
  s: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.tuple(name, expressions).map(([v, e]) => `$${v} = ${e};`),
    fc.tuple(name, fc.constantFrom('+=', '-=', '<<='), expressions).map(([v, op, e]) => `@${v} ${op} ${e};`),
    fc.tuple(name, expressions).map(([v, e]) => `@${v}[${e}] = count();`),
    name.map((v) => `@${v}++;`),
    fc
      .tuple(expressions, fc.array(tie('s'), { maxLength: 3 }))
      .map(([e, body]) => `if (${e}) { ${body.join(' ')} } else { ${body.join('\n')} }`),
    fc.array(tie('s'), { maxLength: 3 }).map((body) => `unroll(3) {\n${body.join('\n  ')}}`),
    expressions.map((e) => `printf("%d\\n", ${e}); // done\n`),
    expressions.map((e) => `/* before */ print(${e});`),
  ),
})).s;

const probes = fc.constantFrom(
  'BEGIN',
  'kprobe:vfs_read',
  'tracepoint:sched:sched_switch',
  'interval:s:1',
  'uprobe:/bin/sh:main',
);

/** Whole programs, valid in all releases. */
export const programs: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      fc.array(probes, { minLength: 1, maxLength: 3 }),
      fc.option(expressions, { nil: undefined }),
      fc.array(statements, { maxLength: 5 }),
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((items) =>
    items
      .map(
        ([points, predicate, body]) =>
          `${points.join(',\n')} ${predicate === undefined ? '' : `/ ${predicate}/`} { ${body.join('\n')} }`,
      )
      .join('\n\n'),
  );

const snippets = ['(', ')', '{', '}', '[', ']', ';', ',', ':', '?', '.', '->', '=', '==', '-', '*', '/', '&', '!', '++', '"', '\\', '\0', 'é', '#', '$x', '@y', '$1', 'foo', 'if', 'else', 'struct', 'let', 'fn', '/*', '//', '\n', '\r\n', 'kprobe:', '0x', '1e', '..', '_']; // prettier-ignore

/** A script with one to four places damaged. Deterministic for a seed. */
export function mutate(script: string, random: (below: number) => number): string {
  let text = script;
  for (let count = 1 + random(4); count > 0; count--) {
    const at = random(text.length + 1);
    const to = Math.min(text.length, at + random(8));
    const inserted = random(3) === 0 ? '' : (snippets[random(snippets.length)] ?? '');
    text = text.slice(0, at) + inserted + (random(2) === 0 ? text.slice(at) : text.slice(to));
  }
  return text;
}

/** A generator of whole numbers below a bound, the same ones for the same seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
