// `npm test`: set-up, then unit, integration and end-to-end tests on Node 24.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cache, node24, repository } from './node24.mjs';

const node = node24();
const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}`, PROBESCOPE_CACHE: cache };
/** @param {string} command @param {string[]} args */
const step = (command, args) => {
  const { status } = spawnSync(command, args, { cwd: repository, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
};
if (!existsSync(join(repository, 'node_modules/.package-lock.json')))
  step('npm', ['ci', '--no-audit', '--no-fund']);
step(node, ['scripts/build.ts']);
step(node, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]);
