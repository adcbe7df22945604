import { asProblem } from '../../protocol/errors.ts';
import type { SearchProgress } from '../../protocol/helper.ts';
import { SourceFilesCache } from '../symbols/source-files-cache.ts';
import { findBinaries } from './binaries.ts';
import type { SearchOrder, SearchReport } from './binary-search.ts';

const PROGRESS_EVERY_MS = 100;

/** Serves the searches that `BinarySearch` orders, until the helper ends this process or goes itself. */
export function serveSearches(): void {
  process.title = 'probescope-search';
  const cache = new SourceFilesCache();
  const unwanted = new Set<number>();
  const say = (report: SearchReport): void => {
    process.send?.(report);
  };
  process.on('disconnect', () => process.exit());
  process.on('message', ({ id, query }: SearchOrder) => {
    if (query === undefined) {
      unwanted.add(id);
      return;
    }
    let toldMs = -Infinity;
    const progress = (now: SearchProgress): void => {
      if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
      toldMs = performance.now();
      say({ id, kind: 'progress', progress: now });
    };
    findBinaries(query, { cache, progress, isCancelled: () => unwanted.has(id) })
      .then(
        (candidates) => {
          say({ id, kind: 'found', candidates });
        },
        (error: unknown) => {
          say({ id, kind: 'failed', problem: asProblem(error) });
        },
      )
      .finally(() => unwanted.delete(id));
  });
}
