import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where V8 may keep what it compiled, for the next process of the same code: in the user's own cache folder, never in a
 * shared one, from which others could hand us code. `sudo -E` leaves HOME as it was, and what an unprivileged user can
 * write must not run as root: then there is no such place.
 */
export function compiledCodeFolder(): string | undefined {
  const home = homedir();
  try {
    if (statSync(home).uid !== process.geteuid?.()) return undefined;
  } catch {
    return undefined;
  }
  return join(process.env['XDG_CACHE_HOME'] ?? join(home, '.cache'), 'probescope', 'compiled');
}
