// `npm test`: the same set-up as `npm start`, then unit, integration and end-to-end tests. Arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repository } from './node24.mjs';
import { setUp } from './setup.ts';

await setUp({ tests: true, browser: true });
// the long suites have npm scripts of their own
const suites = ['unit', 'integration', 'e2e'].flatMap((name) => ['--project', name]);
const vitest = join(repository, 'node_modules', 'vitest', 'vitest.mjs');
const { status } = spawnSync(process.execPath, [vitest, 'run', ...suites, ...process.argv.slice(2)], {
  cwd: repository,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
