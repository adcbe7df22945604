import * as nodeModule from 'node:module';
import { compiledCodeFolder } from '../extension/core/compiled-code.ts';

/** Keeps what V8 compiled for the next run; does nothing on a Node before 22.1, or where there is no place for it. */
export function keepCompiledCode(): void {
  const { enableCompileCache } = nodeModule as Partial<typeof nodeModule>;
  const folder = compiledCodeFolder();
  if (folder !== undefined) enableCompileCache?.(folder);
}
