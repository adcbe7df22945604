/** The text as it stands, with `\${` for the shell's own expansions. */
const sh = (text: TemplateStringsArray): string => String.raw(text).replaceAll('\\${', '${');

/**
 * The root-side process of the tracefs engine: POSIX sh, passed as `sh -c SCRIPT probescope-tracefs TOKEN BUFFER_KB READ`, so that
 * no file a user could write is ever what runs as root.
 *
 * Kernel objects do not die with the process that made them, hence three lines of defence:
 *  1. `serve` removes what it made when its standard input closes (helper ended, was killed, connection lost);
 *  2. `guard` waits on a pipe held open by `serve` and removes the same when `serve` was killed;
 *  3. each start sweeps what a supervisor left whose pid (with its start time) no longer exists. Only those of the
 *     same pid namespace are judged, since another namespace's pids cannot be seen.
 *
 * Standard input: one command a line, `ID VERB REST`. Standard error: one answer a command, `ID ok LINES` followed
 * by LINES lines, or `ID error TEXT`; and the unasked lines `ready GROUP CPUS` (or `failed TEXT`) at the start and
 * `removed GROUP` or `left GROUP` at the end. Standard output: the text of the instance's trace_pipe, when READ says so, else
 * what `perf stat` says of the events that are counted. (The pipe's binary
 * form, trace_pipe_raw, costs a page of 4096 bytes a record when hits are rare, and on kernel 6.18 it ends at random.)
 */
