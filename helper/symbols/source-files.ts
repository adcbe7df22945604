import { DwarfFile } from './dwarf/file.ts';
import { listSourceFiles } from './dwarf/source-list.ts';
import { ElfFile } from './elf.ts';
import { SHT_NOBITS } from './elf/header.ts';
import { cachedDebugFile } from './locate/cache.ts';
import { debugFiles, findSupplementary, type SearchLog } from './locate/debug-file.ts';
import type { SourceFile } from './model.ts';
import type { FileIdentity } from './open-binaries.ts';
import { fileIdentity } from './open-binaries.ts';
import type { SourceFilesCache } from './source-files-cache.ts';

/** The source files of a binary. */
export interface BinarySources {
  readonly buildId: string | undefined;
  readonly files: readonly SourceFile[];
}

/**
 * The source files that a binary, or the debug file found for it, was compiled from; undefined when it has no debug information.
 * What the cache knows is taken once it is clear that there is debug information: compressed sections stay packed then.
 * `beforeUnit` is called while line tables are read and may throw to end that. Throws ProbeError as ElfFile.open.
 */
export function sourceFilesOf(
  path: string,
  cache?: SourceFilesCache,
  beforeUnit?: () => void,
): BinarySources | undefined {
  const elf = ElfFile.open(path);
  const holder = holderOf(elf);
  try {
    if (holder === undefined) return undefined;
    const { buildId } = elf;
    const key = { name: buildId || nameOf(fileIdentity(path)), sections: debugSections(holder) };
    const known = cache?.read(key);
    if (known !== undefined) return { buildId, files: known };
    const dwarf = DwarfFile.of(holder);
    if (dwarf === undefined) return undefined;
    const log: SearchLog = { tried: [], missing: [] };
    dwarf.supplementary = findSupplementary(dwarf, log);
    try {
      const files = listSourceFiles(dwarf, beforeUnit);
      cache?.write(key, files);
      return { buildId, files };
    } finally {
      dwarf.supplementary?.elf.close();
    }
  } finally {
    if (holder !== elf) holder?.close();
    elf.close();
  }
}

/** The file with the debug information: the binary itself or its debug file. Nothing of it is read yet. */
function holderOf(elf: ElfFile): ElfFile | undefined {
  if (hasDebugInformation(elf)) return elf;
  const { buildId } = elf;
  const downloaded = buildId === undefined ? [] : [cachedDebugFile(buildId)];
  for (const file of debugFiles(elf, { tried: [], missing: [] }, downloaded)) {
    if (hasDebugInformation(file)) return file;
    file.close();
  }
  return undefined;
}

function hasDebugInformation(elf: ElfFile): boolean {
  const section = elf.section('.debug_info');
  return section !== undefined && section.type !== SHT_NOBITS && section.sizeBytes > 0;
}

/** Where there is no build id: the next state of the file has another name. */
function nameOf({ device, inode, modifiedMs, sizeBytes }: FileIdentity): string {
  return `file-${device}-${inode}-${Math.round(modifiedMs * 1000)}-${sizeBytes}`;
}

/** Sizes of what was read. A build id may be fixed by hand; two builds under one id differ here, in all likelihood. */
function debugSections(elf: ElfFile): number[] {
  const names = ['.debug_info', '.debug_line', '.debug_line_str', '.debug_str'];
  return names.map((name) => elf.section(name)?.sizeBytes ?? 0);
}
