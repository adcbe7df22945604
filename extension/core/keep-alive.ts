import type { Disposable } from './emitter.ts';

/** How often each end shows the other that it is there. */
export const PING_MS = 1000;
/** A helper that hears nothing for this long has been left, and ends with all that it started. */
export const HELPER_SILENCE_MS = 4000;
/** A helper that answers nothing for this long is given up; reading a large binary keeps one busy for seconds. */
const ANSWER_SILENCE_MS = 20_000;
const SAMPLES = 9;

/** Shows the helper once a second that we are there, and measures how long its answer takes. */
export class KeepAlive implements Disposable {
  readonly #timer: NodeJS.Timeout;
  readonly #roundTripsNs: number[] = [];
  #pendingSinceMs: number | undefined;

  /** `ping` resolves with the answer; `giveUp` is called once when none came for long. */
  constructor(ping: () => Promise<unknown>, giveUp: () => void) {
    const beat = () => {
      const nowMs = performance.now();
      if (this.#pendingSinceMs !== undefined && nowMs - this.#pendingSinceMs > ANSWER_SILENCE_MS) {
        this.dispose();
        giveUp();
        return;
      }
      this.#pendingSinceMs ??= nowMs;
      void ping().then(
        () => {
          this.#pendingSinceMs = undefined;
          this.#roundTripsNs.push((performance.now() - nowMs) * 1e6);
          if (this.#roundTripsNs.length > SAMPLES) this.#roundTripsNs.shift();
        },
        // who closed the connection tells why
        () => undefined,
      );
    };
    this.#timer = setInterval(beat, PING_MS);
    this.#timer.unref();
    beat();
  }

  /** Median of the last round trips, in ns. */
  get latencyNs(): number | undefined {
    const sorted = [...this.#roundTripsNs].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  dispose(): void {
    clearInterval(this.#timer);
  }
}
