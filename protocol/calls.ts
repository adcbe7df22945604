import type { ProbeSpec } from './probe.ts';
import type { Stack, SourcePlace } from './source.ts';

/**
 * Single calls of one function: when, how long, where the time went, with which arguments, called by whom. They are recorded
 * beside the probe's figures, by an engine of their own, for as long as somebody looks at them.
 */
export type CallWatchId = string;

/** What a thread did in a call, in ns; the four add up to the call's duration. */
export interface CallTimes {
  /** On a CPU. */
  readonly runningNs: number;
  /** Ready to run, and waiting for a CPU. */
  readonly runnableNs: number;
  /** Asleep: a lock, a timer, a socket. */
  readonly blockedNs: number;
  /** Asleep until a disk answers (the kernel's iowait). */
  readonly ioNs: number;
}

export const callStates = ['running', 'runnable', 'blocked', 'io'] as const;
export type CallState = (typeof callStates)[number];

export interface CallRecord extends CallTimes {
  /** CLOCK_MONOTONIC of the target at the entry. */
  readonly startNs: number;
  readonly durationNs: number;
  readonly pid: number;
  readonly tid: number;
  /** As the source would write them, in the order of {@link CallsStarted.parameters}. */
  readonly arguments: readonly string[];
  /** Absent where the function returns nothing, or not in a register. */
  readonly returned?: string;
  /** Index of a stack of this watch. */
  readonly stack: number;
}

/** A function that the watched one calls itself, by an instruction of its own. */
export interface Callee {
  readonly function: string;
  readonly symbol: string;
  readonly place?: SourcePlace;
}

export interface CalleeTotals {
  /** Index of {@link CallsStarted.callees}. */
  readonly callee: number;
  readonly count: number;
  readonly sumNs: number;
}

export interface CallsStarted {
  readonly parameters: readonly string[];
  readonly callees: readonly Callee[];
  /** Called, and not traced: functions of other libraries (every program would pay), those past the bound. */
  readonly untraced: readonly string[];
  /** Calls through pointers, whose target is not known before they happen. */
  readonly indirectCalls: number;
}

/** What came since the last one. Counts are cumulative. */
export interface CallBatch {
  readonly id: CallWatchId;
  readonly records: readonly CallRecord[];
  /** Stacks that are new in this batch, function first. */
  readonly stacks: readonly { readonly stack: number; readonly frames: Stack }[];
  /** Calls that returned, recorded or not. */
  readonly calls: number;
  /** Calls that were left without returning (longjmp, exception, end of the thread). */
  readonly abandoned: number;
  readonly callees: readonly CalleeTotals[];
  /** Wall clock of the target minus its CLOCK_MONOTONIC, in ms. */
  readonly wallClockOffsetMs: number;
}

export interface CallsApi {
  /** Attaches; answered when calls are recorded. Recursive calls count as part of the outermost one. */
  startCalls(params: { readonly id: CallWatchId; readonly probe: ProbeSpec }): CallsStarted;
  /** Detaches; the last batch was sent before the answer. */
  stopCalls(params: { readonly id: CallWatchId }): Record<string, never>;
}
