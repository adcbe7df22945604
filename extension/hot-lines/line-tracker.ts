import { shiftLine, type LineChange } from '../editor/line-shift.ts';

/** Where the lines of a document as it was lie now that it has been edited. Lines count from 1. */
export class LineTracker {
  readonly #lines: Int32Array;
  #edited = false;

  constructor(lineCount: number) {
    this.#lines = Int32Array.from({ length: lineCount }, (_, index) => index);
  }

  /** Anything was changed, so that marks may stand at other code. */
  get edited(): boolean {
    return this.#edited;
  }

  apply(changes: readonly LineChange[]): void {
    for (const change of changes) {
      this.#edited = true;
      for (let index = 0; index < this.#lines.length; index++)
        this.#lines[index] = shiftLine(this.#lines[index]!, change);
    }
  }

  /** Undefined for a line that the document never had: the profile is of another version. */
  now(line: number): number | undefined {
    const at = this.#lines[line - 1];
    return at === undefined ? undefined : at + 1;
  }
}
