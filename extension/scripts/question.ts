/** What a script needs to be asked about before it runs; read from its text, without strings and comments. */
export interface Questions {
  /** The highest positional parameter that it uses; 0 for none. */
  readonly parameters: number;
  /** Functions that bpftrace runs with `--unsafe` only. */
  readonly unsafe: readonly string[];
}

const unsafeFunctions = /\b(system|signal|override|skboutput|write_user|signal_thread)\s*\(/g;

export function questionsOf(script: string): Questions {
  const code = script.replace(/\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|"(?:[^"\\\n]|\\.)*"/g, ' ');
  const parameters = [...code.matchAll(/\$(\d{1,3})\b/g)].map(([, number]) => Number(number));
  const most = Math.max(0, ...parameters, code.includes('$#') ? 1 : 0);
  return {
    parameters: most,
    unsafe: [...new Set([...code.matchAll(unsafeFunctions)].map(([, name]) => name ?? ''))],
  };
}

/** Words of a line: blanks part them, quotes hold them together. Undefined when a quote is left open. */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  const piece = /\s*(?:((?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+)|(\S))/gy;
  const rest = text.trimEnd();
  while (piece.lastIndex < rest.length) {
    const match = piece.exec(rest);
    if (match?.[1] === undefined) return undefined;
    words.push(
      match[1].replace(
        /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g,
        (_, double?: string, single?: string, plain?: string) =>
          double !== undefined ? double.replace(/\\(["\\])/g, '$1') : (single ?? plain ?? ''),
      ),
    );
  }
  return words;
}
