import * as constants from '../../../fields/constants.ts';
import { ProbeError } from '../../../protocol/errors.ts';
import type { EventField, FieldDisplay, NamedValue } from '../../../protocol/events.ts';
import { type FormatField, isPointer } from '../../kernel/format.ts';
import type { Tracepoints } from '../../kernel/tracefs.ts';
import { meaningOf } from '../meanings.ts';
import { durationField, type EventSource } from '../source.ts';

const ENTER = 'sys_enter_';
const EXIT = 'sys_exit_';

/** System calls as one entry each: arguments from `sys_enter_*`, result from `sys_exit_*`, duration between the two. */
export function syscallSource(tracepoints: () => Promise<Tracepoints>): EventSource {
  const fieldsFor = async (name: string) => {
    const enter = (await tracepoints()).format(`syscalls:${ENTER}${name}`);
    return [
      ...enter.fields
        .filter((field) => !field.common && field.name !== '__syscall_nr')
        .map((field) => argumentField(name, field)),
      ...RESULT_FIELDS,
    ];
  };
  return {
    kind: 'syscall',
    async list() {
      const names = (await (await tracepoints()).bySubsystem()).get('syscalls') ?? [];
      if (names.length === 0)
        return {
          kind: 'syscall',
          groups: [],
          problem: {
            code: 'engine-missing',
            message: 'This kernel has no tracepoints for system calls (CONFIG_FTRACE_SYSCALLS is off).',
            remedy: 'Use strace -f -ttt -T on a process, or tracepoint:raw_syscalls where it exists.',
          },
        };
      const enters = names.filter((name) => name.startsWith(ENTER)).map((name) => name.slice(ENTER.length));
      return { kind: 'syscall', groups: [{ group: '', names: enters }] };
    },
    async describe(entry) {
      const fields = await fieldsFor(entry.name);
      const parameters = fields.slice(0, -RESULT_FIELDS.length).map((field) => `${field.type} ${field.name}`);
      return {
        ...entry,
        summary: `System call ${entry.name}(2), from entry to return.`,
        fields,
        prototype: `long ${entry.name}(${parameters.join(', ') || 'void'})`,
        notes: fields.some((field) => field.type.includes('char *'))
          ? [
              'Texts are shown as addresses by the tracefs engine on kernels before 6.19; the bpftrace script reads them.',
            ]
          : [],
      };
    },
    async plan(entry) {
      if (!/^\w+$/.test(entry.name))
        throw new ProbeError({
          code: 'invalid-argument',
          message: `“${entry.name}” is no system call.`,
          remedy: entry.name.includes('*')
            ? 'Sum up all of them (probescope events "syscall:*" --summary), or name some: openat read write.'
            : 'List them: probescope sources --kind syscall.',
        });
      return {
        engine: 'tracefs',
        tracepoint: `syscalls:${ENTER}${entry.name}`,
        exit: `syscalls:${EXIT}${entry.name}`,
        fields: await fieldsFor(entry.name),
      };
    },
  };
}

/** The two fields that the pair has beyond the arguments. `ret` is at 16 in every `sys_exit` record. */
const RESULT_FIELDS: readonly EventField[] = [
  {
    name: 'ret',
    type: 'long',
    offsetBytes: 16,
    sizeBytes: 8,
    signed: true,
    column: 'i64',
    display: { as: 'errno' },
    meaning: 'result; −4095…−1 are errors',
  },
  durationField,
];

/**
 * An argument as C declares it. The record holds whole registers: of an `int` only the lower half means something, and
 * the kernel marks all of them unsigned.
 */
function argumentField(syscall: string, field: FormatField): EventField {
  const wide = isPointer(field.type) || /long|size_t|off_t|loff_t|u64|__s64|aio_context_t/.test(field.type);
  const signed =
    !isPointer(field.type) &&
    /^(?:int|long|ssize_t|loff_t|off_t|pid_t|clockid_t|key_serial_t|timer_t)$/.test(field.type);
  const sizeBytes = wide ? 8 : 4;
  const meaning = meaningOf(field.name);
  return {
    name: field.name,
    type: field.type,
    offsetBytes: field.offsetBytes,
    sizeBytes,
    signed,
    column: wide ? (signed ? 'i64' : 'u64') : signed ? 'i32' : 'u32',
    display: argumentDisplay(syscall, field),
    ...(meaning === undefined ? {} : { meaning }),
  };
}

function flags(values: readonly NamedValue[]): FieldDisplay {
  return { as: 'flags', separator: '|', values };
}

function choice(values: readonly NamedValue[]): FieldDisplay {
  return { as: 'enum', values };
}

/** Arguments whose meaning depends on the call, `CALL.ARGUMENT`; a call may be a pattern's prefix. */
const BY_ARGUMENT: readonly (readonly [pattern: RegExp, display: () => FieldDisplay])[] = [
  [/^open(?:at)?\.flags$/, () => flags(constants.openFlagsOf(process.arch))],
  [/^(?:pipe2|dup3|eventfd2|inotify_init1)\.flags$/, () => flags(constants.openFlagsOf(process.arch))],
  [/^(?:mmap|mprotect|pkey_mprotect)\.prot$/, () => flags(constants.protection)],
  [/^mmap\.flags$/, () => flags(constants.mapFlags)],
  [
    /^(?:clone|unshare|setns)\.(?:clone_flags|unshare_flags|flags|nstype)$/,
    () => flags(constants.cloneFlags),
  ],
  [
    /^(?:send|sendto|sendmsg|sendmmsg|recv|recvfrom|recvmsg|recvmmsg)\.flags$/,
    () => flags(constants.messageFlags),
  ],
  [/^accept4\.flags$/, () => flags(constants.socketFlags)],
  [/^(?:socket|socketpair)\.family$/, () => choice(constants.families)],
  [/^(?:socket|socketpair)\.type$/, () => flags([...constants.socketFlags, ...constants.socketTypes])],
  [/^epoll_ctl\.op$/, () => choice(constants.epollOps)],
  [/^futex\.op$/, () => choice(constants.futexOps)],
  [/^fcntl\.cmd$/, () => choice(constants.fcntlCommands)],
  [/^lseek\.whence$/, () => choice(constants.seekOrigins)],
  [/^shutdown\.how$/, () => choice(constants.shutdownHow)],
  [/^(?:madvise|process_madvise)\.behavior$/, () => choice(constants.advice)],
  [/^unlinkat\.flag$/, () => flags(constants.unlinkFlags)],
  [
    /^(?:newfstatat|statx|fchownat|linkat|faccessat2|name_to_handle_at)\.flags?$/,
    () => flags(constants.atFlags),
  ],
  [/^(?:wait4|waitid)\.options$/, () => flags(constants.waitOptions)],
  [/^flock\.cmd$/, () => flags(constants.lockOps)],
  [/^prctl\.option$/, () => choice(constants.prctlOptions)],
  [/\.sig$/, () => choice(constants.signals)],
];

function argumentDisplay(syscall: string, field: FormatField): FieldDisplay {
  const key = `${syscall}.${field.name}`;
  const found = BY_ARGUMENT.find(([pattern]) => pattern.test(key));
  if (found !== undefined) return found[1]();
  if (isPointer(field.type)) return { as: 'hex' };
  if (/^(?:fd|dfd|olddfd|newdfd|oldfd|newfd|epfd|sockfd|fildes|in_fd|out_fd|fd_in|fd_out)$/.test(field.name))
    return { as: 'fd' };
  if (field.type === 'umode_t') return { as: 'mode' };
  return { as: /addr$|^flags$/.test(field.name) ? 'hex' : 'number' };
}
