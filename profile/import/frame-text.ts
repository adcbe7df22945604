import type { FrameKind } from '../../protocol/profile.ts';

/** `malloc+0x1f` and `malloc+31` without the offset. */
export function withoutOffset(symbol: string): string {
  return symbol.replace(/\+(0x[0-9a-f]+|\d+)$/i, '');
}

/** The kind of code by the module's name, as perf and bpftrace print it in parentheses. */
export function kindOfModule(module: string): FrameKind {
  if (module === '' || module === '[unknown]' || module === 'unknown') return 'unknown';
  if (/^(inlined)$/.test(module)) return 'inlined';
  if (/\/perf-\d+\.map$/.test(module) || module === '[jit]') return 'jit';
  // brackets are the kernel's and its modules', but for what the kernel maps into processes
  if (/^\[(vdso|vvar|vsyscall|stack|heap|uprobes|anon.*)\]$/.test(module)) return 'user';
  return /^\[.*\]$|\.ko(\.\w+)?$|\/vmlinux[^/]*$|^vmlinux/.test(module) ? 'kernel' : 'user';
}
