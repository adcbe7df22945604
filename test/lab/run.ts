import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from '../../scripts/node24.mjs';

/** Where the lab keeps what it fetched and built. */
export const labFolder = join(cache, 'lab');

/** Runs a command and returns its standard output; throws with its standard error. */
export function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
}

/** Why the lab cannot work here, or undefined: the reason of a skip. */
export function missingForLab(...commands: string[]): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'the lab needs root on Linux';
  const missing = commands.filter((command) => spawnSync('which', [command]).status !== 0);
  return missing.length === 0 ? undefined : `the lab needs ${missing.join(', ')}`;
}

/** The Debian mirror that this machine's apt uses; it is never written down. */
export function debianMirror(): string {
  const uris = run('apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages').split('\n');
  const uri = uris.find((line) => line !== '' && !line.includes('security'));
  if (uri === undefined) throw new Error('apt has no package lists: run apt-get update');
  return uri;
}

/** The lab's own key pair: `id` and `id.pub`. */
export function labKey(): string {
  mkdirSync(labFolder, { recursive: true });
  const key = join(labFolder, 'id');
  if (!existsSync(key)) run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key);
  return key;
}
