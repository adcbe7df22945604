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

interface Opened {
  readonly identity: FileIdentity;
  readonly info: Promise<DebugInfo>;
}

/** Programs and libraries of one service easily use this many; each holds an open file. */
const MOST_OPEN = 64;

/** Debug information of binaries, read once as long as the file stays the same. */
export class OpenBinaries {
  readonly #opened = new Map<string, Opened>();

  /** Throws ProbeError as {@link DebugInfo.open}. */
  async open(path: string): Promise<DebugInfo> {
    const identity = fileIdentity(path);
    const known = this.#opened.get(path);
    if (known !== undefined && sameFile(known.identity, identity)) return known.info;
    this.#forget(path);
    const info = DebugInfo.open(path);
    this.#opened.set(path, { identity, info });
    info.catch(() => this.#opened.delete(path));
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > MOST_OPEN && oldest !== undefined) this.#forget(oldest);
    return info;
  }

  #forget(path: string): void {
    const opened = this.#opened.get(path);
    this.#opened.delete(path);
    opened?.info.then(
      (info) => info.close(),
      () => undefined,
    );
  }
}
