/** What a profile of threads' times follows: processes with the children they start meanwhile, or every thread of the machine. */
export type ThreadTimesScope = readonly number[] | 'machine';

const begin = (scope: ThreadTimesScope): string =>
  scope === 'machine' ? '' : scope.map((pid) => ` @follow[(uint64)${pid}] = 1;`).join('');

/** The line that the scripts print once their switch probe fires: only then is nothing missed any more. */
export const THREAD_TIMES_READY = 'ready';
/** The line that says that a map was printed and emptied. */
export const THREAD_TIMES_PRINTED = 'printed';

/**
 * The two maps that take turns: while one is printed and emptied, the other counts, so that nothing falls between. They take them by
 * order: bpftrace prints when it gets to it, which on a busy machine may be seconds later, and what was added to a map whose turn
 * had come again meanwhile would be emptied with it.
 */
export const TIME_MAPS = ['@times_0', '@times_1'] as const;

/**
 * Bits of `prev_state` that mean blocked: S, D, T, t, P and I. The dead (X 0x10, Z 0x20) never come back, and 0x100 is a
 * thread that was preempted and still wants to run. Source: TASK_REPORT and __trace_sched_switch_state, include/trace/events/sched.h.
 */
const BLOCKED_STATES = '0xcf';
const PREEMPTED = '0x100';

/** States as numbers of the wall clock's keys, in the order of `callStates` of `protocol/calls.ts`, from 1. */
const [RUNNING, RUNNABLE, BLOCKED, WAITING_FOR_IO] = [1, 2, 3, 4];

/** Adds to the map whose turn it is. */
const add = (key: string, ns: string): string => `if (@turn == 0) { @times_0[${key}] = sum(${ns}); }
    else { @times_1[${key}] = sum(${ns}); }`;

/** Secret words: by one the maps take turns, by the other nothing is added any more. */
export interface ThreadTimesOrders {
  readonly turn: string;
  /** What bpftrace still prints may take it seconds until it detaches. */
  readonly stop: string;
}

const named = (word: string): string => `tracepoint:task:task_rename /args->newcomm == "${word}"/`;

/** Without orders, as in a script to read, the maps take turns each second. */
const printing = (orders: ThreadTimesOrders | undefined): string =>
  `${orders === undefined ? '' : `${named(orders.stop)} { @stopped = 1; }\n`}${orders === undefined ? 'interval:s:1' : named(orders.turn)} {
  if (@turn == 0) { @turn = 1; print(@times_0); clear(@times_0); }
  else { @turn = 0; print(@times_1); clear(@times_1); }
  printf("${THREAD_TIMES_PRINTED}\\n");
}`;

/** The predicate of what adds. */
const running = (orders: ThreadTimesOrders | undefined): string =>
  orders === undefined ? '' : '/@stopped == 0/ ';

const ending = (scope: ThreadTimesScope, orders: ThreadTimesOrders | undefined): string =>
  `END { clear(@ready); clear(@turn);${orders === undefined ? '' : ' clear(@stopped);'}${scope === 'machine' ? '' : ' clear(@follow);'} }`;

/**
 * The script that sums the time between a thread's leaving a CPU blocked and its next running, by the stacks it left
 * with. Those are kept by thread: when the thread returns, the tracepoint still runs on the stack of the one before it
 * (kernels without kprobes have no later place). Threads that are blocked at the end stand in `@since`, which
 * `@end` closes, the last switch that was seen: END runs only after the probes were detached, which takes up to 0.4 s in which
 * a thread may have run again unseen. Every key is cast, because releases type the same number differently.
 */
export function offCpuScript(scope: ThreadTimesScope, orders?: ThreadTimesOrders): string {
  const followed = scope === 'machine' ? '' : '@follow[(uint64)pid] == 1 && ';
  const follow =
    scope !== 'machine'
      ? `BEGIN {${begin(scope)} }
tracepoint:sched:sched_process_fork /@follow[(uint64)pid] == 1/ { @follow[(uint64)args->child_pid] = 1; }
`
      : '';
  return `${follow}tracepoint:sched:sched_switch ${running(orders)}{
  @end = nsecs;
  if (@ready == 0) { @ready = 1; @start = nsecs; printf("${THREAD_TIMES_READY}\\n"); }
  if (${followed}((uint64)args->prev_state & ${BLOCKED_STATES}) != 0) {
    @user[(uint64)tid] = ustack(perf);
    @kernel[(uint64)tid] = kstack(perf);
    @process[(uint64)tid] = (uint64)pid;
    @since[(uint64)tid] = nsecs;
  }
  $next = (uint64)args->next_pid;
  if (@since[$next] != 0) {
    ${add('@process[$next], @kernel[$next], @user[$next]', 'nsecs - @since[$next]')}
    delete(@since[$next]);
  }
}
${printing(orders)}
${ending(scope, orders)}
`;
}

