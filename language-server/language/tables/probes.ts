import { byName, type Word } from './entry.ts';

export type ProbeTypeName =
  | 'begin'
  | 'end'
  | 'self'
  | 'test'
  | 'bench'
  | 'kprobe'
  | 'kretprobe'
  | 'uprobe'
  | 'uretprobe'
  | 'usdt'
  | 'tracepoint'
  | 'rawtracepoint'
  | 'profile'
  | 'interval'
  | 'software'
  | 'hardware'
  | 'watchpoint'
  | 'asyncwatchpoint'
  | 'fentry'
  | 'fexit'
  | 'iter';

/** What the kernel runs for it; decides what `ctx` is. */
export type ProgramType = 'raw' | 'kprobe' | 'tracepoint' | 'perf-event' | 'tracing' | 'raw-tracepoint';

/** A way to write a probe's type. `name` is what stands in the script, `type` what it means. */
export interface ProbeWord extends Word {
  readonly type: ProbeTypeName;
  readonly program: ProgramType;
  /** How its attach point is written, for hover and completion. */
  readonly form: string;
  /** Short form, as `k` for `kprobe`. */
  readonly alias?: string;
}

export const probeWords: readonly ProbeWord[] = [
  {
    name: 'BEGIN',
    type: 'begin',
    program: 'raw',
    form: 'BEGIN',
    doc: 'Runs once, before all other probes are attached. Since 0.24 it is also written `begin`.',
  },
  {
    name: 'END',
    type: 'end',
    program: 'raw',
    form: 'END',
    doc: 'Runs once, when bpftrace ends, after the other probes were detached. Since 0.24 it is also written `end`.',
  },
  {
    name: 'begin',
    type: 'begin',
    program: 'raw',
    form: 'begin',
    since: 24,
    doc: 'Runs once, before all other probes are attached. Up to 0.23 it is written `BEGIN`.',
  },
  {
    name: 'end',
    type: 'end',
    program: 'raw',
    form: 'end',
    since: 24,
    doc: 'Runs once, when bpftrace ends, after the other probes were detached. Up to 0.23 it is written `END`.',
  },
  {
    name: 'self',
    type: 'self',
    program: 'raw',
    form: 'self:signal:SIGUSR1',
    since: 22,
    doc: 'Runs when bpftrace itself receives the signal SIGUSR1. Replaces the printing of all maps on that signal in older releases.',
  },
  {
    name: 'test',
    type: 'test',
    program: 'raw',
    form: 'test:NAME',
    since: 25,
    doc: 'A test of the script itself, run by `bpftrace --mode test`.',
  },
  {
    name: 'bench',
    type: 'bench',
    program: 'raw',
    form: 'bench:NAME',
    since: 24,
    doc: 'A benchmark of the script itself, run by `bpftrace --mode bench`.',
  },
  {
    name: 'kprobe',
    alias: 'k',
    type: 'kprobe',
    program: 'kprobe',
    form: 'kprobe:[MODULE:]FUNCTION[+OFFSET]',
    doc: 'Entry of a kernel function, or an instruction inside it. Arguments are `arg0`, `arg1`, …',
  },
  {
    name: 'kretprobe',
    alias: 'kr',
    type: 'kretprobe',
    program: 'kprobe',
    form: 'kretprobe:[MODULE:]FUNCTION',
    doc: 'Return of a kernel function; `retval` is what it returned.',
  },
  {
    name: 'uprobe',
    alias: 'u',
    type: 'uprobe',
    program: 'kprobe',
    form: 'uprobe:BINARY:FUNCTION[+OFFSET]',
    doc: 'Entry of a function of a program or library, or an address inside it. Arguments are `arg0`, `arg1`, …',
  },
  {
    name: 'uretprobe',
    alias: 'ur',
    type: 'uretprobe',
    program: 'kprobe',
    form: 'uretprobe:BINARY:FUNCTION',
    doc: 'Return of a function of a program or library; `retval` is what it returned. Corrupts the stacks of Go programs.',
  },
  {
    name: 'usdt',
    alias: 'U',
    type: 'usdt',
    program: 'kprobe',
    form: 'usdt:BINARY:[PROVIDER:]NAME',
    doc: 'A static probe that the authors of a program built in. Arguments are `arg0`, `arg1`, …',
  },
  {
    name: 'tracepoint',
    alias: 't',
    type: 'tracepoint',
    program: 'tracepoint',
    form: 'tracepoint:CATEGORY:EVENT',
    doc: 'A static event of the kernel with named fields in `args`.',
  },
  {
    name: 'rawtracepoint',
    alias: 'rt',
    type: 'rawtracepoint',
    program: 'raw-tracepoint',
    form: 'rawtracepoint:[MODULE:]EVENT',
    since: 18,
    doc: 'The same events as `tracepoint` before the kernel formats their fields: cheaper, with untyped arguments (`arg0`, … or, from 0.24, typed `args`).',
  },
  {
    name: 'profile',
    alias: 'p',
    type: 'profile',
    program: 'perf-event',
    form: 'profile:hz:RATE',
    doc: 'A timer on every CPU: samples what runs there. Units: `hz`, `s`, `ms`, `us`.',
  },
  {
    name: 'interval',
    alias: 'i',
    type: 'interval',
    program: 'perf-event',
    form: 'interval:s:SECONDS',
    doc: 'A timer on one CPU, for output at intervals. Units: `s`, `ms`, `us`, `hz`.',
  },
  {
    name: 'software',
    alias: 's',
    type: 'software',
    program: 'perf-event',
    form: 'software:EVENT:COUNT',
    doc: 'Fires each time a software counter of the kernel has counted COUNT events.',
  },
  {
    name: 'hardware',
    alias: 'h',
    type: 'hardware',
    program: 'perf-event',
    form: 'hardware:EVENT:COUNT',
    doc: 'Fires each time a hardware counter has counted COUNT events. Virtual machines often have none.',
  },
  {
    name: 'watchpoint',
    alias: 'w',
    type: 'watchpoint',
    program: 'perf-event',
    form: 'watchpoint:ADDRESS:LENGTH:MODE',
    doc: 'Fires when memory at an address is read (r), written (w) or executed (x).',
  },
  {
    name: 'asyncwatchpoint',
    alias: 'aw',
    type: 'asyncwatchpoint',
    program: 'perf-event',
    form: 'asyncwatchpoint:FUNCTION+argN:LENGTH:MODE',
    removed: 25,
    doc: 'A watchpoint on an argument that is armed without stopping the process.',
  },
  {
    name: 'kfunc',
    alias: 'f',
    type: 'fentry',
    program: 'tracing',
    form: 'kfunc:[MODULE:]FUNCTION',
    doc: 'Entry of a kernel function through BTF, with typed `args`. Called `fentry` from 0.20 on.',
  },
  {
    name: 'kretfunc',
    alias: 'fr',
    type: 'fexit',
    program: 'tracing',
    form: 'kretfunc:[MODULE:]FUNCTION',
    doc: 'Return of a kernel function through BTF, with typed `args` and `retval`. Called `fexit` from 0.20 on.',
  },
  {
    name: 'fentry',
    alias: 'f',
    type: 'fentry',
    program: 'tracing',
    form: 'fentry:[MODULE:]FUNCTION',
    since: 20,
    doc: 'Entry of a kernel function through BTF, with typed `args`. Cheaper than a kprobe.',
  },
  {
    name: 'fexit',
    alias: 'fr',
    type: 'fexit',
    program: 'tracing',
    form: 'fexit:[MODULE:]FUNCTION',
    since: 20,
    doc: 'Return of a kernel function through BTF, with typed `args` and `retval`.',
  },
  {
    name: 'iter',
    alias: 'it',
    type: 'iter',
    program: 'tracing',
    form: 'iter:OBJECT[:PIN]',
    doc: 'Runs once over all kernel objects of a kind: `task`, `task_file`, `task_vma`, …',
  },
];

