import { ProbeError } from '../../protocol/errors.ts';
import type { BinaryCandidate, SearchProgress, SourceQuery } from '../../protocol/helper.ts';
import type { HelperConnection } from './connection.ts';

/** Binaries found this long ago are still the ones: a program that started since is found the next time. */
const FRESH_MS = 5000;

/** Who asks: without a signal it is nobody who waits, and the search ends with the last of those who do. */
export interface SearchInterest {
  readonly signal?: AbortSignal;
  readonly progress?: (progress: SearchProgress) => void;
}

/** What is asked of a connection. */
export interface SearchingHelper {
  readonly onSearchProgress: HelperConnection['onSearchProgress'];
  call(
    method: 'findBinaries',
    query: SourceQuery,
    cancelled?: AbortSignal,
  ): Promise<{ readonly candidates: readonly BinaryCandidate[] }>;
}

interface Search {
  readonly connection: SearchingHelper;
  /** When it had its answer. */
  answeredMs?: number;
  readonly candidates: Promise<readonly BinaryCandidate[]>;
  readonly end: AbortController;
  readonly listeners: Set<(progress: SearchProgress) => void>;
  waiting: number;
}

const isOld = ({ answeredMs }: Search): boolean =>
  answeredMs !== undefined && performance.now() - answeredMs >= FRESH_MS;

let searches = 0;

/**
 * Searches for the binaries of source files, each shared by all who ask for the same file: the menu is open while the search that its
 * opening began runs. One who gives up is answered at once; the search itself ends when all who waited have.
 */
export class BinarySearches {
  readonly #connect: () => Promise<SearchingHelper>;
  readonly #where: () => Omit<SourceQuery, 'file' | 'search'>;
  readonly #byFile = new Map<string, Search>();

  /** `where`: what belongs to a query beside the file; read at each search. */
  constructor(connect: () => Promise<SearchingHelper>, where: () => Omit<SourceQuery, 'file' | 'search'>) {
    this.#connect = connect;
    this.#where = where;
  }

  /** Best first. Throws ProbeError `cancelled`, and what the helper's `findBinaries` does. */
  async find(file: string, { signal, progress }: SearchInterest = {}): Promise<readonly BinaryCandidate[]> {
    const connection = await this.#connect();
    let search = this.#byFile.get(file);
    if (search?.connection !== connection || isOld(search)) search = this.#start(file, connection);
    if (progress !== undefined) search.listeners.add(progress);
    try {
      return signal === undefined ? await search.candidates : await this.#waitFor(file, search, signal);
    } finally {
      if (progress !== undefined) search.listeners.delete(progress);
    }
  }

  #start(file: string, connection: SearchingHelper): Search {
    const id = `search-${++searches}`;
    const listeners: Search['listeners'] = new Set();
    const end = new AbortController();
    const subscription = connection.onSearchProgress(({ search, ...progress }) => {
      if (search === id) for (const listener of listeners) listener(progress);
    });
    const candidates = connection
      .call('findBinaries', { file, search: id, ...this.#where() }, end.signal)
      .then(({ candidates: found }) => found);
    const search: Search = {
      connection,
      candidates,
      end,
      listeners,
      waiting: 0,
    };
    this.#byFile.set(file, search);
    candidates
      .then(
        () => {
          search.answeredMs = performance.now();
        },
        () => {
          this.#forget(file, search);
        },
      )
      .finally(() => {
        subscription.dispose();
      });
    return search;
  }

  async #waitFor(file: string, search: Search, signal: AbortSignal): Promise<readonly BinaryCandidate[]> {
    search.waiting++;
    let giveUp = (): void => undefined;
    const gaveUp = new Promise<never>((_, reject) => {
      giveUp = () => {
        if (--search.waiting === 0) {
          this.#forget(file, search);
          search.end.abort();
        }
        reject(new ProbeError({ code: 'cancelled', message: 'The search for binaries was cancelled.' }));
      };
    });
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await Promise.race([search.candidates, gaveUp]);
    } finally {
      signal.removeEventListener('abort', giveUp);
      if (!signal.aborted) search.waiting--;
    }
  }

  #forget(file: string, search: Search): void {
    if (this.#byFile.get(file) === search) this.#byFile.delete(file);
  }
}
