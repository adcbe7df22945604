import { ProbeError, type Problem } from '../../../protocol/errors.ts';
import type { KernelTypes } from '../../kernel/functions.ts';
import { BtfKind } from '../../kernel/btf.ts';
import { BtfPrinter } from '../../kernel/btf-text.ts';
import type { EventSource } from '../source.ts';

const PREFIX = 'btf_trace_';

/**
 * Raw tracepoints: the kernel's tracepoints with the arguments of the call instead of a record. BTF has a typedef
 * `btf_trace_NAME` for each (include/trace/bpf_probe.h), whose first parameter is the kernel's own.
 */
export function rawTracepointSource(types: () => KernelTypes | undefined): EventSource {
  let known: Map<string, number> | undefined;
  const ids = (): Map<string, number> => {
    const btf = types()?.vmlinux;
    known ??= new Map(
      (btf?.idsOf(BtfKind.typedef) ?? [])
        .filter((id) => btf?.name(id).startsWith(PREFIX))
        .map((id) => [btf?.name(id).slice(PREFIX.length) ?? '', id]),
    );
    return known;
  };
  return {
    kind: 'raw-tracepoint',
    list() {
      const names = [...ids().keys()].sort();
      const problem: Problem = {
        code: 'file-not-found',
        message:
          'Raw tracepoints cannot be listed: the kernel carries no type information (/sys/kernel/btf/vmlinux).',
        remedy: 'Use the tracepoints of the same names.',
      };
      return Promise.resolve(
        names.length === 0
          ? { kind: 'raw-tracepoint', groups: [], problem }
          : { kind: 'raw-tracepoint', groups: [{ group: '', names, refused: ONLY_BPFTRACE }] },
      );
    },
    describe(entry) {
      const btf = types()?.vmlinux;
      const id = ids().get(entry.name);
      if (btf === undefined || id === undefined)
        throw new ProbeError({
          code: 'file-not-found',
          message: `There is no raw tracepoint ${entry.name} on this kernel.`,
        });
      const printer = new BtfPrinter(btf);
      const text = printer.declaration(btf.target(id), entry.name);
      return Promise.resolve({
        ...entry,
        summary: `Raw tracepoint: the arguments of trace_${entry.name}().`,
        fields: [],
        // `void (*name)(void *, A a, B b)` without the kernel's own first parameter.
        prototype: text.replace(/\(\*(\w+)\)\(void \*(?:, )?/, '$1('),
        refused: ONLY_BPFTRACE,
        notes: [
          `bpftrace reads its arguments as arg0, arg1, …: rawtracepoint:${entry.name} { printf("%d\\n", arg0); }`,
        ],
      });
    },
    plan() {
      throw new ProbeError(ONLY_BPFTRACE);
    },
  };
}

const ONLY_BPFTRACE: Problem = {
  code: 'probe-refused',
  message:
    'Raw tracepoints have no record that the live table could show; only a bpftrace script attaches to them.',
  remedy: 'Trace the tracepoint of the same name, or copy the entry as a bpftrace script.',
};
