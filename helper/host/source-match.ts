import { realpath, stat } from 'node:fs/promises';
import type { BinaryCandidate } from '../../protocol/helper.ts';
import {
  baseName,
  commonSuffix,
  mapPath,
  normalisePath,
  type PrefixRule,
} from '../../protocol/source-path.ts';
import type { SourceFile } from '../symbols/model.ts';
import { md5Of } from '../symbols/source-version.ts';

/** A source file of this machine, with all that tells it in a binary's debug information. */
export interface WantedSource {
  readonly file: string;
  /** Its paths, normalised: as it was given, and without symbolic links. */
  readonly paths: readonly string[];
  /** `DEVICE:INODE`; undefined when there is no such file here. */
  readonly identity: string | undefined;
  readonly md5: string | undefined;
  readonly rules: readonly PrefixRule[];
}

export async function wantedSource(file: string, rules: readonly PrefixRule[]): Promise<WantedSource> {
  const plain = normalisePath(file);
  const real = await realpath(file).catch(() => plain);
  let md5: string | undefined;
  try {
    md5 = md5Of(file);
  } catch {
    // known by its name alone: it lies on another machine
  }
  return { file, paths: [...new Set([plain, real])], identity: await identityOf(file), md5, rules };
}

export const baseNames = ({ paths }: WantedSource): string[] => [...new Set(paths.map(baseName))];

/** A file of a binary, judged: how it was recognised, and how many trailing parts of the path agree. */
export interface SourceMatch {
  readonly source: SourceFile;
  readonly match: BinaryCandidate['match'];
  readonly shared: number;
}

/** The more certain, the lower. */
export const certainty: Readonly<Record<BinaryCandidate['match'], number>> = {
  path: 0,
  mapped: 1,
  content: 2,
  suffix: 3,
};

/**
 * The file of a binary that is the wanted one: by its path (or the path of the same file on this disk), by the source map,
 * by its content, else by the longest common end of the path. Undefined when none can be it: a file that agrees in its
 * base name alone, and has another content, is another file.
 */
export async function bestMatch(
  wanted: WantedSource,
  files: readonly SourceFile[],
  ignoreCase = false,
): Promise<SourceMatch | undefined> {
  let best: SourceMatch | undefined;
  for (const source of files) {
    const found = await judge(wanted, source, ignoreCase);
    if (found !== undefined && (best === undefined || compareMatches(found, best) < 0)) best = found;
  }
  return best;
}

export function compareMatches(a: SourceMatch, b: SourceMatch): number {
  return certainty[a.match] - certainty[b.match] || b.shared - a.shared;
}

async function judge(
  wanted: WantedSource,
  source: SourceFile,
  ignoreCase: boolean,
): Promise<SourceMatch | undefined> {
  const { path, md5s } = source;
  const shared = Math.max(...wanted.paths.map((own) => commonSuffix(path, own, ignoreCase)));
  if (wanted.paths.includes(path)) return { source, match: 'path', shared };
  const mapped = mapPath(path, wanted.rules);
  if (mapped !== undefined && wanted.paths.includes(mapped)) return { source, match: 'mapped', shared };
  if (wanted.identity !== undefined && (await identityOf(path)) === wanted.identity)
    return { source, match: 'path', shared };
  if (wanted.md5 !== undefined && md5s.includes(wanted.md5)) return { source, match: 'content', shared };
  if (shared === 1 && path.includes('/') && wanted.md5 !== undefined && md5s.length > 0) return undefined;
  return { source, match: 'suffix', shared };
}

async function identityOf(path: string): Promise<string | undefined> {
  if (!path.startsWith('/')) return undefined;
  return stat(path).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => undefined,
  );
}
