import { commonSuffix, normalisePath } from '../../protocol/source-path.ts';

const commonTail = (a: string, b: string): number => commonSuffix(normalisePath(a), normalisePath(b));

/**
 * Of spelled files that were found at one path here, those with the longest common end: the `main.c` of a library that is not
 * here is found at the only `main.c` there is, and must not be added to it.
 */
export function likeliest(located: ReadonlyMap<string, string>): Map<string, string> {
  const longest = new Map<string, number>();
  for (const [spelled, path] of located)
    longest.set(path, Math.max(longest.get(path) ?? 0, commonTail(spelled, path)));
  return new Map([...located].filter(([spelled, path]) => commonTail(spelled, path) === longest.get(path)));
}
