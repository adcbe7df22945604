import type { Frame, Stack } from '../protocol/source.ts';

/** A frame in one line: `store shop.c:42`, `write (libc.so.6)`, `vfs_write [kernel]`. */
export function frameText(frame: Frame): string {
  const inlined = frame.inlined === true ? ' (inlined)' : '';
  if (frame.file !== undefined && frame.line !== undefined)
    return `${frame.function} ${baseName(frame.file)}:${frame.line}${inlined}`;
  const { module } = frame;
  if (module === undefined) return `${frame.function}${inlined}`;
  return module.startsWith('[')
    ? `${frame.function} ${module}${inlined}`
    : `${frame.function} (${baseName(module)})${inlined}`;
}

/** A stack in one line, innermost first; for a cell of a table and for CSV. */
export function stackText(stack: Stack): string {
  return stack.map(frameText).join(' ← ');
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
