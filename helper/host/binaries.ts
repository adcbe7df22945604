import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BinaryCandidate, SourceQuery } from '../../protocol/helper.ts';
import type { ProcessInfo } from '../../protocol/target.ts';
import type { OpenBinaries } from '../symbols/open-binaries.ts';
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

/**
 * Binaries whose debug information names a source file: those of running processes and the libraries they have mapped,
 * then ELF files below the folders. Best first: running, recognised with more certainty (see {@link bestMatch}), the newest.
 */
export async function findBinaries(
  binaries: OpenBinaries,
  { file, folders, sourceMap = [] }: SourceQuery,
  cancelled?: AbortSignal,
): Promise<BinaryCandidate[]> {
  const wanted = await wantedSource(file, sourceMap);
  const running = await runningBinaries();
  const below = (await Promise.all(folders.map((folder) => elfFilesBelow(folder)))).flat();
  const places = await distinctFiles([...running.keys(), ...below]);
  const search = (ignoreCase: boolean) => searchAll(binaries, places, wanted, ignoreCase, cancelled);
  let found = await search(false);
  // Only a file system that ignores case leads to a name that no compiler was given.
  if (found.length === 0) found = await search(true);
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
  binaries: OpenBinaries,
  places: readonly BinaryPlace[],
  wanted: WantedSource,
  ignoreCase: boolean,
  cancelled: AbortSignal | undefined,
): Promise<FoundBinary[]> {
  const found: FoundBinary[] = [];
  for (const place of places) {
    if (cancelled?.aborted) break;
    const inside = await sourceIn(binaries, place.binary, wanted, ignoreCase);
    if (inside !== undefined) found.push({ ...place, ...inside });
  }
  return found;
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

async function elfFilesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  let entries = 0;
  const walk = async (path: string, depth: number): Promise<void> => {
    if (depth > LARGEST_DEPTH) return;
    const list = await readdir(path, { withFileTypes: true }).catch(() => []);
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

async function sourceIn(
  binaries: OpenBinaries,
  binary: string,
  wanted: WantedSource,
  ignoreCase: boolean,
): Promise<Pick<FoundBinary, 'match' | 'buildId'> | undefined> {
  try {
    const info = await binaries.open(binary);
    const files = baseNames(wanted).flatMap((name) => info.sourceFilesNamed(name, ignoreCase));
    const match = await bestMatch(wanted, files, ignoreCase);
    return match && { match, buildId: info.elf.buildId };
  } catch {
    // one of many: what cannot be read was not built from the file as far as anybody can tell
    return undefined;
  }
}
