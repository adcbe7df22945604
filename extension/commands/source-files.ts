/** Where a file that debug information names lies in this workspace. Pure. */

/**
 * The directories in which two spellings of one file differ: `/build/src/a/b.c` and `/home/me/proj/a/b.c` have the
 * tail `a/b.c`, so `/build/src` stands for `/home/me/proj`. Undefined when not even the file's name agrees.
 */
export function prefixRule(
  spelled: string,
  local: string,
): { readonly from: string; readonly to: string } | undefined {
  const left = normalise(spelled).split('/');
  const right = normalise(local).split('/');
  let same = 0;
  while (same < Math.min(left.length, right.length) && left.at(-1 - same) === right.at(-1 - same)) same++;
  if (same === 0) return undefined;
  return {
    from: left.slice(0, left.length - same).join('/'),
    to: right.slice(0, right.length - same).join('/'),
  };
}

/** Places where `spelled` may lie, likeliest first: as it is, by the rule, and relative to each folder. */
export function candidatePaths(
  spelled: string,
  rules: readonly { readonly from: string; readonly to: string }[],
  folders: readonly string[],
): string[] {
  const path = normalise(spelled);
  const found = path.startsWith('/') ? [path] : [];
  for (const { from, to } of rules) {
    if (from === '') found.push(path.startsWith('/') ? `${to}${path}` : `${to}/${path}`);
    else if (path.startsWith(`${from}/`)) found.push(`${to}${path.slice(from.length)}`);
  }
  if (!path.startsWith('/')) found.push(...folders.map((folder) => normalise(`${folder}/${path}`)));
  return [...new Set(found.map(normalise))];
}

/** Resolves `.` and `..` and doubled slashes, as the compiler's `comp_dir/name` often has them. */
export function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else parts.push(part);
  }
  return (path.startsWith('/') ? '/' : '') + parts.join('/');
}
