import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/** How a source file on this machine stands to the one that a binary was compiled from. */
export interface SourceVersion {
  /** It was changed since: lines may have moved. */
  readonly stale: boolean;
  /** Units of the binary were compiled from different versions of it, so that it cannot fit all of them. */
  readonly mixed: boolean;
}

/**
 * Content hashes decide where the binary has them: a checkout changes times and not contents. Else a source written after
 * the binary is stale. A file that cannot be read, as on another machine, is not stale.
 */
export function sourceVersion(source: string, binary: string, md5s: readonly string[]): SourceVersion {
  return { stale: isStale(source, binary, md5s), mixed: md5s.length > 1 };
}

function isStale(source: string, binary: string, md5s: readonly string[]): boolean {
  try {
    if (md5s.length > 0) return !md5s.includes(md5Of(source));
    return statSync(source).mtimeMs > statSync(binary).mtimeMs;
  } catch {
    return false;
  }
}

/** Throws what Node throws when the file cannot be read. */
export function md5Of(path: string): string {
  return createHash('md5').update(readFileSync(path)).digest('hex');
}
