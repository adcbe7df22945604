import type { LogKind, LogLine } from '../../../../protocol/script.ts';

/** More than these between two messages are counted, not kept: nobody reads 20,000 lines a second. */
export const MOST_LINES = 2000;
const MOST_CHARACTERS = 1_000_000;
/** A line is cut here; binary output has no line ends. */
const LONGEST_LINE = 16_384;
/** Text without a line end is shown as a line after this. */
const PATIENCE_MS = 250;

/** Gathers lines of a log between two messages, within bounds. */
export class LogLines {
  #lines: LogLine[] = [];
  #characters = 0;
  #open = '';
  #openKind: LogKind = 'printf';
  #openMs = 0;
  /** Lines that were too many, since the start. */
  dropped = 0;

  get isFull(): boolean {
    return this.#lines.length >= MOST_LINES || this.#characters >= MOST_CHARACTERS;
  }

  /** Text of a program: lines end where it says so, and may come in pieces. */
  addText(timeMs: number, kind: LogKind, text: string): void {
    if (this.#open !== '' && this.#openKind !== kind) this.#close();
    const pieces = text.split('\n');
    for (const [index, piece] of pieces.entries()) {
      if (this.#open === '') this.#openMs = timeMs;
      this.#openKind = kind;
      this.#open += piece;
      if (index < pieces.length - 1) this.#push({ timeMs: this.#openMs, kind, text: this.#open });
      else if (this.#open.length > LONGEST_LINE) this.#close();
    }
  }

  /** A line of its own. */
  add(line: LogLine): void {
    this.#close();
    this.#push(line);
  }

  /** What there is; text that waits for its line end is part of it once it has waited long enough, or when all has ended. */
  take(timeMs: number, ended: boolean): LogLine[] {
    if (this.#open !== '' && (ended || timeMs - this.#openMs > PATIENCE_MS)) this.#close();
    const lines = this.#lines;
    this.#lines = [];
    this.#characters = 0;
    return lines;
  }

  #close(): void {
    if (this.#open !== '') this.#push({ timeMs: this.#openMs, kind: this.#openKind, text: this.#open });
  }

  #push(line: LogLine): void {
    this.#open = '';
    if (this.isFull) {
      this.dropped++;
      return;
    }
    const { text } = line;
    const more = text.length - LONGEST_LINE;
    const shown = more > 0 ? `${text.slice(0, LONGEST_LINE)}… (${more} characters more)` : text;
    this.#lines.push(more > 0 ? { ...line, text: shown } : line);
    this.#characters += shown.length;
  }
}
