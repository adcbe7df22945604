import type { Stack } from '../protocol/source.ts';
import { frameKinds, MAX_DEPTH } from '../protocol/profile.ts';
import type { FrameKind, Profile, ProfileThread, SampleTable, WeightUnit } from '../protocol/profile.ts';
import { leftHeavy } from './order.ts';
import { grown, StringInterner } from './strings.ts';
import { CallTrie } from './trie.ts';

export interface FrameParts {
  readonly name: string;
  readonly module?: string | undefined;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly kind?: FrameKind | undefined;
}

/** A profile that grows while stacks stream in; {@link build} may be called at any time and does not end it. */
export class ProfileBuilder {
  title: string;
  unit: WeightUnit;
  startedAtMs?: number;
  durationNs?: number;
  readonly notes: string[] = [];
  readonly strings = new StringInterner();
  readonly trie: CallTrie;
  readonly #frames = new FrameInterner();
  readonly #threads: ProfileThread[] = [];
  readonly #threadIds = new Map<string, number>();
  readonly #samples = new SampleColumns();
  #cutStacks = 0;

  constructor(title: string, unit: WeightUnit, expectedNodes?: number) {
    this.title = title;
    this.unit = unit;
    this.trie = new CallTrie(expectedNodes);
  }

  /** Id of a frame; equal parts give equal ids. */
  frame(parts: FrameParts): number {
    const { strings } = this;
    return this.#frames.intern(
      strings.intern(parts.name),
      strings.intern(parts.module ?? ''),
      strings.intern(parts.file ?? ''),
      parts.line ?? 0,
      frameKinds.indexOf(parts.kind ?? 'unknown'),
    );
  }

  /** Id of a frame of which only the name's text id and the kind's index are known. */
  namedFrame(name: number, kind: number): number {
    return this.#frames.intern(name, 0, 0, 0, kind);
  }

  get frameCount(): number {
    return this.#frames.count;
  }

  /** Index of a thread; equal pid, tid and name give equal indexes. */
  thread(thread: ProfileThread): number {
    const key = `${thread.pid} ${thread.tid} ${thread.name}`;
    let id = this.#threadIds.get(key);
    if (id === undefined) {
      id = this.#threads.push(thread) - 1;
      this.#threadIds.set(key, id);
    }
    return id;
  }

  /** The node of a stack of frame ids, outermost first. Stacks deeper than {@link MAX_DEPTH} are cut, and the cut is noted. */
  stack(frames: ArrayLike<number>): number {
    let node = 0;
    const depth = Math.min(frames.length, MAX_DEPTH);
    if (depth < frames.length) this.#cutStacks++;
    for (let i = 0; i < depth; i++) node = this.trie.child(node, frames[i]!);
    return node;
  }

  /** Counts stacks that an importer cut at {@link MAX_DEPTH} itself. */
  countCutStacks(count: number): void {
    this.#cutStacks += count;
  }

  /** Adds weight to a stack. */
  add(node: number, weight: number): void {
    this.trie.self[node]! += weight;
  }

  /** Adds a single sample: its weight, and when and where it was taken. */
  sample(node: number, weight: number, timeNs: number, thread: number): void {
    this.trie.self[node]! += weight;
    this.#samples.add(node, weight, timeNs, thread);
  }

  build(): Profile {
    return this.buildWithPositions().profile;
  }

  /** The profile, and where each node of the {@link trie} went. */
  buildWithPositions(): { profile: Profile; position: Uint32Array } {
    const { trie } = this;
    const { nodes, position } = leftHeavy(trie);
    const notes = [...this.notes];
    if (this.#cutStacks > 0)
      notes.push(
        `${this.#cutStacks === 1 ? '1 stack was' : `${this.#cutStacks} stacks were`} deeper than ${MAX_DEPTH} frames; the innermost ones are cut off.`,
      );
    const profile = {
      title: this.title,
      unit: this.unit,
      ...(this.startedAtMs === undefined ? {} : { startedAtMs: this.startedAtMs }),
      ...(this.durationNs === undefined ? {} : { durationNs: this.durationNs }),
      notes,
      strings: this.strings.table(),
      frames: this.#frames.table(),
      nodes,
      ...(this.#samples.count === 0 ? {} : { samples: this.#samples.table(position) }),
      threads: [...this.#threads],
    };
    return { profile, position };
  }
}

/** Weighted stacks as probes yield them (innermost frame first) as a profile, for instance the callers of a probe. */
export function profileOfStacks(
  title: string,
  unit: WeightUnit,
  stacks: Iterable<{ readonly stack: Stack; readonly count: number }>,
): Profile {
  const builder = new ProfileBuilder(title, unit);
  for (const { stack, count } of stacks) {
    const frames: number[] = [];
    for (let i = stack.length - 1; i >= 0; i--) {
      const frame = stack[i]!;
      frames.push(
        builder.frame({
          name: frame.function,
          module: frame.module,
          file: frame.file,
          line: frame.line,
          kind: kindOf(frame.module, frame.inlined === true),
        }),
      );
    }
    builder.add(builder.stack(frames), count);
  }
  return builder.build();
}

/** The kind of a frame by the words that engines use for its module. */
export function kindOf(module: string | undefined, inlined: boolean): FrameKind {
  if (module === '[kernel]' || module === '[kernel.kallsyms]' || module?.startsWith('[guest.kernel') === true)
    return 'kernel';
  if (inlined) return 'inlined';
  if (module === '[jit]' || (module !== undefined && /\/perf-\d+\.map$/.test(module))) return 'jit';
  return module === undefined || module === '[unknown]' ? 'unknown' : 'user';
}

/** Frames by their five numbers; frame 0 is the root's, of no name. */
class FrameInterner {
  count = 1;
  name = new Uint32Array(256);
  module = new Uint32Array(256);
  file = new Uint32Array(256);
  line = new Uint32Array(256);
  kind = new Uint8Array(256);
  #slots = new Int32Array(1024);

  intern(name: number, module: number, file: number, line: number, kind: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#hash(name, module, file, line, kind) & mask;
    for (let id = slots[slot]!; id !== 0; id = slots[slot]!) {
      if (
        this.name[id] === name &&
        this.module[id] === module &&
        this.file[id] === file &&
        this.line[id] === line &&
        this.kind[id] === kind
      )
        return id;
      slot = (slot + 1) & mask;
    }
    const id = this.count;
    if (id === this.name.length) this.#grow();
    this.name[id] = name;
    this.module[id] = module;
    this.file[id] = file;
    this.line[id] = line;
    this.kind[id] = kind;
    slots[slot] = id;
    this.count = id + 1;
    if (this.count * 2 > slots.length) this.#rehash();
    return id;
  }

  #hash(name: number, module: number, file: number, line: number, kind: number): number {
    let hash = Math.imul(name, 0x9e3779b1) ^ Math.imul(module, 0x85ebca6b) ^ Math.imul(file, 0xc2b2ae35);
    hash = Math.imul(hash ^ line ^ (kind << 28), 0x27d4eb2f);
    return hash ^ (hash >>> 15);
  }

  #grow(): void {
    const needed = this.count + 1;
    this.name = grown(this.name, needed);
    this.module = grown(this.module, needed);
    this.file = grown(this.file, needed);
    this.line = grown(this.line, needed);
    this.kind = grown(this.kind, needed);
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let id = 1; id < this.count; id++) {
      let slot =
        this.#hash(this.name[id]!, this.module[id]!, this.file[id]!, this.line[id]!, this.kind[id]!) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }

  table(): Profile['frames'] {
    const { count } = this;
    return {
      name: this.name.slice(0, count),
      module: this.module.slice(0, count),
      file: this.file.slice(0, count),
      line: this.line.slice(0, count),
      kind: this.kind.slice(0, count),
    };
  }
}

class SampleColumns {
  count = 0;
  node = new Uint32Array(256);
  weight = new Float64Array(256);
  timeNs = new Float64Array(256);
  thread = new Uint32Array(256);
  #inOrder = true;

  add(node: number, weight: number, timeNs: number, thread: number): void {
    const i = this.count;
    if (i === this.node.length) {
      this.node = grown(this.node, i + 1);
      this.weight = grown(this.weight, i + 1);
      this.timeNs = grown(this.timeNs, i + 1);
      this.thread = grown(this.thread, i + 1);
    }
    if (i > 0 && timeNs < this.timeNs[i - 1]!) this.#inOrder = false;
    this.node[i] = node;
    this.weight[i] = weight;
    this.timeNs[i] = timeNs;
    this.thread[i] = thread;
    this.count = i + 1;
  }

  /** The samples in order of time, on nodes that have moved. */
  table(position: Uint32Array): SampleTable {
    const { count } = this;
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    // several CPUs' buffers arrive a little out of order
    if (!this.#inOrder) order.sort((a, b) => this.timeNs[a]! - this.timeNs[b]! || a - b);
    const node = new Uint32Array(count);
    const weight = new Float64Array(count);
    const timeNs = new Float64Array(count);
    const thread = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const from = order[i]!;
      node[i] = position[this.node[from]!]!;
      weight[i] = this.weight[from]!;
      timeNs[i] = this.timeNs[from]!;
      thread[i] = this.thread[from]!;
    }
    return { node, weight, timeNs, thread };
  }
}
