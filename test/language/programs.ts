/** Seeded programs in bpftrace's language, and mutations of them by one token. */
import { parse } from '../../language-server/language/syntax/parser.ts';

/** Numbers in [0, 1), the same ones for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Grammar {
  readonly random: () => number;
  /** 17, 23, 27 … */
  readonly version: number;
  readonly integers: string[];
  readonly strings: string[];
}

const pick = <Item>({ random }: { random: () => number }, items: readonly Item[]): Item =>
  items[Math.floor(random() * items.length)] as Item;

const chance = ({ random }: Grammar, likelihood: number): boolean => random() < likelihood;

const probes = [
  'BEGIN',
  'END',
  'interval:s:1',
  'profile:hz:99',
  'software:faults:1000',
  'tracepoint:sched:sched_switch',
  'tracepoint:raw_syscalls:sys_enter',
  'uprobe:/bin/bash:main',
  'uretprobe:/bin/bash:main',
];

function integer(grammar: Grammar, depth: number): string {
  const literal = (): string => pick(grammar, ['0', '1', '2', '7', '42', '0x10', '1000']);
  const leaf = (): string =>
    pick(grammar, [
      literal(),
      literal(),
      'pid',
      'tid',
      'nsecs',
      'cpu',
      'uid',
      'elapsed',
      'rand',
      ...grammar.integers,
    ]);
  if (depth <= 0) return leaf();
  const inner = (): string => integer(grammar, depth - 1);
  return pick<() => string>(grammar, [
    leaf,
    leaf,
    () => `(${inner()} ${pick(grammar, ['+', '-', '*', '|', '&', '^'])} ${inner()})`,
    () => `${inner()} ${pick(grammar, ['==', '!=', '<', '>', '<=', '>='])} ${inner()}`,
    () => `${inner()} ${pick(grammar, ['&&', '||'])} ${inner()}`,
    () => `(${inner()} ${pick(grammar, ['/', '%', '<<', '>>'])} ${pick(grammar, ['1', '2', '3', '8'])})`,
    () => `(${pick(grammar, ['uint8', 'int16', 'uint32', 'int64', 'uint64'])})${leaf()}`,
    () => `(${inner()} ? ${literal()} : ${literal()})`,
    () => `-${leaf()}`,
    () => `~${leaf()}`,
    () => `!${leaf()}`,
    () => `(1, ${literal()}).${pick(grammar, ['0', '1'])}`,
    () => `strncmp(comm, "bash", 4)`,
    () => `sizeof(${pick(grammar, ['uint64', 'uint8', 'pid', '1'])})`,
  ])();
}

const text = (grammar: Grammar): string =>
  pick(grammar, ['comm', '"a"', '"hello"', 'probe', 'str(0)', ...grammar.strings]);

function key(grammar: Grammar): string {
  return pick<() => string>(grammar, [
    () => '[pid]',
    () => '[comm]',
    () => '[pid, comm]',
    () => '[kstack]',
    () => `[${integer(grammar, 1)}]`,
    () => '',
  ])();
}

/** A map whose name tells what it holds, so that programs are mostly right. */
function mapStatement(grammar: Grammar): string {
  return pick<() => string>(grammar, [
    () => '@c[pid] = count();',
    () => `@h = hist(${integer(grammar, 1)});`,
    () => `@l[comm] = lhist(${integer(grammar, 1)}, 0, 100, 10);`,
    () => `@s[pid, comm] = sum(${integer(grammar, 1)});`,
    () => `@m = ${pick(grammar, ['max', 'max'])}(${integer(grammar, 1)});`,
    () => `@a = avg(${integer(grammar, 1)});`,
    () => `@t[tid] = nsecs;`,
    () => `@n[pid]${pick(grammar, ['++', ' += 1', '--', ' = 5'])};`,
    () => `@str[pid] = ${pick(grammar, ['comm', 'comm', '"abc"'])};`,
    () => `@k[kstack] = count();`,
    () => `@u[ustack(3), comm] = count();`,
    () => `@any${Math.floor(grammar.random() * 50)}${key(grammar)} = ${integer(grammar, 1)};`,
  ])();
}

function output(grammar: Grammar): string {
  return pick<() => string>(grammar, [
    () => `printf("%d\\n", ${integer(grammar, 2)});`,
    () => `printf("%s %d\\n", ${text(grammar)}, ${integer(grammar, 1)});`,
    () => `printf("%x %lld %c\\n", ${integer(grammar, 1)}, ${integer(grammar, 1)}, 65);`,
    () => `print(${integer(grammar, 1)});`,
    () => `print((${integer(grammar, 1)}, ${text(grammar)}));`,
    () => 'print(@c);',
    () => 'print(@c, 5);',
    () => 'clear(@c);',
    () => 'zero(@n);',
    () => 'delete(@t[tid]);',
    () => 'time("%H:%M:%S\\n");',
    () => 'exit();',
    () => 'printf("%s", kstack);',
    () => 'join(0);',
    () => 'cat("/proc/loadavg");',
  ])();
}

function block(grammar: Grammar, depth: number): string {
  const lines = Array.from({ length: 1 + Math.floor(grammar.random() * 2) }, () => statement(grammar, depth));
  return `{ ${lines.join(' ')} }`;
}

