import { readFileSync } from 'node:fs';

const MOST_THREADS = 4096;

/** Processes of the threads that hit probes, remembered: threads may end before all their hits are read. */
export class ThreadProcesses {
  readonly #known = new Map<number, number | undefined>();
  readonly #names = new Map<number, string | undefined>();

  /** The process of a thread; undefined when it had ended before anybody asked. */
  pidOf(tid: number): number | undefined {
    if (!this.#known.has(tid)) {
      if (this.#known.size >= MOST_THREADS) this.#known.clear();
      this.#known.set(tid, readPid(tid));
    }
    return this.#known.get(tid);
  }

  /** A thread's name as it was when first asked for; undefined when it had ended before. */
  nameOf(tid: number): string | undefined {
    if (!this.#names.has(tid)) {
      if (this.#names.size >= MOST_THREADS) this.#names.clear();
      this.#names.set(tid, readName(tid));
    }
    return this.#names.get(tid);
  }
}

function readName(tid: number): string | undefined {
  try {
    return readFileSync(`/proc/${tid}/comm`, 'utf8').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

/** What the kernel's trace shows for a thread whose name it has not remembered (its list of names has 128 places by default). */
export const UNREMEMBERED_NAME = '<...>';

/** `Tgid` of proc_pid_status(5). */
function readPid(tid: number): number | undefined {
  try {
    const pid = /^Tgid:\t(\d+)$/m.exec(readFileSync(`/proc/${tid}/status`, 'utf8'))?.[1];
    return pid === undefined ? undefined : Number(pid);
  } catch {
    return undefined;
  }
}
