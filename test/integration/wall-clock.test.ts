import { execa } from 'execa';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stateFrames } from '../../profile/thread-states.ts';
import { cliBundle, repository, whyNoTracing } from './support/traced-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-wall-clock-'));
const cli = (...args: string[]) =>
  execa(process.execPath, ['--disable-warning=ExperimentalWarning', cliBundle, ...args], {
    reject: false,
    cwd: folder,
  });
const SECONDS = 3;

beforeAll(async () => {
  const source = join(repository, 'test/fixtures/profiles/states.c');
  await execa('gcc', ['-O1', '-g', '-fno-omit-frame-pointer', '-pthread', '-o', 'states', source], {
    cwd: folder,
  });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Nanoseconds of stacks that hold all these frames. */
async function stacksOf(recording: string): Promise<(...frames: string[]) => number> {
  const { stdout } = await cli('export', recording, '--format', 'folded');
  const lines = stdout.split('\n').map((line) => {
    const at = line.lastIndexOf(' ');
    return { frames: line.slice(0, at).split(';'), ns: Number(line.slice(at + 1)) };
  });
  return (...frames) =>
    lines
      .filter((line) => frames.every((frame) => line.frames.includes(frame)))
      .reduce((sum, { ns }) => sum + ns, 0);
}

test('every moment of every thread is there, by its state', async (ctx) => {
  const why = whyNoTracing();
  if (why !== undefined) ctx.skip(why);
  const states = execa('./states', [String(SECONDS)], { cwd: folder, reject: false });
  await once(states.stdout, 'data');
  const profile = cli(
    ...['profile', '--wall-clock', '--hz', '997', '--pid', String(states.pid)],
    ...['--out', 'states.probescope', '--duration', '60s'],
  );
  await once(profile.stderr, 'data');
  states.stdin.write('\n');
  const run = await profile;
  expect(run.exitCode, run.stderr).toBe(0);
  expect(run.stderr).toContain('[running] is sampled, 997 times a second');
  const { stdout } = await states;
  const [wall = 0, cpu = 0] = ['wall', 'cpu'].map((name) =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stdout)?.[1]),
  );
  const ns = await stacksOf(join(folder, 'states.probescope'));
  const { running, runnable, blocked } = stateFrames;

  // two threads that share a processor: what they do not run they wait for it
  expect(wall).toBeGreaterThanOrEqual(2 * SECONDS * 1e9);
  expect(ns('share') / wall).toBeGreaterThan(0.97);
  expect(ns('share') / wall).toBeLessThan(1.03);
  expect(ns('share', running) / cpu).toBeGreaterThan(0.9);
  expect(ns('share', running) / cpu).toBeLessThan(1.1);
  expect(ns('share', running) + ns('share', runnable)).toBeGreaterThan(0.99 * ns('share'));
  // one that sleeps
  const naps = ns('start_thread', 'clock_nanosleep@@GLIBC_2.17') + ns('nap');
  expect(naps).toBeGreaterThan(0);
  // one that has waited since before, and whose stack nobody saw
  const unseen = ns('[a wait that began before the profile]');
  expect(unseen).toBe(ns('[a wait that began before the profile]', blocked));
  expect(unseen).toBeGreaterThan(SECONDS * 1e9);
  expect(run.stderr).toMatch(/2 threads were waiting since before the profile/);
});

test('it is a profile of its own kind: what does not go with it is refused', async () => {
  for (const other of [['--off-cpu'], ['--call-graph', 'fp'], ['--event', 'page-faults']]) {
    const { exitCode, stderr } = await cli('profile', '--wall-clock', ...other, '--pid', '1', '--out', 'no');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--wall-clock');
  }
});
