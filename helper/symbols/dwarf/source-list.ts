import { normalisePath } from '../../../protocol/source-path.ts';
import type { SourceFile } from '../model.ts';
import { unitTypes } from './constants.ts';
import type { DwarfFile } from './file.ts';
import type { FileTables } from './line-header.ts';
import { readFileTables, readLineHeader } from './line-header.ts';
import { rangesOf } from './lists.ts';
import type { Unit } from './unit.ts';

/**
 * All source files that the line tables of units with code name, paths normalised. vmlinux names a million in 2,352 tables, 4,600 of them
 * different: names are compared by where their texts are, and joined with their directories once. `beforeUnit` is called
 * before each unit and may throw to end it.
 */
export function listSourceFiles(dwarf: DwarfFile, beforeUnit: () => void = () => undefined): SourceFile[] {
  const list = new SourceList();
  const seen = new Set<number>();
  for (const unit of dwarf.units) {
    beforeUnit();
    const offset = unit.lineOffset;
    // units may share a line program (type units, LTO); the first one with code stands for all
    if (offset === undefined || seen.has(offset) || !hasCode(unit)) continue;
    seen.add(offset);
    list.add(dwarf, unit, offset);
  }
  return list.files();
}

/** Units whose functions the linker left out stay, at address 0; in a kernel module that is where code begins. */
function hasCode(unit: Unit): boolean {
  if (unit.isTypeUnit || unit.header.type === unitTypes.partial) return false;
  const { isRelocatable } = unit.file.elf;
  return rangesOf(unit.root()).some(({ low, high }) => low < high && (low !== 0 || isRelocatable));
}

/** A path's different content hashes, as they stand in `.debug_line`. */
interface Listed {
  readonly md5s: Uint8Array[];
}

class SourceList {
  readonly #byPath = new Map<string, Listed>();
  /** By the path of the directory, then by {@link FileTables.nameKey}. */
  readonly #directories = new Map<string, Map<number, Listed>>();

  add(dwarf: DwarfFile, unit: Unit, offset: number): void {
    const { line } = dwarf.sections;
    if (line === undefined) return;
    const header = readLineHeader(line, offset, unit.addressSize, dwarf.path);
    const tables = readFileTables(header, dwarf.sections, unit.compDir, dwarf.path, (index) =>
      unit.indexedStringOffset(index),
    );
    const inDirectory: Map<number, Listed>[] = [];
    for (let file = tables.firstFile; file < tables.firstFile + tables.fileCount; file++) {
      const directory = tables.directoryOf(file);
      const known = (inDirectory[directory] ??= this.#directory(tables, file));
      const key = tables.nameKey(file);
      let listed = key === undefined ? undefined : known.get(key);
      if (listed === undefined) {
        listed = this.#file(tables.path(file) ?? '');
        if (key !== undefined) known.set(key, listed);
      }
      const md5 = tables.md5Bytes(file);
      if (md5 !== undefined && !listed.md5s.some((other) => Buffer.compare(other, md5) === 0))
        listed.md5s.push(md5);
    }
  }

  #directory(tables: FileTables, file: number): Map<number, Listed> {
    const path = tables.directoryPathOf(file);
    let known = this.#directories.get(path);
    if (known === undefined) this.#directories.set(path, (known = new Map<number, Listed>()));
    return known;
  }

  #file(path: string): Listed {
    const normal = normalisePath(path);
    let listed = this.#byPath.get(normal);
    if (listed === undefined) this.#byPath.set(normal, (listed = { md5s: [] }));
    return listed;
  }

  files(): SourceFile[] {
    return [...this.#byPath].map(([path, { md5s }]) => ({
      path,
      md5s: md5s.map((md5) => Buffer.from(md5).toString('hex')),
    }));
  }
}
