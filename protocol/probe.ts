import type { CostClass } from './cost.ts';
import type { SourcePlace } from './source.ts';

/** A small integer, unique in its session, that stands for the probe in scripts and maps. */
export type ProbeId = number;

/** What is measured at a probe. */
export const measures = ['count', 'latency', 'callers', 'arguments', 'returnValue', 'offCpu', 'log'] as const;
export type Measure = (typeof measures)[number];

/**
 * One address a probe attaches to.
 * `symbol` is the linkage name that bpftrace accepts; `fileOffsetBytes` = vaddr − p_vaddr + p_offset of the PT_LOAD
 * that holds it, which is what uprobes are keyed by.
 */
export interface Site {
  readonly kind: 'entry' | 'clone' | 'inlined' | 'tail-call-exit' | 'return' | 'ifunc-target' | 'usdt';
  readonly symbol?: string;
  readonly vaddr: number;
  readonly fileOffsetBytes: number;
  readonly place?: SourcePlace;
  /** A USDT probe with a semaphore: a counter in the program that the engine raises, or it does not fire. */
  readonly guarded?: true;
  /** What kind of instruction is probed there: decides what a hit costs. */
  readonly cost?: CostClass;
  /** Why bpftrace cannot attach there, a full sentence: hits of such a site can be counted, and nothing else be measured. */
  readonly countedOnly?: string;
  /** Calls that begin there at each hit, when more than one: copies whose first instruction is the same one. */
  readonly callsAHit?: number;
  /** The function that an inlined copy's code is in. */
  readonly into?: string;
}

/** A place of the function that cannot be probed, and why: shown as `3 of 4 sites`. */
export interface RefusedSite {
  readonly kind: Site['kind'];
  readonly place?: SourcePlace;
  /** A full sentence. */
  readonly reason: string;
}

/**
 * Where the calls of a function begin and end, by address: for languages whose stacks move (Go), where the kernel must not take over
 * return addresses. `sites` of the function remain what is attached by name.
 */
export interface CallBounds {
  /** Where a call begins: at the jump of the stack's check where there is one, which is cheaper to probe than the entry itself. */
  readonly entries: readonly Site[];
  /** Jumps back to the entry: behind one, the same call begins again (its stack has grown, or it was preempted). */
  readonly restarts: readonly Site[];
  /** Return instructions, and jumps out of the function. */
  readonly exits: readonly Site[];
  /** Ways out that cannot be probed; calls that take them count as abandoned. */
  readonly refused: readonly RefusedSite[];
  /** Why durations cannot be had between these places. */
  readonly refusal?: { readonly message: string; readonly remedy: string };
}

export interface FunctionSubject {
  readonly kind: 'function';
  /** As the source spells it, with the qualified name and parameters where overloads need them apart. */
  readonly function: string;
  readonly declared?: SourcePlace;
  readonly sites: readonly Site[];
  readonly refused: readonly RefusedSite[];
  /**
   * An exception may pass through it, which a return probe turns into the program's end: `throws` when its calls lead to a
   * throw, `possible` when the program uses exceptions at all. Latency is refused for the former.
   */
  readonly unwinding?: 'throws' | 'possible';
  /** There for Go functions that have code of their own: return probes would corrupt their stacks. */
  readonly bounds?: CallBounds;
}

export interface UsdtSubject {
  readonly kind: 'usdt';
  readonly provider: string;
  readonly name: string;
  readonly declared?: SourcePlace;
  readonly sites: readonly Site[];
}

/** What stands for the kernel and its modules where a probe names its binary. */
export const KERNEL = '[kernel]';

/** A function of the kernel or of one of its modules; its probe's binary is {@link KERNEL}. */
export interface KernelFunctionSubject {
  readonly kind: 'kernel-function';
  readonly function: string;
  /** `vmlinux` for the kernel itself. */
  readonly module: string;
  /** How its entry and return are attached on the target: fentry and fexit cost less, and need BTF and ftrace's direct calls. */
  readonly attach: 'fentry' | 'kprobe';
  readonly declared?: SourcePlace;
  /** One, without an address: the kernel finds it by name. */
  readonly sites: readonly Site[];
}

export type Subject = FunctionSubject | UsdtSubject | KernelFunctionSubject;

/** One place of interest with what to measure there. */
export interface ProbeSpec {
  readonly id: ProbeId;
  /** Path of the binary on the target, as the helper opens it; {@link KERNEL} for functions of the kernel. */
  readonly binary: string;
  /** Only this process; every process that runs the binary when absent. */
  readonly pid?: number;
  readonly subject: Subject;
  readonly measures: readonly Measure[];
}