export interface WallClockOptions {
  /** Samples a second and CPU of what runs. */
  readonly hz: number;
  /** The kernel's types are known, so that a task can be asked whether it waits for I/O; else a sleep that no signal ends is taken for that. */
  readonly kernelTypes: boolean;
}

/**
 * The script of a wall-clock profile: every ns of every thread, by its state and stacks. What runs is sampled; what waits is
 * summed, from the switch that ended its running, and from its wakeup on it waits for a CPU. A new thread waits for one from the fork
 * on, by the stack of the thread that made it. `@met` are threads whose state was seen; of one that was away until
 * then, `@before` is how long.
 */
export function wallClockScript(
  scope: ThreadTimesScope,
  { hz, kernelTypes }: WallClockOptions,
  orders?: ThreadTimesOrders,
): string {
  const followed = scope === 'machine' ? '(uint64)pid != 0' : '@follow[(uint64)pid] == 1';
  const waitsForIo = kernelTypes
    ? '((struct task_struct *)curtask)->in_iowait'
    : '((uint64)args->prev_state & 2) != 0';
  const addWait = (thread: string): string =>
    add(
      `@process[${thread}], @state[${thread}], @kernel[${thread}], @user[${thread}]`,
      `$now - @since[${thread}]`,
    );
  return `BEGIN {${begin(scope)} @start = nsecs; }
tracepoint:sched:sched_process_fork ${running(orders)}{
  $child = (uint64)args->child_pid;
  @met[$child] = 1;
  if (${followed}) {${scope === 'machine' ? '' : '\n    @follow[$child] = 1;'}
    @user[$child] = ustack(perf);
    @kernel[$child] = kstack(perf);
    @process[$child] = (uint64)pid;
    @state[$child] = (uint64)${RUNNABLE};
    @since[$child] = nsecs;
  }
}
tracepoint:sched:sched_switch ${running(orders)}{
  $now = nsecs;
  @end = $now;
  if (@ready == 0) { @ready = 1; printf("${THREAD_TIMES_READY}\\n"); }
  $prev = (uint64)tid;
  @met[$prev] = 1;
  $left = (uint64)args->prev_state;
  if (${followed} && ($left == 0 || ($left & ${BLOCKED_STATES}) != 0 || ($left & ${PREEMPTED}) != 0)) {
    @user[$prev] = ustack(perf);
    @kernel[$prev] = kstack(perf);
    @process[$prev] = (uint64)pid;
    @state[$prev] = (uint64)${RUNNABLE};
    if (($left & ${BLOCKED_STATES}) != 0) {
      @state[$prev] = (uint64)${BLOCKED};
      if (${waitsForIo}) { @state[$prev] = (uint64)${WAITING_FOR_IO}; }
    }
    @since[$prev] = $now;
  }
  $next = (uint64)args->next_pid;
  if (@since[$next] != 0) {
    ${addWait('$next')}
    delete(@since[$next]);
  } else if (@met[$next] == 0) {
    @before[$next] = $now - @start;
  }
  @met[$next] = 1;
}
tracepoint:sched:sched_wakeup ${running(orders)}{
  $woken = (uint64)args->pid;
  if (@since[$woken] != 0 && @state[$woken] > ${RUNNABLE}) {
    $now = nsecs;
    ${addWait('$woken')}
    @since[$woken] = $now;
    @state[$woken] = (uint64)${RUNNABLE};
  }
}
profile:hz:${hz} /${orders === undefined ? '' : '@stopped == 0 && '}${followed}/ {
  @met[(uint64)tid] = 1;
  ${add(`(uint64)pid, (uint64)${RUNNING}, kstack(perf), ustack(perf)`, String(Math.round(1e9 / hz)))}
}
${printing(orders)}
${ending(scope, orders)}
`;
}
