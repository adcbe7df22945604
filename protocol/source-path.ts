/** Paths of source files as people and compilers write them, made comparable. */

/** `/a/./b/../c//d` → `/a/c/d`. Keeps leading `..` of relative paths; does not touch the disk. */
export function normalisePath(path: string): string {
  const windows = path.includes('\\') && /^[A-Za-z]:[\\/]|^\\\\/.test(path);
  const parts: string[] = [];
  const text = windows ? path.replaceAll('\\', '/') : path;
  const absolute = text.startsWith('/');
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts[parts.length - 1] !== '..') parts.pop();
    else if (part !== '..' || !absolute) parts.push(part);
  }
  return (absolute ? '/' : '') + parts.join('/');
}

/** How many trailing components two normalised paths share: `/a/b/c.c` and `/x/b/c.c` share 2. */
export function commonSuffix(a: string, b: string, ignoreCase = false): number {
  const one = (ignoreCase ? a.toLowerCase() : a).split('/');
  const other = (ignoreCase ? b.toLowerCase() : b).split('/');
  let shared = 0;
  while (
    shared < one.length &&
    shared < other.length &&
    one[one.length - 1 - shared] === other[other.length - 1 - shared] &&
    one[one.length - 1 - shared] !== ''
  )
    shared++;
  return shared;
}

/** Paths below `from` lie below `to` here. Both are normalised; an empty `from` stands for the front of relative paths. */
export interface PrefixRule {
  readonly from: string;
  readonly to: string;
}

/** The path by the rule with the longest `from` that holds it; undefined when none does. Prefixes end at a slash. */
export function mapPath(path: string, rules: readonly PrefixRule[]): string | undefined {
  let best: PrefixRule | undefined;
  for (const rule of rules) {
    const { from } = rule;
    const fits = from === '' ? !path.startsWith('/') : path === from || path.startsWith(`${from}/`);
    if (fits && from.length >= (best?.from.length ?? 0)) best = rule;
  }
  if (best === undefined) return undefined;
  return normalisePath(best.from === '' ? `${best.to}/${path}` : best.to + path.slice(best.from.length));
}

export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}
