/** What an off-CPU profile follows: one process with the children it starts meanwhile, or every thread of the machine. */
export type OffCpuScope = 'process' | 'machine';

/** The line that the script prints once its switch probe fires: only then is nothing missed any more. */
export const OFF_CPU_READY = 'ready';

/**
 * Bits of `prev_state` that mean blocked: S, D, T, t, P and I. The dead (X 0x10, Z 0x20) never come back, and 0x100 is a
 * thread that was preempted and still wants to run. Source: TASK_REPORT and __trace_sched_switch_state, include/trace/events/sched.h.
 */
const BLOCKED_STATES = '0xcf';

/** The two maps that take turns: while one is printed and emptied, the other counts, so that nothing falls between. */
export const BLOCKED_MAPS = ['@blocked_0', '@blocked_1'] as const;

/**
 * The script that sums the time between a thread's leaving a CPU blocked and its next running, by the stacks it left
 * with. Those are kept by thread: when the thread returns, the tracepoint still runs on the stack of the one before it
 * (kernels without kprobes have no later place). Threads that are blocked at the end stand in `@since`, which
 * `@end` closes, the last switch that was seen: END runs only after the probes were detached, which takes up to 0.4 s in which
 * a thread may have run again unseen. `$1` is the process. Every key is cast, because releases type the same number differently.
 */
export function offCpuScript(scope: OffCpuScope): string {
  const followed = scope === 'process' ? '@follow[(uint64)pid] == 1 && ' : '';
  const follow =
    scope === 'process'
      ? `BEGIN { @follow[(uint64)$1] = 1; }
tracepoint:sched:sched_process_fork /@follow[(uint64)pid] == 1/ { @follow[(uint64)args->child_pid] = 1; }
`
      : '';
  return `${follow}tracepoint:sched:sched_switch {
  @end = nsecs;
  if (@ready == 0) { @ready = 1; printf("${OFF_CPU_READY}\\n"); }
  if (${followed}((uint64)args->prev_state & ${BLOCKED_STATES}) != 0) {
    @user[(uint64)tid] = ustack(perf);
    @kernel[(uint64)tid] = kstack(perf);
    @process[(uint64)tid] = (uint64)pid;
    @since[(uint64)tid] = nsecs;
  }
  $next = (uint64)args->next_pid;
  if (@since[$next] != 0) {
    if (@turn == 0) {
      @blocked_0[@process[$next], @kernel[$next], @user[$next]] = sum(nsecs - @since[$next]);
    } else {
      @blocked_1[@process[$next], @kernel[$next], @user[$next]] = sum(nsecs - @since[$next]);
    }
    delete(@since[$next]);
  }
}
interval:s:1 {
  if (@turn == 0) { @turn = 1; print(@blocked_0); clear(@blocked_0); }
  else { @turn = 0; print(@blocked_1); clear(@blocked_1); }
}
END { clear(@ready); clear(@turn);${scope === 'process' ? ' clear(@follow);' : ''} }
`;
}
