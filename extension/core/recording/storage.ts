/**
 * The extension's own folder of recordings: where new ones go, what is deleted and can be had back, what is kept how long.
 * Files of the workspace are nothing of its own: it only takes them into the trash when somebody deletes them.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { ProbeError } from '../../../protocol/errors.ts';
import { summarise, type RecordingKind, type RecordingSummary } from './summary.ts';
import { uniqueId } from '../unique-id.ts';

const folders: Readonly<Record<RecordingKind, string>> = {
  trace: 'traces',
  run: 'runs',
  profile: 'profiles',
  events: 'events',
};
const TRASH = 'trash';
const PLACE = 'place.json';
/** A recording is its file, and while it is not closed its log and that log's index. */
const parts = ['', '-wal', '-shm'] as const;
const DAY_MS = 86_400_000;
/** What was deleted can be had back for so long. */
export const TRASH_DAYS = 7;

export interface Retention {
  /** 0: for ever. */
  readonly days: number;
  /** Of all together; 0: any. */
  readonly megabytes: number;
}

/** A recording that was deleted. */
export interface Trashed {
  /** Where it was. */
  readonly path: string;
  readonly deletedMs: number;
  /** Where it lies now. */
  readonly file: string;
}

export class RecordingStorage {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  /** Where a new recording goes; the folder exists then. */
  newPath(kind: RecordingKind, title: string): string {
    const folder = join(this.root, folders[kind]);
    mkdirSync(folder, { recursive: true });
    const stamp = new Date().toISOString().replaceAll(':', '-');
    return join(folder, `${stamp} ${title.replace(/[^\w.-]+/g, '_').slice(0, 100)}.probescope`);
  }

  holds(path: string): boolean {
    return Object.values(folders).some((folder) => path.startsWith(join(this.root, folder) + sep));
  }

  /** All of its own, in no order. */
  paths(): string[] {
    return Object.values(folders).flatMap((name) => {
      const folder = join(this.root, name);
      return existsSync(folder)
        ? readdirSync(folder)
            .filter((file) => file.endsWith('.probescope'))
            .map((file) => join(folder, file))
        : [];
    });
  }

  /**
   * Takes a recording into the trash, whichever folder it is in. Those that are deleted together share their time, and come back
   * together. Throws `file-unwritable`.
   */
  trash(path: string, deletedMs = Date.now()): Trashed {
    const folder = join(this.root, TRASH, uniqueId());
    try {
      mkdirSync(folder, { recursive: true });
      // first the way back: a recording whose place is not known would be lost
      writeFileSync(join(folder, PLACE), JSON.stringify({ path, deletedMs }));
      moveAll(path, join(folder, basename(path)));
    } catch (error) {
      // unless a part of it has been moved already: that is had back from here
      if (!existsSync(join(folder, basename(path)))) rmSync(folder, { recursive: true, force: true });
      throw new ProbeError(
        {
          code: 'file-unwritable',
          message: `${path} cannot be deleted: ${(error as Error).message}.`,
          remedy: 'Check the permissions of its folder, and whether the disk is full.',
        },
        { cause: error },
      );
    }
    return { path, deletedMs, file: join(folder, basename(path)) };
  }

  /** What can be had back, the last that was deleted first. */
  trashed(): Trashed[] {
    const folder = join(this.root, TRASH);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .flatMap((name) => readPlace(join(folder, name)) ?? [])
      .sort((a, b) => b.deletedMs - a.deletedMs);
  }

  /** Puts it back to where it was, or beside what stands there now; returns the path. */
  restore({ path, file }: Trashed): string {
    const place = freePath(path);
    try {
      mkdirSync(dirname(place), { recursive: true });
      moveAll(file, place);
    } catch (error) {
      throw new ProbeError(
        {
          code: 'file-unwritable',
          message: `${basename(path)} cannot be put back to ${dirname(path)}: ${(error as Error).message}.`,
          remedy: `It lies in ${dirname(file)} until ${TRASH_DAYS} days after it was deleted; copy it from there.`,
        },
        { cause: error },
      );
    }
    rmSync(dirname(file), { recursive: true, force: true });
    return place;
  }

  /**
   * Removes what its time or its room has run out for, and says so a sentence each. Recordings that somebody named or tagged,
   * that are being written, or that cannot be read stay.
   */
  retire(policy: Retention, nowMs = Date.now()): string[] {
    const told: string[] = [];
    for (const { file, path, deletedMs } of this.trashed())
      if (nowMs - deletedMs > TRASH_DAYS * DAY_MS) {
        rmSync(dirname(file), { recursive: true, force: true });
        told.push(`${path} was deleted ${TRASH_DAYS} days ago; it is gone from the trash now.`);
      }
    if (policy.days <= 0 && policy.megabytes <= 0) return told;
    for (const { path, reason } of outlived(
      this.paths().map((path) => summarise(path, nowMs)),
      policy,
      nowMs,
    )) {
      for (const part of parts) rmSync(path + part, { force: true });
      told.push(`${path} was removed: ${reason}`);
    }
    return told;
  }
}

/** Which recordings go, and why; the oldest first. */
export function outlived(
  summaries: readonly RecordingSummary[],
  { days, megabytes }: Retention,
  nowMs: number,
): { readonly path: string; readonly reason: string }[] {
  const going: { path: string; reason: string }[] = [];
  let bytes = summaries.reduce((sum, summary) => sum + summary.bytes, 0);
  const oldestFirst = summaries
    .flatMap((summary) => (summary.facts === undefined ? [] : [{ ...summary, ...summary.facts }]))
    .filter(({ named, tags, state }) => !named && tags.length === 0 && state !== 'writing')
    .sort((a, b) => a.createdMs - b.createdMs);
  for (const { path, createdMs, bytes: size } of oldestFirst) {
    const tooOld = days > 0 && nowMs - createdMs > days * DAY_MS;
    const tooMuch = megabytes > 0 && bytes > megabytes * 1e6;
    if (!tooOld && !tooMuch) continue;
    bytes -= size;
    going.push({
      path,
      reason: tooOld
        ? `it is older than ${days} days (probescope.recordings.keepDays).`
        : `all recordings together take more than ${megabytes} MB (probescope.recordings.keepMegabytes).`,
    });
  }
  return going;
}

/** On another disk a file cannot be renamed into: it is copied, and removed when the copy is whole. */
function moveAll(from: string, to: string): void {
  for (const part of parts) {
    if (part !== '' && !existsSync(from + part)) continue;
    try {
      renameSync(from + part, to + part);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      cpSync(from + part, to + part, { preserveTimestamps: true });
      rmSync(from + part);
    }
  }
}

function readPlace(folder: string): Trashed | undefined {
  try {
    const read = JSON.parse(readFileSync(join(folder, PLACE), 'utf8')) as {
      path?: unknown;
      deletedMs?: unknown;
    };
    if (typeof read.path !== 'string' || typeof read.deletedMs !== 'number') return undefined;
    const file = join(folder, basename(read.path));
    return existsSync(file) ? { path: read.path, deletedMs: read.deletedMs, file } : undefined;
  } catch {
    return undefined;
  }
}

function freePath(path: string): string {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? path : path.replace(/(\.probescope)?$/, ` (${number})$1`);
    if (!existsSync(candidate)) return candidate;
  }
}
