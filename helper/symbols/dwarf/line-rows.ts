import { malformed } from '../problems.ts';
import type { LineHeader } from './line-header.ts';

/** Bits of {@link RowStore.flags}. */
export const IS_STATEMENT = 1;
export const END_SEQUENCE = 2;
export const PROLOGUE_END = 4;
export const EPILOGUE_BEGIN = 8;
/** In a run that keeps the rows of some files only: a statement of another file was left out before this row. */
export const AFTER_OTHERS = 16;

/** Rows of one file at which it is taken to be damaged: 19 bytes each. */
const MOST_ROWS = 200_000_000;

/** Line table rows of many units in flat arrays. Untouched capacity costs no memory (the allocator maps it zeroed). */
export class RowStore {
  count = 0;
  addresses: Float64Array;
  lines: Uint32Array;
  files: Uint32Array;
  columns: Uint16Array;
  flags: Uint8Array;

  constructor(capacity: number) {
    this.addresses = new Float64Array(capacity);
    this.lines = new Uint32Array(capacity);
    this.files = new Uint32Array(capacity);
    this.columns = new Uint16Array(capacity);
    this.flags = new Uint8Array(capacity);
  }

  get heldBytes(): number {
    return this.count * (8 + 4 + 4 + 2 + 1);
  }

  /** Makes room for `more` rows. */
  reserve(more: number): void {
    const needed = this.count + more;
    const capacity = this.addresses.length;
    if (needed <= capacity) return;
    const size = Math.max(needed, capacity + (capacity >> 1));
    const { addresses, lines, files, columns, flags, count } = this;
    (this.addresses = new Float64Array(size)).set(addresses.subarray(0, count));
    (this.lines = new Uint32Array(size)).set(lines.subarray(0, count));
    (this.files = new Uint32Array(size)).set(files.subarray(0, count));
    (this.columns = new Uint16Array(size)).set(columns.subarray(0, count));
    (this.flags = new Uint8Array(size)).set(flags.subarray(0, count));
  }
}

/**
 * Runs of rows with ascending addresses: `low ≤ address < high`, rows `first … last` (the last one ends the run). All in one
 * array, because each array that a look-up touches costs it a fetch from memory.
 */
export class Sequences {
  readonly count: number;
  /** `low, high, first, last` of each. */
  readonly #flat: Float64Array;

  constructor(flat: Float64Array) {
    this.#flat = flat;
    this.count = flat.length >> 2;
  }

  low(index: number): number {
    return this.#flat[index * 4]!;
  }

  high(index: number): number {
    return this.#flat[index * 4 + 1]!;
  }

  first(index: number): number {
    return this.#flat[index * 4 + 2]!;
  }

  last(index: number): number {
    return this.#flat[index * 4 + 3]!;
  }
}

/**
 * Runs a line program (DWARF 5 section 6.2.5), appending to `store`; returns its sequences ordered by their end, as the
 * look-up wants them. Every opcode takes at least a byte, so that the program's length bounds its rows. `bytes[at]` is the byte
 * at section offset `at + bias`. With `wanted` only rows of files `n` with `wanted[n] === 1` are kept, and those that end sequences.
 */
export function runLineProgram(
  bytes: Uint8Array,
  header: LineHeader,
  store: RowStore,
  path: string,
  bias = 0,
  wanted?: Uint8Array,
): Sequences {
  const { programOffset, end } = header;
  if (store.count + end - programOffset > MOST_ROWS)
    throw malformed(path, '.debug_line', programOffset, 'line programs with more than 200 million rows');
  store.reserve(end - programOffset);
  const sequences: number[] = [];
  const stopped =
    runOpcodes(bytes, header, programOffset - bias, end - bias, store, sequences, wanted) + bias;
  if (stopped !== end)
    throw malformed(path, '.debug_line', Math.min(stopped, end), 'a line program is cut off');
  return orderSequences(sequences);
}

function orderSequences(flat: readonly number[]): Sequences {
  const count = flat.length / 4;
  let sorted = true;
  for (let index = 1; index < count; index++) if (flat[index * 4 + 1]! < flat[index * 4 - 3]!) sorted = false;
  const ordered = new Float64Array(flat);
  if (sorted) return new Sequences(ordered);
  const order = new Uint32Array(count).map((_, index) => index);
  order.sort((a, b) => flat[a * 4 + 1]! - flat[b * 4 + 1]! || a - b);
  for (let at = 0; at < count; at++)
    for (let field = 0; field < 4; field++) ordered[at * 4 + field] = flat[order[at]! * 4 + field]!;
  return new Sequences(ordered);
}

/** DW_LNS_copy: a row as special opcodes append one, and it advances nothing. */
const COPY = 1;

interface Advances {
  readonly key: number;
  readonly addresses: Int32Array;
  readonly lines: Int32Array;
}

let lastAdvances: Advances | undefined;

/** Advances of the special opcodes, by opcode. All programs of a compiler have the same. */
function specialAdvances(header: LineHeader): Advances {
  const { opcodeBase, lineRange, lineBase, minimumInstructionLength } = header;
  const key = ((opcodeBase * 256 + lineRange) * 256 + lineBase + 128) * 256 + minimumInstructionLength;
  if (lastAdvances?.key !== key) lastAdvances = { key, ...computeAdvances(header) };
  return lastAdvances;
}

function computeAdvances(header: LineHeader): { addresses: Int32Array; lines: Int32Array } {
  const addresses = new Int32Array(256);
  const lines = new Int32Array(256);
  // A line range of 0 is damaged; the opcodes then advance nothing, as LLVM has it.
  const range = header.lineRange === 0 ? 256 : header.lineRange;
  for (let opcode = header.opcodeBase; opcode < 256; opcode++) {
    const adjusted = opcode - header.opcodeBase;
    addresses[opcode] = Math.floor(adjusted / range) * header.minimumInstructionLength;
    lines[opcode] = header.lineBase + (header.lineRange === 0 ? 0 : adjusted % range);
  }
  return { addresses, lines };
}

