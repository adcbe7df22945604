import { parse } from '../../../language-server/language/syntax/parser.ts';

const places = new Set(['start', 'end', 'operatorSpan', 'nameEnd']);

/** The tree of a script without places, as text: two scripts of one meaning have the same. */
export function shapeOf(source: string, version: number): string {
  return JSON.stringify(parse(source, { version }).program, (key, value: unknown) => {
    if (places.has(key)) return undefined;
    return typeof value === 'bigint' ? value.toString() : value;
  });
}
