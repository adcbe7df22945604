import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sourcesOf } from '../../scripts/workloads.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-diff-'));
const cli = resolve(import.meta.dirname, '../../dist/cli.js');
let whyNot: string | undefined;

function run(program: string, ...args: string[]): string {
  const { stderr, status } = spawnSync(program, args, { cwd: folder, encoding: 'utf8' });
  if (/perf is not installed/.test(stderr)) whyNot = 'perf is not installed';
  else if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stderr;
}

/** Builds the demo and profiles it for two seconds, as fast as it goes. */
function profileDemo(name: string): void {
  run('sh', '-c', `gcc -g -O2 -fno-omit-frame-pointer -pthread -o shop *.c`);
  const shop = ['--', './shop', '--rate', '0'];
  run(
    process.execPath,
    cli,
    'profile',
    '--hz',
    '999',
    '--duration',
    '2s',
    '--out',
    `${name}.probescope`,
    ...shop,
  );
}

beforeAll(() => {
  cpSync(sourcesOf('shop'), folder, { recursive: true });
  profileDemo('before');
  const render = join(folder, 'render.c');
  const source = readFileSync(render, 'utf8');
  const slowed = source.replace(
    /for \(size_t i = 0; i < length; i\+\+\)\n/,
    'for (int again = 0; again < 20000; again++)\n  $&',
  );
  expect(slowed).not.toBe(source);
  writeFileSync(render, slowed);
  profileDemo('after');
}, 120_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Rectangle {
  readonly name: string;
  readonly change: number;
  readonly redness: number;
}

/** Rectangles of a difference: name, change against the baseline, and how much more red than blue they are. */
function rectanglesOf(svg: string): Rectangle[] {
  const shape =
    /data-n="([^"]*)"><title>[^<]*, ([+−±])([\d.]+) against the baseline\)<\/title><rect [^>]*fill="rgb\((\d+),\d+,(\d+)\)"/g;
  return [...svg.matchAll(shape)].map(([, name = '', sign, change, red, blue]) => ({
    name,
    change: Number(change) * (sign === '−' ? -1 : 1),
    redness: Number(red) - Number(blue),
  }));
}

test('a function that was slowed down is the reddest of the difference, and the first that diff names', (context) => {
  if (whyNot !== undefined) context.skip(whyNot);
  run(
    process.execPath,
    cli,
    'diff',
    'before.probescope',
    'after.probescope',
    '--format',
    'svg',
    '--out',
    'd.svg',
  );
  const rectangles = rectanglesOf(readFileSync(join(folder, 'd.svg'), 'utf8'));
  expect(rectangles.length).toBeGreaterThan(20);
  const [reddest, next] = [...rectangles].sort((a, b) => b.redness - a.redness);
  expect(reddest?.name).toBe('checksum');
  expect(reddest?.change).toBeGreaterThan(0);
  expect(next?.redness).toBeLessThan(reddest?.redness ?? 0);
  run(
    process.execPath,
    cli,
    'diff',
    'before.probescope',
    'after.probescope',
    '--format',
    'json',
    '--out',
    'd.json',
  );
  const { functions } = JSON.parse(readFileSync(join(folder, 'd.json'), 'utf8')) as {
    functions: { function: string; selfChange: number }[];
  };
  expect(functions[0]).toMatchObject({ function: 'checksum' });
  expect(functions[0]?.selfChange).toBeGreaterThan(0.1);
});
