import { existsSync, readlinkSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { ProbeError } from '../../../protocol/errors.ts';
import { DwarfFile } from '../dwarf/file.ts';
import { ElfFile } from '../elf.ts';
import { crc32 } from './crc32.ts';

/** What was looked at, for people who wonder why nothing was found. */
export interface SearchLog {
  readonly tried: string[];
  /** Files that the debug information leads to and that are nowhere: what they hold is not known. */
  readonly missing: MissingFile[];
}

export interface MissingFile {
  /** As the debug information names it. */
  readonly name: string;
  /** `split`: a unit's functions, types and variables (`.dwo`); `supplementary`: what units share (DWZ). */
  readonly kind: 'split' | 'supplementary';
}

/** What is missing and what to do about it, in one sentence; undefined when nothing is. */
export function missingNote(missing: readonly MissingFile[]): string | undefined {
  const [first] = missing;
  if (first === undefined) return undefined;
  const others = missing.length === 1 ? '' : ` and ${missing.length - 1} more files`;
  return first.kind === 'split'
    ? `the debug information of some units is in ${first.name}${others}, found nowhere: their inlined copies, types and variables are not known; put it where it was built or beside the binary, or pack all into a .dwp`
    : `a part of the debug information is in ${first.name}${others}, found nowhere: names and types may be missing; install the debug package that has it`;
}

/** The directory tree a path belongs to: `/proc/PID/root` for a process in a container, else empty. */
export function rootOf(path: string): string {
  return /^\/proc\/(?:\d+|self)\/root(?=\/)/.exec(path)?.[0] ?? '';
}

/** Where the file would be when seen from inside its tree: `/proc/1/root/usr/bin/x` → `/usr/bin/x`, `/proc/1/exe` → its target. */
function pathInRoot(path: string): { root: string; path: string } {
  const link = /^\/proc\/(\d+|self)\/(?:exe|map_files\/[^/]+)$/.exec(path);
  if (link !== null) {
    try {
      const target = readlinkSync(path).replace(/ \(deleted\)$/, '');
      return { root: `/proc/${link[1]}/root`, path: target };
    } catch {
      return { root: '', path };
    }
  }
  const root = rootOf(path);
  return { root, path: path.slice(root.length) };
}

/** Debug files may lie in the target's tree or, when its image was stripped of them, in ours. */
function trees(root: string): string[] {
  return root === '' ? [''] : [root, ''];
}

/** Candidates by build id: the layout of gdb and of all distributions. */
export function buildIdPaths(root: string, buildId: string): string[] {
  if (buildId.length < 4) return [];
  return trees(root).map((tree) =>
    join(
      tree === '' ? '/' : tree,
      'usr/lib/debug/.build-id',
      buildId.slice(0, 2),
      `${buildId.slice(2)}.debug`,
    ),
  );
}

/**
 * Files with the debug information of a binary that has none itself: by build id, then by `.gnu_debuglink` whose checksum
 * must agree (GDB manual, "Debugging Information in Separate Files"). The caller closes them.
 */
export function* debugFiles(elf: ElfFile, log: SearchLog, extra: readonly string[] = []): Generator<ElfFile> {
  const { root, path } = pathInRoot(elf.path);
  const { buildId } = elf;
  const byId = buildId === undefined ? [] : [...buildIdPaths(root, buildId), ...extra];
  for (const candidate of byId) yield* openIf(candidate, log, (other) => other.buildId === buildId);
  const link = debugLink(elf);
  if (link === undefined || link.name.includes('/')) return;
  const folder = dirname(path);
  for (const tree of trees(root))
    for (const place of [
      join(tree, folder, link.name),
      join(tree, folder, '.debug', link.name),
      join(tree === '' ? '/' : tree, 'usr/lib/debug', folder, link.name),
    ]) {
      if (place === elf.path) continue;
      yield* openIf(
        place,
        log,
        (other) => (buildId !== undefined && other.buildId === buildId) || crc32(other.source) === link.crc,
      );
    }
}

/** The first of {@link debugFiles} whose debug information can be read. */
export function findDebugFile(
  elf: ElfFile,
  log: SearchLog,
  extra: readonly string[] = [],
): DwarfFile | undefined {
  return firstDwarf(debugFiles(elf, log, extra));
}

/** `.gnu_debuglink`: a file name, padded to 4 bytes, and the CRC-32 of that file. */
function debugLink(elf: ElfFile): { name: string; crc: number } | undefined {
  const bytes = elf.sectionBytes('.gnu_debuglink')?.all();
  if (bytes === undefined || bytes.length < 8) return undefined;
  const end = bytes.indexOf(0);
  const at = Math.ceil((end + 1) / 4) * 4;
  if (end <= 0 || at + 4 > bytes.length) return undefined;
  const crc = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
  return { name: Buffer.from(bytes.subarray(0, end)).toString(), crc };
}

/** Opens a candidate when it exists and is the right one. Damaged candidates count as absent. */
function* openIf(path: string, log: SearchLog, fits: (elf: ElfFile) => boolean): Generator<ElfFile> {
  log.tried.push(path);
  if (!existsSync(path)) return;
  const elf = unlessDamaged(() => ElfFile.open(path));
  if (elf === undefined) return;
  if (unlessDamaged(() => fits(elf)) === true) yield elf;
  else elf.close();
}

function firstDwarf(files: Iterable<ElfFile>): DwarfFile | undefined {
  for (const elf of files) {
    const dwarf = unlessDamaged(() => DwarfFile.of(elf));
    if (dwarf !== undefined) return dwarf;
    elf.close();
  }
  return undefined;
}

function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof ProbeError) return undefined;
    throw thrown;
  }
}

