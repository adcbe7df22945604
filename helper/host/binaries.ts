import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProbeError } from '../../protocol/errors.ts';
import type { BinaryCandidate } from '../../protocol/helper.ts';
import type { ProcessInfo } from '../../protocol/target.ts';
import type { DebugInfo } from '../symbols/debug-info.ts';
import { commonSuffix, normalisePath } from '../symbols/source-path.ts';
import type { SymbolStore } from '../symbols/store.ts';
import { listProcesses } from './processes.ts';

/** Folders that hold no binaries of the workspace's own. */
const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.hg', '.svn', '.cache']);
/** A workspace with more files than this names its folders in the setting `probescope.binaries.folders`. */
const MOST_FILES = 100_000;
const DEEPEST = 12;

/** A binary with the processes that run it or have it mapped. */
interface Found {
  readonly path: string;
  readonly processes: ProcessInfo[];
}

/**
 * Binaries that have code of a source file, best first: those that a process runs, the more of the path they agree on the
 * better; then ELF files below `folders`. A binary that agrees on the file's name alone counts only below `folders`.
 * Throws `binary-not-found` with the next step, or `cancelled`.
 */
export async function findBinaries(
  store: SymbolStore,
  query: { readonly file: string; readonly folders: readonly string[] },
  cancelled?: AbortSignal,
): Promise<BinaryCandidate[]> {
  const names = new Set([normalisePath(query.file)]);
  await realpath(query.file).then(
    (path) => names.add(path),
    () => undefined,
  );
  const sourceTime = await stat(query.file).then(
    (stats) => stats.mtimeMs,
    () => undefined,
  );
  const candidates: (BinaryCandidate & { readonly shared: number })[] = [];
  let looked = 0;
  let withoutDebugInformation = 0;
  for (const { path, processes } of await binariesHere(query.folders)) {
    if (cancelled?.aborted)
      throw new ProbeError({ code: 'cancelled', message: 'Looking for binaries was cancelled.' });
    const info = await store.open(path).catch(() => undefined);
    if (info === undefined) continue;
    looked++;
    if (info.dwarf === undefined) {
      withoutDebugInformation++;
      continue;
    }
    const best = bestFile(info, names);
    const inFolders = query.folders.some((folder) => path.startsWith(`${folder}/`));
    if (best === undefined || (best.shared < 2 && !inFolders)) continue;
    const built = await stat(path).then(
      (stats) => stats.mtimeMs,
      () => 0,
    );
    candidates.push({
      binary: path,
      processes,
      fileInBinary: best.file,
      ...(info.elf.buildId === undefined ? {} : { buildId: info.elf.buildId }),
      stale: sourceTime !== undefined && sourceTime > built,
      shared: best.shared,
    });
  }
  if (candidates.length === 0) throw nothingFound(query, looked, withoutDebugInformation);
  candidates.sort(
    (a, b) =>
      Number(b.processes.length > 0) - Number(a.processes.length > 0) ||
      b.shared - a.shared ||
      b.processes.length - a.processes.length,
  );
  return candidates.map(({ shared: _, ...candidate }) => candidate);
}

function nothingFound(
  query: { readonly file: string; readonly folders: readonly string[] },
  looked: number,
  bare: number,
): ProbeError {
  const where = query.folders.length === 0 ? '' : ` and below ${query.folders.join(', ')}`;
  return new ProbeError({
    code: 'binary-not-found',
    message: `No binary names ${query.file} in its debug information: ${looked} were looked at, among the running processes${where}, ${bare} of them without debug information.`,
    remedy:
      'Build the program with -g and start it, or name the folder that holds it in the setting probescope.binaries.folders.',
  });
}

function bestFile(info: DebugInfo, names: ReadonlySet<string>): { file: string; shared: number } | undefined {
  let best: { file: string; shared: number } | undefined;
  for (const file of info.sourceFiles())
    for (const name of names) {
      const shared = commonSuffix(file, name);
      if (shared > (best?.shared ?? 0)) best = { file, shared };
    }
  return best;
}

/** Executables of processes, libraries of processes that lie below the folders, and ELF files below the folders. */
async function binariesHere(folders: readonly string[]): Promise<Found[]> {
  const found = new Map<string, Found>();
  const add = (path: string, process?: ProcessInfo) => {
    let known = found.get(path);
    if (known === undefined) found.set(path, (known = { path, processes: [] }));
    if (process !== undefined) known.processes.push(process);
  };
  const own = process.pid;
  for (const one of await listProcesses()) {
    if (one.pid === own || one.executable === undefined) continue;
    add(one.executable, one);
    for (const library of await librariesBelow(one.pid, folders))
      if (library !== one.executable) add(library, one);
  }
  for (const folder of folders) for await (const file of elfFilesBelow(folder)) add(file);
  return [...found.values()];
}

async function librariesBelow(pid: number, folders: readonly string[]): Promise<string[]> {
  if (folders.length === 0) return [];
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8').catch(() => '');
  const paths = new Set<string>();
  // ADDRESS PERMISSIONS OFFSET DEVICE INODE PATH (proc_pid_maps(5)); only what may be run
  for (const match of maps.matchAll(/^\S+ ..x. \S+ \S+ \d+ +(\/.*)$/gm)) {
    const path = match[1] ?? '';
    if (folders.some((folder) => path.startsWith(`${folder}/`))) paths.add(path);
  }
  return [...paths];
}

async function* elfFilesBelow(root: string): AsyncGenerator<string> {
  let seen = 0;
  const waiting: [folder: string, depth: number][] = [[root, 0]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [folder, depth] = next;
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (++seen > MOST_FILES) return;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (depth < DEEPEST && !SKIPPED_FOLDERS.has(entry.name)) waiting.push([path, depth + 1]);
      } else if (entry.isFile() && mayBeLinked(entry.name) && (await isElf(path))) yield path;
    }
  }
}

/** Object files and archives are parts of binaries; sources and documents are none. Everything else is looked at. */
function mayBeLinked(name: string): boolean {
  return !/\.(?:o|a|c|h|cc|cpp|cxx|hpp|rs|go|py|js|ts|tsx|json|md|txt|html|css|svg|png|map|lock|toml|yaml|yml)$/i.test(
    name,
  );
}

/** ET_EXEC or ET_DYN by the first 18 bytes. */
async function isElf(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
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
