/**
 * Says that something changed no faster than the listener comes to ask. VS Code gives up an answer that is on its way when
 * the next change is told: on a busy machine, where a round takes longer than the interval, it would never show one.
 */
export class RefreshPace {
  readonly #tell: () => void;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** When it was told and nobody has asked since: what changes meanwhile is in the answer. */
  #toldMs: number | undefined;
  #nextMs = 0;

  constructor(tell: () => void, intervalMs: number) {
    this.#tell = tell;
    this.#intervalMs = intervalMs;
  }

  /** A figure changed: told when its time has come. */
  changed(): void {
    if (this.#timer !== undefined || this.#toldMs !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.changedNow();
      },
      Math.max(0, this.#nextMs - performance.now()),
    );
  }

  /** What is shown at all changed: told at once. */
  changedNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#toldMs = performance.now();
    this.#tell();
  }

  /** The listener asks. The answer takes about as long to be shown as the asking took to come. */
  asked(): void {
    if (this.#toldMs === undefined) return;
    const nowMs = performance.now();
    this.#nextMs = nowMs + Math.max(this.#intervalMs, 2 * (nowMs - this.#toldMs));
    this.#toldMs = undefined;
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}
