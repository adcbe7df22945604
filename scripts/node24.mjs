// Runs a script on Node 24: `node scripts/node24.mjs SCRIPT ARGS…`. The product, its tests and these scripts need
// node:sqlite and type stripping; where the system's Node is older, npm's `node` package is fetched once into the cache.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const repository = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** Everything that set-up fetches lies here; ignored by git. `PROBESCOPE_CACHE` moves it. */
export const cache = process.env.PROBESCOPE_CACHE ?? join(repository, '.cache');

/** Path of a Node ≥ 24, fetched when the running one is older. */
export function node24() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  const prefix = join(cache, 'node24');
  const binary = join(prefix, 'node_modules', 'node', 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(prefix, { recursive: true });
    process.stderr.write(`Fetching Node 24 into ${prefix} (the system's is ${process.version})\n`);
    const { status } = spawnSync(
      'npm',
      ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', prefix, 'node@24'],
      {
        stdio: ['ignore', 2, 2],
      },
    );
    if (status !== 0 || !existsSync(binary))
      throw new Error(
        `Node 24 could not be installed: npm ended with ${status}. Install Node 24 yourself and try again.`,
      );
  }
  return binary;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const node = node24();
  const child = spawn(node, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}`, PROBESCOPE_CACHE: cache },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}
