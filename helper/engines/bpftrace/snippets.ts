/**
 * Pieces of the scripts. `$i` is the code of the site that was hit; maps are:
 *
 *   @on         1 while hits count (the gate)
 *   @z          1 from the last order on: open calls are printed then, and 0.17 to 0.23 abort when an element of a map
 *               that they print is deleted meanwhile, so nothing touches it any more
 *   @c[i]       hits                                @k[i, pid, caller, stack]  hits by call stack, @kk those of the kernel's functions
 *   @s[tid, sp] the open call whose return address lies at `sp`: (start, i, sp of the open call around it)
 *   @u[tid, sp] the same, of the call that made a tail call into the one in @s
 *   @t[tid]     sp of the thread's innermost open call
 *   @b[i, x]    calls by bucket x                   @r[i] calls that returned, @d[i] their sum in ns, @m[i] the longest
 *   @a[i] abandoned calls   @q[i] returns whose entry did not count   @f[i] entries for which @s had no room
 *
 * Keyed by the stack pointer, a call finds its own start at any depth of recursion, and on coroutine stacks too. The
 * links let a return find the frames that were unwound above it (longjmp, exceptions), and a thread's end find the rest.
 * A return that leaves some of them to the next one stays in the chain itself, without a start.
 */

/** Loops over open calls are bounded for the verifier; the kernel measures at most 64 nested returns of a thread anyway. */
export const MOST_FRAMES = 64;
/**
 * A return forgets no more than this many and leaves the rest to the next one: the verifier walks through the loop once
 * for each place that is attached (50 functions took 1.02 s to attach with 64 rounds, 0.58 s with 4). For the same reason
 * the number of rounds is not looked at after the loop: the verifier would have to tell all of them apart.
 */
export const MOST_FRAMES_A_RETURN = 4;
/** Unwound frames are searched this far below the frame that returns: farther ones may lie on another stack. */
const STACK_REACH_BYTES = 65536;

export function countCode(what: { callers: boolean; caller: string; stack: 'raw' | 'perf' }): string {
  const count = '    @c[$i] = count();\n';
  return what.callers
    ? `${count}    @k[$i, pid, ${what.caller}, ustack(${what.stack}, 64)] = count();\n`
    : count;
}

/**
 * The clock is read last, so that what counting takes (a walk through the stack, where callers are wanted) is no part of the call.
 * `thread` tells one chain of open calls from another: see `kernel-snippets.ts` for another than the program’s.
 */
export function entryCode(counting: string, first: boolean, thread = 'tid'): string {
  return `  $t = ${first ? '(uint64)0' : 'nsecs'};
  if (@on) {
${counting}    $t = nsecs;
  }
  if (!@z) {
  $p = reg("sp");
  $o = @s[${thread}, $p];
  if ($o.1 != 0) {
    if ($o.1 == $i) {
      if ($o.0 != 0 && @on) { @a[$i] = count(); }
    } else {
      $v = @u[${thread}, $p];
      if ($v.0 != 0 && @on) { @a[$v.1] = count(); }
      @u[${thread}, $p] = $o;
    }
    @s[${thread}, $p] = ($t, $i, $o.2);
  } else {
    @s[${thread}, $p] = ($t, $i, @t[${thread}]);
    $w = @s[${thread}, $p];
    if ($w.1 == 0) {
      if (@on) { @f[$i] = count(); }
    } else {
      @t[${thread}] = $p;
    }
  }
  }
`;
}

/** Frames from `$q` on that were unwound without returning: counted and forgotten. `while` needs kernel 5.3. */
export function forgetFrames(condition: string, most: number, thread = 'tid'): string {
  return `  $n = (uint64)0;
    while (${condition} && $n < ${most}) {
      $x = @s[${thread}, $q];
      if ($x.0 != 0 && @on) { @a[$x.1] = count(); }
      delete(@s[${thread}, $q]);
      $q = $x.2;
      $n++;
    }
`;
}

