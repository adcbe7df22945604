/**
 * A profile: weighted stacks, as flat columns. No object a stack and no object a node, so that a million unique
 * stacks cost tens of megabytes, travel as one buffer and are walked in linear time.
 */

/** What the weights count. */
export type WeightUnit = 'samples' | 'nanoseconds' | 'bytes' | 'count';

/** Where a frame's code came from; decides its colour and what *hide kernel* hides. */
export const frameKinds = ['unknown', 'user', 'kernel', 'jit', 'inlined'] as const;
export type FrameKind = (typeof frameKinds)[number];

/** Texts by id; text `i` is the UTF-8 of `bytes[ends[i - 1] ?? 0 … ends[i]]`. Id 0 is the empty text. */
export interface StringTable {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

/** Frames by id: text ids for names, 0 where unknown; `line` counts from 1, 0 where unknown; `kind` indexes {@link frameKinds}. */
export interface FrameTable {
  readonly name: Uint32Array;
  readonly module: Uint32Array;
  readonly file: Uint32Array;
  readonly line: Uint32Array;
  readonly kind: Uint8Array;
}

/**
 * The call tree in preorder. Node 0 is the root, which stands for no frame (its `frame` is 0). The parent of node `i`
 * is the nearest node before it whose depth is one less. Siblings descend by total, those of equal total ascend by frame.
 */
export interface NodeTable {
  readonly frame: Uint32Array;
  readonly depth: Uint16Array;
  /** Weight of the stacks that end here, in the profile's unit. */
  readonly self: Float64Array;
}

/** Single samples, in order of time. `timeNs` counts from the profile's start; an untimed profile has all zeros. */
export interface SampleTable {
  readonly node: Uint32Array;
  readonly weight: Float64Array;
  readonly timeNs: Float64Array;
  /** Index into {@link Profile.threads}. */
  readonly thread: Uint32Array;
}

export interface ProfileThread {
  readonly pid: number;
  readonly tid: number;
  readonly name: string;
}

export interface Profile {
  readonly title: string;
  readonly unit: WeightUnit;
  /** Wall clock of the first sample, where known. */
  readonly startedAtMs?: number;
  readonly durationNs?: number;
  /** Sentences for people: how it was measured, what was lost. Shown beside the picture. */
  readonly notes: readonly string[];
  readonly strings: StringTable;
  readonly frames: FrameTable;
  readonly nodes: NodeTable;
  /** Absent where only totals are known: then there is no time order, and no filter by time or thread. */
  readonly samples?: SampleTable;
  readonly threads: readonly ProfileThread[];
}

/** Deepest stack that is kept; deeper ones are cut at this depth, counted from the root, and the cut is told. */
export const MAX_DEPTH = 16_384;
