import type { Readable } from 'node:stream';

/** Hands over each line of a stream of UTF-8, without its newline; the last one also when it has none. */
export function readLines(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      take(rest + text.slice(from, end));
      rest = '';
      from = end + 1;
    }
    rest += text.slice(from);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
  });
}