/** `code` is the site's, where the place that returns tells it. */
export function returnCode(
  returnAddressBytes: number,
  recording: string,
  thread = 'tid',
  code = '(uint64)0',
): string {
  const unwound = `$q != 0 && $q < $p && $q + ${STACK_REACH_BYTES} > $p`;
  return `  if (!@z) {
  $p = reg("sp")${returnAddressBytes === 0 ? '' : ` - ${returnAddressBytes}`};
  $e = @s[${thread}, $p];
  if ($e.1 != 0) {
    $q = @t[${thread}];
  ${forgetFrames(unwound, MOST_FRAMES_A_RETURN, thread)}    $j = $e.1;
    if (@on) {
      if ($e.0 != 0) {
${recording}      } else {
        @q[$j] = count();
      }
    }
    $v = @u[${thread}, $p];
    if ($v.1 != 0) {
      @s[${thread}, $p] = $v;
      delete(@u[${thread}, $p]);
      @t[${thread}] = $p;
    } else if (${unwound}) {
      @s[${thread}, $p] = ((uint64)0, $j, $e.2);
      @t[${thread}] = $q;
    } else {
      delete(@s[${thread}, $p]);
      if ($e.2 != 0) { @t[${thread}] = $e.2; } else { delete(@t[${thread}]); }
    }
  } else {
    if (@on) { @q[${code}] = count(); }
  }
  }
`;
}

/**
 * `$y` becomes the bucket of `$d` (`protocol/buckets.ts`). `$h` becomes the number of bits of $d: its top bit spreads to all
 * below it, which are then counted in parallel (Hacker's Delight, chapters 3 and 5). Nothing is compared on the way: the
 * verifier follows both sides of each `if`, once for each place that is attached (six of them: 2.1 ms a place; so: 1.2 ms).
 */
export function bucketNumberCode(): string {
  return `        $h = $d | ($d >> 1);
        $h = $h | ($h >> 2);
        $h = $h | ($h >> 4);
        $h = $h | ($h >> 8);
        $h = $h | ($h >> 16);
        $h = $h | ($h >> 32);
        $h = $h - (($h >> 1) & 0x5555555555555555);
        $h = ($h & 0x3333333333333333) + (($h >> 2) & 0x3333333333333333);
        $h = ($h + ($h >> 4)) & 0x0f0f0f0f0f0f0f0f;
        $h = ($h * 0x0101010101010101) >> 56;
        $y = $d;
        if ($h > 6) { $y = (($h - 6) << 5) + ($d >> ($h - 6)); }
`;
}

export function bucketCode(): string {
  return `        $d = nsecs - $e.0;
${bucketNumberCode()}        @b[$j, $y] = count();
        @r[$j] = count();
        @d[$j] = sum($d);
        @m[$j] = max($d);
`;
}

/**
 * Stands first: bpftrace takes a map's type from the first use it reads, and cannot follow them in a circle.
 * What it prints arrives when the engine starts to listen, which is after everything is attached.
 */
export function beginCode(hasLatency: boolean): string {
  const zero = '(uint64)0';
  const types = hasLatency
    ? `  @t[tid] = ${zero};
  delete(@t[tid]);
  $p = ${zero};
  @s[tid, $p] = (${zero}, ${zero}, ${zero});
  delete(@s[tid, $p]);
  @u[tid, $p] = (${zero}, ${zero}, ${zero});
  delete(@u[tid, $p]);
`
    : '';
  return `BEGIN\n{\n  @on = ${zero};\n  @z = ${zero};\n${types}  printf("ready\\n");\n}`;
}

/** A thread that ends (or becomes another program) leaves no open call behind. */
export const endOfThreadCode = `tracepoint:sched:sched_process_exit,
tracepoint:sched:sched_process_exec
{
  $q = @t[tid];
  if ($q != 0 && !@z) {
  ${forgetFrames('$q != 0', MOST_FRAMES)}    delete(@t[tid]);
  }
}`;

/** Prints the maps between two marks; `open` adds the calls that are open at this moment. */
export function printCode(what: {
  latency: boolean;
  /** The maps of stacks to print. */
  stacks: readonly string[];
  open: boolean;
}): string {
  const maps = ['@c'];
  if (what.latency) maps.push('@b', '@r', '@d', '@m', '@a', '@q', '@f');
  if (what.latency && what.open) maps.push('@s');
  maps.push(...what.stacks);
  const prints = maps.map((map) => `  print(${map});\n`).join('');
  return `  printf("begin %llu\\n", nsecs);\n${prints}  printf("end ${what.stacks.length > 0 ? 1 : 0}\\n");\n`;
}
