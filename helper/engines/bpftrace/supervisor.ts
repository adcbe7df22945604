import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';

/**
 * Ends the engine when its standard input closes, which happens whenever and however its owner ends. It runs as the user;
 * an engine under sudo cannot be signalled by it, but obeys the order it gives by taking the name `$1` (see `orders.ts`).
 * The third way out is the engine's own heartbeat, which fails once nobody reads it: that works when everything between
 * was killed with SIGKILL.
 */
const supervisorScript = `
off=$1; pieces=$2; shift 2
exec 3<&0
{ i=0; while [ "$i" -lt "$pieces" ]; do eval "printf %s \\"\\$PROBESCOPE_SCRIPT_$i\\""; i=$((i+1)); done; } | "$@" 3<&- &
engine=$!
(
  trap '' INT TERM HUP
  exec >/dev/null 2>&1
  cat <&3
  printf %s "$off" >/proc/self/comm
  n=0; while [ "$n" -lt 3 ] && kill -0 "$engine"; do sleep 0.1; n=$((n+1)); done
  kill -INT "$engine"
  n=0; while [ "$n" -lt 8 ] && kill -0 "$engine"; do sleep 0.1; n=$((n+1)); done
  kill -KILL "$engine"
) &
watcher=$!
exec 3<&-
wait "$engine"; code=$?
kill -KILL "$watcher" 2>/dev/null
exit "$code"
`;

/** A string of the environment may have 128 KB (MAX_ARG_STRLEN); pieces are cut well below it. */
const PIECE_LENGTH = 60_000;

export type SupervisedProcess = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Starts `command` with `script` on its standard input, under a supervisor. The script travels in the environment of the
 * supervisor, which only the user and root can read, for it holds the secret words of the orders.
 */
export function superviseEngine(
  command: readonly string[],
  script: string,
  offOrder: string,
  env: Readonly<Record<string, string>>,
): SupervisedProcess {
  const pieces: string[] = [];
  for (let at = 0; at < script.length; at += PIECE_LENGTH) pieces.push(script.slice(at, at + PIECE_LENGTH));
  const carried = Object.fromEntries(pieces.map((piece, index) => [`PROBESCOPE_SCRIPT_${index}`, piece]));
  const args = ['-c', supervisorScript, 'probescope-engine', offOrder, String(pieces.length), ...command];
  return spawn('/bin/sh', args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A session of its own: Ctrl-C in the owner's terminal must not reach the engine before its figures are read.
    detached: true,
    env: { ...process.env, ...env, ...carried },
  });
}

/**
 * Gives an order: any process may name itself, and each engine watches for its own secret words by the tracepoint
 * task:task_rename. So an engine that runs as root obeys a helper that does not.
 */
export function giveOrder(word: string): void {
  writeFileSync('/proc/self/comm', word);
  // Not to be mistaken for something else in ps
  writeFileSync('/proc/self/comm', 'probescope');
}
