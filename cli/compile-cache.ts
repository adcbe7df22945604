import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Keeps what V8 compiled for the next run, in the user's own cache folder (never in a shared one, from which others could
 * hand us code); does nothing on a Node before 22.1, or where the folder cannot be written.
 */
export function keepCompiledCode(): void {
  const { enableCompileCache } = nodeModule as Partial<typeof nodeModule>;
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  enableCompileCache?.(join(base, 'probescope', 'compiled'));
}
