/** One change of a document, as `TextDocumentContentChangeEvent` has it: lines count from 0. */
export interface LineChange {
  readonly range: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number };
  };
  readonly text: string;
}

/**
 * Where a line (counted from 0) lies after a change. A line that begins inside what was replaced stays at the start of
 * the change: its code is gone, and its figure belongs to where it was.
 */
export function shiftLine(line: number, { range, text }: LineChange): number {
  if (line < range.start.line || (line === range.start.line && range.start.character > 0)) return line;
  const added = countNewlines(text);
  if (line === range.start.line && range.end.line === range.start.line) {
    // typed at column 0: the line's own text moves down with the newlines put before it
    return line + added;
  }
  if (line >= range.end.line) return line + added - (range.end.line - range.start.line);
  return range.start.line;
}

function countNewlines(text: string): number {
  return text.split('\n').length - 1;
}
