/** Classes of the 128 ASCII characters, as bits. Everything else belongs to none. */
export const WORD_START = 1;
export const DIGIT = 2;
export const HEX_DIGIT = 4;
export const SPACE = 8;
/** What may follow a `:` inside an unquoted path of the generated lexers (0.17 … 0.25). */
export const PATH = 16;

export const classes: Uint8Array = new Uint8Array(128);

function mark(bit: number, characters: string): void {
  for (let index = 0; index < characters.length; index++) {
    const code = characters.charCodeAt(index);
    classes[code] = (classes[code] ?? 0) | bit;
  }
}
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const digits = '0123456789';
mark(WORD_START, `${letters}_`);
mark(DIGIT, digits);
mark(HEX_DIGIT, `${digits}abcdefABCDEF`);
mark(SPACE, ' \t\n\r\v\f');
mark(PATH, `${letters}${digits}_-./#$+*\\`);

export function classOf(code: number): number {
  return code < 128 ? (classes[code] ?? 0) : 0;
}

/** Whether the character belongs to a path there: 0.17 takes no `+`, and `$` only 0.24 and later. */
export function isPathPart(code: number, version: number): boolean {
  if ((classOf(code) & PATH) === 0) return false;
  return code === 36 ? version >= 24 : code !== 43 || version >= 18;
}

export function isWordStart(code: number): boolean {
  return (classOf(code) & WORD_START) !== 0;
}
export function isWordPart(code: number): boolean {
  return (classOf(code) & (WORD_START | DIGIT)) !== 0;
}
export function isDigit(code: number): boolean {
  return (classOf(code) & DIGIT) !== 0;
}
