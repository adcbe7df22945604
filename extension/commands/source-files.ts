/** Where a file that debug information names lies in this workspace. Pure. */
import { mapPath, normalisePath, type PrefixRule } from '../../protocol/source-path.ts';

/**
 * The rules of the setting `probescope.sourceMap`: prefixes in debug information to prefixes here, where
 * `${workspaceFolder}` and relative paths mean the first folder. What is no pair of texts is left out.
 */
export function sourceMapRules(setting: Readonly<Record<string, unknown>>, root = ''): PrefixRule[] {
  return Object.entries(setting).flatMap(([from, to]) => {
    if (typeof to !== 'string' || to === '') return [];
    const path = to.replaceAll('${workspaceFolder}', root);
    return [
      { from: normalisePath(from), to: normalisePath(path.startsWith('/') ? path : `${root}/${path}`) },
    ];
  });
}

/**
 * The directories in which two spellings of one file differ: `/build/src/a/b.c` and `/home/me/proj/a/b.c` have the
 * tail `a/b.c`, so `/build/src` stands for `/home/me/proj`. Undefined when not even the file's name agrees.
 */
export function prefixRule(spelled: string, local: string): PrefixRule | undefined {
  const left = normalisePath(spelled).split('/');
  const right = normalisePath(local).split('/');
  let same = 0;
  while (same < Math.min(left.length, right.length) && left.at(-1 - same) === right.at(-1 - same)) same++;
  if (same === 0) return undefined;
  return {
    from: left.slice(0, left.length - same).join('/'),
    to: right.slice(0, right.length - same).join('/'),
  };
}

/** Places where `spelled` may lie, likeliest first: by the setting's map, as it is, by a rule that was learnt, and relative to each folder. */
export function candidatePaths(
  spelled: string,
  map: readonly PrefixRule[],
  learnt: readonly PrefixRule[],
  folders: readonly string[],
): string[] {
  const path = normalisePath(spelled);
  const mapped = mapPath(path, map);
  const found = mapped === undefined ? [] : [mapped];
  if (path.startsWith('/')) found.push(path);
  for (const rule of learnt) {
    // a rule from the root stands for all paths, absolute ones too
    const place = rule.from === '' && path.startsWith('/') ? rule.to + path : mapPath(path, [rule]);
    if (place !== undefined) found.push(place);
  }
  if (!path.startsWith('/')) found.push(...folders.map((folder) => normalisePath(`${folder}/${path}`)));
  return [...new Set(found.map(normalisePath))];
}
