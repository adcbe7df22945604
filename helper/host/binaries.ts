import { createHash } from 'node:crypto';
import { lstat, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BinaryCandidate } from '../../protocol/helper.ts';
import type { ProcessInfo } from '../../protocol/target.ts';
import type { OpenBinaries } from '../symbols/open-binaries.ts';
import { baseName, commonSuffix, normalisePath } from '../symbols/source-path.ts';
import { listProcesses } from './processes.ts';

/** A workspace may hold a checkout of everything: the walk ends after this many entries of folders. */
const MOST_ENTRIES = 20_000;
const LARGEST_DEPTH = 8;
const skippedFolders = new Set(['node_modules', '.git', '.hg', '.svn', '__pycache__']);

/**
 * Binaries whose debug information names a source file: those of running processes and the libraries they have mapped,
 * then ELF files below `folders`. Best first: running, the very path, the longest common tail of the path, the newest.
 */
export async function findBinaries(
  binaries: OpenBinaries,
  file: string,
  folders: readonly string[],
  cancelled?: AbortSignal,
): Promise<BinaryCandidate[]> {
  const wanted = normalisePath(file);
  const running = await runningBinaries();
  const below = (await Promise.all(folders.map((folder) => elfFilesBelow(folder)))).flat();
  const found: { candidate: BinaryCandidate; shared: number; modifiedMs: number }[] = [];
  const seen = new Set<string>();
  for (const binary of [...running.keys(), ...below]) {
    if (cancelled?.aborted) break;
    const identity = await identityOf(binary);
    if (identity === undefined || seen.has(identity.key)) continue;
    const match = await sourceIn(binaries, binary, wanted);
    seen.add(identity.key);
    if (match === undefined) continue;
    const { modifiedMs } = identity;
    found.push({
      shared: match.file === wanted ? Infinity : match.shared,
      modifiedMs,
      candidate: {
        binary,
        processes: running.get(binary) ?? [],
        fileInBinary: match.file,
        ...(match.buildId === undefined ? {} : { buildId: match.buildId }),
        stale: await isStale(file, modifiedMs, match.md5),
      },
    });
  }
  found.sort(
    (a, b) =>
      Number(b.candidate.processes.length > 0) - Number(a.candidate.processes.length > 0) ||
      (a.shared === b.shared ? 0 : b.shared - a.shared) ||
      b.modifiedMs - a.modifiedMs,
  );
  return found.map(({ candidate }) => candidate);
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

interface SourceMatch {
  readonly file: string;
  readonly shared: number;
  readonly buildId: string | undefined;
  /** Of the file that the binary was compiled from, where DWARF 5 has it. */
  readonly md5: string | undefined;
}

async function sourceIn(
  binaries: OpenBinaries,
  binary: string,
  wanted: string,
): Promise<SourceMatch | undefined> {
  try {
    const info = await binaries.open(binary);
    if (info.dwarf === undefined) return undefined;
    const base = baseName(wanted);
    let best: SourceMatch | undefined;
    for (const { path: name, md5 } of info.sourceFilesNamed(base)) {
      const shared = name === wanted ? Infinity : commonSuffix(name, wanted);
      if (best === undefined || shared > best.shared)
        best = { file: name, shared, buildId: info.elf.buildId, md5 };
    }
    return best;
  } catch {
    return undefined;
  }
}

async function identityOf(path: string): Promise<{ key: string; modifiedMs: number } | undefined> {
  try {
    const { dev, ino, mtimeMs } = await stat(path);
    return { key: `${dev}:${ino}`, modifiedMs: mtimeMs };
  } catch {
    return undefined;
  }
}

/** The content decides where the binary has its hash: a checkout changes times and not contents. */
async function isStale(file: string, builtMs: number, md5: string | undefined): Promise<boolean> {
  if (md5 !== undefined) {
    const content = await readFile(file).catch(() => undefined);
    if (content !== undefined) return createHash('md5').update(content).digest('hex') !== md5;
  }
  return (await modifiedAt(file)) > builtMs;
}

async function modifiedAt(path: string): Promise<number> {
  return lstat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