/** Probe words by name and by alias. */
export const probeWordByName: ReadonlyMap<string, ProbeWord> = new Map([
  ...probeWords.flatMap((word) => (word.alias === undefined ? [] : [[word.alias, word] as const])),
  ...byName(probeWords),
]);

export interface PerfEvent {
  readonly name: string;
  readonly alias?: string;
  readonly doc: string;
}

export const softwareEvents: readonly PerfEvent[] = [
  { name: 'alignment-faults', doc: 'Unaligned memory accesses that the kernel had to repair.' },
  { name: 'bpf-output', doc: 'Output of BPF programs.' },
  { name: 'context-switches', alias: 'cs', doc: 'Switches from one thread to another.' },
  { name: 'cpu-clock', alias: 'cpu', doc: 'The CPU’s clock, in nanoseconds.' },
  { name: 'cpu-migrations', doc: 'Threads that moved to another CPU.' },
  { name: 'dummy', doc: 'Counts nothing.' },
  { name: 'emulation-faults', doc: 'Instructions that the kernel had to emulate.' },
  { name: 'major-faults', doc: 'Page faults that needed I/O.' },
  { name: 'minor-faults', doc: 'Page faults that needed no I/O.' },
  { name: 'page-faults', alias: 'faults', doc: 'Page faults of all kinds.' },
  { name: 'task-clock', doc: 'The time the thread ran, in nanoseconds.' },
];

export const hardwareEvents: readonly PerfEvent[] = [
  { name: 'backend-stalls', doc: 'Cycles in which the CPU waited for execution units or memory.' },
  { name: 'branch-instructions', alias: 'branches', doc: 'Branch instructions that retired.' },
  { name: 'branch-misses', doc: 'Branches that were predicted wrongly.' },
  { name: 'bus-cycles', doc: 'Cycles of the bus.' },
  { name: 'cache-misses', doc: 'Accesses that missed the last-level cache.' },
  { name: 'cache-references', doc: 'Accesses to the last-level cache.' },
  { name: 'cpu-cycles', alias: 'cycles', doc: 'Cycles of the CPU.' },
  { name: 'frontend-stalls', doc: 'Cycles in which no instruction could be fetched.' },
  { name: 'instructions', doc: 'Instructions that retired.' },
  { name: 'ref-cycles', doc: 'Cycles at the CPU’s reference frequency.' },
];

export const timeUnits: readonly string[] = ['s', 'ms', 'us', 'hz'];
