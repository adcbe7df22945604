const WORDS = 4;

/** A name that nothing else has: 28 letters and digits. Nothing may depend on nobody guessing it. */
export function uniqueId(): string {
  return Array.from({ length: WORDS }, () =>
    Math.floor(Math.random() * 2 ** 32)
      .toString(36)
      .padStart(7, '0'),
  ).join('');
}
