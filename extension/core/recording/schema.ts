import type { DatabaseSync } from 'node:sqlite';

/** "PSCP" in SQLite's header: `file` and we know a recording by it. */
export const APPLICATION_ID = 0x50534350;
export const SCHEMA_VERSION = 3;

/**
 * Version 1. Times are nanoseconds since the recording's start unless a name says otherwise; `meta.monotonic_start_ns` is that
 * start on the target's CLOCK_MONOTONIC. Ids are ours. Totals are cumulative, buckets and samples are what an interval added.
 *
 * `profile_parts` holds profiles in their binary form (`profile/codec.ts`), cut into parts: a million stacks open at the disk's
 * speed that way. Profiles that were recorded live also have their rows in `samples`; imported ones do not, and
 * `probescope query` makes the rows when a query asks for them.
 */
const version1 = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE strings (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE frames (id INTEGER PRIMARY KEY, name INTEGER NOT NULL REFERENCES strings, module INTEGER REFERENCES strings,
  file INTEGER REFERENCES strings, line INTEGER, kind TEXT NOT NULL);
CREATE TABLE stacks (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES stacks, frame INTEGER NOT NULL REFERENCES frames);
CREATE TABLE threads (id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, tid INTEGER NOT NULL, name TEXT NOT NULL);
CREATE TABLE profiles (id INTEGER PRIMARY KEY, title TEXT NOT NULL, unit TEXT NOT NULL, probe INTEGER, notes TEXT NOT NULL DEFAULT '[]');
CREATE TABLE profile_parts (profile INTEGER NOT NULL REFERENCES profiles, part INTEGER NOT NULL, data BLOB NOT NULL,
  PRIMARY KEY (profile, part));
CREATE TABLE samples (profile INTEGER NOT NULL REFERENCES profiles, time_ns INTEGER NOT NULL, thread INTEGER REFERENCES threads,
  stack INTEGER NOT NULL REFERENCES stacks, weight REAL NOT NULL);
CREATE TABLE probes (id INTEGER PRIMARY KEY, label TEXT NOT NULL, spec TEXT NOT NULL);
CREATE TABLE intervals (id INTEGER PRIMARY KEY, session TEXT NOT NULL, sequence INTEGER NOT NULL, time_ns INTEGER NOT NULL, wall_clock_ms REAL NOT NULL);
CREATE TABLE totals (interval INTEGER NOT NULL REFERENCES intervals, probe INTEGER NOT NULL REFERENCES probes, count INTEGER NOT NULL,
  sum_ns REAL, max_ns REAL, missed_entries INTEGER NOT NULL, abandoned_calls INTEGER NOT NULL, dropped_by_engine INTEGER NOT NULL,
  PRIMARY KEY (interval, probe)) WITHOUT ROWID;
CREATE TABLE buckets (interval INTEGER NOT NULL REFERENCES intervals, probe INTEGER NOT NULL REFERENCES probes, bucket INTEGER NOT NULL,
  low_ns REAL NOT NULL, high_ns REAL NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (interval, probe, bucket)) WITHOUT ROWID;
CREATE TABLE events (id INTEGER PRIMARY KEY, probe INTEGER REFERENCES probes, time_ns INTEGER NOT NULL, thread INTEGER REFERENCES threads,
  fields TEXT NOT NULL, stack INTEGER REFERENCES stacks);
CREATE TABLE lost (time_ns INTEGER NOT NULL, source TEXT NOT NULL, count INTEGER NOT NULL, detail TEXT NOT NULL);
CREATE TABLE scripts (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE binaries (path TEXT PRIMARY KEY, build_id TEXT) WITHOUT ROWID;
CREATE TABLE sources (file TEXT NOT NULL, first_line INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (file, first_line)) WITHOUT ROWID;
PRAGMA application_id = ${APPLICATION_ID};
`;

/**
 * Version 2: maps of scripts as they were printed. `data` is a `ScriptMap` of `protocol/script.ts`, so that `json_each` reads its
 * columns; what scripts print line by line stands in `events`.
 */
const version2 = `
CREATE TABLE script_maps (id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL);
`;

/**
 * Version 3: what a long recording is opened by. `cumulative` holds, for some of the intervals, the buckets of every probe added up
 * from the first interval to that one (`data`: `[[bucket, count], …]`, read by `json_each`); the buckets of any moment are those of the
 * interval before it that is in this table, and of the few intervals since. Recordings of earlier versions have none.
 */
const version3 = `
CREATE TABLE cumulative (interval INTEGER NOT NULL REFERENCES intervals, probe INTEGER NOT NULL REFERENCES probes, data TEXT NOT NULL,
  PRIMARY KEY (interval, probe)) WITHOUT ROWID;
CREATE INDEX totals_by_probe ON totals (probe, interval);
`;

/** What brings a file from the version before to the one of its index plus one. */
const steps: readonly string[] = [version1, version2, version3];

/** Brings a file to the current schema, all or nothing. */
export function migrate(database: DatabaseSync, from: number): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const step of steps.slice(from)) database.exec(step);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
