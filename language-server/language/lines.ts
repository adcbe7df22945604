/** A place as editors count it: both from 0, `character` in UTF-16 units. */
export interface Position {
  readonly line: number;
  readonly character: number;
}

/** Offsets ⇄ lines. Lines end at `\n`, `\r\n` or a lone `\r`, as the language server protocol has it. */
export class LineIndex {
  private readonly starts: Uint32Array;
  private readonly count: number;
  private readonly length: number;

  constructor(source: string) {
    let starts = new Uint32Array(Math.max(16, source.length >> 4));
    let count = 1;
    const add = (start: number): void => {
      if (count === starts.length) {
        const larger = new Uint32Array(starts.length * 2);
        larger.set(starts);
        starts = larger;
      }
      starts[count++] = start;
    };
    for (let at = 0, feed = -2, carriage = -2; ;) {
      // Each is looked for again only when it has been passed: a file without `\r` is searched for it once
      if (feed < at && feed !== -1) feed = source.indexOf('\n', at);
      if (carriage < at && carriage !== -1) carriage = source.indexOf('\r', at);
      if (feed < 0 && carriage < 0) break;
      const isFeed = carriage < 0 || (feed >= 0 && feed <= carriage + 1);
      at = (isFeed ? feed : carriage) + 1;
      add(at);
    }
    this.starts = starts;
    this.count = count;
    this.length = source.length;
  }

  get lineCount(): number {
    return this.count;
  }

  /** Offset of the line's first character; clamped to the document. */
  lineStart(line: number): number {
    if (line <= 0) return 0;
    return line >= this.count ? this.length : (this.starts[line] ?? this.length);
  }

  lineOf(offset: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  positionAt(offset: number): Position {
    const clamped = Math.max(0, Math.min(offset, this.length));
    const line = this.lineOf(clamped);
    return { line, character: clamped - (this.starts[line] ?? 0) };
  }

  offsetAt(position: Position): number {
    const start = this.lineStart(position.line);
    return Math.max(start, Math.min(start + position.character, this.lineStart(position.line + 1)));
  }
}
