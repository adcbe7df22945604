import { Worker } from 'node:worker_threads';
import { asProblem, ProbeError, type Problem } from '../../protocol/errors.ts';
import type { BinaryCandidate, SearchProgress, SourceQuery } from '../../protocol/helper.ts';

/** What the thread is told: a search, and a flag that is raised when nobody wants its answer any more. */
export interface SearchOrder {
  readonly id: number;
  readonly query: SourceQuery;
  readonly cancelled: Int32Array;
}

/** What the thread says of a search. */
export type SearchReport = { readonly id: number } & (
  | { readonly kind: 'progress'; readonly progress: SearchProgress }
  | { readonly kind: 'found'; readonly candidates: readonly BinaryCandidate[] }
  | { readonly kind: 'failed'; readonly problem: Problem }
);

/**
 * A thread takes 100 ms to start and 20 MB while it is there: searches come in groups, then not for a long time. V8 gives
 * what it leaves behind back 8 s after its end.
 */
const IDLE_MS = 5000;
/** A search that needs more ends with an error, and the helper lives on. */
const MOST_HEAP_MB = 2048;

interface Pending {
  readonly resolve: (candidates: readonly BinaryCandidate[]) => void;
  readonly reject: (problem: ProbeError) => void;
  readonly progress: (progress: SearchProgress) => void;
}

/**
 * Searches for the binaries of a source file in a thread of its own, which ends when it had nothing to do for a while: reading line
 * tables keeps a processor for seconds, and probes that run must be served meanwhile.
 */
export class BinarySearch {
  readonly #entry: string;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** `entry`: the file that serves searches (`binary-search-thread.ts`) when it is run in a thread. */
  constructor(entry: string) {
    this.#entry = entry;
  }

  /** Answers as `findBinaries` of `binaries.ts`; at once with `cancelled` when the signal comes. */
  async find(
    query: SourceQuery,
    signal: AbortSignal,
    progress: (progress: SearchProgress) => void,
  ): Promise<readonly BinaryCandidate[]> {
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const id = ++this.#lastId;
    let onAbort = (): void => undefined;
    try {
      return await new Promise((resolve, reject) => {
        onAbort = () => {
          Atomics.store(cancelled, 0, 1);
          reject(new ProbeError({ code: 'cancelled', message: 'The search was cancelled.' }));
        };
        if (signal.aborted) return onAbort();
        signal.addEventListener('abort', onAbort, { once: true });
        this.#pending.set(id, { resolve, reject, progress });
        this.#thread().postMessage({ id, query, cancelled } satisfies SearchOrder);
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#pending.delete(id);
      this.#restWhenIdle();
    }
  }

  /** Ends the thread; searches that run are answered with `cancelled`. */
  async dispose(): Promise<void> {
    clearTimeout(this.#idle);
    this.#fail({ code: 'cancelled', message: 'The helper ends.' });
    await this.#worker?.terminate();
  }

  #thread(): Worker {
    clearTimeout(this.#idle);
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.#entry, {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
    });
    worker.on('message', (report: SearchReport) => {
      const pending = this.#pending.get(report.id);
      if (report.kind === 'progress') pending?.progress(report.progress);
      else if (report.kind === 'found') pending?.resolve(report.candidates);
      else pending?.reject(new ProbeError(report.problem));
    });
    worker.on('error', (error) => {
      this.#fail(asProblem(error));
    });
    worker.on('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#fail({ code: 'internal', message: 'The search for binaries ended by itself.' });
    });
    return (this.#worker = worker);
  }

  #fail(problem: Problem): void {
    for (const { reject } of this.#pending.values()) reject(new ProbeError(problem));
    this.#pending.clear();
  }

  #restWhenIdle(): void {
    clearTimeout(this.#idle);
    if (this.#pending.size > 0) return;
    this.#idle = setTimeout(() => {
      const worker = this.#worker;
      this.#worker = undefined;
      void worker?.terminate();
    }, IDLE_MS);
    this.#idle.unref();
  }
}