function statement(grammar: Grammar, depth: number): string {
  const inner = (): string => {
    const [integers, strings] = [grammar.integers.length, grammar.strings.length];
    const made = block(grammar, depth - 1);
    // From 0.22 on a variable ends with its block
    grammar.integers.length = integers;
    grammar.strings.length = strings;
    return made;
  };
  const choices: (() => string)[] = [
    () => mapStatement(grammar),
    () => mapStatement(grammar),
    () => output(grammar),
    () => output(grammar),
    () => {
      const value = `(int64)${integer(grammar, 1)}`;
      const name = pick(grammar, ['$x', '$y', '$z']);
      if (!grammar.integers.includes(name)) grammar.integers.push(name);
      return `${name} = ${value};`;
    },
    () => {
      const value = pick(grammar, ['comm', '"abc"', 'comm']);
      if (!grammar.strings.includes('$s')) grammar.strings.push('$s');
      return `$s = ${value};`;
    },
  ];
  if (depth > 0)
    choices.push(
      () => `if (${integer(grammar, 1)}) ${inner()}`,
      () => `if (${integer(grammar, 1)}) ${inner()} else ${inner()}`,
      () => `unroll(${pick(grammar, ['1', '3', '10'])}) ${inner()}`,
      () => `while (${integer(grammar, 1)}) { ${output(grammar)} break; }`,
    );
  if (grammar.version >= 23 && depth > 0)
    choices.push(
      () => `for ($kv : @c) { print($kv.0); print($kv.1); }`,
      () => `for ($kv : @n) { printf("%d %d\\n", (int64)$kv.0, (int64)$kv.1); }`,
      () => `if (has_key(@n, pid)) ${inner()}`,
    );
  if (grammar.version >= 27)
    choices.push(
      () => `for $i : 0..${pick(grammar, ['3', '10'])} { print($i); }`,
      () => `print({ let $b = 1; $b + 1 });`,
      () => `print(if (pid) { 1 } else { 2 });`,
    );
  return pick(grammar, choices)();
}

/** A program that is mostly right for the release. */
export function generateProgram(random: () => number, version: number): string {
  const parts: string[] = [];
  const count = 1 + Math.floor(random() * 3);
  for (let index = 0; index < count; index++) {
    const grammar: Grammar = { random, version, integers: [], strings: [] };
    const allowed = index === 0 ? probes : probes.filter((probe) => probe !== 'BEGIN' && probe !== 'END');
    const predicate = chance(grammar, 0.3) ? ` /${integer(grammar, 1)}/` : '';
    const statements = Array.from({ length: 1 + Math.floor(random() * 3) }, () => statement(grammar, 2));
    parts.push(`${pick(grammar, allowed)}${predicate} { ${statements.join(' ')} }`);
  }
  return [...parts, ...prologue(parts.join('\n'))].join('\n');
}

/** Gives the maps a type that the statements only print, clear or go over. */
function prologue(program: string): string[] {
  const statements = [
    ['@c', '@c[pid] = count();'],
    ['@n', '@n[pid] = 1;'],
    ['@t', '@t[tid] = nsecs;'],
  ].flatMap(([name = '', text = '']) => (program.includes(name) ? [text] : []));
  return statements.length === 0 ? [] : [`interval:s:9 { ${statements.join(' ')} }`];
}

const replacements = [
  ...[
    'pid',
    'comm',
    'nsecs',
    'retval',
    'arg0',
    'args',
    'kstack',
    'ustack',
    'curtask',
    'func',
    'ctx',
    'probe',
    'cgroup',
  ],
  ...[
    'count',
    'sum',
    'hist',
    'lhist',
    'avg',
    'str',
    'buf',
    'print',
    'printf',
    'delete',
    'clear',
    'ntop',
    'ksym',
    'join',
  ],
  ...['0', '1', '-1', '0xff', '"a"', '"%d"', '"%s %s"', '""', '$x', '$new', '@x', '@c', '@new', '$1', '$#'],
  ...[
    '+',
    '-',
    '*',
    '/',
    '%',
    '==',
    '!=',
    '<',
    '&&',
    '||',
    '!',
    '~',
    '=',
    '+=',
    '++',
    '--',
    '?',
    ':',
    '.',
    '->',
    ',',
  ],
  ...[
    '(',
    ')',
    '{',
    '}',
    '[',
    ']',
    ';',
    'if',
    'else',
    'while',
    'unroll',
    'for',
    'return',
    'break',
    'let',
    'fn',
    'sizeof',
  ],
  ...[
    'uint8',
    'int64',
    'string',
    'struct',
    'BEGIN',
    'interval:s:1',
    'kprobe',
    '(uint64)',
    '(int8)',
    'pid,',
    '[1]',
    '(1, 2)',
  ],
];

/** The program with one token removed, doubled, swapped with its neighbour, or replaced. */
export function mutate(random: () => number, source: string): string {
  const { tokens } = parse(source);
  if (tokens.count === 0) return source;
  const index = Math.floor(random() * tokens.count);
  const [start, end] = [tokens.start(index), tokens.end(index)];
  const word = source.slice(start, end);
  switch (Math.floor(random() * 5)) {
    case 0:
      return source.slice(0, start) + source.slice(end);
    case 1:
      return `${source.slice(0, end)} ${word}${source.slice(end)}`;
    case 2: {
      if (index + 1 >= tokens.count) return source.slice(0, start);
      const [nextStart, nextEnd] = [tokens.start(index + 1), tokens.end(index + 1)];
      return (
        source.slice(0, start) +
        source.slice(nextStart, nextEnd) +
        source.slice(end, nextStart) +
        word +
        source.slice(nextEnd)
      );
    }
    default:
      return source.slice(0, start) + pick({ random }, replacements) + source.slice(end);
  }
}
