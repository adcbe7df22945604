import { readFileSync } from 'node:fs';

const MOST_THREADS = 4096;

/** Processes of the threads that hit probes, remembered: threads may end before all their hits are read. */
export class ThreadProcesses {
  readonly #known = new Map<number, number | undefined>();

  /** The process of a thread; undefined when it had ended before anybody asked. */
  pidOf(tid: number): number | undefined {
    if (!this.#known.has(tid)) {
      if (this.#known.size >= MOST_THREADS) this.#known.clear();
      this.#known.set(tid, readPid(tid));
    }
    return this.#known.get(tid);
  }
}

/** `Tgid` of proc_pid_status(5). */
function readPid(tid: number): number | undefined {
  try {
    const pid = /^Tgid:\t(\d+)$/m.exec(readFileSync(`/proc/${tid}/status`, 'utf8'))?.[1];
    return pid === undefined ? undefined : Number(pid);
  } catch {
    return undefined;
  }
}
