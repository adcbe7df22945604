import type { MessagePort } from 'node:worker_threads';
import { asProblem } from '../../protocol/errors.ts';
import type { SearchProgress } from '../../protocol/helper.ts';
import { SourceFilesCache } from '../symbols/source-files-cache.ts';
import { findBinaries } from './binaries.ts';
import type { SearchOrder, SearchReport } from './binary-search.ts';

const PROGRESS_EVERY_MS = 100;

/** Serves the searches that `BinarySearch` orders, in its thread, until that is ended. */
export function serveSearches(port: MessagePort): void {
  const cache = new SourceFilesCache();
  const say = (report: SearchReport): void => {
    port.postMessage(report);
  };
  port.on('message', ({ id, query, cancelled }: SearchOrder) => {
    let toldMs = -Infinity;
    const progress = (now: SearchProgress): void => {
      if (performance.now() - toldMs < PROGRESS_EVERY_MS) return;
      toldMs = performance.now();
      say({ id, kind: 'progress', progress: now });
    };
    findBinaries(query, { cache, progress, isCancelled: () => Atomics.load(cancelled, 0) !== 0 }).then(
      (candidates) => {
        say({ id, kind: 'found', candidates });
      },
      (error: unknown) => {
        say({ id, kind: 'failed', problem: asProblem(error) });
      },
    );
  });
}
