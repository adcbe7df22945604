import { readdir, rm, rmdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What Probescope puts into its folder on a target: the helper by its hash, costs by kernel, source files of binaries, what V8 compiled, a Node that was uploaded. */
const OURS = /^(helper-[0-9a-f]{64}\.js|costs-[\w.-]+\.json|source-files|compiled|node)$/;

/**
 * Removes what was stored on this target, and the folder when nothing else is in it; the helper that runs lives on in memory.
 * The answer names the files.
 */
export async function uninstall(): Promise<{ removed: readonly string[] }> {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'probescope');
  const names = (await readdir(folder).catch(() => [])).filter((name) => OURS.test(name));
  const removed = names.map((name) => join(folder, name));
  for (const path of removed) await rm(path, { recursive: true, force: true });
  await rmdir(folder).catch(() => undefined);
  return { removed };
}
