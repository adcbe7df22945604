import { supervisorScript } from '../engines/tracefs/script.ts';

/** Where the wrapper is installed: root-owned, out of any user's reach, named in the sudoers rule. */
export const WRAPPER_PATH = '/usr/local/libexec/probescope-engine';
export const SUDOERS_PATH = '/etc/sudoers.d/probescope';

/** Exit code of a refusal; no engine uses it. */
export const REFUSED = 126;

/** The text as it stands, with `\${` for the shell's own expansions. */
const sh = (text: TemplateStringsArray, ...values: readonly string[]): string =>
  String.raw(text, ...values).replaceAll('\\${', '${');

/**
 * The wrapper: what a sudoers rule can name instead of an engine. Its argument grammar is all that a user may ask for:
 * the engines, with the flags that Probescope uses, scripts on standard input. No `--unsafe`, no `-c`, no output file, no
 * included file, no environment but two numbers. What it does not know it refuses with exit code 126.
 *
 *   probescope-engine bpftrace --version
 *   probescope-engine bpftrace [-p PID] [--usdt-file-activation] [--map-keys N] [--strlen N] -f json -
 *   probescope-engine bpftrace [--map-keys N] [--strlen N] -f json -- - [PARAMETER…]
 *   probescope-engine bpftrace -l ATTACH_POINT
 *   probescope-engine tracefs TOKEN BUFFER_KB [yes|no]
 */
export function wrapperText(bpftrace = '/usr/bin/bpftrace'): string {
  return sh`#!/bin/sh
# probescope-engine: runs the engines of Probescope as root for those whom ${SUDOERS_PATH} names.
# Installed and removed by "probescope wrapper"; its arguments are the whole of what it can be asked for:
#   probescope-engine bpftrace --version
#   probescope-engine bpftrace [-p PID] [--usdt-file-activation] [--map-keys N] [--strlen N] -f json -
#   probescope-engine bpftrace [--map-keys N] [--strlen N] -f json -- - [PARAMETER...]
#   probescope-engine bpftrace -l ATTACH_POINT
#   probescope-engine tracefs TOKEN BUFFER_KB [yes|no]
set -u
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
unset CDPATH ENV BASH_ENV LD_PRELOAD LD_LIBRARY_PATH BPFTRACE_VMLINUX BPFTRACE_BTF BPFTRACE_KERNEL_SOURCE BPFTRACE_KERNEL_BUILD

refuse() {
  echo "probescope-engine: refused: $1" >&2
  exit ${String(REFUSED)}
}

number() {
  case $1 in
    ''|*[!0-9]*) refuse "$2 takes a number" ;;
  esac
  [ \${#1} -le 9 ] || refuse "$2 takes a smaller number"
}

run_bpftrace() {
  if [ $# -eq 1 ] && [ "$1" = --version ]; then exec ${bpftrace} --version; fi
  if [ $# -eq 2 ] && [ "$1" = -l ]; then
    # A name of a file would make newer releases read it and quote its lines: an attach point has a colon, and / has no file like it.
    case $2 in
      [a-zA-Z_*]*:*) ;;
      *) refuse '-l takes an attach point' ;;
    esac
    cd / || exit ${String(REFUSED)}
    exec ${bpftrace} -l "$2"
  fi
  pid= json= script= activation=
  while [ $# -gt 0 ]; do
    [ -z "$script" ] || refuse 'nothing may follow -'
    case $1 in
      -p) number "\${2-}" -p; pid=$2; shift ;;
      --usdt-file-activation) activation=$1 ;;
      -f) [ "\${2-}" = json ] || refuse '-f takes json alone'; json=1; shift ;;
      --map-keys) number "\${2-}" --map-keys; export BPFTRACE_MAP_KEYS_MAX="$2"; shift ;;
      --strlen) number "\${2-}" --strlen; export BPFTRACE_STRLEN="$2"; shift ;;
      --)
        # What follows the script are its positional parameters: words, never options.
        [ -n "$json" ] && [ "\${2-}" = - ] && [ -z "$pid$activation" ] || refuse '-- takes - and parameters'
        [ $# -le 34 ] || refuse 'too many parameters'
        exec ${bpftrace} -f json "$@" ;;
      -) script=1 ;;
      *) refuse "the argument $1" ;;
    esac
    shift
  done
  [ -n "$json" ] && [ -n "$script" ] || refuse 'bpftrace needs -f json -'
  if [ -n "$pid" ]; then exec ${bpftrace} -p "$pid" -f json -; fi
  if [ -n "$activation" ]; then exec ${bpftrace} "$activation" -f json -; fi
  exec ${bpftrace} -f json -
}

case \${1-} in
  bpftrace)
    shift
    run_bpftrace "$@"
    ;;
  tracefs)
    [ $# -eq 3 ] || [ $# -eq 4 ] || refuse 'tracefs takes a token and a size, and whether the pipe is read'
    case \${4-yes} in
      yes|no) ;;
      *) refuse 'the last word of tracefs is yes or no' ;;
    esac
    case $2 in
      ''|*[!0-9a-f]*) refuse 'the token is not hexadecimal' ;;
    esac
    [ \${#2} -le 32 ] || refuse 'the token is too long'
    number "$3" tracefs
    shift
    ;;
  *) refuse "the engine \${1-}" ;;
esac

# From here on: the root side of the tracefs engine.
${supervisorScript}`;
}

/** The rule: one user, one program, no password. The user's name is checked by {@link isUserName}. */
export function sudoersText(user: string): string {
  return `# Installed by Probescope: ${user} may run Probescope's engines as root, through the wrapper alone.
${user} ALL=(root) NOPASSWD: ${WRAPPER_PATH}
`;
}

/** A login name (useradd(8)) that sudoers takes as it stands. */
export function isUserName(name: string): boolean {
  return /^[a-z_][a-z0-9_-]{0,31}$/.test(name) && name !== 'root';
}
