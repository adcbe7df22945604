import { homedir } from 'node:os';
import { join } from 'node:path';

/** The user's cache, as the XDG base directory specification has it. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base !== undefined && base.startsWith('/') ? base : join(homedir(), '.cache'), 'probescope');
}

/** Where a downloaded debug file is kept, by build id. */
export function cachedDebugFile(buildId: string): string {
  return join(cacheFolder(), 'debuginfo', `${buildId}.debug`);
}
