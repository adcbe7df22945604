import { byName, type Word } from './entry.ts';
import type { ProbeTypeName } from './probes.ts';

export type BuiltinType =
  | 'uint8'
  | 'uint32'
  | 'uint64'
  | 'comm'
  | 'kstack'
  | 'ustack'
  | 'probe'
  | 'string'
  | 'username'
  | 'task'
  | 'pid'
  | 'func'
  | 'bool'
  | 'address'
  | 'special';

/** A bare word with a value. `callable`: `name()` means the same from that release on. */
export interface BuiltinWord extends Word {
  readonly type: BuiltinType;
  /** The only probe types that have it. */
  readonly probes?: readonly ProbeTypeName[];
  readonly callable?: number;
}

const argumentProbes: readonly ProbeTypeName[] = ['kprobe', 'uprobe', 'usdt', 'rawtracepoint'];
const stackArgumentProbes: readonly ProbeTypeName[] = ['kprobe', 'uprobe'];
const returnProbes: readonly ProbeTypeName[] = ['kretprobe', 'uretprobe', 'fentry', 'fexit'];

export const builtins: readonly BuiltinWord[] = [
  { name: 'pid', type: 'pid', doc: 'The process’s id.' },
  { name: 'tid', type: 'pid', doc: 'The thread’s id.' },
  { name: 'uid', type: 'uint64', callable: 24, doc: 'The user’s id.' },
  { name: 'gid', type: 'uint64', callable: 24, doc: 'The group’s id.' },
  { name: 'username', type: 'username', callable: 24, doc: 'The user’s name, looked up when printed.' },
  { name: 'comm', type: 'comm', callable: 24, doc: 'The thread’s name, at most 15 characters.' },
  { name: 'cpu', type: 'uint64', callable: 24, doc: 'The number of the CPU that runs the probe.' },
  { name: 'ncpus', type: 'uint64', since: 24, callable: 24, doc: 'How many CPUs there are.' },
  { name: 'numaid', type: 'uint64', callable: 24, doc: 'The NUMA node that runs the probe.' },
  { name: 'nsecs', type: 'uint64', doc: 'Nanoseconds since boot, time suspended included.' },
  { name: 'elapsed', type: 'uint64', callable: 24, doc: 'Nanoseconds since bpftrace began.' },
  { name: 'jiffies', type: 'uint64', since: 20, callable: 24, doc: 'The kernel’s jiffies.' },
  { name: 'rand', type: 'uint64', callable: 24, doc: 'A random number.' },
  { name: 'cgroup', type: 'uint64', callable: 24, doc: 'The id of the process’s cgroup (version 2).' },
  { name: 'curtask', type: 'task', callable: 24, doc: 'The current `struct task_struct *`.' },
  { name: 'kstack', type: 'kstack', doc: 'The kernel’s stack.' },
  { name: 'ustack', type: 'ustack', doc: 'The program’s stack, by frame pointers.' },
  {
    name: 'dw_ustack',
    type: 'ustack',
    since: 26,
    callable: 26,
    doc: 'The program’s stack by DWARF call-frame information.',
  },
  {
    name: 'func',
    type: 'func',
    callable: 24,
    doc: 'The function that is probed.',
    probes: ['kprobe', 'kretprobe', 'uprobe', 'uretprobe', 'fentry', 'fexit'],
  },
  { name: 'probe', type: 'probe', callable: 24, doc: 'The probe’s full name.' },
  {
    name: 'probetype',
    type: 'string',
    since: 25,
    callable: 25,
    doc: 'The probe’s type; `special` for begin and end.',
  },
  { name: 'ctx', type: 'special', doc: 'The raw context that the kernel gives the probe.' },
  { name: 'cpid', type: 'uint32', callable: 24, doc: 'The id of the child that `-c` started.' },
  {
    name: 'args',
    type: 'special',
    doc: 'The probe’s named arguments: `args.name` from 0.19, `args->name` before. For tracepoints, fentry and fexit, and uprobes with DWARF.',
  },
  { name: 'retval', type: 'special', callable: 24, doc: 'What the function returned.', probes: returnProbes },
  {
    name: 'usermode',
    type: 'uint8',
    since: 24,
    callable: 24,
    doc: '1 when the CPU was in user mode. x86_64 only.',
  },
  { name: 'ppid', type: 'uint32', since: 25, callable: 24, doc: 'The id of the parent process.' },
  { name: 'pcomm', type: 'string', since: 25, callable: 25, doc: 'The name of the parent process.' },
  {
    name: 'has_cpid',
    type: 'bool',
    since: 25,
    callable: 25,
    doc: 'Whether bpftrace started a child by `-c`.',
  },
  { name: 'leader_tid', type: 'uint32', since: 26, callable: 26, doc: 'The id of the leading thread.' },
  { name: 'leader_comm', type: 'string', since: 26, callable: 26, doc: 'The name of the leading thread.' },
  ...Array.from({ length: 10 }, (_, index): BuiltinWord => ({
    name: `arg${index}`,
    type: 'address',
    probes: argumentProbes,
    doc: `Argument ${index} of the probed function as an integer, counted from 0. x86_64 has six in registers; USDT probes may have more.`,
  })),
  ...Array.from({ length: 10 }, (_, index): BuiltinWord => ({
    name: `sarg${index}`,
    type: 'uint64',
    probes: stackArgumentProbes,
    deprecated: 21,
    removed: 25,
    instead: '*(reg("sp") + OFFSET)',
    doc: `Argument ${index} on the stack, for functions that take their arguments there.`,
  })),
];

export const builtinByName: ReadonlyMap<string, BuiltinWord> = byName(builtins);
