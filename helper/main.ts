// The helper's one file: its process, and the thread that the process starts from the same file (`host/binary-search.ts`).
import { isMainThread, parentPort } from 'node:worker_threads';

if (isMainThread) void import('./process.ts');
else if (parentPort !== null) {
  const port = parentPort;
  void import('./host/binary-search-thread.ts').then(({ serveSearches }) => serveSearches(port));
}
