import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { bucketBounds, mergeBuckets, type BucketCounts } from '../../../protocol/buckets.ts';
import type { ProbeSpec } from '../../../protocol/probe.ts';
import type { Profile, ProfileThread, WeightUnit } from '../../../protocol/profile.ts';
import type { ScriptMap } from '../../../protocol/script.ts';
import type { ProbeTotals, Snapshot } from '../../../protocol/snapshot.ts';
import type { Stack } from '../../../protocol/source.ts';
import { kindOf } from '../../../profile/builder.ts';
import { encodeProfile } from '../../../profile/codec.ts';
import { profileFromRows } from './rows.ts';
import { createDatabase, unwritable } from './sqlite.ts';

/** What is told about a recording beside its data; every member becomes a row of `meta`. */
export type RecordingMeta = Readonly<Record<string, string | number | boolean | undefined>>;

/** `bound`: the most bytes it may have. `disk`: it cannot be written, most often because the disk is full. */
export type StopCause = 'bound' | 'disk';

export interface WriterOptions {
  /** The file is not let grow beyond this; what comes later is dropped, and that is said. 0: no bound. */
  readonly maxBytes: number;
  /** Told once when the bound is reached or the disk is full: nothing more is recorded from then on. */
  readonly onStop?: (reason: string, cause: StopCause) => void;
  /** Rows of buckets between two intervals whose cumulative buckets are written. */
  readonly rowsApart?: number;
}

/** A blob of SQLite holds at most 10^9 bytes; parts well below leave room for a reader with little memory. */
export const PART_BYTES = 64 << 20;
/** With an interval of a quarter of a second and its way here that is less than a second. A commit does not wait for the disk. */
const COMMIT_MS = 500;
/** Adding so many rows of buckets up takes 30 ms: what a question about any moment costs at most. */
const ROWS_APART = 50_000;

/** The recordings that this process writes now. */
const open = new Map<string, RecordingWriter>();

/** The writer of a recording that is written in this process: only it can change the file without waiting for itself. */
export function writerOf(path: string): RecordingWriter | undefined {
  return open.get(path);
}

/**
 * Writes a recording while tracing goes on. Everything since the last commit, half a second, is what a crash costs:
 * `PRAGMA synchronous = NORMAL` in WAL mode keeps the file consistent at any moment.
 */
export class RecordingWriter {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #options: WriterOptions;
  readonly #statements = new Map<string, StatementSync>();
  readonly #strings = new Map<string, number>([['', 0]]);
  readonly #frames = new Map<string, number>();
  readonly #stacks = new Map<string, number>();
  readonly #threads = new Map<string, number>();
  readonly #callers = new Map<number, { profile: number; counts: Map<number, number> }>();
  readonly #before = new Map<string, ProbeTotals>();
  /** The last interval, and how many rows of buckets came since the last one whose cumulative buckets were written. */
  #interval = 0;
  #rowsSince = 0;
  #startNs: number | undefined;
  #open = false;
  #stopped: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Makes the file; it must not exist. */
  constructor(path: string, meta: RecordingMeta, options: WriterOptions = { maxBytes: 0 }) {
    this.path = path;
    this.#options = options;
    this.#database = createDatabase(path);
    this.setMeta({ created_ms: Date.now(), state: 'recording', ...meta });
    this.commit();
    open.set(path, this);
  }

  /** Nothing can be added any more. */
  get ended(): boolean {
    return open.get(this.path) !== this;
  }

  /** Why nothing is recorded any more, if so. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  setMeta(meta: RecordingMeta): void {
    for (const [key, value] of Object.entries(meta))
      if (value !== undefined) this.#run('INSERT OR REPLACE INTO meta VALUES (?, ?)', key, String(value));
  }

  addProbe(spec: ProbeSpec, label: string): void {
    this.#run('INSERT OR REPLACE INTO probes VALUES (?, ?, ?)', spec.id, label, JSON.stringify(spec));
  }

  addScript(name: string, text: string): void {
    this.#run('INSERT OR REPLACE INTO scripts VALUES (?, ?)', name, text);
  }

  addBinary(path: string, buildId: string | undefined): void {
    this.#run('INSERT OR REPLACE INTO binaries VALUES (?, ?)', path, buildId ?? null);
  }

  addSource(file: string, firstLine: number, text: string): void {
    this.#run('INSERT OR REPLACE INTO sources VALUES (?, ?, ?)', file, firstLine, text);
  }

  addLost(timeNs: number, source: string, count: number, detail: string): void {
    this.#run('INSERT INTO lost VALUES (?, ?, ?, ?)', Math.round(timeNs), source, count, detail);
  }

  /** One interval of a session: totals as they are, buckets and callers as what was added since the last one. */
  addSnapshot(snapshot: Snapshot): void {
    this.#startNs ??= snapshot.monotonicNs;
    const timeNs = snapshot.monotonicNs - this.#startNs;
    const { lastInsertRowid } = this.#run(
      'INSERT INTO intervals (session, sequence, time_ns, wall_clock_ms) VALUES (?, ?, ?, ?)',
      snapshot.session,
      snapshot.sequence,
      Math.round(timeNs),
      snapshot.wallClockMs,
    ) ?? { lastInsertRowid: 0 };
    const interval = Number(lastInsertRowid);
    for (const totals of snapshot.probes) this.#addTotals(interval, timeNs, snapshot.session, totals);
    this.#interval = interval;
    if (this.#rowsSince >= (this.#options.rowsApart ?? ROWS_APART)) this.#addCumulative();
  }

