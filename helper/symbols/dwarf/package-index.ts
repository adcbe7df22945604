import { malformed } from '../problems.ts';
import type { DwarfFile } from './file.ts';
import { DwarfReader } from './reader.ts';
import type { Contributions } from './unit.ts';

/** Section numbers of the columns: version 5 (DWARF 5 section 7.3.5.4), and GNU's version 2 where they differ. */
const columns = { info: 1, abbrev: 3, line: 4, locations: 5, strOffsets: 6, rnglists: 8 };

/** More units or slots than a package can hold: they take 12 bytes each. */
const MOST_UNITS = 50_000_000;

/** `.debug_cu_index` of a `.dwp` file: where each unit's parts are, by the unit's id. */
export class PackageIndex {
  readonly #rows = new Map<string, { offset: number; contributions: Contributions }>();

  /** Undefined when the file has no index. */
  static of(file: DwarfFile): PackageIndex | undefined {
    const section = file.sections.cuIndex;
    return section === undefined ? undefined : new PackageIndex(section.all(), file.path);
  }

  constructor(bytes: Uint8Array, path: string) {
    const reader = new DwarfReader(bytes, 0, bytes.length, path, '.debug_cu_index');
    // GNU's version 2 is a 32-bit number, version 5 one of 16 bits and padding.
    const version = reader.u16();
    reader.u16();
    const columnCount = reader.u32();
    const unitCount = reader.u32();
    const slotCount = reader.u32();
    if (version !== 2 && version !== 5) reader.fail(`an index of version ${version}`);
    if (columnCount > 16 || unitCount > MOST_UNITS || slotCount > MOST_UNITS || slotCount * 12 > bytes.length)
      throw malformed(path, '.debug_cu_index', 4, `${unitCount} units in ${slotCount} slots`);
    const ids: string[] = [];
    for (let slot = 0; slot < slotCount; slot++) ids.push(reader.big64().toString(16).padStart(16, '0'));
    const rows: number[] = [];
    for (let slot = 0; slot < slotCount; slot++) rows.push(reader.u32());
    const kinds: number[] = [];
    for (let column = 0; column < columnCount; column++) kinds.push(reader.u32());
    const offsets = reader.at;
    rows.forEach((row, slot) => {
      if (row === 0 || row > unitCount) return;
      reader.at = offsets + (row - 1) * columnCount * 4;
      const byKind = new Map<number, number>();
      for (const kind of kinds) byKind.set(kind, reader.u32());
      this.#rows.set(ids[slot]!, {
        offset: byKind.get(columns.info) ?? 0,
        contributions: {
          abbrev: byKind.get(columns.abbrev) ?? 0,
          line: byKind.get(columns.line) ?? 0,
          strOffsets: byKind.get(columns.strOffsets) ?? 0,
          loclists: byKind.get(columns.locations) ?? 0,
          rnglists: version === 5 ? (byKind.get(columns.rnglists) ?? 0) : 0,
        },
      });
    });
  }

  find(id: string): { offset: number; contributions: Contributions } | undefined {
    return this.#rows.get(id);
  }
}
