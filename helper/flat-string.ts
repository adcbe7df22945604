/**
 * The same text in memory of its own. V8 makes a part of a string point into the whole: a name that is kept would keep
 * all of the output it was read from.
 */
export const flatString = (text: string): string => Buffer.from(text).toString();
