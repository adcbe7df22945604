import type { Callee } from '../../../protocol/calls.ts';
import { uprobePoint } from './quote.ts';
import { atLeast } from './version.ts';

/** One place where the function begins. */
export interface WatchedSite {
  readonly symbol: string;
  /** Its code from the entry on: calls from within it are calls of its callees at this depth. */
  readonly sizeBytes: number;
}

export interface CallsScriptOptions {
  readonly version: string;
  readonly path: string;
  readonly pid: number | undefined;
  readonly sites: readonly WatchedSite[];
  readonly callees: readonly Callee[];
  /** bpftrace's `argN` to read at the entry; those in `texts` are read as strings as well. */
  readonly registers: readonly number[];
  readonly texts: readonly number[];
  /** Bytes of the return address: 8, or 4 for 32-bit x86 programs; 0 where it is in a register. */
  readonly returnAddressBytes: number;
  /** The kernel's types are known, so that a task can be asked whether it waits for I/O. */
  readonly kernelTypes: boolean;
  /** Whoever takes this name ends the script. */
  readonly off: string;
}

/** Of calls, 1,000 a second are recorded, and always the longest of each tenth of a second. */
const RECORDS_A_WINDOW = 100;
const WINDOW_MS = 100;
/** Two strings of this length fit on the 512 bytes of a BPF stack beside the rest. */
export const TEXT_BYTES = 40;
export const MOST_TEXTS = 2;
const STACK_FRAMES = 32;

/**
 * The script that records single calls. Maps, all by thread:
 *
 *   @in start of the open call   @sp, @ip, @len  its stack pointer, the function's entry and length
 *   @mk, @st since when the thread is in which state (1 running, 2 runnable, 3 blocked, 4 waiting for I/O)
 *   @t1 … @t4 ns in each state   @aN, @xN arguments
 *   @ci, @cs, @ck the open call of a callee: start, stack pointer, number
 *   @cn[k], @ct[k] calls and ns by callee        @n[0] calls that returned, @n[1] that were left
 *
 * A record is `c START DURATION PID TID T1 T2 T3 T4 ENTRY RETVAL ARG…`, a line for each text, and the stack.
 */
export function callsScript(options: CallsScriptOptions): string {
  const { pid, path, sites, callees, off } = options;
  const filter = pid === undefined ? '' : ` /pid == ${Math.trunc(pid)}/`;
  const point = (kind: 'uprobe' | 'uretprobe', symbol: string): string => uprobePoint(kind, path, symbol);
  return [
    `BEGIN\n{\n  @in[tid] = (uint64)0;\n  delete(@in[tid]);\n  @b = (uint64)0;\n  @top = (uint64)0;\n  printf("ready %llu\\n", nsecs);\n}`,
    ...sites.map(
      ({ symbol, sizeBytes }) => `${point('uprobe', symbol)}${filter}\n{\n${entryCode(options, sizeBytes)}}`,
    ),
    `${sites.map(({ symbol }) => point('uretprobe', symbol)).join(',\n')}${filter}\n{\n${returnCode(options)}}`,
    ...callees.flatMap(({ symbol }, number) => [
      `${point('uprobe', symbol)}${filter}\n{\n${calleeEntryCode(number, options.returnAddressBytes)}}`,
      `${point('uretprobe', symbol)}${filter}\n{\n${calleeReturnCode(number, options.returnAddressBytes)}}`,
    ]),
    switchClause(options.kernelTypes),
    wakeupClause,
    endOfThreadClause,
    `interval:ms:${WINDOW_MS} { @b = (uint64)0; @top = (uint64)0; }`,
    'interval:ms:500 { print(@n); print(@cn); print(@ct); printf("alive\\n"); }',
    `tracepoint:task:task_rename /args->newcomm == "${off}"/\n{\n  print(@n); print(@cn); print(@ct);\n  printf("end\\n");\n  exit();\n}`,
    'END { clear(@in); clear(@sp); clear(@ip); clear(@len); clear(@mk); clear(@st); clear(@t1); clear(@t2); clear(@t3); clear(@t4); clear(@ci); clear(@cs); clear(@ck); clear(@n); clear(@cn); clear(@ct); clear(@b); clear(@top); ' +
      `${argumentMaps(options)
        .map((map) => `clear(${map});`)
        .join(' ')} }`,
    '',
  ].join('\n');
}

const argumentMaps = ({ registers, texts }: CallsScriptOptions): string[] => [
  ...registers.map((register) => `@a${register}`),
  ...texts.map((register) => `@x${register}`),
];

/** The outermost call of a thread. One that is open although the stack is above it was left by a longjmp or an exception. */
function entryCode({ registers, texts }: CallsScriptOptions, sizeBytes: number): string {
  return `  if (@in[tid] != 0 && reg("sp") >= @sp[tid]) { @n[1] = count(); delete(@in[tid]); }
  if (@in[tid] == 0) {
    @sp[tid] = reg("sp");
    @ip[tid] = reg("ip");
    @len[tid] = (uint64)${sizeBytes};
    @t1[tid] = (uint64)0; @t2[tid] = (uint64)0; @t3[tid] = (uint64)0; @t4[tid] = (uint64)0;
    @ci[tid] = (uint64)0;
    @st[tid] = (uint64)1;
${registers.map((register) => `    @a${register}[tid] = arg${register};\n`).join('')}${texts
    .map((register) => `    @x${register}[tid] = str(arg${register}, ${TEXT_BYTES});\n`)
    .join('')}    $now = nsecs;
    @mk[tid] = $now;
    @in[tid] = $now;
  }
`;
}

