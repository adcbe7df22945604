import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProbeError } from '../../protocol/errors.ts';
import type { BinaryCandidate, SearchProgress, SourceQuery } from '../../protocol/helper.ts';
import { baseName } from '../../protocol/source-path.ts';
import type { ProcessInfo } from '../../protocol/target.ts';
import { sourceFilesOf, type BinarySources } from '../symbols/source-files.ts';
import type { SourceFilesCache } from '../symbols/source-files-cache.ts';
import { sourceVersion } from '../symbols/source-version.ts';
import { listProcesses } from './processes.ts';
import {
  baseNames,
  bestMatch,
  compareMatches,
  wantedSource,
  type SourceMatch,
  type WantedSource,
} from './source-match.ts';

/** A workspace may hold a checkout of everything: the walk ends after this many entries of folders. */
const MOST_ENTRIES = 20_000;
const LARGEST_DEPTH = 8;
const skippedFolders = new Set(['node_modules', '.git', '.hg', '.svn', '__pycache__']);

export interface SearchOptions {
  readonly cache?: SourceFilesCache;
  /** Told before each binary that is looked into, and before each of its units. */
  readonly progress?: (progress: SearchProgress) => void;
  /** Asked as often: a search ends within milliseconds. */
  readonly isCancelled?: () => boolean;
}

/**
 * Binaries whose debug information names a source file: those of running processes and the libraries they have mapped,
 * then ELF files below the folders. Best first: running, recognised with more certainty (see {@link bestMatch}), the newest.
 * Reads line tables for seconds at a time where they are large and not in the cache: the helper does it in a thread
 * (`binary-search.ts`). Throws ProbeError `cancelled`.
 */
export async function findBinaries(
  { file, folders, sourceMap = [] }: SourceQuery,
  options: SearchOptions = {},
): Promise<BinaryCandidate[]> {
  const check = (): void => {
    if (options.isCancelled?.() === true)
      throw new ProbeError({ code: 'cancelled', message: 'The search was cancelled.' });
  };
  const wanted = await wantedSource(file, sourceMap);
  const running = await runningBinaries();
  const below = (await Promise.all(folders.map((folder) => elfFilesBelow(folder, check)))).flat();
  const places = await distinctFiles([...running.keys(), ...below]);
  const found = await searchAll(places, wanted, options, check);
  options.cache?.trim();
  const candidates = found.map(({ binary, modifiedMs, match, buildId }) => ({
    match,
    modifiedMs,
    candidate: {
      binary,
      processes: running.get(binary) ?? [],
      fileInBinary: match.source.path,
      ...(buildId === undefined ? {} : { buildId }),
      match: match.match,
      ...sourceVersion(file, binary, match.source.md5s),
    } satisfies BinaryCandidate,
  }));
  candidates.sort(
    (a, b) =>
      Number(b.candidate.processes.length > 0) - Number(a.candidate.processes.length > 0) ||
      compareMatches(a.match, b.match) ||
      b.modifiedMs - a.modifiedMs,
  );
  return candidates.map(({ candidate }) => candidate);
}

interface BinaryPlace {
  readonly binary: string;
  readonly modifiedMs: number;
}

/** Without those that are gone, and each file by its first path only. */
async function distinctFiles(paths: readonly string[]): Promise<BinaryPlace[]> {
  const seen = new Map<string, BinaryPlace>();
  for (const binary of paths) {
    const status = await stat(binary).catch(() => undefined);
    if (status === undefined) continue;
    const key = `${status.dev}:${status.ino}`;
    if (!seen.has(key)) seen.set(key, { binary, modifiedMs: status.mtimeMs });
  }
  return [...seen.values()];
}

interface FoundBinary extends BinaryPlace {
  readonly match: SourceMatch;
  readonly buildId: string | undefined;
}

