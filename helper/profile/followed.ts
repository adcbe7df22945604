import { readdirSync, readFileSync } from 'node:fs';
import type { Symboliser } from '../symbols/symbolise.ts';

/**
 * Processes with those below them, or whatever process is asked for: their names, and the mappings by which their addresses
 * are named later, read while they live.
 */
export class FollowedProcesses {
  readonly #symboliser: Symboliser;
  readonly #names = new Map<number, string>();
  /** Each thread that was seen, with its process. */
  readonly threads = new Map<number, number>();
  readonly #roots: readonly number[] | undefined;

  constructor(symboliser: Symboliser, roots: readonly number[] | undefined) {
    this.#symboliser = symboliser;
    this.#roots = roots;
    this.look();
  }

  /** All that were asked for have ended. */
  get isGone(): boolean {
    return this.#roots?.every((pid) => textOf(`/proc/${pid}/maps`) === '') === true;
  }

  look(): void {
    const waiting = [...(this.#roots ?? [])];
    const seen = new Set<number>();
    for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
      // of a container both parent and child are asked for
      if (seen.has(pid)) continue;
      seen.add(pid);
      this.#symboliser.prepare(pid);
      this.#readName(pid);
      waiting.push(...this.#childrenOf(pid));
    }
  }

  nameOf(pid: number, otherwise = `process ${pid}`): string {
    if (!this.#names.has(pid)) this.#readName(pid);
    return this.#names.get(pid) ?? otherwise;
  }

  /** What an engine tells of a process that has another name now, or is gone. */
  setName(pid: number, name: string): void {
    this.#names.set(pid, name);
  }

  #childrenOf(pid: number): number[] {
    try {
      return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
        this.threads.set(Number(tid), pid);
        return textOf(`/proc/${pid}/task/${tid}/children`).split(' ').filter(Boolean).map(Number);
      });
    } catch {
      return [];
    }
  }

  #readName(pid: number): void {
    const name = textOf(`/proc/${pid}/comm`).trim();
    if (name !== '') this.#names.set(pid, name);
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
