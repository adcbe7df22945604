/** A place in source code: absolute or as the debug information spells it; lines and columns count from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

/** One frame of a stack, symbolised. `inlined` frames have no return address of their own. */
export interface Frame {
  /** Demangled name, or the bare address as `0x…` when nothing names it. */
  readonly function: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly inlined?: boolean;
  /** Path of the binary or library, `[kernel]`, or `[jit]`. */
  readonly module?: string;
  /** Address inside the module as a file's virtual address (user) or as `0x…` text (kernel, beyond 2^53). */
  readonly address?: number | string;
}

/** A stack, innermost frame first, as bpftrace and perf print it. */
export type Stack = readonly Frame[];