  /** The buckets of all probes so far, also of those that have left. */
  #addCumulative(): void {
    const ofProbe = new Map<number, BucketCounts[]>();
    for (const { probe, latency } of this.#before.values())
      if (latency !== undefined) ofProbe.set(probe, [...(ofProbe.get(probe) ?? []), latency.buckets]);
    for (const [probe, histograms] of ofProbe)
      this.#run(
        'INSERT OR REPLACE INTO cumulative VALUES (?, ?, ?)',
        this.#interval,
        probe,
        JSON.stringify(mergeBuckets(...histograms)),
      );
    this.#rowsSince = 0;
  }

  #addTotals(interval: number, timeNs: number, session: string, totals: ProbeTotals): void {
    const { probe, count, lost, latency, callers } = totals;
    this.#run(
      'INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      interval,
      probe,
      count,
      latency?.sumNs ?? null,
      latency?.maxNs ?? null,
      lost.missedEntries,
      lost.abandonedCalls,
      lost.droppedByEngine,
    );
    const key = `${session} ${probe}`;
    const before = this.#before.get(key);
    this.#before.set(key, totals);
    const old = new Map(before?.latency?.buckets ?? []);
    for (const [bucket, now] of latency?.buckets ?? []) {
      const added = now - (old.get(bucket) ?? 0);
      if (added <= 0) continue;
      const { lowNs, highNs } = bucketBounds(bucket);
      this.#run(
        'INSERT OR REPLACE INTO buckets VALUES (?, ?, ?, ?, ?, ?)',
        interval,
        probe,
        bucket,
        lowNs,
        highNs,
        added,
      );
      this.#rowsSince++;
    }
    if (callers === undefined) return;
    let entry = this.#callers.get(probe);
    if (entry === undefined) {
      entry = { profile: this.addProfile(`Callers of probe ${probe}`, 'count', probe), counts: new Map() };
      this.#callers.set(probe, entry);
    }
    for (const { stack, count: now } of callers) {
      const id = this.stack(stack);
      const added = now - (entry.counts.get(id) ?? 0);
      // a new session counts from zero again
      if (added !== 0) this.addSample(entry.profile, timeNs, undefined, id, added > 0 ? added : now);
      entry.counts.set(id, now);
    }
  }

  /** A profile whose samples follow one by one. */
  addProfile(title: string, unit: WeightUnit, probe?: number): number {
    const result = this.#run(
      'INSERT INTO profiles (title, unit, probe) VALUES (?, ?, ?)',
      title,
      unit,
      probe ?? null,
    );
    return Number(result?.lastInsertRowid ?? 0);
  }

  addSample(
    profile: number,
    timeNs: number,
    thread: number | undefined,
    stack: number,
    weight: number,
  ): void {
    this.#run(
      'INSERT INTO samples VALUES (?, ?, ?, ?, ?)',
      profile,
      Math.round(timeNs),
      thread ?? null,
      stack,
      weight,
    );
  }

  addEvent(
    probe: number | undefined,
    timeNs: number,
    thread: number | undefined,
    fields: unknown,
    stack?: number,
  ): void {
    this.#run(
      'INSERT INTO events (probe, time_ns, thread, fields, stack) VALUES (?, ?, ?, ?, ?)',
      probe ?? null,
      Math.round(timeNs),
      thread ?? null,
      JSON.stringify(fields),
      stack ?? null,
    );
  }

  /** A map of a script as it was printed. */
  addScriptMap(timeNs: number, map: ScriptMap): void {
    this.#run(
      'INSERT INTO script_maps (time_ns, name, kind, data) VALUES (?, ?, ?, ?)',
      Math.round(timeNs),
      map.name,
      map.kind,
      JSON.stringify(map),
    );
  }

  /** A profile that is there as a whole, in its binary form only. */
  addEncodedProfile(profile: Profile): number {
    const id = this.addProfile(profile.title, profile.unit);
    this.#writeParts(id, profile);
    return id;
  }

  thread(thread: ProfileThread): number {
    return this.#id(this.#threads, `${thread.pid} ${thread.tid} ${thread.name}`, (id) =>
      this.#run('INSERT INTO threads VALUES (?, ?, ?, ?)', id, thread.pid, thread.tid, thread.name),
    );
  }

  /** Id of a stack, innermost frame first as engines print it. */
  stack(stack: Stack): number {
    let parent = 0;
    for (let i = stack.length - 1; i >= 0; i--) {
      const { function: name, module = '', file = '', line = 0, inlined } = stack[i]!;
      const kind = kindOf(module === '' ? undefined : module, inlined === true);
      const frame = this.#id(this.#frames, `${name}\0${module}\0${file}\0${line}\0${kind}`, (id) =>
        this.#run(
          'INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?)',
          id,
          this.#string(name),
          this.#string(module),
          this.#string(file),
          line,
          kind,
        ),
      );
      const above = parent;
      parent = this.#id(this.#stacks, `${parent} ${frame}`, (id) =>
        this.#run('INSERT INTO stacks VALUES (?, ?, ?)', id, above === 0 ? null : above, frame),
      );
    }
    return parent;
  }

  #string(text: string): number | null {
    if (text === '') return null;
    return this.#id(this.#strings, text, (id) => this.#run('INSERT INTO strings VALUES (?, ?)', id, text));
  }

  #id(ids: Map<string, number>, key: string, insert: (id: number) => unknown): number {
    let id = ids.get(key);
    if (id === undefined) {
      id = ids.size + 1;
      ids.set(key, id);
      insert(id);
    }
    return id;
  }

  #run(
    sql: string,
    ...values: (string | number | null | Uint8Array)[]
  ): { lastInsertRowid: number | bigint } | undefined {
    if (this.#stopped !== undefined) return undefined;
    try {
      if (!this.#open) {
        this.#database.exec('BEGIN');
        this.#open = true;
        this.#timer = setTimeout(() => {
          this.commit();
        }, COMMIT_MS);
        this.#timer.unref();
      }
      let statement = this.#statements.get(sql);
      if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
      return statement.run(...values);
    } catch (error) {
      this.#stop(`${unwritable(this.path, error).message} What was recorded before is kept.`, 'disk');
      return undefined;
    }
  }

  /** Makes everything so far survive a crash. Called by itself soon after something was added. */
  commit(): void {
    clearTimeout(this.#timer);
    if (!this.#open || this.#stopped !== undefined) return;
    try {
      this.#run('INSERT OR REPLACE INTO meta VALUES (?, ?)', 'committed_ms', String(Date.now()));
      this.#database.exec('COMMIT');
      this.#open = false;
    } catch (error) {
      this.#stop(
        `${unwritable(this.path, error).message} What was recorded up to the last second is kept.`,
        'disk',
      );
      return;
    }
    const { maxBytes } = this.#options;
    if (maxBytes > 0 && this.#size() > maxBytes) {
      const reason = `The recording has reached its bound of ${Math.round(maxBytes / 1e6)} MB; what comes now is not recorded.`;
      this.#endStopped({ stopped: reason });
      this.#stop(reason, 'bound');
    }
  }

  #size(): number {
    const { page_count: pages } = this.#database.prepare('PRAGMA page_count').get() as { page_count: number };
    const { page_size: size } = this.#database.prepare('PRAGMA page_size').get() as { page_size: number };
    return pages * size;
  }

  #stop(reason: string, cause: StopCause): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    if (this.#open)
      try {
        this.#database.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back by itself, as it does when the disk is full
      }
    this.#open = false;
    this.#options.onStop?.(reason, cause);
  }

  /** Writes the binary forms, folds the log into the file and closes it. */
  finish(meta: RecordingMeta = {}): void {
    clearTimeout(this.#timer);
    open.delete(this.path);
    this.commit();
    if (this.#stopped === undefined) {
      const live = this.#database
        .prepare('SELECT id FROM profiles WHERE id NOT IN (SELECT profile FROM profile_parts)')
        .all() as { id: number }[];
      for (const { id } of live) this.#writeParts(id, profileFromRows(this.#database, id));
      if (this.#rowsSince > 0) this.#addCumulative();
      this.setMeta({ ended_ms: Date.now(), ...meta, state: 'ended' });
      this.commit();
    } else this.#endStopped({ ended_ms: Date.now(), ...meta, state: 'ended', stopped: this.#stopped });
    // a closed recording is one file, without -wal and -shm beside it, so that it can be attached to a bug
    try {
      this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;');
    } catch {
      // another window reads it right now; the log stays beside the file until that one closes
    }
    this.#database.close();
  }

  /**
   * The last word of a recording that was stopped: all of it or nothing, for one that says it has ended and not why would be taken for
   * whole. On a full disk even that may have no room; then it stands as not closed.
   */
  #endStopped(meta: RecordingMeta): void {
    try {
      this.#database.exec('BEGIN');
      const insert = this.#database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
      for (const [key, value] of Object.entries(meta))
        if (value !== undefined) insert.run(key, String(value));
      this.#database.exec('COMMIT');
    } catch {
      // why it was stopped was said already, by onStop
      try {
        this.#database.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back by itself
      }
    }
  }

  #writeParts(id: number, profile: Profile): void {
    const bytes = encodeProfile(profile);
    for (let part = 0; part * PART_BYTES < bytes.length; part++)
      this.#run(
        'INSERT INTO profile_parts VALUES (?, ?, ?)',
        id,
        part,
        bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
      );
  }
}
