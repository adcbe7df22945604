import type { BucketCounts } from './buckets.ts';
import type { StreamId } from './events.ts';

/** What is summed up: the system calls of a process with the children it starts, or of the whole machine. */
export interface SyscallsSpec {
  readonly stream: StreamId;
  readonly pid?: number;
  /** 100 and up. */
  readonly intervalMs: number;
}

/** One system call's figures since the start, of the calls that returned. */
export interface SyscallFigures {
  /** As the kernel's system call table names it; `syscall N` where the number is not known. */
  readonly name: string;
  readonly calls: number;
  readonly totalNs: number;
  readonly maxNs: number;
  /** Durations; see `buckets.ts`. */
  readonly buckets: BucketCounts;
  /** How often it returned each error, by name, the most frequent first. */
  readonly errors: readonly { readonly name: string; readonly count: number }[];
  /** Calls that have begun and not returned yet. */
  readonly open: number;
}

/** Cumulative: the system calls since the start, the one with the longest total first. */
export interface SyscallSummary {
  readonly stream: StreamId;
  /** Since the start. */
  readonly elapsedMs: number;
  readonly syscalls: readonly SyscallFigures[];
  /** Returns of calls that had begun before the start; they are not in the figures. */
  readonly missedEntries: number;
  /** Calls whose duration found no room in the kernel's map: they are counted, and missing from the percentiles. */
  readonly missingDurations: number;
  /** Nothing follows. */
  readonly final: boolean;
}

export interface SyscallsApi {
  /** Answered when the calls are being counted. */
  startSyscalls(params: SyscallsSpec): { readonly engine: string; readonly script: string };
  /** Answered after the last summary was sent. */
  stopSyscalls(params: { readonly stream: StreamId }): Record<string, never>;
}

/** The end comes as `eventsState`. */
export interface SyscallsEvents {
  syscallSummary(params: SyscallSummary): void;
}