async function searchAll(
  places: readonly BinaryPlace[],
  wanted: WantedSource,
  { cache, progress }: SearchOptions,
  check: () => void,
): Promise<FoundBinary[]> {
  const names = new Set(baseNames(wanted));
  const plainNames = new Set([...names].map((name) => name.toLowerCase()));
  const exact: FoundBinary[] = [];
  const otherwiseSpelled: FoundBinary[] = [];
  for (const [done, place] of places.entries()) {
    const step = (): void => {
      check();
      progress?.({ done, total: places.length, binary: place.binary });
    };
    step();
    const sources = readSources(place.binary, cache, step);
    if (sources === undefined) continue;
    const { files, buildId } = sources;
    const named = files.filter(({ path }) => names.has(baseName(path)));
    const match = await bestMatch(wanted, named);
    if (match !== undefined) exact.push({ ...place, match, buildId });
    if (exact.length > 0) continue;
    const alike = files.filter(({ path }) => plainNames.has(baseName(path).toLowerCase()));
    const matchAlike = await bestMatch(wanted, alike, true);
    if (matchAlike !== undefined) otherwiseSpelled.push({ ...place, match: matchAlike, buildId });
  }
  // Only a file system that ignores case leads to a name that no compiler was given.
  return exact.length > 0 ? exact : otherwiseSpelled;
}

/** Undefined for one that cannot be read: it was not built from the file as far as anybody can tell. */
function readSources(
  binary: string,
  cache: SourceFilesCache | undefined,
  step: () => void,
): BinarySources | undefined {
  try {
    return sourceFilesOf(binary, cache, step);
  } catch {
    step();
    return undefined;
  }
}

/** Executables of processes and the libraries they map, system libraries left out, with the processes. */
async function runningBinaries(): Promise<Map<string, ProcessInfo[]>> {
  const running = new Map<string, ProcessInfo[]>();
  const add = (path: string, process: ProcessInfo): void => {
    const known = running.get(path);
    if (known === undefined) running.set(path, [process]);
    else if (!known.includes(process)) known.push(process);
  };
  const processes = await listProcesses();
  for (const process of processes) {
    if (process.executable === undefined) continue;
    add(process.executable, process);
    for (const library of await mappedLibraries(process)) add(library, process);
  }
  return running;
}

async function mappedLibraries(process: ProcessInfo): Promise<string[]> {
  const maps = await readFile(`/proc/${process.pid}/maps`, 'utf8').catch(() => '');
  const root = process.executable?.startsWith(`/proc/${process.pid}/root`) ? `/proc/${process.pid}/root` : '';
  const paths = [...maps.matchAll(/^\S+ ..x. \S+ \S+ \d+ +(\/.*)$/gm)].map((match) => match[1] ?? '');
  return [...new Set(paths)]
    .filter((path) => !/^\/(usr\/)?lib(32|64|x32)?\/|\(deleted\)$/.test(path))
    .map((path) => root + path)
    .filter((path) => path !== process.executable);
}

async function elfFilesBelow(folder: string, check: () => void): Promise<string[]> {
  const found: string[] = [];
  let entries = 0;
  const walk = async (path: string, depth: number): Promise<void> => {
    if (depth > LARGEST_DEPTH) return;
    const list = await readdir(path, { withFileTypes: true }).catch(() => []);
    check();
    for (const entry of list) {
      if (++entries > MOST_ENTRIES) return;
      const full = join(path, entry.name);
      if (entry.isDirectory() && !skippedFolders.has(entry.name)) await walk(full, depth + 1);
      else if (
        entry.isFile() &&
        !/\.(o|a|c|h|cc|cpp|hpp|ts|js|json|md|txt|map|py|rs|go|png)$/.test(entry.name)
      )
        if (await isProgram(full)) found.push(full);
    }
  };
  await walk(folder, 0);
  return found;
}

/** ELF magic, and e_type EXEC (2) or DYN (3): programs and shared libraries, no object files. */
async function isProgram(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(18), 0, 18, 0);
    return (
      bytesRead === 18 && buffer.readUInt32BE(0) === 0x7f454c46 && [2, 3].includes(buffer.readUInt16LE(16))
    );
  } catch {
    return false;
  } finally {
    await file.close();
  }
}
