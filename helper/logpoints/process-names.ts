import { readFileSync } from 'node:fs';

export interface ThreadFacts {
  readonly pid?: number;
  readonly command?: string;
}

const MOST_THREADS = 4096;

/** Process and command of the threads that hit probes, remembered: threads may end before their hits are read. */
export class ThreadNames {
  readonly #known = new Map<number, ThreadFacts>();

  of(tid: number): ThreadFacts {
    let facts = this.#known.get(tid);
    if (facts === undefined) {
      facts = readFacts(tid);
      if (this.#known.size >= MOST_THREADS) this.#known.clear();
      this.#known.set(tid, facts);
    }
    return facts;
  }
}

/** proc_pid_status(5). */
function readFacts(tid: number): ThreadFacts {
  try {
    const status = readFileSync(`/proc/${tid}/status`, 'utf8');
    const pid = /^Tgid:\t(\d+)$/m.exec(status)?.[1];
    const command = /^Name:\t(.*)$/m.exec(status)?.[1];
    return {
      ...(pid === undefined ? {} : { pid: Number(pid) }),
      ...(command === undefined ? {} : { command }),
    };
  } catch {
    return {};
  }
}
