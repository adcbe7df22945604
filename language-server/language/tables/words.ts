import { byName, type Word } from './entry.ts';

export const keywords: readonly Word[] = [
  { name: 'if', doc: 'Runs a block when a condition holds. From 0.24 also an expression.' },
  { name: 'else', doc: 'What runs when the condition of `if` does not hold.' },
  { name: 'unroll', doc: 'Repeats a block a fixed number of times, at most 100; the number is a literal.' },
  {
    name: 'while',
    deprecated: 25,
    instead: 'for',
    doc: 'Repeats a block while a condition holds; the kernel must be able to bound it.',
  },
  {
    name: 'for',
    since: 21,
    doc: 'Goes over a map, `for ($kv : @m)`, or from 0.24 over a range, `for $i : 0..10`.',
  },
  { name: 'return', doc: 'Ends the probe, or from 0.24 an iteration’s enclosing probe.' },
  { name: 'break', doc: 'Ends the loop.' },
  { name: 'continue', doc: 'Begins the loop’s next turn.' },
  {
    name: 'let',
    since: 22,
    doc: 'Declares a variable for this block; from 0.24, at the top of a script, a map.',
  },
  { name: 'config', since: 20, doc: 'Settings of bpftrace for this script, before its first probe.' },
  { name: 'fn', since: 21, doc: 'Defines a function.' },
  {
    name: 'macro',
    since: 24,
    doc: 'Defines a macro: `$x` and `@x` stand for the caller’s variable and map, a bare word for an expression.',
  },
  { name: 'import', since: 24, doc: 'Brings in another script or a library.' },
  { name: 'sizeof', doc: 'Size of a type or expression in bytes.' },
  { name: 'offsetof', since: 18, doc: 'Where a field lies in a struct, in bytes.' },
  { name: 'typeof', since: 25, doc: 'The type of an expression.' },
  { name: 'typeinfo', since: 25, doc: 'A record that describes a type.' },
  { name: 'comptime', since: 25, doc: 'Demands that an expression is known when the script is compiled.' },
  { name: 'true', doc: 'The integer 1, from 0.24 a boolean.' },
  { name: 'false', doc: 'The integer 0, from 0.24 a boolean.' },
];

export const keywordByName: ReadonlyMap<string, Word> = byName(keywords);

export const typeNames: readonly Word[] = [
  ...[8, 16, 32, 64].flatMap((bits): Word[] => [
    { name: `int${bits}`, doc: `A signed integer of ${bits} bits.` },
    { name: `uint${bits}`, doc: `An unsigned integer of ${bits} bits.` },
  ]),
  { name: 'bool', since: 24, doc: '`true` or `false`.' },
  { name: 'void', since: 21, doc: 'No value: what a function returns that returns nothing.' },
  { name: 'string', since: 22, doc: 'A string; `string[N]` has room for N bytes.' },
  { name: 'buffer', since: 22, doc: 'Bytes as `buf()` returns them.' },
  { name: 'inet', since: 22, doc: 'An address as `ntop()` returns it.' },
  ...['min_t', 'max_t', 'count_t', 'sum_t', 'avg_t', 'stats_t'].map((name): Word => ({
    name,
    since: 18,
    doc: 'The type of an aggregation; only maps have it.',
  })),
  ...[
    'ksym_t',
    'usym_t',
    'kstack_t',
    'ustack_t',
    'timestamp',
    'macaddr_t',
    'cgroup_path_t',
    'username_t',
  ].map((name): Word => ({ name, since: 18, doc: 'The type of what the function of that name returns.' })),
];

export const typeByName: ReadonlyMap<string, Word> = byName(typeNames);

export const stackModes: readonly Word[] = [
  { name: 'bpftrace', doc: 'Function and offset, a frame a line.' },
  { name: 'perf', doc: 'Address, function and module, as `perf script` prints them.' },
  { name: 'raw', since: 18, doc: 'Addresses only.' },
  { name: 'build_id', since: 25, doc: 'Build-id and offset, for looking up elsewhere; only `ustack`.' },
];
export const stackModeByName: ReadonlyMap<string, Word> = byName(stackModes);

export const clocks: readonly Word[] = [
  { name: 'boot', doc: 'Since boot, time suspended included.' },
  { name: 'monotonic', doc: 'Since boot, time suspended excluded.' },
  { name: 'tai', doc: 'International atomic time, from the kernel.' },
  { name: 'sw_tai', doc: 'International atomic time, computed from an offset measured at the start.' },
];
export const clockByName: ReadonlyMap<string, Word> = byName(clocks);

export const mapTypes: readonly Word[] = [
  { name: 'hash', since: 24, doc: 'A hash table.' },
  { name: 'lruhash', since: 24, doc: 'A hash table that drops the least recently used entry when full.' },
  { name: 'percpuhash', since: 24, doc: 'A hash table with values for each CPU, as aggregations need it.' },
  {
    name: 'percpulruhash',
    since: 24,
    doc: 'Values for each CPU; drops the least recently used entry when full.',
  },
];
export const mapTypeByName: ReadonlyMap<string, Word> = byName(mapTypes);

/** Registers of x86_64 as `struct pt_regs` has them. */
export const registersX86: ReadonlySet<string> = new Set(
  'r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di orig_ax ip cs flags sp ss'.split(' '),
);

/** Signals by the names that `signal("…")` takes, without `SIG`. */
export const signalNames: ReadonlySet<string> = new Set(
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  ),
);
