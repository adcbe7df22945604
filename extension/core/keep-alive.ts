import type { Disposable } from './emitter.ts';

/** How often each end shows the other that it is there. */
export const PING_MS = 1000;
/** A helper that hears nothing for this long has been left, and ends with all that it started. */
export const HELPER_SILENCE_MS = 4000;
/** A helper that answers nothing for this long is given up; reading a large binary keeps one busy for seconds. */
const ANSWER_SILENCE_MS = 20_000;
const SAMPLES = 9;

/** How far the clock over there is ahead of ours (negative: behind), known to within half a round trip. */
export interface ClockOffset {
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
}

interface Answer extends ClockOffset {
  readonly roundTripNs: number;
}

/** Shows the helper once a second that we are there, and measures how long its answer takes and what time it is there. */
export class KeepAlive implements Disposable {
  readonly #timer: NodeJS.Timeout;
  readonly #answers: Answer[] = [];
  #pendingSinceMs: number | undefined;

  /** `ping` resolves with the answer; `giveUp` is called once when none came for long. */
  constructor(ping: () => Promise<{ readonly wallClockMs: number }>, giveUp: () => void) {
    const beat = () => {
      const nowMs = performance.now();
      if (this.#pendingSinceMs !== undefined && nowMs - this.#pendingSinceMs > ANSWER_SILENCE_MS) {
        this.dispose();
        giveUp();
        return;
      }
      this.#pendingSinceMs ??= nowMs;
      const wallClockMs = Date.now();
      void ping().then(
        (answer) => {
          this.#pendingSinceMs = undefined;
          const roundTripMs = performance.now() - nowMs;
          const uncertaintyMs = roundTripMs / 2;
          this.#answers.push({
            roundTripNs: roundTripMs * 1e6,
            offsetMs: answer.wallClockMs - (wallClockMs + uncertaintyMs),
            uncertaintyMs,
          });
          if (this.#answers.length > SAMPLES) this.#answers.shift();
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
    const sorted = this.#answers.map(({ roundTripNs }) => roundTripNs).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  /** By the quickest of the last answers; undefined before the first. */
  get clockOffset(): ClockOffset | undefined {
    const [quickest] = [...this.#answers].sort((a, b) => a.uncertaintyMs - b.uncertaintyMs);
    return quickest;
  }

  dispose(): void {
    clearInterval(this.#timer);
  }
}
