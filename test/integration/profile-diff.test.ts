import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { profileSlowedDemo, SLOWED } from '../lab/slowed-demo.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-diff-'));
const cli = resolve(import.meta.dirname, '../../dist/cli.js');
let whyNot: string | undefined;

beforeAll(() => {
  whyNot = profileSlowedDemo(join(folder, 'before.probescope'), join(folder, 'after.probescope'));
}, 120_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** `probescope diff` of the two, in a format. */
function difference(format: string): string {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [cli, 'diff', 'before.probescope', 'after.probescope', '--format', format],
    { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

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
  const rectangles = rectanglesOf(difference('svg'));
  expect(rectangles.length).toBeGreaterThan(20);
  const [reddest, next] = [...rectangles].sort((a, b) => b.redness - a.redness);
  expect(reddest?.name).toBe(SLOWED);
  expect(reddest?.change).toBeGreaterThan(0);
  expect(next?.redness).toBeLessThan(reddest?.redness ?? 0);
  const { functions } = JSON.parse(difference('json')) as {
    functions: { function: string; selfChange: number }[];
  };
  expect(functions[0]).toMatchObject({ function: SLOWED });
  expect(functions[0]?.selfChange).toBeGreaterThan(0.1);
});
