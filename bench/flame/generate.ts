import { ProfileBuilder } from '../../profile/builder.ts';
import type { Profile } from '../../protocol/profile.ts';

/** A seeded generator of 32-bit numbers (mulberry32), so that each run draws the same profile. */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

const modules = ['server', 'libc.so.6', 'libssl.so.3', 'libstdc++.so.6', '[kernel]'];

/**
 * Calls `each` for `count` unique stacks, depth 10–60, outermost frame first, as indexes of functions. A stack shares a random
 * part of its frames with the one before, as neighbours in real profiles do; about 4.75 tree nodes a stack at a million.
 */
export function eachStack(
  count: number,
  seed: number,
  each: (frames: readonly number[], weight: number) => void,
): void {
  const next = generator(seed);
  let frames: number[] = [0];
  const seen = new Set<string>();
  const keepTrack = count <= 100_000;
  for (let made = 0; made < count;) {
    // a walk: some frames are left, some entered, so that a stack adds 4.75 nodes to the tree on average
    const left = 1 + (next() % 9);
    const entered = 1 + (next() % 9);
    const shared = Math.max(1, frames.length - left);
    const depth = Math.min(60, Math.max(10, shared + entered));
    frames = frames.slice(0, Math.min(shared, depth - 1));
    while (frames.length < depth) {
      // a few functions are called from everywhere, most from few places
      const parent = frames.at(-1)!;
      const call =
        next() % 100 < 30 ? next() % 40 : (Math.imul(parent + 1, 2654435761) + (next() % 12)) >>> 0;
      frames.push(1 + (call % FUNCTIONS));
    }
    if (keepTrack) {
      const key = frames.join(' ');
      if (seen.has(key)) continue;
      seen.add(key);
    }
    made++;
    each(frames, 1 + Math.floor(1000 / (1 + (next() % 1000))));
  }
}

export const FUNCTIONS = 20_000;

export function functionName(index: number): string {
  return index === 0 ? 'main' : `io_${index % 97}::op_${index}`;
}

/** The synthetic profile with names, modules and source places. */
export function syntheticProfile(count: number, seed = 1): Profile {
  const builder = new ProfileBuilder(`${count.toLocaleString('en-US')} unique stacks`, 'samples');
  const ids: number[] = [];
  eachStack(count, seed, (frames, weight) => {
    let node = 0;
    for (const index of frames) {
      ids[index] ??= builder.frame({
        name: functionName(index),
        module: modules[index % modules.length],
        file: `/src/subsystem_${index % 97}/component_${index % 1009}.cc`,
        line: 1 + (index % 2000),
        kind: index % 5 === 4 ? 'kernel' : 'user',
      });
      node = builder.trie.child(node, ids[index]);
    }
    builder.add(node, weight);
  });
  return builder.build();
}
