import { statSync } from 'node:fs';
import { DebugInfo } from './debug-info.ts';
import { fileProblem } from './problems.ts';

/** How many binaries are kept open: a session traces few, and each large one holds tens of megabytes. */
const KEPT = 16;

interface Entry {
  readonly info: Promise<DebugInfo>;
  readonly identity: string;
}

/**
 * Open binaries by path; a file that was replaced or rebuilt is opened anew. What was opened is closed when it has not been
 * asked for while {@link KEPT} others were.
 */
export class SymbolStore {
  readonly #entries = new Map<string, Entry>();

  /** Throws ProbeError `file-not-found`, `not-an-elf-file`, `malformed-file`, `unsupported-file`. */
  async open(path: string): Promise<DebugInfo> {
    const identity = identityOf(path);
    let entry = this.#entries.get(path);
    if (entry?.identity !== identity) {
      this.#close(path);
      entry = { identity, info: DebugInfo.open(path) };
    }
    // the order of insertion is the order of use
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= KEPT) break;
      this.#close(oldest);
    }
    try {
      return await entry.info;
    } catch (error) {
      this.#entries.delete(path);
      throw error;
    }
  }

  dispose(): void {
    for (const path of [...this.#entries.keys()]) this.#close(path);
  }

  #close(path: string): void {
    const entry = this.#entries.get(path);
    this.#entries.delete(path);
    void entry?.info.then(
      (info) => info.close(),
      () => undefined,
    );
  }
}

function identityOf(path: string): string {
  try {
    const { dev, ino, size, mtimeMs } = statSync(path);
    return `${dev}:${ino}:${size}:${mtimeMs}`;
  } catch (error) {
    throw fileProblem(path, error);
  }
}
