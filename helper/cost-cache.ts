import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { homedir, release } from 'node:os';
import { dirname, join } from 'node:path';
import { costClasses, type CostTable, type HitCosts } from '../protocol/cost.ts';

/** Figures this old are measured again: microcode and settings of the processor change without a new kernel. */
const OLDEST_MS = 30 * 86_400_000;

/**
 * What hits cost on this host, kept by kernel, processor and engine, beside the helper's own file: one JSON file a combination.
 * Whatever is wrong with it (another shape, somebody else's, too old), it is as if it were not there.
 */
export class CostCache {
  readonly #path: string;

  constructor(engineVersion: string) {
    const folder = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
    const name = `costs-${release()}-${process.arch}-bpftrace-${engineVersion}.json`;
    this.#path = join(folder, 'probescope', name.replaceAll(/[^\w.-]/g, '_'));
  }

  async read(): Promise<CostTable | undefined> {
    try {
      const { mtimeMs, uid } = await stat(this.#path);
      if (Date.now() - mtimeMs > OLDEST_MS || uid !== process.getuid?.()) return undefined;
      const table: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      return isTable(table) ? table : undefined;
    } catch {
      return undefined;
    }
  }

  /** A home that cannot be written costs a measurement a session, no more. */
  async write(table: CostTable): Promise<void> {
    const partial = `${this.#path}.${process.pid}`;
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      await writeFile(partial, JSON.stringify(table), { mode: 0o600 });
      await rename(partial, this.#path);
    } catch {
      // as said above
    }
  }
}

function isTable(value: unknown): value is CostTable {
  if (typeof value !== 'object' || value === null) return false;
  const { count, latency } = value as Partial<Record<keyof CostTable, unknown>>;
  return [count, latency].every(
    (costs) =>
      typeof costs === 'object' &&
      costs !== null &&
      costClasses.every((kind) => {
        const ns = (costs as Partial<HitCosts>)[kind];
        return typeof ns === 'number' && ns > 0 && ns < 1e9;
      }),
  );
}
