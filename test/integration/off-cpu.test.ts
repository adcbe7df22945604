import { execa } from 'execa';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliBundle, repository, whyNoTracing } from './support/traced-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'probescope-off-cpu-'));
const cli = (...args: string[]) =>
  execa(process.execPath, ['--disable-warning=ExperimentalWarning', cliBundle, ...args], {
    reject: false,
    cwd: folder,
  });

beforeAll(async () => {
  const source = join(repository, 'test/fixtures/profiles/naps.c');
  await execa('gcc', ['-O1', '-g', '-fno-omit-frame-pointer', '-o', 'naps', source], { cwd: folder });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Nanoseconds by function, as the program measured its own sleeps. */
function ownSleeps(stdout: string): Map<string, number> {
  return new Map(
    [...stdout.matchAll(/^(read_page|wait_lock) (\d+)$/gm)].map(([, name, ns]) => [name!, Number(ns)]),
  );
}

async function recorded(path: string): Promise<Map<string, { total: number; file: string; kind: string }>> {
  const { stdout } = await cli(
    'query',
    path,
    '--json',
    "SELECT function, file, kind, total FROM functions WHERE function IN ('read_page', 'wait_lock', 'schedule')",
  );
  const rows = JSON.parse(stdout) as { function: string; file: string; kind: string; total: number }[];
  return new Map(rows.map((row) => [row.function, row]));
}

test('blocked time equals the sleeps that the program measured itself, with file and line', async (ctx) => {
  const why = whyNoTracing();
  if (why !== undefined) ctx.skip(why);
  const run = await cli('profile', '--off-cpu', '--out', 'naps.probescope', '--', './naps', '60');
  expect(run.exitCode, run.stderr).toBe(0);
  const own = ownSleeps(run.stdout);
  expect(own.size).toBe(2);
  const found = await recorded('naps.probescope');
  // The program's own figure is of a clock around each sleep, and so it has the time too in which the program
  // could run and did not get a processor. Blocked time lies between what was asked for and that, on any machine.
  const askedFor = { read_page: 60 * 30_000_000, wait_lock: 60 * 10_000_000 };
  for (const [name, measured] of own) {
    expect(found.get(name)).toMatchObject({ kind: 'user' });
    expect(found.get(name)!.file).toMatch(/naps\.c$/);
    expect(found.get(name)!.total).toBeGreaterThan(askedFor[name as keyof typeof askedFor] * 0.98);
    expect(found.get(name)!.total).toBeLessThan(measured * 1.001);
  }
  expect(found.get('schedule')).toMatchObject({ kind: 'kernel' });
});

test('a running process is followed until it ends; one that does not exist is told', async (ctx) => {
  const why = whyNoTracing();
  if (why !== undefined) ctx.skip(why);
  const naps = execa('./naps', ['1000'], { cwd: folder, reject: false });
  const run = await cli(
    'profile',
    '--off-cpu',
    '--pid',
    String(naps.pid),
    '--duration',
    '1s',
    '--out',
    'pid.probescope',
  );
  naps.kill('SIGKILL');
  await naps;
  expect(run.exitCode, run.stderr).toBe(0);
  const found = await recorded('pid.probescope');
  // 30 ms in one, 10 ms in the other
  const share = found.get('read_page')!.total / found.get('wait_lock')!.total;
  expect(share).toBeGreaterThan(2);
  expect(share).toBeLessThan(4);
  // one thread is not blocked for longer than was measured, whatever bpftrace takes to detach and to print
  const { stdout } = await cli(
    ...['query', 'pid.probescope', '--json'],
    "SELECT sum(weight) AS blocked, (SELECT value + 0 FROM meta WHERE key = 'duration_ns') AS measured FROM samples",
  );
  const [{ blocked, measured } = { blocked: 0, measured: 0 }] = JSON.parse(stdout) as {
    blocked: number;
    measured: number;
  }[];
  expect(measured).toBeGreaterThan(0.9e9);
  expect(blocked).toBeGreaterThan(0.8 * measured);
  expect(blocked).toBeLessThan(1.001 * measured);
  expect(run.stdout).not.toContain('__schedule');
  const gone = await cli('profile', '--off-cpu', '--pid', '2147483646', '--out', 'gone.probescope');
  expect(gone.exitCode).toBe(1);
  expect(gone.stderr).toContain('Process 2147483646 does not exist');
  const mixed = await cli('profile', '--off-cpu', '--hz', '9', '--pid', '1', '--out', 'mixed.probescope');
  expect(mixed.exitCode).toBe(2);
});
