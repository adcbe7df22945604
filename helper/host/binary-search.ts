import { fork, type ChildProcess } from 'node:child_process';
import { asProblem, ProbeError, type Problem } from '../../protocol/errors.ts';
import type { BinaryCandidate, SearchProgress, SourceQuery } from '../../protocol/helper.ts';
import { SEARCH_WORD } from './search-word.ts';

/** What the process is told: a search, or, without a query, that nobody wants its answer any more. */
export interface SearchOrder {
  readonly id: number;
  readonly query?: SourceQuery;
}

/** What the process says of a search. */
export type SearchReport = { readonly id: number } & (
  | { readonly kind: 'progress'; readonly progress: SearchProgress }
  | { readonly kind: 'found'; readonly candidates: readonly BinaryCandidate[] }
  | { readonly kind: 'failed'; readonly problem: Problem }
);

/** It takes 100 ms to start and 60 MB while it is there: searches come in groups, then not for a long time. */
const IDLE_MS = 5000;
/** A search that needs more ends with an error, and the helper lives on. */
const MOST_HEAP_MB = 2048;

interface Pending {
  readonly resolve: (candidates: readonly BinaryCandidate[]) => void;
  readonly reject: (problem: ProbeError) => void;
  readonly progress: (progress: SearchProgress) => void;
}

/**
 * Searches for the binaries of a source file in a process of its own, which ends when it had nothing to do for a while: reading line
 * tables keeps a processor for seconds, and probes that run must be served meanwhile. Of a thread the helper would keep 15 MB: V8's
 * compilers, and what their memory was taken from.
 */
export class BinarySearch {
  readonly #entry: string;
  readonly #pending = new Map<number, Pending>();
  #process: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #lastId = 0;

  /** `entry`: the file that serves searches (`binary-search-process.ts`) when it is run with {@link SEARCH_WORD}. */
  constructor(entry: string) {
    this.#entry = entry;
  }

  /** Answers as `findBinaries` of `binaries.ts`; at once with `cancelled` when the signal comes. */
  async find(
    query: SourceQuery,
    signal: AbortSignal,
    progress: (progress: SearchProgress) => void,
  ): Promise<readonly BinaryCandidate[]> {
    const id = ++this.#lastId;
    let onAbort = (): void => undefined;
    try {
      return await new Promise((resolve, reject) => {
        onAbort = () => {
          reject(new ProbeError({ code: 'cancelled', message: 'The search was cancelled.' }));
        };
        if (signal.aborted) return onAbort();
        signal.addEventListener('abort', onAbort, { once: true });
        this.#pending.set(id, { resolve, reject, progress });
        this.#running().send({ id, query } satisfies SearchOrder);
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#pending.delete(id);
      if (signal.aborted) this.#giveUp(id);
      this.#restWhenIdle();
    }
  }

  /** Ends the process; searches that run are answered with `cancelled`. */
  dispose(): Promise<void> {
    clearTimeout(this.#idle);
    this.#fail({ code: 'cancelled', message: 'The helper ends.' });
    this.#end();
    return Promise.resolve();
  }

  #running(): ChildProcess {
    clearTimeout(this.#idle);
    if (this.#process !== undefined) return this.#process;
    const child = fork(this.#entry, [SEARCH_WORD], {
      execArgv: [`--max-old-space-size=${MOST_HEAP_MB}`],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('message', (report: SearchReport) => {
      const pending = this.#pending.get(report.id);
      if (report.kind === 'progress') pending?.progress(report.progress);
      else if (report.kind === 'found') pending?.resolve(report.candidates);
      else pending?.reject(new ProbeError(report.problem));
    });
    const ended = (problem: Problem) => {
      if (this.#process !== child) return;
      this.#process = undefined;
      this.#fail(problem);
    };
    child.on('error', (error) => {
      ended(asProblem(error));
    });
    child.on('exit', () => {
      ended({ code: 'internal', message: 'The search for binaries ended by itself.' });
    });
    return (this.#process = child);
  }

  /** A process that reads a large binary hears nothing: where no other search is wanted, it ends. */
  #giveUp(id: number): void {
    if (this.#pending.size === 0) this.#end();
    else this.#process?.send({ id } satisfies SearchOrder);
  }

  /** It writes nothing but whole entries of its cache. */
  #end(): void {
    const child = this.#process;
    this.#process = undefined;
    child?.kill('SIGKILL');
  }

  #fail(problem: Problem): void {
    for (const { reject } of this.#pending.values()) reject(new ProbeError(problem));
    this.#pending.clear();
  }

  #restWhenIdle(): void {
    clearTimeout(this.#idle);
    if (this.#pending.size > 0) return;
    this.#idle = setTimeout(() => {
      this.#end();
    }, IDLE_MS);
    this.#idle.unref();
  }
}
