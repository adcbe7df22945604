/**
 * Pieces of the scripts for functions of the kernel, over the maps of `snippets.ts`. Each function has clauses of its own, which
 * know its code: addresses of the kernel are nobody's business.
 *
 * Open calls are kept by task instead of by thread id: interrupts on an idle processor all run as thread 0, but on a task of that
 * processor. So they have a chain apart from the program's, too, which goes on when a thread becomes another program.
 */
import { entryCode, forgetFrames, MOST_FRAMES, MOST_FRAMES_A_RETURN, returnCode } from './snippets.ts';

const TASK = '$g';
const taskCode = `  ${TASK} = (uint64)curtask;\n`;

export function kernelCountCode(what: { callers: boolean; stack: 'raw' | 'perf' }): string {
  const count = '    @c[$i] = count();\n';
  // the unwinder knows the caller of the very first instruction, which frame pointers do not
  return what.callers ? `${count}    @kk[$i, pid, (uint64)0, kstack(${what.stack}, 64)] = count();\n` : count;
}

/**
 * By kprobe and kretprobe a call is found by its stack pointer, as in programs: the kernel measures a bounded number of open
 * returns and passes over the others, so that entries alone say nothing of the depth.
 */
export function kprobeEntryCode(counting: string, first: boolean): string {
  return `${taskCode}${entryCode(counting, first, TASK)}`;
}

export function kretprobeCode(returnAddressBytes: number, recording: string): string {
  return `${taskCode}${returnCode(returnAddressBytes, recording, TASK, '$i')}`;
}

/** fentry has no registers; each entry has its return, so that the depth (1, 2, …) stands in place of the stack pointer. */
export function fentryCode(counting: string, first: boolean): string {
  return `${taskCode}  $t = ${first ? '(uint64)0' : 'nsecs'};
  if (@on) {
${counting}    $t = nsecs;
  }
  if (!@z) {
    $o = @t[${TASK}];
    $p = $o + 1;
    @s[${TASK}, $p] = ($t, $i, $o);
    $w = @s[${TASK}, $p];
    if ($w.1 == 0) {
      if (@on) { @f[$i] = count(); }
    } else {
      @t[${TASK}] = $p;
    }
  }
`;
}

/**
 * The innermost open call of the function. Others above it have lost their returns, which happens where an interrupt comes while
 * this very program runs (a program does not interrupt itself): they are counted and forgotten.
 */
export function fexitCode(recording: string): string {
  return `${taskCode}  if (!@z) {
    $p = @t[${TASK}];
    $e = @s[${TASK}, $p];
    $n = (uint64)0;
    while ($e.1 != 0 && $e.1 != $i && $n < ${MOST_FRAMES_A_RETURN}) {
      $p = $e.2;
      $e = @s[${TASK}, $p];
      $n++;
    }
    if ($e.1 == $i) {
      $q = @t[${TASK}];
    ${forgetFrames('$q > $p', MOST_FRAMES_A_RETURN, TASK)}      $j = $e.1;
      if (@on) {
        if ($e.0 != 0) {
${recording}        } else {
          @q[$j] = count();
        }
      }
      delete(@s[${TASK}, $p]);
      if ($e.2 != 0) { @t[${TASK}] = $e.2; } else { delete(@t[${TASK}]); }
    } else {
      if (@on) { @q[$i] = count(); }
    }
  }
`;
}

/** A thread that ends never returns from where it is; nor does anything else on its stack. */
export const endOfTaskCode = `tracepoint:sched:sched_process_exit
{
${taskCode}  $q = @t[${TASK}];
  if ($q != 0 && !@z) {
  ${forgetFrames('$q != 0', MOST_FRAMES, TASK)}    delete(@t[${TASK}]);
  }
}`;
