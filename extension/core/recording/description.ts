/** What people call a recording: its name and its tags. Both stand in its `meta`, so that they travel with the file. */
import { basename } from 'node:path';
import { ProbeError } from '../../../protocol/errors.ts';
import { openDatabase, unwritable } from './sqlite.ts';
import { writerOf } from './writer.ts';

const MOST_CHARACTERS = 200;
const MOST_TAGS = 32;
const TAG_CHARACTERS = 64;

/** A change of the description; an empty name gives back the one it was recorded with. */
export interface DescriptionChange {
  readonly name?: string;
  readonly tags?: readonly string[];
}

/** The name it was given, or its title, or its file's name. */
export function nameOf(meta: ReadonlyMap<string, string>, path: string): string {
  return (
    [meta.get('name'), meta.get('title')].map((text) => oneLine(text ?? '')).find((text) => text !== '') ??
    basename(path, '.probescope')
  );
}

/** A recording by what it says of itself, and where it is. */
export interface Described {
  readonly meta: ReadonlyMap<string, string>;
  readonly path: string;
}

/** The names of two that are compared, told apart by their files where both are called the same. */
export function namesOf(before: Described, after: Described): [before: string, after: string] {
  const names = [before, after].map(({ meta, path }) => nameOf(meta, path));
  const [first = '', second = ''] = names;
  if (first !== second) return [first, second];
  return [`${first} (${basename(before.path)})`, `${second} (${basename(after.path)})`];
}

export function isNamed(meta: ReadonlyMap<string, string>): boolean {
  return oneLine(meta.get('name') ?? '') !== '';
}

/** The tags of `meta`; what is no list of texts counts as none, whoever wrote it. */
export function tagsOf(meta: ReadonlyMap<string, string>): string[] {
  try {
    const read: unknown = JSON.parse(meta.get('tags') ?? '[]');
    return Array.isArray(read) ? tidyTags(read.filter((tag) => typeof tag === 'string')) : [];
  } catch {
    return [];
  }
}

/** One line, no longer than is readable, no comma (it parts tags where they are typed), each once. */
export function tidyTags(tags: readonly string[]): string[] {
  const tidy = tags.map((tag) => oneLine(tag.replaceAll(',', ' '), TAG_CHARACTERS));
  return [...new Set(tidy)].filter((tag) => tag !== '').slice(0, MOST_TAGS);
}

/**
 * Without control characters, marks that turn the direction of writing, and halves of surrogate pairs: such a text would change
 * how others beside it are shown, or could not be stored.
 */
export function oneLine(text: string, most = MOST_CHARACTERS): string {
  const plain = text
    .replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const characters = [...plain];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : plain;
}

/** Another process writes a second at a time, and leaves a gap between two seconds that is found within a few tries. */
const TRIES = 100;
const TRY_EVERY_MS = 50;

/** Writes name and tags into the file, also while it is recorded. */
export async function describeRecording(path: string, change: DescriptionChange): Promise<void> {
  const rows: Record<string, string> = {
    ...(change.name === undefined ? {} : { name: oneLine(change.name) }),
    ...(change.tags === undefined ? {} : { tags: JSON.stringify(tidyTags(change.tags)) }),
  };
  const own = writerOf(path);
  if (own !== undefined) {
    if (own.stopped !== undefined) throw unwritable(path, new Error(own.stopped));
    own.setMeta(rows);
    own.commit();
    return;
  }
  for (let tries = 1; ; tries++)
    try {
      writeRows(path, rows);
      return;
    } catch (error) {
      if (!isBusy(error)) throw error instanceof ProbeError ? error : unwritable(path, error);
      if (tries === TRIES)
        throw new ProbeError(
          {
            code: 'file-unwritable',
            message: `${basename(path)} is being written by another window or command.`,
            remedy: 'Name it when that has ended.',
          },
          { cause: error },
        );
      await new Promise((done) => setTimeout(done, TRY_EVERY_MS));
    }
}

function writeRows(path: string, rows: Readonly<Record<string, string>>): void {
  const database = openDatabase(path, 'write');
  try {
    // nobody waits in here: the editor would stand still
    database.exec('PRAGMA busy_timeout = 0; BEGIN IMMEDIATE');
    const insert = database.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)');
    for (const [key, value] of Object.entries(rows)) insert.run(key, value);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

/** SQLITE_BUSY and SQLITE_LOCKED, of SQLite's result codes. */
function isBusy(error: unknown): boolean {
  const { errcode } = error as { errcode?: number };
  return errcode !== undefined && ((errcode & 0xff) === 5 || (errcode & 0xff) === 6);
}
