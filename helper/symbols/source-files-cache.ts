import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './locate/cache.ts';
import type { SourceFile } from './model.ts';

/** What a list was made from. */
export interface SourceFilesKey {
  /** The build id, or what else names one state of one file. */
  readonly name: string;
  /** Sizes of the sections it was read from. */
  readonly sections: readonly number[];
}

/** Part of each entry's name: entries of other versions are left alone, and go when room is needed. */
const VERSION = 1;
/** vmlinux, with 4,600 files, takes 0.3 MB. */
const MOST_BYTES = 64 * 2 ** 20;
/** An entry that a helper began to write and did not end. */
const ABANDONED_MS = 3_600_000;

/** The first line of an entry; the second one is the list, of which `sha1` is the checksum. */
interface EntryHead {
  readonly key: SourceFilesKey;
  readonly sha1: string;
}

/**
 * Source files of binaries, kept in the user's cache on the target: the line tables of a large program take half a second to
 * read, its entry some milliseconds. An entry that is damaged, somebody else's or of another file is thrown away and made anew, and a
 * folder that cannot be used is as good as none.
 */
export class SourceFilesCache {
  readonly #folder: string;
  readonly #mostBytes: number;
  #wrote = false;

  constructor(folder = join(cacheFolder(), 'source-files'), mostBytes = MOST_BYTES) {
    this.#folder = folder;
    this.#mostBytes = mostBytes;
  }

  #path({ name }: SourceFilesKey): string {
    return join(this.#folder, `${name}.v${VERSION}`);
  }

  /** What was written for the key, or undefined. */
  read(key: SourceFilesKey): SourceFile[] | undefined {
    const path = this.#path(key);
    let file: number;
    try {
      file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      // a link that somebody put there is not followed
      if ((error as NodeJS.ErrnoException).code === 'ELOOP') remove(path);
      return undefined;
    }
    try {
      const files = this.#parse(file, key);
      if (files === undefined) remove(path);
      // the entries that were used last stay
      else futimesSync(file, new Date(), new Date());
      return files;
    } catch {
      remove(path);
      return undefined;
    } finally {
      closeSync(file);
    }
  }

  /** Undefined, or an exception, when it is not what {@link write} made for that key. */
  #parse(file: number, key: SourceFilesKey): SourceFile[] | undefined {
    const { uid, size } = fstatSync(file);
    if (uid !== process.getuid?.() || size > this.#mostBytes) return undefined;
    const bytes = readFileSync(file);
    const end = bytes.indexOf(10);
    const head = JSON.parse(bytes.toString('utf8', 0, end)) as EntryHead;
    const list = bytes.subarray(end + 1);
    if (JSON.stringify(head.key) !== JSON.stringify(key) || head.sha1 !== sha1(list)) return undefined;
    const rows = JSON.parse(list.toString('utf8')) as [path: string, ...md5s: string[]][];
    return rows.map(([path, ...md5s]) => ({ path, md5s }));
  }

  write(key: SourceFilesKey, files: readonly SourceFile[]): void {
    const list = Buffer.from(JSON.stringify(files.map(({ path, md5s }) => [path, ...md5s])));
    const head: EntryHead = { key: { name: key.name, sections: key.sections }, sha1: sha1(list) };
    const path = this.#path(key);
    const partial = `${path}.${randomBytes(6).toString('hex')}.part`;
    try {
      if (!this.#isOurs()) return;
      writeFileSync(partial, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), list]), {
        mode: 0o600,
        flag: 'wx',
      });
      renameSync(partial, path);
      this.#wrote = true;
    } catch {
      // a home that is full or cannot be written costs time at the next search, no more
      remove(partial);
    }
  }

  /** Makes the folder where it is not there. Somebody else's is not written to. */
  #isOurs(): boolean {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const status = lstatSync(this.#folder);
    return status.isDirectory() && status.uid === process.getuid?.() && (status.mode & 0o022) === 0;
  }

  /** Removes the entries that were used longest ago until the rest is within bounds. For the end of a search that wrote some. */
  trim(): void {
    if (!this.#wrote) return;
    this.#wrote = false;
    const entries = this.#entries().sort((a, b) => b.usedMs - a.usedMs);
    let bytes = 0;
    for (const { path, sizeBytes, usedMs } of entries) {
      const abandoned = path.endsWith('.part') && Date.now() - usedMs > ABANDONED_MS;
      if (abandoned || (bytes += sizeBytes) > this.#mostBytes) remove(path);
    }
  }

  #entries(): { path: string; sizeBytes: number; usedMs: number }[] {
    try {
      return readdirSync(this.#folder).flatMap((name) => {
        const path = join(this.#folder, name);
        const status = lstatSync(path, { throwIfNoEntry: false });
        return status === undefined ? [] : [{ path, sizeBytes: status.size, usedMs: status.mtimeMs }];
      });
    } catch {
      return [];
    }
  }
}

function sha1(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // not ours to remove
  }
}
