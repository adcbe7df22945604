import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as esbuild from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'probescope-compiled-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A command line that keeps what a run that succeeds has compiled, and a bundle as the build makes it, with a function that nothing calls while it loads. */
function program(text: string): void {
  esbuild.buildSync({
    stdin: {
      contents: `import { runCompiled } from './extension/core/run-compiled.ts';
        const { exports, keep } = runCompiled(process.argv[2], process.argv[3]);
        if (exports.name !== 'main') throw new Error('no exports');
        process.once('exit', (exitCode) => { if (exitCode === 0) keep(); });`,
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: join(folder, 'cli.js'),
    logLevel: 'silent',
  });
  bundle(text);
}

/** Bundles of texts of one length: V8 tells sources apart by that alone. */
function bundle(text: string, exitCode = 0): void {
  writeFileSync(
    join(folder, 'main.js'),
    `(function (exports, require, module, __filename, __dirname) {
module.exports = { name: 'main' };
setImmediate(() => { require('node:fs').writeSync(1, ${JSON.stringify(text)}); process.exitCode = ${exitCode}; });
})`,
  );
}

function run(command = 'word'): string {
  const { stdout } = spawnSync(process.execPath, [join(folder, 'cli.js'), join(folder, 'main.js'), command], {
    encoding: 'utf8',
    env: { ...process.env, XDG_CACHE_HOME: folder },
  });
  return stdout;
}

const keptFiles = (): string[] => {
  try {
    return readdirSync(join(folder, 'probescope', 'compiled')).sort();
  } catch {
    return [];
  }
};
const keptFile = (): string => join(folder, 'probescope', 'compiled', keptFiles()[0] ?? '');

test('the first run that succeeds keeps its code, later ones leave it as it is', () => {
  program('one');
  expect(run()).toBe('one');
  expect(keptFiles()).toEqual([
    expect.stringMatching(new RegExp(`^word-[0-9a-f]+-${process.version}-${process.arch}.code$`)),
  ]);
  const { mode, mtimeMs, ino } = statSync(keptFile());
  expect(mode & 0o777).toBe(0o600);
  expect(run()).toBe('one');
  expect(statSync(keptFile())).toMatchObject({ mtimeMs, ino });
});

test('each command has code of its own', () => {
  program('one');
  run('check');
  run('trace');
  expect(keptFiles()).toHaveLength(2);
});

test('what fails keeps nothing', () => {
  program('one');
  bundle('one', 1);
  expect(run()).toBe('one');
  expect(keptFiles()).toEqual([]);
});

test('code of another build is not run, though its length is the same', () => {
  program('one');
  run();
  const before = statSync(keptFile()).ino;
  bundle('two');
  expect(run()).toBe('two');
  expect(statSync(keptFile()).ino).not.toBe(before);
  expect(run()).toBe('two');
});

test('what has not been made for a month goes', () => {
  program('one');
  run('check');
  const [old = ''] = keptFiles();
  const before = Date.now() / 1000 - 40 * 86_400;
  utimesSync(join(folder, 'probescope', 'compiled', old), before, before);
  run('trace');
  expect(keptFiles()).toEqual([expect.stringMatching(/^trace-/)]);
});

test('damaged code is not run', () => {
  program('one');
  run();
  const whole = readFileSync(keptFile());
  for (const at of [0, 40, whole.length >> 1, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    writeFileSync(keptFile(), damaged);
    expect(run()).toBe('one');
    expect(readFileSync(keptFile()).equals(damaged)).toBe(false);
  }
  writeFileSync(keptFile(), '');
  expect(run()).toBe('one');
  expect(statSync(keptFile()).size).toBeGreaterThan(0);
});

test('functions that run after the load are kept compiled', () => {
  program('one');
  run();
  // a name inside a function's body is in the code only when the body was compiled
  expect(readFileSync(keptFile()).includes('writeSync')).toBe(true);
});

test('where nothing can be written it runs all the same', () => {
  program('one');
  writeFileSync(join(folder, 'probescope'), 'no folder');
  expect(run()).toBe('one');
});

test('the command line that people call keeps its code', () => {
  const env = { ...process.env, XDG_CACHE_HOME: folder };
  const help = (): string =>
    execFileSync(process.execPath, [join(root, 'dist', 'cli.js'), 'check', '--help'], {
      encoding: 'utf8',
      env,
    });
  const text = help();
  expect(text).toContain('usage: probescope check');
  expect(keptFiles()).toEqual([expect.stringMatching(/^cli-help-/)]);
  expect(help()).toBe(text);
});