/**
 * The hot loop: 4.3 million rows of vmlinux in 0.2–0.4 s. It stands alone in its function and touches locals only,
 * because captured variables cost 1.5 times as much. Returns where it stopped.
 */
function runOpcodes(
  bytes: Uint8Array,
  header: LineHeader,
  start: number,
  end: number,
  store: RowStore,
  sequences: number[],
  wanted: Uint8Array | undefined,
): number {
  const { addresses: addressAdvances, lines: lineAdvances } = specialAdvances(header);
  const { addresses, lines, files, columns, flags } = store;
  const { opcodeBase, minimumInstructionLength: unit, operandCounts } = header;
  const constAddPc = addressAdvances[255]!;
  const initialFlags = header.defaultIsStatement ? IS_STATEMENT : 0;
  let row = store.count;
  let pos = start;
  let address = 0;
  let line = 1;
  let file = 1;
  let column = 0;
  let flag = initialFlags;
  let first = row;
  const initialKeep = wanted === undefined || wanted[1] === 1;
  let keep = initialKeep;
  /** AFTER_OTHERS, and where the sequence begins, when rows were left out. */
  let others = 0;
  let leftOutAt = Infinity;
  while (pos < end) {
    const opcode = bytes[pos++]!;
    if (opcode >= opcodeBase || opcode === COPY) {
      address += addressAdvances[opcode]!;
      line += lineAdvances[opcode]!;
      if (keep) {
        addresses[row] = address;
        lines[row] = line;
        files[row] = file;
        columns[row] = column;
        flags[row] = flag | others;
        row++;
        others = 0;
      } else {
        if ((flag & IS_STATEMENT) !== 0) others = AFTER_OTHERS;
        if (leftOutAt === Infinity) leftOutAt = address;
      }
      flag &= IS_STATEMENT;
      continue;
    }
    switch (opcode) {
      case 0: {
        let length = 0;
        let scale = 1;
        for (;;) {
          const byte = bytes[pos++]!;
          length += (byte & 0x7f) * scale;
          if (!(byte >= 0x80)) break;
          scale *= 128;
        }
        const next = pos + length;
        if (!(next <= end)) return pos;
        const extended = length === 0 ? 0 : bytes[pos]!;
        if (extended === 1) {
          addresses[row] = address;
          lines[row] = line;
          files[row] = file;
          columns[row] = column;
          flags[row] = flag | END_SEQUENCE;
          const low = Math.min(addresses[first]!, leftOutAt);
          // Code that the linker dropped is left at 0 or, by newer linkers, at −1: no sequence.
          if (low < address && !(low < 0 && address >= 0)) sequences.push(low, address, first, row);
          row++;
          first = row;
          address = 0;
          line = 1;
          file = 1;
          column = 0;
          flag = initialFlags;
          keep = initialKeep;
          others = 0;
          leftOutAt = Infinity;
        } else if (extended === 2) {
          if (length === 9) {
            const at = pos + 1;
            const low =
              (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
            const high =
              bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
            address = high * 4294967296 + low;
          } else if (length === 5) {
            const at = pos + 1;
            address =
              (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
          } else return pos;
        }
        pos = next;
        break;
      }
      case 2: {
        let value = bytes[pos++]!;
        if (value >= 0x80) {
          value &= 0x7f;
          let scale = 128;
          for (;;) {
            const byte = bytes[pos++]!;
            value += (byte & 0x7f) * scale;
            if (!(byte >= 0x80)) break;
            scale *= 128;
          }
        }
        address += value * unit;
        break;
      }
      case 3: {
        let byte = bytes[pos++]!;
        let value = byte & 0x7f;
        let scale = 128;
        while (byte >= 0x80) {
          byte = bytes[pos++]!;
          value += (byte & 0x7f) * scale;
          scale *= 128;
        }
        line += (byte & 0x40) === 0 ? value : value - scale;
        break;
      }
      case 4: {
        let value = bytes[pos++]!;
        if (value >= 0x80) {
          value &= 0x7f;
          let scale = 128;
          for (;;) {
            const byte = bytes[pos++]!;
            value += (byte & 0x7f) * scale;
            if (!(byte >= 0x80)) break;
            scale *= 128;
          }
        }
        file = value;
        keep = wanted === undefined || wanted[value] === 1;
        break;
      }
      case 5: {
        let value = bytes[pos++]!;
        if (value >= 0x80) {
          value &= 0x7f;
          let scale = 128;
          for (;;) {
            const byte = bytes[pos++]!;
            value += (byte & 0x7f) * scale;
            if (!(byte >= 0x80)) break;
            scale *= 128;
          }
        }
        column = value;
        break;
      }
      case 6:
        flag ^= IS_STATEMENT;
        break;
      case 7:
        break;
      case 8:
        address += constAddPc;
        break;
      case 9:
        address += bytes[pos]! | (bytes[pos + 1]! << 8);
        pos += 2;
        break;
      case 10:
        flag |= PROLOGUE_END;
        break;
      case 11:
        flag |= EPILOGUE_BEGIN;
        break;
      default:
        // Standard opcodes of the future, and DW_LNS_set_isa: their operands are LEB128 numbers.
        for (let operand = operandCounts[opcode]!; operand > 0; operand--) while (bytes[pos++]! >= 0x80);
    }
  }
  store.count = row;
  return pos;
}
