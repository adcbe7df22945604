/** Something that can be undone or ended. */
export interface Disposable {
  dispose(): void;
}

/** Calls its listeners in the order they came; one that throws does not keep the others from being called. */
export class Emitter<T> implements Disposable {
  readonly #listeners = new Set<(value: T) => void>();

  /** Subscribes; the result unsubscribes. */
  readonly on = (listener: (value: T) => void): Disposable => {
    const own = (value: T): void => listener(value);
    this.#listeners.add(own);
    return { dispose: () => void this.#listeners.delete(own) };
  };

  fire(value: T): void {
    let failed: unknown;
    for (const listener of [...this.#listeners])
      try {
        listener(value);
      } catch (error) {
        failed ??= error;
      }
    if (failed !== undefined) throw failed as Error;
  }

  dispose(): void {
    this.#listeners.clear();
  }
}
