import type { Readable } from 'node:stream';

const LOOK_MS = 250;

/**
 * Ends the input, and with it the helper, when a client that promised to show itself has been silent for too long: a link that
 * was cut is told to nobody, and a quiet helper behind it would trace for ever.
 */
export class SilenceWatch {
  readonly #input: Readable;
  #limitMs = Infinity;
  #silentMs = 0;
  #lookedMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(input: Readable) {
    this.#input = input;
  }

  /** The client was heard, and will be again within `ms`. */
  endAfter(ms: number): void {
    this.#silentMs = 0;
    this.#limitMs = Math.max(LOOK_MS, ms);
    if (this.#timer !== undefined) return;
    this.#lookedMs = performance.now();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  dispose(): void {
    clearInterval(this.#timer);
  }

  /**
   * Only time in which this process could have listened counts as silence: while it read a large binary, or was not scheduled at
   * all, nothing was heard because nobody listened.
   */
  #look(): void {
    const nowMs = performance.now();
    this.#silentMs += Math.min(nowMs - this.#lookedMs, 2 * LOOK_MS);
    this.#lookedMs = nowMs;
    if (this.#silentMs > this.#limitMs) this.#input.destroy();
  }
}
