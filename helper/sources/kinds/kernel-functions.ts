import { existsSync, readFileSync } from 'node:fs';
import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { EventField } from '../../../protocol/events.ts';
import { type Prototypes, listKernelFunctions } from '../../kernel/functions.ts';
import type { Tracepoints } from '../../kernel/tracefs.ts';
import type { Entry, EventSource } from '../source.ts';
import { columnOf } from './tracepoint-fields.ts';

/** Functions of the kernel and its modules, with prototypes from BTF; recorded as kprobes through tracefs. */
export function kernelFunctionSource(
  tracepoints: () => Promise<Tracepoints>,
  prototypes: () => Prototypes | undefined,
): EventSource {
  const refusal = async () => kprobesRefused((await tracepoints()).root);
  const describe = (entry: Entry) => {
    const module = entry.group === '' ? 'vmlinux' : entry.group;
    const parameters = prototypes()?.parametersOf(entry.name, module);
    return { module, fields: (parameters ?? []).map(parameterField), known: parameters !== undefined };
  };
  return {
    kind: 'kernel-function',
    async list() {
      const { root } = await tracepoints();
      const { byModule, caveat } = listKernelFunctions(root);
      const refused = kprobesRefused(root);
      return {
        kind: 'kernel-function',
        groups: [...byModule].map(([group, names]) => ({
          group,
          names,
          ...(refused === undefined ? {} : { refused }),
        })),
        ...(caveat === undefined
          ? {}
          : { problem: { code: 'file-unreadable', message: caveat } satisfies Problem }),
      };
    },
    async describe(entry) {
      const { module, fields, known } = describe(entry);
      const prototype = prototypes()?.of(entry.name, module);
      const refused = await refusal();
      return {
        ...entry,
        summary:
          module === 'vmlinux' ? 'Function of the kernel.' : `Function of the kernel module ${module}.`,
        fields,
        ...(prototype === undefined ? {} : { prototype }),
        ...(refused === undefined ? {} : { refused }),
        notes: [
          ...(known
            ? []
            : ['The kernel carries no type information (BTF) for it, so its arguments are not known.']),
          ...(refused === undefined ? [attachment((await tracepoints()).root)] : []),
        ],
      };
    },
    async plan(entry) {
      const refused = await refusal();
      if (refused !== undefined) throw new ProbeError(refused);
      const { module, fields } = describe(entry);
      const symbol = module === 'vmlinux' ? entry.name : `${module}:${entry.name}`;
      if (!/^[\w.]+(?::[\w.]+)?$/.test(symbol))
        throw new ProbeError({ code: 'invalid-argument', message: `“${symbol}” is no kernel function.` });
      return { engine: 'kprobe', symbol, fields };
    },
  };
}

/** How its entry and return are recorded: the kernel's own README of tracefs lists what it has. */
function attachment(tracefsRoot: string): string {
  const usage = readFileSync(`${tracefsRoot}/README`, 'utf8');
  return /^\s*f\[/m.test(usage)
    ? 'Entry and return are recorded through ftrace, as fentry and fexit are, or by kprobe and kretprobe where that is refused.'
    : 'Entry and return are recorded by kprobe and kretprobe: this kernel has no probes of ftrace for events (CONFIG_FPROBE_EVENTS).';
}

/** Found by looking for the file that the kernel offers where kprobes are built in; its absence is the reason. */
export function kprobesRefused(tracefsRoot: string): Problem | undefined {
  if (existsSync(`${tracefsRoot}/kprobe_events`)) return undefined;
  return {
    code: 'probe-refused',
    message: `This kernel has no kprobes: ${tracefsRoot}/kprobe_events does not exist (CONFIG_KPROBES is off).`,
    remedy:
      'Tracepoints and system calls work here. Kernel functions need a kernel with CONFIG_KPROBE_EVENTS.',
  };
}

/** Arguments in registers: the first six on x86-64, eight on arm64; larger ones than a register are not recorded. */
function parameterField({
  name,
  type,
  sizeBytes,
}: {
  name: string;
  type: string;
  sizeBytes: number;
}): EventField {
  const pointer = type.endsWith('*');
  const signed =
    /^(?:const )?(?:int|long|long int|short|short int|signed char|char|ssize_t|loff_t|s8|s16|s32|s64|pid_t)$/.test(
      type,
    );
  return {
    name,
    type,
    sizeBytes,
    signed,
    column: columnOf({ type: pointer ? 'void *' : 'long', sizeBytes: sizeBytes > 4 ? 8 : 4, signed }),
    display: pointer
      ? { as: 'hex' }
      : type === 'bool' || type === '_Bool'
        ? { as: 'boolean' }
        : { as: 'number' },
  };
}
