import type { BucketCounts } from './buckets.ts';
import type { ProbeId } from './probe.ts';
import type { Problem } from './errors.ts';
import type { Stack } from './source.ts';

export type SessionId = string;

/** Events that happened and are in no figure, by cause. All cumulative. */
export interface LostCounts {
  /** Returns whose entry was not seen: the call began before the probe was attached, or the entry map was full. */
  readonly missedEntries: number;
  /** Entries whose return was never seen because the frame was unwound (longjmp, exception) or the thread ended. */
  readonly abandonedCalls: number;
  /** Events the engine counted but could not measure because one of its maps was full, and events lost in its buffers. */
  readonly droppedByEngine: number;
}

export interface LatencyTotals {
  readonly buckets: BucketCounts;
  readonly sumNs: number;
  readonly maxNs: number;
}

export interface CallerTotals {
  readonly stack: Stack;
  readonly count: number;
}

/** Totals of one probe since it was added: cumulative, so that a lost snapshot loses nothing. */
export interface ProbeTotals {
  readonly probe: ProbeId;
  readonly count: number;
  readonly lost: LostCounts;
  readonly latency?: LatencyTotals;
  readonly callers?: readonly CallerTotals[];
}

/** What one interval yielded. `probes` holds every probe of the session, changed or not. */
export interface Snapshot {
  readonly session: SessionId;
  /** Name of the target that it came from; set by the side that knows names, never by a helper. */
  readonly target?: string;
  readonly sequence: number;
  /** CLOCK_MONOTONIC of the target when the maps were read. */
  readonly monotonicNs: number;
  /** Wall clock of the target, for people. */
  readonly wallClockMs: number;
  readonly probes: readonly ProbeTotals[];
  /** Memory of the engine's maps in the kernel, the table of stacks left out: as it counts it, or estimated where that may not be read. */
  readonly mapBytes?: number;
  /** Nothing is counted after this one: the session was closed, or its engine ended. */
  readonly final: boolean;
}

/** Something that people must know of a probe that was attached otherwise than they asked for. */
export interface ProbeNote {
  readonly probe: ProbeId;
  /** A full sentence. */
  readonly message: string;
}

/** What a session's figures were measured with, and where: what a recording keeps beside them. */
export interface SessionDescription {
  readonly host: string;
  /** The kernel's release, as `uname -r` prints it. */
  readonly kernel: string;
  readonly arch: string;
  /** Name and version: `bpftrace 0.17.0`. */
  readonly tools: readonly string[];
  /** What bpftrace runs now; empty where none does. */
  readonly script: string;
  /** The traced files, each once. */
  readonly binaries: readonly { readonly path: string; readonly buildId?: string }[];
}

/** What opening or changing a session answers. */
export interface SessionAttached {
  readonly attachedSites: number;
  readonly notes?: readonly ProbeNote[];
}

/** `starting` until all probes are attached; `ended` carries the reason unless it was asked for. */
export type SessionState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly attachedSites: number; readonly enginePid?: number }
  | { readonly kind: 'ended'; readonly problem?: Problem };
