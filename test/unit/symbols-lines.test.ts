import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DwarfFile } from '../../helper/symbols/dwarf/file.ts';
import { readLineHeader } from '../../helper/symbols/dwarf/line-header.ts';
import {
  AFTER_OTHERS,
  END_SEQUENCE,
  IS_STATEMENT,
  RowStore,
  runLineProgram,
} from '../../helper/symbols/dwarf/line-rows.ts';
import { ElfFile } from '../../helper/symbols/elf.ts';

const folder = join(import.meta.dirname, '../fixtures/symbols');

describe('Line programs', () => {
  it.each(['tiny-gcc-dwarf5', 'tiny-clang-dwarf5', 'tiny-clang-dwarf4', 'tiny-gcc-dwarf2'])(
    '%s: run for some files they keep the rows of these, and tell where a statement of another is left out',
    (name) => {
      const path = join(folder, name);
      const elf = ElfFile.open(path);
      const line = DwarfFile.of(elf)!.sections.line!;
      const header = readLineHeader(line, 0, 8, path);
      const all = new RowStore(0);
      const sequences = runLineProgram(line.all(), header, all, path);
      const rowOf = (store: RowStore, row: number): number[] =>
        [store.addresses, store.lines, store.files, store.columns].map((column) => column[row]!);
      for (const wanted of [[1], [2], [0, 1], [9]]) {
        const marks = new Uint8Array(10);
        for (const file of wanted) marks[file] = 1;
        const some = new RowStore(0);
        const kept = runLineProgram(line.bytes, header, some, path, 0, marks);
        let row = 0;
        let others = 0;
        for (let full = 0; full < all.count; full++) {
          const flags = all.flags[full]!;
          const isEnd = (flags & END_SEQUENCE) !== 0;
          if (!isEnd && marks[all.files[full]!] !== 1) {
            if ((flags & IS_STATEMENT) !== 0) others = AFTER_OTHERS;
            continue;
          }
          expect(rowOf(some, row)).toEqual(rowOf(all, full));
          expect(some.flags[row]).toBe(isEnd ? flags : flags | others);
          others = 0;
          row++;
        }
        expect(some.count).toBe(row);
        const bounds = (of: typeof kept): number[][] =>
          Array.from({ length: of.count }, (_, index) => [of.low(index), of.high(index)]);
        expect(bounds(kept)).toEqual(bounds(sequences));
      }
      elf.close();
    },
  );
});
