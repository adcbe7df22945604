/**
 * Something that is loaded and made when it is first asked for. A helper that only traces holds no code for event streams,
 * scripts and logpoints, whose modules, run at its start, cost 15 MB and a third of the time until it answers.
 */
export class Lazy<T> {
  readonly #make: () => Promise<T>;
  #made: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  /** The one that there is from now on. Rejects with what kept it from being made. */
  get(): Promise<T> {
    return (this.#made ??= this.#make());
  }

  /** Ends it where it was made, after everybody who asked for it before has been given it. */
  async end(end: (made: T) => unknown): Promise<void> {
    if (this.#made !== undefined) await end(await this.#made);
  }
}
