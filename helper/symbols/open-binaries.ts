import { statSync } from 'node:fs';
import { DebugInfo } from './debug-info.ts';
import { fileProblem } from './problems.ts';

/** What tells one state of a file from another: a rebuilt binary is another file. */
export interface FileIdentity {
  readonly inode: number;
  readonly device: number;
  readonly modifiedMs: number;
  readonly sizeBytes: number;
}

/** Throws ProbeError file-not-found, file-unreadable. */
export function fileIdentity(path: string): FileIdentity {
  try {
    const { ino, dev, mtimeMs, size } = statSync(path);
    return { inode: ino, device: dev, modifiedMs: mtimeMs, sizeBytes: size };
  } catch (error) {
    throw fileProblem(path, error);
  }
}

export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return (
    a.inode === b.inode &&
    a.device === b.device &&
    a.modifiedMs === b.modifiedMs &&
    a.sizeBytes === b.sizeBytes
  );
}

/** Programs and libraries of one service easily use this many; each holds an open file. */
const MOST_OPEN = 64;
/** For the code of a person's own programs, whose indexes are asked again and again. */
const MOST_HELD_BYTES = 512 * 2 ** 20;

interface Opened {
  readonly opening: Promise<DebugInfo>;
  info?: DebugInfo;
}

/**
 * Debug information of binaries, read once as long as the file stays the same, however many processes use it and by whichever path. Those
 * that were used longest ago are forgotten where they are many or large; whoever still reads one may go on.
 */
export class OpenBinaries {
  /** By what tells the file from others, the one used longest ago first. */
  readonly #opened = new Map<string, Opened>();
  readonly #mostHeldBytes: number;

  /** `mostHeldBytes`: memory for what is read of them; a file that alone takes more stays while it is the one in use. */
  constructor(mostHeldBytes = MOST_HELD_BYTES) {
    this.#mostHeldBytes = mostHeldBytes;
  }

  /** Throws ProbeError as {@link DebugInfo.open}. */
  async open(path: string): Promise<DebugInfo> {
    const { device, inode, modifiedMs, sizeBytes } = fileIdentity(path);
    const key = [device, inode, modifiedMs, sizeBytes].join(' ');
    let opened = this.#opened.get(key);
    if (opened === undefined) opened = this.#open(key, path);
    else {
      this.#opened.delete(key);
      this.#opened.set(key, opened);
    }
    const info = await opened.opening;
    this.#bound();
    return info;
  }

  /** How many are open, and the memory that what was read of them takes. */
  get held(): { readonly count: number; readonly bytes: number } {
    let bytes = 0;
    for (const { info } of this.#opened.values()) bytes += info?.heldBytes ?? 0;
    return { count: this.#opened.size, bytes };
  }

  #open(key: string, path: string): Opened {
    const opening = DebugInfo.open(path);
    const opened: Opened = { opening };
    this.#opened.set(key, opened);
    opening.then(
      (info) => (opened.info = info),
      () => this.#opened.delete(key),
    );
    return opened;
  }

  /** Forgets the oldest until the rest is within bounds; their files close when nobody reads them any more. */
  #bound(): void {
    let { count, bytes } = this.held;
    for (const [key, { info }] of this.#opened) {
      if (count <= 1 || (count <= MOST_OPEN && bytes <= this.#mostHeldBytes)) return;
      this.#opened.delete(key);
      count--;
      bytes -= info?.heldBytes ?? 0;
    }
  }
}
