import { closeSync, openSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EventCell, EventColumn } from '../../../protocol/events-panel.ts';
import { loadSqlite, unwritable } from './sqlite.ts';

const LARGEST = 2n ** 63n;

/**
 * A table of events as an SQLite file that other tools read (DuckDB and pandas among them): the table `events` with a column a
 * field, holding raw values, and `about` with what the rows are of. Unsigned integers of 2^63 and more, which SQLite has not, are decimal text.
 */
export class EventDatabase {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #types: readonly EventColumn['type'][];

  /** Writes over `path`, as other exports do. Throws ProbeError `file-unwritable`, and `engine-too-old` without SQLite. */
  constructor(path: string, columns: readonly EventColumn[]) {
    const { DatabaseSync } = loadSqlite();
    try {
      closeSync(openSync(path, 'w'));
    } catch (error) {
      throw unwritable(path, error, 'Choose another name or folder.');
    }
    this.#database = new DatabaseSync(path);
    this.#types = columns.map(({ type }) => type);
    const spelt = distinct(columns.map(({ name }) => name)).map(quote);
    // SQLite would make a rounded REAL of a large text in an INTEGER column (datatype3.html, 3.1); without a type it keeps both.
    const declared = spelt.map((name, index) => {
      const type = this.#types[index];
      return type === undefined || type === 'UNSIGNED' ? name : `${name} ${type}`;
    });
    // one writer, and a file that is made anew when it fails: no journal is needed
    this.#database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;');
    this.#database.exec(`CREATE TABLE events (${declared.join(', ')})`);
    this.#database.exec('CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL)');
    this.#insert = this.#database.prepare(
      `INSERT INTO events (${spelt.join(', ')}) VALUES (${spelt.map(() => '?').join(', ')})`,
    );
    this.#database.exec('BEGIN');
  }

  add(rows: readonly (readonly EventCell[])[]): void {
    for (const row of rows) this.#insert.run(...row.map((cell, index) => stored(cell, this.#types[index])));
  }

  close(about: Readonly<Record<string, string>>): void {
    const insert = this.#database.prepare('INSERT INTO about (name, value) VALUES (?, ?)');
    for (const [name, value] of Object.entries(about)) insert.run(name, value);
    this.#database.exec('COMMIT');
    this.#database.close();
  }
}

function stored(cell: EventCell, type: EventColumn['type'] | undefined): EventCell | bigint {
  // Node binds numbers as REAL, which a column without a type would keep.
  if (type === 'UNSIGNED' && typeof cell === 'number') return BigInt(cell);
  if ((type !== 'INTEGER' && type !== 'UNSIGNED') || typeof cell !== 'string') return cell;
  const value = BigInt(cell);
  return value < LARGEST ? value : cell;
}

/** Fields of two events may share a name and differ in type; SQLite's names differ in more than case. */
function distinct(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const key = name.toLowerCase();
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    return before === 0 ? name : `${name}_${before + 1}`;
  });
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
