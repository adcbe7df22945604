import { formatDuration } from '../../protocol/format.ts';

/** Times the parts of one action: `after 650 ms (lookup 12 ms, attach 420 ms, first snapshot 218 ms)`. */
export class Stopwatch {
  readonly #startMs = performance.now();
  readonly #laps: { readonly name: string; readonly ms: number }[] = [];
  #lastMs = this.#startMs;

  lap(name: string): void {
    const now = performance.now();
    this.#laps.push({ name, ms: now - this.#lastMs });
    this.#lastMs = now;
  }

  toString(): string {
    const parts = this.#laps.map(({ name, ms }) => `${name} ${formatDuration(ms * 1e6, 3)}`);
    return `after ${formatDuration((this.#lastMs - this.#startMs) * 1e6, 3)} (${parts.join(', ')})`;
  }
}
