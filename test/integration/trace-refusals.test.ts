import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildWorkload, programOf } from '../../scripts/workloads.ts';
import { runCli, whyNoTracing, copyCli } from './support/traced-program.ts';

let folder = '';
beforeAll(() => {
  buildWorkload('shop');
  folder = mkdtempSync(join(tmpdir(), 'probescope-refusals-'));
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

const shop = programOf('shop');

async function refused(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { exitCode, stdout, stderr } = await runCli(['trace', ...args, '--duration', '200ms'], env).ended;
  expect(stdout).toBe('');
  return { exitCode, stderr };
}

/** A PATH on which `bpftrace` is this shell script, or missing. */
function pathWith(script: string | undefined): NodeJS.ProcessEnv {
  const own = mkdtempSync(join(folder, 'path-'));
  if (script !== undefined) {
    writeFileSync(join(own, 'bpftrace'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(own, 'bpftrace'), 0o755);
  }
  return { PATH: `${own}:${dirname(process.execPath)}:/usr/bin:/bin` };
}

describe('what cannot be traced is told, with the next step', () => {
  test.each([
    ['no such function', ['--binary', shop, '--function', 'nosuch'], 'There is no function nosuch'],
    [
      'inlined everywhere',
      ['--binary', shop, '--function', 'clamp_price'],
      /inlined everywhere.*\broute\b[^]*Count its copies, trace route instead/,
    ],
    [
      'no such USDT probe',
      ['--binary', shop, '--usdt', 'shop:nope'],
      /no USDT probe shop:nope[^]*shop:cache__hit/,
    ],
    ['no such file', ['--binary', '/nonexistent/x', '--function', 'f'], '/nonexistent/x does not exist'],
    [
      'no ELF file',
      ['--binary', join(import.meta.dirname, 'trace-refusals.test.ts'), '--function', 'f'],
      'is not an ELF file',
    ],
    [
      'process gone',
      ['--binary', shop, '--function', 'route', '--pid', '2147483646'],
      'Process 2147483646 does not run',
    ],
  ])('%s', async (_name, args, words) => {
    const { exitCode, stderr } = await refused(args);
    expect(stderr).toMatch(words);
    expect(exitCode).toBe(1);
  });

  test('a stripped binary: says so, how to get symbols, and what can still be traced', async () => {
    const stripped = join(folder, 'stripped');
    expect(spawnSync('strip', ['-o', stripped, shop]).status).toBe(0);
    const { exitCode, stderr } = await refused(['--binary', stripped, '--function', 'route']);
    expect(stderr).toMatch(/has no symbols[^]*debug package[^]*USDT probes can be traced/);
    expect(exitCode).toBe(1);
  });

  test.each([
    ['no function', ['--binary', shop]],
    ['unknown measure', ['--binary', shop, '--function', 'route', '--measure', 'speed']],
    ['no binary', ['--function', 'route']],
    ['unknown option', ['--binary', shop, '--function', 'route', '--colour']],
    ['no process id', ['--binary', shop, '--function', 'route', '--pid', 'x']],
  ])('usage: %s', async (_name, args) => {
    const { exitCode, stderr } = await refused(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('usage: probescope trace');
  });
});

describe('engines that cannot be used', () => {
  const args = ['--binary', shop, '--function', 'route'];

  test('too old', async () => {
    const { exitCode, stderr } = await refused(args, pathWith('echo bpftrace v0.11.3'));
    expect(stderr).toMatch(/0\.11\.3[^]*0\.17/);
    expect(exitCode).toBe(1);
  });

  test('refusing', async () => {
    const env = pathWith(
      'case "$1" in --version) echo bpftrace v0.17.0;; *) cat >/dev/null; echo "ERROR: no such thing" >&2; exit 1;; esac',
    );
    const { exitCode, stderr } = await refused(args, env);
    expect(stderr).toMatch(/refused the probes[^]*no such thing/);
    expect(exitCode).toBe(1);
  });

  test('without privileges', (ctx) => {
    const reason = whyNoTracing();
    if (reason !== undefined) ctx.skip(reason);
    const nobody = 65534;
    const bundle = copyCli(folder);
    const program = join(folder, 'shop');
    copyFileSync(shop, program);
    chmodSync(program, 0o755);
    // The repository and this Node may lie in folders that nobody may enter.
    const node = ['/usr/bin/node', '/usr/local/bin/node'].find(
      (path) => spawnSync(path, ['-v'], { uid: nobody }).status === 0,
    );
    if (node === undefined) ctx.skip('needs a Node that any user may run');
    const { status, stderr } = spawnSync(
      node ?? '',
      [bundle, 'trace', '--binary', program, '--function', 'route'],
      {
        uid: nobody,
        gid: nobody,
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin' },
      },
    );
    expect(stderr).toContain('Probes need privileges that are missing');
    expect(status).toBe(1);
  });
});