const stackPointer = (returnAddressBytes: number): string =>
  returnAddressBytes === 0 ? 'reg("sp")' : `reg("sp") - ${returnAddressBytes}`;

function returnCode(options: CallsScriptOptions): string {
  const { registers, texts, returnAddressBytes, version } = options;
  const stack = atLeast(version, '0.18') ? 'raw' : 'perf';
  const formats = [
    'c %llu %llu %d %d %llu %llu %llu %llu %llx %llx',
    ...registers.map(() => ' %llx'),
    ...texts.map(() => '\\n%s'),
    '%s\\n',
  ].join('');
  const values = [
    ...['$s', '$d', 'pid', 'tid', '$r', '@t2[tid]', '@t3[tid]', '@t4[tid]', '@ip[tid]', 'retval'],
    ...registers.map((register) => `@a${register}[tid]`),
    ...texts.map((register) => `@x${register}[tid]`),
    `ustack(${stack}, ${STACK_FRAMES})`,
  ];
  return `  $s = @in[tid];
  if ($s != 0 && ${stackPointer(returnAddressBytes)} == @sp[tid]) {
    $now = nsecs;
    $d = $now - $s;
    $r = @t1[tid] + ($now - @mk[tid]);
    @n[0] = count();
    delete(@in[tid]);
    if (@b < ${RECORDS_A_WINDOW} || $d > @top) {
      @b = @b + 1;
      if ($d > @top) { @top = $d; }
      printf("${formats}", ${values.join(', ')});
    }
  }
`;
}

/** Counts where the return address lies in the watched function: called from there and nowhere else. */
function calleeEntryCode(number: number, returnAddressBytes: number): string {
  const caller = returnAddressBytes === 0 ? 'reg("lr")' : `*(uint${returnAddressBytes * 8}*)reg("sp")`;
  return `  if (@in[tid] != 0 && @ci[tid] == 0) {
    $from = ${caller} - @ip[tid];
    if ($from < @len[tid]) {
      @cs[tid] = reg("sp");
      @ck[tid] = (uint64)${number + 1};
      @ci[tid] = nsecs;
    }
  }
`;
}

function calleeReturnCode(number: number, returnAddressBytes: number): string {
  return `  $c = @ci[tid];
  if ($c != 0 && @ck[tid] == ${number + 1} && ${stackPointer(returnAddressBytes)} == @cs[tid]) {
    @cn[${number}] = count();
    @ct[${number}] = sum(nsecs - $c);
    @ci[tid] = (uint64)0;
  }
`;
}

/**
 * `prev_state` is 0 for a thread that would go on, with bit 8 when it was preempted (TASK_REPORT_MAX); else it sleeps, and the
 * kernel's own flag says whether for I/O. Without the kernel's types an uninterruptible sleep (bit 1) is taken for I/O.
 * One reading of the clock ends a state and begins the next, so that the states add up to the call.
 */
function switchClause(kernelTypes: boolean): string {
  const waitsForIo = kernelTypes
    ? '((struct task_struct *)curtask)->in_iowait'
    : '(args->prev_state & 2) == 2';
  return `tracepoint:sched:sched_switch
{
  $now = nsecs;
  $k = (uint32)args->prev_pid;
  if (@in[$k] != 0) {
    @t1[$k] = @t1[$k] + ($now - @mk[$k]);
    @mk[$k] = $now;
    if (args->prev_state == 0 || args->prev_state >= 256) {
      @st[$k] = (uint64)2;
    } else {
      if (${waitsForIo}) { @st[$k] = (uint64)4; } else { @st[$k] = (uint64)3; }
    }
  }
  $m = (uint32)args->next_pid;
  if (@in[$m] != 0) {
    $w = $now - @mk[$m];
    $t = @st[$m];
    if ($t == 2) { @t2[$m] = @t2[$m] + $w; }
    if ($t == 3) { @t3[$m] = @t3[$m] + $w; }
    if ($t == 4) { @t4[$m] = @t4[$m] + $w; }
    @mk[$m] = $now;
    @st[$m] = (uint64)1;
  }
}`;
}

const wakeupClause = `tracepoint:sched:sched_wakeup
{
  $k = (uint32)args->pid;
  if (@in[$k] != 0) {
    $now = nsecs;
    $w = $now - @mk[$k];
    $t = @st[$k];
    if ($t == 3) { @t3[$k] = @t3[$k] + $w; }
    if ($t == 4) { @t4[$k] = @t4[$k] + $w; }
    if ($t > 2) { @mk[$k] = $now; @st[$k] = (uint64)2; }
  }
}`;

const endOfThreadClause = `tracepoint:sched:sched_process_exit
{
  if (@in[tid] != 0) { @n[1] = count(); delete(@in[tid]); }
}`;
