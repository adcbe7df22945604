import type { AddressRange } from './lists.ts';
import { END_SEQUENCE, IS_STATEMENT } from './line-rows.ts';
import type { RowStore } from './line-rows.ts';
import type { UnitIndex } from './unit-index.ts';

/** A row of the line table; `file` counts in the unit's table. */
export interface RowPlace {
  readonly address: number;
  readonly file: number;
  readonly line: number;
  readonly column: number;
  readonly isStatement: boolean;
}

/** The rows that begin inside any of the ranges, in order of the table. Most that one copy of a function has is a few hundred. */
export function rowsInside(index: UnitIndex, rows: RowStore, ranges: readonly AddressRange[]): RowPlace[] {
  const { sequences } = index;
  const found: RowPlace[] = [];
  const lowest = ranges.reduce((least, { low }) => Math.min(least, low), Infinity);
  const highest = ranges.reduce((most, { high }) => Math.max(most, high), 0);
  for (let sequence = 0; sequence < sequences.count; sequence++) {
    if (!ranges.some(({ low, high }) => low < sequences.high(sequence) && high > sequences.low(sequence)))
      continue;
    const last = sequences.last(sequence);
    for (let row = firstAtLeast(rows, sequences.first(sequence), last, lowest); row < last; row++) {
      const address = rows.addresses[row]!;
      if (address >= highest) break;
      if (
        (rows.flags[row]! & END_SEQUENCE) !== 0 ||
        !ranges.some(({ low, high }) => address >= low && address < high)
      )
        continue;
      found.push({
        address,
        file: rows.files[row]!,
        line: rows.lines[row]!,
        column: rows.columns[row]!,
        isStatement: (rows.flags[row]! & IS_STATEMENT) !== 0,
      });
    }
  }
  return found;
}

/** Addresses only grow within a sequence (DWARF 5, section 6.2.5). */
function firstAtLeast(rows: RowStore, from: number, to: number, address: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows.addresses[middle]! < address) low = middle + 1;
    else high = middle;
  }
  return low;
}
