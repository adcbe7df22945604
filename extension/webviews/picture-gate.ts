/** As often as a page gets a picture at most; what a person asks for while nothing else goes on comes at once. */
const APART_MS = 250;

/**
 * When a page is sent its next picture: once it has drawn the last one, and four times a second at most. A page that draws more slowly
 * than pictures are sent would show older and older ones, and answer clicks later and later.
 */
export class PictureGate {
  readonly #send: () => boolean;
  #undrawn = 0;
  #wanted = false;
  #sentAtMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  /** `send` makes and sends a picture of this moment; false where the page can take none. */
  constructor(send: () => boolean) {
    this.#send = send;
  }

  /** Asks for a picture. However often that is done before one can be sent, it is one. */
  request(): void {
    this.#wanted = true;
    this.#proceed();
  }

  /** Another message has gone to the page, which it will draw, too. */
  sent(): void {
    this.#undrawn++;
  }

  drawn(): void {
    this.#undrawn = Math.max(0, this.#undrawn - 1);
    this.#proceed();
  }

  /** The page has begun anew: what it was sent before is gone. */
  restart(): void {
    this.#undrawn = 0;
    this.#sentAtMs = -Infinity;
    this.request();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#wanted = false;
  }

  #proceed(): void {
    if (!this.#wanted || this.#undrawn > 0 || this.#timer !== undefined) return;
    const waitMs = this.#sentAtMs + APART_MS - performance.now();
    if (waitMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#proceed();
      }, waitMs);
      return;
    }
    this.#wanted = false;
    if (!this.#send()) return;
    this.#undrawn++;
    this.#sentAtMs = performance.now();
  }
}
