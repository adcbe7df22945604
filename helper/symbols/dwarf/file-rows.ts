import { AFTER_OTHERS, END_SEQUENCE, IS_STATEMENT, RowStore } from './line-rows.ts';
import type { ProgramRows, UnitIndex } from './unit-index.ts';

/** A row that begins a statement; `file` counts in the unit's table. */
export interface FileRow {
  readonly index: UnitIndex;
  readonly address: number;
  readonly file: number;
  readonly column: number;
  /** The statement before belongs to another line. */
  readonly startsRun: boolean;
}

/** Rows in one order: columns of a table. */
interface Ordered {
  /** Line `n`'s rows are from `starts[n]` on, below `starts[n + 1]`. */
  readonly starts: Uint32Array;
  /** Numbers of collected rows. */
  readonly rows: Uint32Array;
}

/**
 * The rows of one source file that begin statements, ordered by line, and in a line as the units have them. A header of a
 * kernel has 200,000 in 1,500 units: one pass over the units' programs answers all questions about the file.
 */
export class FileRows {
  readonly #rows = new RowStore(0);
  readonly #units: { readonly index: UnitIndex; readonly endRow: number }[] = [];
  #ordered: Ordered | undefined;

  /** Takes the rows of a unit's program that belong to `wanted`: one file may have several numbers in a unit. */
  add({ index, rows, sequences }: ProgramRows, wanted: ReadonlySet<number>): void {
    const kept = this.#rows;
    kept.reserve(rows.count);
    const { addresses, lines, files, columns, flags } = rows;
    let to = kept.count;
    const only = wanted.size === 1 ? [...wanted][0]! : -1;
    for (let sequence = 0; sequence < sequences.count; sequence++) {
      const last = sequences.last(sequence);
      /** The line of the statement before, when it belongs to the file. */
      let before = -1;
      for (let row = sequences.first(sequence); row < last; row++) {
        if ((flags[row]! & AFTER_OTHERS) !== 0) before = -1;
        if ((flags[row]! & (IS_STATEMENT | END_SEQUENCE)) !== IS_STATEMENT) continue;
        if (only >= 0 ? files[row] !== only : !wanted.has(files[row]!)) {
          before = -1;
          continue;
        }
        const line = lines[row]!;
        // Line 0 stands for code that belongs to no line; numbers beyond a million belong to damaged tables.
        if (line > 0 && line <= MOST_LINES) {
          kept.addresses[to] = addresses[row]!;
          kept.lines[to] = line;
          kept.files[to] = files[row]!;
          kept.columns[to] = columns[row]!;
          kept.flags[to] = line === before ? 0 : STARTS_RUN;
          to++;
        }
        before = line;
      }
    }
    kept.count = to;
    this.#units.push({ index, endRow: to });
  }

  /** The last line that has rows; 0 when there are none. */
  get lastLine(): number {
    return this.#inOrder().starts.length - 2;
  }

  *ofLine(line: number): Generator<FileRow> {
    const { starts, rows } = this.#inOrder();
    if (line < 0 || line > this.lastLine) return;
    const { addresses, files, columns, flags } = this.#rows;
    let unit = 0;
    for (let at = starts[line]!; at < starts[line + 1]!; at++) {
      const row = rows[at]!;
      while (row >= this.#units[unit]!.endRow) unit++;
      yield {
        index: this.#units[unit]!.index,
        address: addresses[row]!,
        file: files[row]!,
        column: columns[row]!,
        startsRun: flags[row] === STARTS_RUN,
      };
    }
  }

  /** A counting sort keeps the order inside a line. */
  #inOrder(): Ordered {
    if (this.#ordered !== undefined) return this.#ordered;
    const { lines, count } = this.#rows;
    let last = 0;
    for (let row = 0; row < count; row++) last = Math.max(last, lines[row]!);
    const starts = new Uint32Array(last + 2);
    for (let row = 0; row < count; row++) starts[lines[row]! + 1]!++;
    for (let line = 1; line < starts.length; line++) starts[line]! += starts[line - 1]!;
    const next = starts.slice();
    const rows = new Uint32Array(count);
    for (let row = 0; row < count; row++) rows[next[lines[row]!]!++] = row;
    return (this.#ordered = { starts, rows });
  }
}

/** The flag of a kept row: the statement before belongs to another line. */
const STARTS_RUN = 1;

/** SQLite's amalgamation has 270,000 lines; generated files have several million. */
const MOST_LINES = 1 << 24;
