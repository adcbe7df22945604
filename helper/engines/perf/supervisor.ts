import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { CallGraphChoice } from './call-graph.ts';

/**
 * `perf record | perf script`, both ended when the standard input closes, which happens whenever and however the owner
 * ends. `perf record` is asked first, so that what it has buffered still comes out; `perf script` ends with its input, or when
 * nobody reads it any more. Says `ready` on standard error once the buffers of the events are mapped and it waits for what comes, which
 * is when the events are on.
 *
 *   $1 perf  $2 `fp` or `dwarf`  $3 the fields of perf script  $4… arguments of perf record
 *
 * perf's own symbols are not wanted: below a folder without files it finds none, which saves it seconds on the machine's large
 * libraries (7 s became 0.2 s). Unwinding with DWARF needs the files.
 */
const supervisorScript = `
perf=$1; files=; fields=$3
[ "$2" = dwarf ] || files='--symfs /proc/self/ns --kallsyms /dev/null'
shift 3
exec 3<&0 4>&2
{
  "$perf" record "$@" -o - </dev/null 3<&- 4>&- &
  record=$!
  (
    trap '' INT TERM HUP
    exec >/dev/null 2>&1 4>&-
    cat <&3
    kill -TERM "$record"
    n=0; while [ "$n" -lt 12 ] && kill -0 "$record"; do sleep 0.1; n=$((n+1)); done
    kill -KILL "$record"
  ) &
  watcher=$!
  exec 3<&-
  while kill -0 "$record" 2>/dev/null && ! grep -q perf_event "/proc/$record/maps" 2>/dev/null; do sleep 0.02; done
  while read -r stat <"/proc/$record/stat" 2>/dev/null && case \${stat##*) } in S*) false;; esac; do sleep 0.01; done
  kill -0 "$record" 2>/dev/null && echo ready >&4
  exec 4>&-
  wait "$record"
  kill -KILL "$watcher" 2>/dev/null
} | "$perf" script -i - --no-inline $files --show-lost-events -F "$fields" 3<&- 4>&-
`;

export type PerfProcess = ChildProcessByStdio<Writable, Readable, Readable>;

/** Starts the pair under its supervisor; `elevate` are the words that make what follows run as root. */
export function superviseSampling(
  elevate: readonly string[],
  perf: string,
  callGraph: CallGraphChoice['mode'],
  fields: string,
  recordArguments: readonly string[],
): PerfProcess {
  const [program = '/bin/sh', ...words] = [
    ...elevate,
    ...['/bin/sh', '-c', supervisorScript, 'probescope-engine', perf, callGraph, fields],
    ...recordArguments,
  ];
  return spawn(program, words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // a session of its own: Ctrl-C in the owner's terminal must not reach perf before its samples are read
    detached: true,
    env: { ...process.env, LC_ALL: 'C' },
  });
}
