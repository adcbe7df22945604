import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

/** Runs tools of `node_modules` one after the other on this Node; the first failure ends the process with its code. */
export function runTools(...commands: [script: string, ...args: string[]][]): void {
  const root = resolve(import.meta.dirname, '..');
  for (const [script, ...args] of commands) {
    const { status } = spawnSync(
      process.execPath,
      ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', resolve(root, 'node_modules', script), ...args],
      {
        cwd: root,
        stdio: 'inherit',
      },
    );
    if (status !== 0) process.exit(status ?? 1);
  }
}
