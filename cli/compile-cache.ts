import { statSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `sudo -E` leaves HOME as it was: what an unprivileged user can write must not run as root. */
function isOwn(folder: string): boolean {
  try {
    return statSync(folder).uid === process.geteuid?.();
  } catch {
    return false;
  }
}

/**
 * Keeps what V8 compiled for the next run, in the user's own cache folder (never in a shared one, from which others could
 * hand us code); does nothing on a Node before 22.1, or where the folder cannot be written.
 */
export function keepCompiledCode(): void {
  const { enableCompileCache } = nodeModule as Partial<typeof nodeModule>;
  if (!isOwn(homedir())) return;
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  enableCompileCache?.(join(base, 'probescope', 'compiled'));
}
