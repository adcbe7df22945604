import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Where `docs/diagnostics.md` explains a code: the file's URL with the line of the heading, in the form that editors
 * jump to. Answers undefined for each code when the file is not there, as in an unpacked server.
 */
export function explanations(file: string): (code: string) => string | undefined {
  const lines = headings(file);
  const url = pathToFileURL(file).href;
  return (code) => {
    const line = lines.get(code);
    return line === undefined ? undefined : `${url}#L${line}`;
  };
}

let installed: ((code: string) => string | undefined) | undefined;

/** Where the page that is packaged with this server explains a code. */
export function explanationOf(code: string): string | undefined {
  installed ??= explanations(join(__dirname, '../docs/diagnostics.md'));
  return installed(code);
}

/** Code → line of its heading, from 1. */
function headings(file: string): ReadonlyMap<string, number> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return new Map();
  }
  return new Map(
    text.split('\n').flatMap((line, index) => {
      const code = /^### `([a-z-]+)`$/.exec(line)?.[1];
      return code === undefined ? [] : [[code, index + 1] as const];
    }),
  );
}
