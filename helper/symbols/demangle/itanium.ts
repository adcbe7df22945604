import { Cursor } from './cursor.ts';
import { parseEncoding } from './names.ts';
import { Output, NotMangled } from './output.ts';

/**
 * Demangles a name of the Itanium C++ ABI as LLVM's demangler prints it, or returns undefined when it is none. A suffix
 * that compilers append to clones stands in parentheses behind: `f(int) (.part.0)`.
 */
export function demangleItanium(name: string, likeLlvm = false): string | undefined {
  const start = name.startsWith('_Z') ? 2 : name.startsWith('__Z') ? 3 : 0;
  if (start === 0) return undefined;
  try {
    const cursor = new Cursor(name, start, name.length, likeLlvm);
    const node = parseEncoding(cursor);
    const suffix = cursor.peek() === '.' ? name.slice(cursor.at) : '';
    if (!cursor.atEnd && suffix === '') return undefined;
    const out = new Output(likeLlvm);
    out.print(node);
    return suffix === '' ? out.text : `${out.text} (${suffix})`;
  } catch (thrown) {
    if (thrown instanceof NotMangled) return undefined;
    throw thrown;
  }
}
