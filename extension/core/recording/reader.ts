import type { DatabaseSync } from 'node:sqlite';
import { ProbeError } from '../../../protocol/errors.ts';
import type { Profile, WeightUnit } from '../../../protocol/profile.ts';
import { decodeProfile, encodeProfile } from '../../../profile/codec.ts';
import { profileFromRows } from './rows.ts';
import { openDatabase } from './sqlite.ts';

export interface RecordedProfile {
  readonly id: number;
  readonly title: string;
  readonly unit: WeightUnit;
}

/** A recording that is read; the file is not changed. Close it. */
export class Recording {
  readonly path: string;
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.path = path;
    this.#database = openDatabase(path, 'read');
  }

  meta(): Map<string, string> {
    const rows = this.#database.prepare('SELECT key, value FROM meta').all() as {
      key: string;
      value: string;
    }[];
    return new Map(rows.map(({ key, value }) => [key, value]));
  }

  /** What a reader must know: it was not closed, it reached its bound. Full sentences. */
  notices(): string[] {
    const meta = this.meta();
    const notices: string[] = [];
    if (meta.get('state') !== 'ended') {
      const committed = Number(meta.get('committed_ms'));
      const when = committed > 0 ? ` at ${new Date(committed).toISOString()}` : '';
      notices.push(
        `The recording was not closed, or is still being written. It holds everything up to its last commit${when}; at most the second after it is missing.`,
      );
    }
    const stopped = meta.get('stopped');
    if (stopped !== undefined) notices.push(stopped);
    return notices;
  }

  profiles(): RecordedProfile[] {
    return this.#database
      .prepare('SELECT id, title, unit FROM profiles ORDER BY id')
      .all() as unknown as RecordedProfile[];
  }

  /** The binary form, as the webview takes it; of the first profile unless one is named. Not checked: whoever decodes it checks it. */
  encodedProfile(id?: number): Uint8Array<ArrayBuffer> {
    const chosen = this.#profile(id);
    const { total, parts } = this.#database
      .prepare('SELECT sum(length(data)) AS total, count(*) AS parts FROM profile_parts WHERE profile = ?')
      .get(chosen) as { total: number | null; parts: number };
    if (parts === 0) return encodeProfile(profileFromRows(this.#database, chosen));
    const select = this.#database.prepare('SELECT data FROM profile_parts WHERE profile = ? ORDER BY part');
    if (parts === 1) return (select.get(chosen) as { data: Uint8Array<ArrayBuffer> }).data;
    const whole = new Uint8Array(total ?? 0);
    let at = 0;
    for (const { data } of select.iterate(chosen) as IterableIterator<{ data: Uint8Array }>) {
      whole.set(data, at);
      at += data.length;
    }
    return whole;
  }

  profile(id?: number): Profile {
    return decodeProfile(this.encodedProfile(id));
  }

  #profile(id: number | undefined): number {
    const profiles = this.profiles();
    const chosen = id === undefined ? profiles[0] : profiles.find((each) => each.id === id);
    if (chosen === undefined)
      throw new ProbeError({
        code: 'invalid-argument',
        message: id === undefined ? `${this.path} holds no profile.` : `${this.path} holds no profile ${id}.`,
        remedy:
          profiles.length === 0
            ? 'Its figures are read by probescope query.'
            : `Its profiles: ${profiles.map((each) => `${each.id} (${each.title})`).join(', ')}.`,
      });
    return chosen.id;
  }

  /** The connection, for queries; read-only. */
  get database(): DatabaseSync {
    return this.#database;
  }

  close(): void {
    this.#database.close();
  }
}
