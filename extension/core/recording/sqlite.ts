import { closeSync, openSync, readSync } from 'node:fs';
import type * as Sqlite from 'node:sqlite';
import type { DatabaseSync } from 'node:sqlite';
import { ProbeError } from '../../../protocol/errors.ts';
import { APPLICATION_ID, migrate, SCHEMA_VERSION } from './schema.ts';

/** Node's own SQLite, which exists from 22.13 on; loaded when needed, so that everything else runs on older ones. */
export function loadSqlite(): typeof Sqlite {
  const getBuiltin = (process as { getBuiltinModule?: (name: string) => unknown }).getBuiltinModule;
  const found = getBuiltin?.('node:sqlite') as typeof Sqlite | undefined;
  if (found === undefined)
    throw new ProbeError({
      code: 'engine-too-old',
      message: `Recordings need Node 22.13 or newer; this is ${process.version}.`,
      remedy: 'Set PROBESCOPE_NODE to the path of a newer Node, or update VS Code to 1.101 or newer.',
    });
  return found;
}

/** Makes a new, empty recording; the file must not exist. */
export function createDatabase(path: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite();
  let file: number;
  try {
    // `wx`: a recording is never written over
    file = openSync(path, 'wx');
  } catch (error) {
    throw unwritable(path, error);
  }
  closeSync(file);
  // unenforced: data must not be refused because the description of its probe comes later
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  // 16 KB pages: blobs of tens of megabytes are read in a quarter of the time that 4 KB pages take
  database.exec('PRAGMA page_size = 16384; PRAGMA busy_timeout = 5000;');
  migrate(database, 0);
  // only now: the header with our application id is in the file itself, not in a log beside it
  // a checkpoint waits for the disk, 50 to 150 ms: every 32 MB is often enough
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 2000;');
  return database;
}

/** Opens a recording that is there, after looking at its first bytes: each way of being none is told apart. */
export function openDatabase(path: string, mode: 'read' | 'write'): DatabaseSync {
  checkHeader(path);
  const { DatabaseSync } = loadSqlite();
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: mode === 'read' });
    database.exec('PRAGMA busy_timeout = 5000');
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
      user_version: number;
    };
    if (version > SCHEMA_VERSION)
      throw new ProbeError({
        code: 'unsupported-file',
        message: `${path} was recorded by a newer Probescope: its schema is version ${version}, this one reads up to ${SCHEMA_VERSION}.`,
        remedy: 'Update Probescope.',
      });
    if (version < SCHEMA_VERSION && mode === 'write') migrate(database, version);
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return database;
  } catch (error) {
    database?.close();
    throw error instanceof ProbeError ? error : damaged(path, error);
  }
}

function checkHeader(path: string): void {
  const header = Buffer.alloc(100);
  let length: number;
  try {
    const file = openSync(path, 'r');
    length = readSync(file, header, 0, 100, 0);
    closeSync(file);
  } catch (error) {
    throw new ProbeError(
      {
        code: 'file-unreadable',
        message: `${path} cannot be read: ${(error as Error).message}.`,
        remedy: 'Check the path and its permissions.',
      },
      { cause: error },
    );
  }
  const isSqlite = header.toString('latin1', 0, 16) === 'SQLite format 3\0';
  if (length < 100 && (isSqlite || length === 0))
    throw new ProbeError({
      code: 'malformed-file',
      message: `${path} is cut off: it has ${length} bytes, a recording has at least 100.`,
      remedy: 'Copy it again from where it came.',
    });
  if (!isSqlite)
    throw new ProbeError({
      code: 'malformed-file',
      message: `${path} is no recording: it does not begin as an SQLite file.`,
      remedy: 'Profiles of other tools are read by probescope import.',
    });
  // SQLite file format, section 1.3: the application id stands at offset 68
  if (header.readUInt32BE(68) !== APPLICATION_ID)
    throw new ProbeError({
      code: 'malformed-file',
      message: `${path} is an SQLite file of another program.`,
      remedy: 'Open a file that Probescope recorded.',
    });
}

function damaged(path: string, error: unknown): ProbeError {
  return new ProbeError(
    {
      code: 'malformed-file',
      message: `${path} is damaged: SQLite says ${(error as Error).message}.`,
      remedy: 'Copy it again from where it came, or try sqlite3 FILE .recover.',
    },
    { cause: error },
  );
}

export function unwritable(
  path: string,
  error: unknown,
  remedy = 'Choose another name or folder; recordings are never written over.',
): ProbeError {
  return new ProbeError(
    {
      code: 'file-unwritable',
      message: `${path} cannot be written: ${(error as Error).message}.`,
      remedy,
    },
    { cause: error },
  );
}

/** Recordings of older schemas lack tables and indexes: a reader does not change the file. */
export const hasTable = (database: DatabaseSync, name: string): boolean => has(database, 'table', name);
export const hasIndex = (database: DatabaseSync, name: string): boolean => has(database, 'index', name);

function has(database: DatabaseSync, type: 'table' | 'index', name: string): boolean {
  return (
    database.prepare('SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ?').get(type, name) !== undefined
  );
}
