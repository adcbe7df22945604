import { CallTrie } from '../../profile/trie.ts';
import { MAX_DEPTH, type ProfileThread } from '../../protocol/profile.ts';
import { flatString } from '../flat-string.ts';
import type { ProfileDelta, ProfileFrame } from '../../protocol/live-profile.ts';

type Delta = Pick<ProfileDelta, 'frames' | 'nodes' | 'threads' | 'samples'>;

/** Frames, stacks and threads by numbers, as they arrive; {@link take} gives what came since the last time. */
export class StackInterner {
  readonly #trie = new CallTrie();
  readonly #frames = new Map<string, number>();
  readonly #threads = new Map<string, number>();
  #newFrames: ProfileFrame[] = [];
  #newThreads: ProfileThread[] = [];
  #samples: number[] = [];
  #sentNodes = 1;
  /** Stacks deeper than {@link MAX_DEPTH}, whose innermost frames were cut off. */
  cut = 0;

  /** Id of a frame; 0 is the root's. */
  frame({ function: name, module = '', file = '', line = 0, inlined = false }: ProfileFrame): number {
    const key = `${name}\0${module}\0${file}\0${line}\0${inlined ? 1 : 0}`;
    let id = this.#frames.get(key);
    if (id === undefined) {
      id = this.#frames.size + 1;
      this.#frames.set(flatString(key), id);
      this.#newFrames.push({
        function: name,
        ...(module === '' ? {} : { module }),
        ...(line === 0 ? {} : { file, line }),
        ...(inlined ? { inlined } : {}),
      });
    }
    return id;
  }

  thread(thread: ProfileThread): number {
    const key = `${thread.pid} ${thread.tid} ${thread.name}`;
    let id = this.#threads.get(key);
    if (id === undefined) {
      id = this.#threads.size;
      this.#threads.set(flatString(key), id);
      this.#newThreads.push(thread);
    }
    return id;
  }

  /** Counts a stack of frame ids, outermost first. */
  add(frames: readonly number[], weight: number, timeNs: number, thread: number): void {
    let node = 0;
    const depth = Math.min(frames.length, MAX_DEPTH);
    if (depth < frames.length) this.cut++;
    for (let i = 0; i < depth; i++) node = this.#trie.child(node, frames[i]!);
    this.#samples.push(node, weight, timeNs, thread);
  }

  take(): Delta {
    const { parent, frame, count } = this.#trie;
    const nodes: number[] = [];
    for (let node = this.#sentNodes; node < count; node++) nodes.push(parent[node]!, frame[node]!);
    this.#sentNodes = count;
    const delta = { frames: this.#newFrames, nodes, threads: this.#newThreads, samples: this.#samples };
    this.#newFrames = [];
    this.#newThreads = [];
    this.#samples = [];
    return delta;
  }
}
