import type { FrameKind, Profile } from '../protocol/profile.ts';
import { frameKinds } from '../protocol/profile.ts';
import { ProfileBuilder } from './builder.ts';
import { grown, textAt } from './strings.ts';

/** Two profiles on one tree. */
export interface Comparison {
  /** The tree of both; its weights are those of the profile that came after. */
  readonly profile: Profile;
  /** Own weights by node in the one before, and their sum. */
  readonly beforeSelf: Float64Array;
  readonly beforeTotal: number;
  readonly afterTotal: number;
}

/** Unites the trees of two profiles. Frames are the same when name, module, file, line and kind agree. */
export function compareProfiles(before: Profile, after: Profile): Comparison {
  const builder = new ProfileBuilder(`${after.title} − ${before.title}`, after.unit);
  builder.notes.push(...after.notes);
  if (before.unit !== after.unit)
    builder.notes.push(
      `The baseline counts ${before.unit}, this profile ${after.unit}: compare shares, not weights.`,
    );
  const afterWeights = insert(builder, after);
  const beforeWeights = insert(builder, before, moduleRenames(before, after));
  const count = builder.trie.count;
  // the heavier of both orders siblings, so that what vanished keeps its place
  for (let node = 0; node < count; node++)
    builder.trie.self[node] = Math.max(afterWeights[node] ?? 0, beforeWeights[node] ?? 0);
  const { profile, position } = builder.buildWithPositions();
  const afterSelf = new Float64Array(count);
  const beforeSelf = new Float64Array(count);
  let afterTotal = 0;
  let beforeTotal = 0;
  for (let node = 0; node < count; node++) {
    const at = position[node]!;
    afterTotal += afterSelf[at] = afterWeights[node] ?? 0;
    beforeTotal += beforeSelf[at] = beforeWeights[node] ?? 0;
  }
  return {
    profile: { ...profile, nodes: { ...profile.nodes, self: afterSelf } },
    beforeSelf,
    beforeTotal,
    afterTotal,
  };
}

/** Inserts a profile's tree; its own weights by node of the builder's tree. */
function insert(
  builder: ProfileBuilder,
  profile: Profile,
  modules?: ReadonlyMap<string, string>,
): Float64Array {
  const frameMap = importFrames(builder, profile, modules);
  const { frame, depth, self } = profile.nodes;
  let weights = new Float64Array(depth.length + 1);
  const path = new Int32Array(deepestOf(depth) + 1);
  for (let i = 0; i < depth.length; i++) {
    const d = depth[i]!;
    const node = d === 0 ? 0 : builder.trie.child(path[d - 1]!, frameMap[frame[i]!]!);
    path[d] = node;
    if (node >= weights.length) weights = grown(weights, node + 1);
    weights[node]! += self[i]!;
  }
  return weights;
}

/**
 * Modules of the older profile under the newer one's names: a program that was built into another folder, or a library of
 * another version, is still the same one. Only where the file's name is unique on both sides.
 */
function moduleRenames(before: Profile, after: Profile): Map<string, string> {
  const base = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  const byBase = (profile: Profile): Map<string, string | undefined> => {
    const found = new Map<string, string | undefined>();
    for (const id of new Set(profile.frames.module)) {
      const path = textAt(profile.strings, id);
      if (path !== '') found.set(base(path), found.has(base(path)) ? undefined : path);
    }
    return found;
  };
  const newer = byBase(after);
  const renames = new Map<string, string>();
  for (const [name, path] of byBase(before)) {
    const other = newer.get(name);
    if (path !== undefined && other !== undefined && path !== other) renames.set(path, other);
  }
  return renames;
}

/** Ids in `builder` for all frames of `profile`. */
export function importFrames(
  builder: ProfileBuilder,
  profile: Profile,
  modules: ReadonlyMap<string, string> = new Map(),
): Uint32Array {
  const { frames, strings } = profile;
  const map = new Uint32Array(frames.name.length);
  for (let i = 1; i < map.length; i++) {
    const module = textAt(strings, frames.module[i]!);
    map[i] = builder.frame({
      name: textAt(strings, frames.name[i]!),
      module: modules.get(module) ?? module,
      file: textAt(strings, frames.file[i]!),
      line: frames.line[i]!,
      kind: frameKinds[frames.kind[i]!] ?? ('unknown' satisfies FrameKind),
    });
  }
  return map;
}

export function deepestOf(depth: Uint16Array): number {
  let deepest = 0;
  for (let i = 0; i < depth.length; i++) if (depth[i]! > deepest) deepest = depth[i]!;
  return deepest;
}
