import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ProbeError } from '../protocol/errors.ts';

/** The first Node with SQLite that needs no flag. */
const [MAJOR, MINOR] = [22, 13];

/**
 * Runs this very command line again on a newer Node, when this one has no SQLite; undefined when this one will do.
 * The newer one is `PROBESCOPE_NODE`, or the one that set-up fetched into `PROBESCOPE_CACHE`.
 */
export function onNewerNode(): number | undefined {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major! > MAJOR || (major === MAJOR && minor! >= MINOR)) return undefined;
  const { PROBESCOPE_NODE: named, PROBESCOPE_CACHE: cache, PROBESCOPE_RERUN: rerun } = process.env;
  const found = [
    named,
    cache === undefined ? undefined : join(cache, 'node24/node_modules/node/bin/node'),
  ].find((path) => path !== undefined && existsSync(path));
  if (found === undefined || rerun !== undefined)
    throw new ProbeError({
      code: 'engine-too-old',
      message: `Recordings need Node ${MAJOR}.${MINOR} or newer; this is ${process.version}.`,
      remedy: 'Set PROBESCOPE_NODE to the path of a newer Node, or run the command with one.',
    });
  const { status, signal, error } = spawnSync(
    found,
    ['--disable-warning=ExperimentalWarning', ...process.execArgv, ...process.argv.slice(1)],
    { stdio: 'inherit', env: { ...process.env, PROBESCOPE_RERUN: '1' } },
  );
  if (error !== undefined)
    throw new ProbeError({
      code: 'engine-missing',
      message: `${found} could not be started: ${error.message}.`,
      remedy: 'Set PROBESCOPE_NODE to the path of a Node that works.',
    });
  return status ?? (signal === 'SIGINT' ? 130 : 1);
}
