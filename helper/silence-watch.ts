import type { Readable } from 'node:stream';

const LOOK_MS = 250;

/**
 * Ends the input, and with it the helper, when a client that promised to show itself has been silent for too long: a link that
 * was cut is told to nobody, and a quiet helper behind it would trace for ever.
 */
export class SilenceWatch {
  readonly #input: Readable;
  #limitMs = Infinity;
  #heardMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(input: Readable) {
    this.#input = input;
  }

  /** The client was heard, and will be again within `ms`. */
  endAfter(ms: number): void {
    this.#heardMs = performance.now();
    this.#limitMs = Math.max(LOOK_MS, ms);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  dispose(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (performance.now() - this.#heardMs <= this.#limitMs) return;
    // After work that kept this process from reading, what came meanwhile is read first.
    setImmediate(() =>
      setImmediate(() => {
        if (performance.now() - this.#heardMs > this.#limitMs) this.#input.destroy();
      }),
    );
  }
}