export const supervisorScript = sh`
set -u
trap '' INT HUP PIPE
export LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin

find_tracefs() {
  T=
  while read -r _ at type _; do
    [ "$type" = tracefs ] && T=$at && return 0
  done < /proc/mounts
  mount -t tracefs nodev /sys/kernel/tracing 2>/dev/null && T=/sys/kernel/tracing
}

# Start time in clock ticks since boot (proc_pid_stat(5), field 22); the command may contain spaces and parentheses.
start_of() {
  read -r stat 2>/dev/null < "/proc/$1/stat" || return 1
  stat=$(printf '%s' "$stat" | sed 's/.*) //')
  set -- $stat
  # A zombie is gone too: it only waits for a parent that may never ask.
  case $1 in Z|X) return 1 ;; esac
  START=\${20}
}

remove() {
  I=$T/instances/$1
  if [ -e "$I/events/$1/enable" ]; then echo 0 > "$I/events/$1/enable"; fi 2>/dev/null
  # What reads or counts holds the instance or its events, also when its supervisor was killed together with its guard.
  signal_users TERM "$1"
  tries=0
  while [ -d "$I" ] && [ $tries -lt 20 ]; do
    rmdir "$I" 2>/dev/null && break
    tries=$((tries + 1))
    sleep 0.02
  done
  # An event is busy until the kernel has closed it for the perf that counted it.
  tries=0
  while grep -qs ":$1/" "$T/uprobe_events" "$T/kprobe_events" "$T/dynamic_events" && [ $tries -lt 50 ]; do
    [ $tries -ne 25 ] || signal_users KILL "$1"
    [ $tries -eq 0 ] || sleep 0.02
    for list in uprobe_events kprobe_events dynamic_events; do
      sed -n "s|^[fpr][0-9]*:\($1/[A-Za-z0-9_]*\) .*|\1|p" "$T/$list" | sort -u | while read -r event; do
        echo "-:$event" >> "$T/$list"
      done
    done 2>/dev/null
    tries=$((tries + 1))
  done
  [ ! -d "$I" ] && ! grep -qs ":$1/" "$T/uprobe_events" "$T/kprobe_events" "$T/dynamic_events"
}

# signal_users SIGNAL GROUP [EVENT]: the readers of its pipe and the perfs that count its events have its name in their arguments.
signal_users() {
  for user in $(grep -ls -e "instances/$2/trace_pip[e]" -e "$2[:]\${3-}" /proc/[0-9]*/cmdline); do
    user=\${user#/proc/}
    kill -s "$1" "\${user%/cmdline}"
  done 2>/dev/null
}

# probescope_PIDNS_PID_START_TOKEN
owner_gone() {
  name=\${1#probescope_}
  ns=\${name%%_*}; name=\${name#*_}
  owner=\${name%%_*}; name=\${name#*_}
  began=\${name%%_*}
  [ "$ns" = "$PIDNS" ] || return 1
  case "$owner$began" in *[!0-9]*|'') return 1 ;; esac
  START=
  start_of "$owner"
  [ "$START" != "$began" ]
}

sweep() {
  {
    for dir in "$T"/instances/probescope_*; do [ -d "$dir" ] && echo "\${dir##*/}"; done
    sed -n 's|^[fpr][0-9]*:\(probescope_[A-Za-z0-9_]*\)/.*|\1|p' "$T/uprobe_events" "$T/kprobe_events" "$T/dynamic_events"
  } 2>/dev/null | sort -u | while read -r group; do
    owner_gone "$group" && remove "$group"
  done
}

answer_file() {
  if text=$(cat "$1" 2>/dev/null); then
    printf '%s ok %s\n%s\n' "$id" "$(printf '%s\n' "$text" | wc -l)" "$text" >&2
  else
    printf '%s error %s cannot be read\n' "$id" "\${1#"$T"/}" >&2
  fi
}

# What the kernel thought of the last definition of ours, from its error log.
refusal() {
  printf '%s error %s\n' "$id" "$(tail -n 12 "$T/error_log" 2>/dev/null | grep -F -B1 ":$GROUP/" | sed -n 's/.*error: //p' | tail -n 1)" >&2
}

# A file below the instance or tracefs, by a name that cannot leave it.
inside() {
  case $1 in
    ''|/*|*..*|*[!A-Za-z0-9_/.-]*) printf '%s error %s is no file of tracefs\n' "$id" "$1" >&2; return 1 ;;
  esac
}

# A definition or removal of an event of this group's own, never of another's.
own_definition() {
  case $1 in
    -:"$GROUP"/*|[fpr]:"$GROUP"/*|[fpr][0-9]*:"$GROUP"/*) ;;
    *) printf '%s error not a definition of this group\n' "$id" >&2; return 1 ;;
  esac
}

# count EVENT[,EVENT...] MS [PID]: perf counts events of this group, in one process or in all. Its own lines, each with an
# event's name, go to standard output, between "counting EVENT,... PID" and "ended EVENT,... CODE".
count() {
  case "\${1-}" in ''|*[!A-Za-z0-9_,]*) echo "$id error no name of an event" >&2; return ;; esac
  case "\${2-x}\${3-}" in *[!0-9]*) echo "$id error no number" >&2; return ;; esac
  [ $# -le 3 ] || { echo "$id error too many words" >&2; return; }
  command -v perf > /dev/null || { echo "$id error perf is not installed" >&2; return; }
  if [ $# -eq 3 ]; then set -- "$1" "$2" -p "$3"; else set -- "$1" "$2" -a; fi
  (
    (
      trap - INT HUP PIPE
      read -r self _ < /proc/self/stat
      echo "counting $1 $self"
      exec env -i PATH="$PATH" LC_ALL=C PERF_CONFIG=/dev/null perf stat -x, -D 1 -I "$2" --summary -e "$GROUP:$(echo "$1" | sed "s/,/,$GROUP:/g")" $3 \${4-}
    )
    echo "ended $1 $?"
  ) 3>&- 4>&- < /dev/null 2>&1 &
  echo "$id ok 0" >&2
}

serve() {
  read -r self _ < /proc/self/stat
  start_of "$self" || exit 1
  GROUP=probescope_\${PIDNS}_\${self}_\${START}_$TOKEN
  I=$T/instances/$GROUP
  echo "$GROUP" >&3
  if ! mkdir "$I" 2>/dev/null; then
    echo "failed $T/instances cannot be written" >&2
    echo done >&3
    exit 1
  fi
  # CLOCK_MONOTONIC, as Node's hrtime and bpftrace's nsecs; an older kernel without it keeps its own clock.
  { echo mono > "$I/trace_clock"; } 2>/dev/null
  { echo $BUFFER_KB > "$I/buffer_size_kb"; } 2>/dev/null
  READER=
  if [ "$READ" = yes ]; then
    cat "$I/trace_pipe" 3>&- 2>/dev/null < /dev/null &
    READER=$!
    echo $! >&3
  fi
  set -- "$I"/per_cpu/cpu*
  echo "ready $GROUP $#" >&2

  while IFS= read -r line; do
    id=\${line%% *}; line=\${line#* }
    verb=\${line%% *}; rest=\${line#* }
    case $verb in
      define)
        own_definition "$rest" || continue
        if printf '%s\n' "$rest" 2>/dev/null >> "$T/uprobe_events"; then echo "$id ok 0" >&2; else refusal; fi 2>&2 ;;
      kernel)
        own_definition "$rest" || continue
        # Probes of functions by ftrace are in the list of all kinds alone.
        case $rest in f*) list=dynamic_events ;; *) list=kprobe_events ;; esac
        if printf '%s\n' "$rest" 2>/dev/null >> "$T/$list"; then echo "$id ok 0" >&2; else refusal; fi 2>&2 ;;
      open)
        # A path that uprobe_events cannot spell (spaces, control characters): defined through /proc/self/fd/4.
        if [ -r "$rest" ] && exec 4< "$rest"; then echo "$id ok 0" >&2; else echo "$id error cannot open the file" >&2; fi ;;
      count) count $rest ;;
      uncount)
        case $rest in
          ''|*[!A-Za-z0-9_]*) echo "$id error no name of an event" >&2 ;;
          # perf then prints what it has counted since its last line.
          *) signal_users INT "$GROUP" "$rest"; echo "$id ok 0" >&2 ;;
        esac ;;
      close) exec 4<&-; echo "$id ok 0" >&2 ;;
      set)
        file=\${rest%% *}
        inside "$file" || continue
        if printf '%s\n' "\${rest#* }" 2>/dev/null > "$I/$file"; then echo "$id ok 0" >&2
        else echo "$id error $file refused the value" >&2; fi ;;
      get) inside "$rest" && answer_file "$I/$rest" ;;
      global) inside "$rest" && answer_file "$T/$rest" ;;
      *) echo "$id error unknown command" >&2 ;;
    esac
  done

  if [ -e "$I/events/$GROUP/enable" ]; then echo 0 > "$I/events/$GROUP/enable"; fi 2>/dev/null
  kill $READER 2>/dev/null
  if remove "$GROUP"; then echo "removed $GROUP" >&2; else echo "left $GROUP" >&2; fi
  echo done >&3
}

guard() {
  trap '' TERM
  group=; reader=
  while read -r word; do
    case $word in
      probescope_*) group=$word ;;
      done) exit 0 ;;
      *) reader=$word ;;
    esac
  done
  [ -n "$group" ] || exit 0
  kill $reader 2>/dev/null
  if remove "$group"; then echo "removed $group" >&2; else echo "left $group" >&2; fi
}

TOKEN=$1
BUFFER_KB=$2
READ=\${3-yes}
if ! find_tracefs || [ ! -w "$T/uprobe_events" ]; then
  echo "failed \${T:-tracefs} cannot be written" >&2
  exit 1
fi
PIDNS=$(readlink /proc/self/ns/pid | tr -cd 0-9)
sweep
exec 5>&1
serve 3>&1 >&5 5>&- | guard 5>&-
`;
