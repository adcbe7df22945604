import type { DebugInfo } from './debug-info.ts';
import { attributes } from './dwarf/constants.ts';
import { decoderOf } from './instructions/decode.ts';
import type { InlinedCopy } from './model.ts';

/**
 * Where executions of an inlined copy begin. One address as a rule, more when the compiler unrolled a loop around it or
 * threaded a jump through it: the copy then is one DIE with several bodies.
 *
 * GCC marks the beginning of each body with a statement row at the place of the function's declaration (-gstatement-frontiers,
 * on when optimising since GCC 8; its DIEs carry DW_AT_GNU_entry_view then). Markers are copied with the code and not
 * split by scheduling. LLVM has no such mark: the entry is the copy's first row, since its lowest address may be padding
 * before a loop, which jumps pass over.
 */
export function copyEntries(debug: DebugInfo, copy: InlinedCopy): readonly number[] {
  const rows = debug.rowsInside(copy.ranges);
  if (copy.die.has(attributes.gnuEntryView)) {
    const line = copy.die.find(attributes.declLine);
    const column = copy.die.find(attributes.declColumn);
    const marks = rows.filter(
      (row) =>
        row.isStatement &&
        line?.kind === 'constant' &&
        row.line === line.value &&
        (column?.kind !== 'constant' || row.column === column.value),
    );
    const addresses = [...new Set(marks.map(({ address }) => address))];
    if (addresses.length > 0) return addresses;
  }
  return [pastPadding(debug, copy, rows)];
}

function pastPadding(debug: DebugInfo, copy: InlinedCopy, rows: readonly { address: number }[]): number {
  const { entry } = copy;
  const decode = decoderOf(debug.elf.header.machine);
  const bytes = debug.elf.bytesAt(entry, 64);
  let at = 0;
  for (let steps = 0; decode !== undefined && steps < 4; steps++) {
    const instruction = decode(bytes, at, entry + at);
    if (instruction?.class !== 'nop') break;
    at += instruction.lengthBytes;
  }
  return at > 0 && rows.some(({ address }) => address === entry + at) ? entry + at : entry;
}