/**
 * The DWZ file that a file's references lead into: `.gnu_debugaltlink` (a path and a build id), or DWARF 5's `.debug_sup`.
 * Without it the names and types it holds are missing.
 */
export function findSupplementary(dwarf: DwarfFile, log: SearchLog): DwarfFile | undefined {
  const link = alternateLink(dwarf.elf) ?? supplementLink(dwarf.elf);
  if (link === undefined) return undefined;
  const { root, path } = pathInRoot(dwarf.path);
  const places = isAbsolute(link.name)
    ? trees(root).map((tree) => join(tree, link.name))
    : [
        join(dirname(dwarf.path), link.name),
        ...trees(root).map((tree) => join(tree, dirname(path), link.name)),
      ];
  const fits = (elf: ElfFile): boolean =>
    link.id === '' || elf.buildId === link.id || supplementId(elf) === link.id;
  for (const place of [...places, ...buildIdPaths(root, link.id)]) {
    const found = firstDwarf(openIf(place, log, fits));
    if (found !== undefined) return found;
  }
  log.missing.push({ name: link.name, kind: 'supplementary' });
  return undefined;
}

function alternateLink(elf: ElfFile): { name: string; id: string } | undefined {
  const bytes = elf.sectionBytes('.gnu_debugaltlink')?.all();
  const end = bytes?.indexOf(0) ?? -1;
  if (bytes === undefined || end < 0) return undefined;
  return {
    name: Buffer.from(bytes.subarray(0, end)).toString(),
    id: Buffer.from(bytes.subarray(end + 1)).toString('hex'),
  };
}

/** `.debug_sup` (DWARF 5 section 7.3.6): version, is_supplementary, file name, length and bytes of a checksum. */
function supplement(elf: ElfFile): { isSupplementary: boolean; name: string; id: string } | undefined {
  const bytes = elf.sectionBytes('.debug_sup')?.all();
  const end = bytes?.indexOf(0, 3) ?? -1;
  if (bytes === undefined || end < 0) return undefined;
  const length = bytes[end + 1] ?? 0;
  return {
    isSupplementary: bytes[2] === 1,
    name: Buffer.from(bytes.subarray(3, end)).toString(),
    id: Buffer.from(bytes.subarray(end + 2, end + 2 + length)).toString('hex'),
  };
}

function supplementLink(elf: ElfFile): { name: string; id: string } | undefined {
  const found = supplement(elf);
  return found === undefined || found.isSupplementary ? undefined : found;
}

function supplementId(elf: ElfFile): string | undefined {
  return supplement(elf)?.id;
}

/** Where a `.dwo` may lie: where it was built, beside the binary, and the same in the target's tree. */
export function splitPaths(binary: string, compDir: string, name: string): string[] {
  const { root, path } = pathInRoot(binary);
  const built = isAbsolute(name) ? name : join(compDir, name);
  const here = [built, join(dirname(path), name), join(dirname(path), basename(name))];
  return [...new Set(trees(root).flatMap((tree) => here.map((place) => join(tree, place))))];
}
