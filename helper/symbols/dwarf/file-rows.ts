import { END_SEQUENCE, IS_STATEMENT } from './line-rows.ts';
import type { RowStore } from './line-rows.ts';
import type { UnitIndex } from './unit-index.ts';

/** A source file as one unit numbers it: one file may have several numbers there. */
export interface FileInUnit {
  readonly index: UnitIndex;
  readonly files: ReadonlySet<number>;
}

/**
 * The rows of one source file that begin statements, ordered by line, and in a line as the units have them. A header of a
 * kernel has 200,000 in 1,500 units: one pass over the units' tables answers all questions about the file.
 */
export class FileRows {
  readonly #units: readonly FileInUnit[];
  /** Row numbers of the {@link RowStore}, and for each its unit; line `n`'s are from `starts[n]` on, below `starts[n + 1]`. */
  readonly #rows: Uint32Array;
  readonly #unitNumbers: Uint32Array;
  readonly #startsRun: Uint8Array;
  readonly #starts: Uint32Array;

  constructor(units: readonly FileInUnit[], rows: RowStore) {
    this.#units = units;
    const found = collect(units, rows);
    const { lines } = found;
    // A counting sort keeps the order inside a line.
    const last = lines.reduce((most, line) => Math.max(most, line), 0);
    const starts = new Uint32Array(last + 2);
    for (const line of lines) starts[line + 1]!++;
    for (let line = 1; line < starts.length; line++) starts[line]! += starts[line - 1]!;
    const next = starts.slice();
    this.#starts = starts;
    this.#rows = new Uint32Array(lines.length);
    this.#unitNumbers = new Uint32Array(lines.length);
    this.#startsRun = new Uint8Array(lines.length);
    lines.forEach((line, at) => {
      const to = next[line]!++;
      this.#rows[to] = found.rows[at]!;
      this.#unitNumbers[to] = found.units[at]!;
      this.#startsRun[to] = found.startsRun[at]!;
    });
  }

  /** The last line that has rows; 0 when there are none. */
  get lastLine(): number {
    return this.#starts.length - 2;
  }

  /** Rows of a line, each with its unit; `startsRun` tells that the statement before belongs to another line. */
  *ofLine(line: number): Generator<{ index: UnitIndex; row: number; startsRun: boolean }> {
    if (line < 0 || line > this.lastLine) return;
    for (let at = this.#starts[line]!; at < this.#starts[line + 1]!; at++)
      yield {
        index: this.#units[this.#unitNumbers[at]!]!.index,
        row: this.#rows[at]!,
        startsRun: this.#startsRun[at] === 1,
      };
  }
}

interface Collected {
  readonly lines: number[];
  readonly rows: number[];
  readonly units: number[];
  readonly startsRun: number[];
}

function collect(units: readonly FileInUnit[], { lines, files, flags }: RowStore): Collected {
  const found: Collected = { lines: [], rows: [], units: [], startsRun: [] };
  units.forEach(({ index, files: wanted }, unit) => {
    const { count, firsts, lasts } = index.sequences;
    const only = wanted.size === 1 ? [...wanted][0]! : -1;
    for (let sequence = 0; sequence < count; sequence++) {
      const last = lasts[sequence]!;
      /** The line of the statement before, when it belongs to the file. */
      let before = -1;
      for (let row = firsts[sequence]!; row < last; row++) {
        if ((flags[row]! & (IS_STATEMENT | END_SEQUENCE)) !== IS_STATEMENT) continue;
        if (only >= 0 ? files[row] !== only : !wanted.has(files[row]!)) {
          before = -1;
          continue;
        }
        const line = lines[row]!;
        // Line 0 stands for code that belongs to no line; numbers beyond a million belong to damaged tables.
        if (line > 0 && line <= MOST_LINES) {
          found.lines.push(line);
          found.rows.push(row);
          found.units.push(unit);
          found.startsRun.push(line === before ? 0 : 1);
        }
        before = line;
      }
    }
  });
  return found;
}

/** SQLite's amalgamation has 270,000 lines; generated files have several million. */
const MOST_LINES = 1 << 24;
