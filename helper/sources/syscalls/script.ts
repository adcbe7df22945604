import { bucketNumberCode } from '../../engines/bpftrace/snippets.ts';
import { atLeast } from '../../engines/bpftrace/version.ts';
import { syscallNames } from './numbers.ts';

/** What the script prints when it counts, and after the maps of each interval. */
export const READY = 'ready';
export const PRINTED = 'printed';

/** Their second return, in the child, belongs to no entry. */
const FORKS = ['clone', 'clone3', 'fork', 'vfork'];

export interface SyscallScriptOptions {
  readonly version: string;
  readonly arch: string;
  /** A process with the children it starts; every process but the engine and `helperPid` without it. */
  readonly pid?: number;
  readonly helperPid: number;
  readonly intervalMs: number;
  /** Most keys of a map, in the script where the release can (0.20). */
  readonly mapKeys: number;
}

/**
 * Sums system calls in the kernel. Maps, where `j` is the call's number:
 *
 *   @n[j] entries             @c[j] returns           @x[j] calls that their thread's end cut off (exit)
 *   @d[j] sum of durations    @m[j] longest           @b[j, bucket] calls by duration, in ns
 *   @e[j, errno] failures     @q returns without entry
 *   @start[tid] the open call, @follow[pid] the processes that count, @self bpftrace
 *
 * The number is the entry's: at the return of rt_sigreturn the kernel has -1. An entry is forgotten when its thread ends, and a process when the kernel frees its last task.
 */
export function syscallScript(options: SyscallScriptOptions): string {
  const { version, arch, pid, helperPid, intervalMs, mapKeys } = options;
  const ours = pid === undefined ? `pid != @self && pid != ${helperPid}` : '@follow[(uint64)pid] == 1';
  const numbers = [...syscallNames(arch)]
    .filter(([, name]) => FORKS.includes(name))
    .map(([number]) => number);
  const isChild = [
    'args->ret == 0',
    `(${numbers.map((number) => `args->id == ${number}`).join(' || ') || '0'})`,
  ];
  const begin = pid === undefined ? '@self = pid;' : `@follow[(uint64)${pid}] = 1;`;
  const follow =
    pid === undefined
      ? ''
      : `tracepoint:sched:sched_process_fork /${ours}/ { @follow[(uint64)args->child_pid] = 1; }
tracepoint:sched:sched_process_free { delete(@follow[(uint64)args->pid]); }
`;
  const prints = ['@n', '@c', '@x', '@d', '@m', '@b', '@e', '@q'].map((map) => `print(${map});`).join(' ');
  return `${atLeast(version, '0.20') ? `config = { max_map_keys = ${mapKeys} }\n` : ''}BEGIN { ${begin} printf("${READY}\\n"); }
${follow}tracepoint:raw_syscalls:sys_enter /${ours}/ {
  @start[tid] = (nsecs, (uint64)args->id);
  @n[(uint64)args->id] = count();
}
tracepoint:raw_syscalls:sys_exit /${ours}/ {
  $e = @start[tid];
  if ($e.0 != 0) {
    $j = $e.1;
    $d = nsecs - $e.0;
${bucketNumberCode()}    @b[$j, $y] = count();
    @c[$j] = count();
    @d[$j] = sum($d);
    @m[$j] = max($d);
    if (args->ret < 0 && args->ret >= -4095) { @e[$j, (uint64)(0 - args->ret)] = count(); }
    delete(@start[tid]);
  } else {
    if (!(${isChild.join(' && ')})) { @q = count(); }
  }
}
tracepoint:sched:sched_process_exit /${ours}/ {
  $e = @start[tid];
  if ($e.0 != 0) { @x[$e.1] = count(); delete(@start[tid]); }
}
interval:ms:${intervalMs} { ${prints} printf("${PRINTED}\\n"); }
END { clear(@start);${pid === undefined ? ' clear(@self);' : ' clear(@follow);'} }
`;
}
