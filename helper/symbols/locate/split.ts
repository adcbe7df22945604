import { existsSync } from 'node:fs';
import { ProbeError } from '../../../protocol/errors.ts';
import { DwarfFile } from '../dwarf/file.ts';
import type { SplitResolver } from '../dwarf/file.ts';
import { PackageIndex } from '../dwarf/package-index.ts';
import type { Unit } from '../dwarf/unit.ts';
import { ElfFile } from '../elf.ts';
import type { SearchLog } from './debug-file.ts';
import { splitPaths } from './debug-file.ts';

/**
 * Finds split units: in `BINARY.dwp` first, then in the `.dwo` files that the skeletons name, each checked by its id. Files
 * stay open until {@link close}.
 */
export class SplitFiles {
  readonly #binary: string;
  readonly #log: SearchLog;
  readonly #open = new Map<string, DwarfFile | undefined>();
  #package: { file: DwarfFile; index: PackageIndex } | null | undefined;

  constructor(binary: string, log: SearchLog) {
    this.#binary = binary;
    this.#log = log;
  }

  readonly resolve: SplitResolver = (skeleton) => {
    const id = skeleton.dwoId;
    const name = skeleton.dwoName;
    if (name === undefined) return undefined;
    return (
      (id === undefined ? undefined : this.#fromPackage(skeleton, id)) ?? this.#fromFile(skeleton, name, id)
    );
  };

  close(): void {
    for (const file of this.#open.values()) file?.elf.close();
    this.#package?.file.elf.close();
  }

  #fromPackage(skeleton: Unit, id: string): Unit | undefined {
    if (this.#package === undefined) {
      const file = this.#openDwarf(`${this.#binary}.dwp`);
      const index = file === undefined ? undefined : PackageIndex.of(file);
      this.#package = file === undefined || index === undefined ? null : { file, index };
    }
    const found = this.#package?.index.find(id);
    return found === undefined || this.#package === null || this.#package === undefined
      ? undefined
      : this.#package.file.splitUnit(found.offset, skeleton, found.contributions);
  }

  #fromFile(skeleton: Unit, name: string, id: string | undefined): Unit | undefined {
    for (const path of splitPaths(this.#binary, skeleton.compDir, name)) {
      const file = this.#openDwarf(path);
      if (file === undefined) continue;
      for (const { offset, isTypeUnit } of file.units) {
        if (isTypeUnit) continue;
        const unit = file.splitUnit(offset, skeleton);
        if (id === undefined || unit.dwoId === id) return unit;
      }
    }
    this.#log.missing.push({ name, kind: 'split' });
    return undefined;
  }

  #openDwarf(path: string): DwarfFile | undefined {
    if (this.#open.has(path)) return this.#open.get(path);
    this.#log.tried.push(path);
    let file: DwarfFile | undefined;
    if (existsSync(path)) {
      try {
        file = DwarfFile.of(ElfFile.open(path), true);
      } catch (thrown) {
        // A damaged .dwo is as good as none: the skeleton still has the lines.
        if (!(thrown instanceof ProbeError)) throw thrown;
      }
    }
    this.#open.set(path, file);
    return file;
  }
}
