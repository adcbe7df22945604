import { execa } from 'execa';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'probescope-profile-'));
const cli = (...args: string[]) =>
  execa(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'dist/cli.js'), ...args], {
    reject: false,
    cwd: folder,
  });
let ready = '';

beforeAll(async () => {
  const source = readFileSync(join(root, 'test/fixtures/profiles/spin.c'), 'utf8');
  for (const [name, loops] of [
    ['before', 3],
    ['after', 12],
  ] as const) {
    writeFileSync(join(folder, 'spin.c'), source.replace('i<3;', `i<${loops};`));
    await execa('gcc', ['-O1', '-g', '-fno-omit-frame-pointer', '-o', 'spin', 'spin.c'], { cwd: folder });
    copyFileSync(join(folder, 'spin'), join(folder, name));
    const { exitCode, stderr } = await cli(
      'profile',
      '--hz',
      '499',
      '--out',
      `${name}.probescope`,
      '--',
      './spin',
    );
    if (exitCode !== 0) ready = stderr;
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('a command is profiled with perf, recorded with file and line, and the slower build is told', async (ctx) => {
  if (/perf is not installed/.test(ready)) ctx.skip('perf is not installed');
  expect(ready).toBe('');
  const { stdout } = await cli(
    'query',
    'after.probescope',
    '--json',
    "SELECT file, line, kind, total FROM functions WHERE function = 'slow'",
  );
  const [slow] = JSON.parse(stdout) as { file: string; line: number; kind: string; total: number }[];
  expect(slow).toMatchObject({ kind: 'user', line: 5 });
  expect(slow!.file).toMatch(/spin\.c$/);
  const diff = await cli('diff', 'before.probescope', 'after.probescope', '--format', 'json');
  const { functions } = JSON.parse(diff.stdout) as {
    functions: { function: string; totalChange: number; selfChange: number }[];
  };
  const growth = Object.fromEntries(functions.map((each) => [each.function, each.totalChange]));
  expect(growth['slow']).toBeGreaterThan(0.1);
  expect(growth['fast']).toBeLessThan(0);
  expect(functions[0]!.selfChange === 0).toBe(false);
});

test('perf.data is imported through perf, and exports are read back', async (ctx) => {
  if (ready !== '') ctx.skip(`perf could not profile: ${ready.split('\n')[0]!}`);
  await execa('perf', ['record', '-q', '-e', 'cpu-clock', '-F', '199', '-g', '-o', 'perf.data', './spin'], {
    cwd: folder,
  });
  const imported = await cli('import', 'perf.data', '--out', 'imported.probescope');
  expect(imported.stderr).toContain('was read as perf-data');
  for (const format of ['folded', 'pprof', 'speedscope']) {
    expect(
      (await cli('export', 'after.probescope', '--format', format, '--out', `out.${format}`)).exitCode,
    ).toBe(0);
    expect((await cli('import', `out.${format}`, '--out', `${format}.probescope`)).stderr).toContain(
      `was read as ${format}`,
    );
    const sum = async (path: string) =>
      (await cli('query', path, '--csv', 'SELECT sum(weight) AS sum FROM samples')).stdout;
    expect(await sum(`${format}.probescope`)).toBe(await sum('after.probescope'));
  }
  const refused = await cli('profile', '--pid', '2147483646', '--out', 'none.probescope');
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain('Process 2147483646 does not exist');
  expect(existsSync(join(folder, 'none.probescope'))).toBe(false);
});

test('each occurrence of an event with its stack: page faults from the first instruction, all of them', async (ctx) => {
  if (ready !== '') ctx.skip(`perf could not profile: ${ready.split('\n')[0]!}`);
  copyFileSync(join(root, 'test/fixtures/profiles/faults.c'), join(folder, 'faults.c'));
  await execa('gcc', ['-O1', '-g', '-fno-omit-frame-pointer', '-o', 'faults', 'faults.c'], { cwd: folder });
  const measured = await cli(
    ...['profile', '--event', 'page-faults', '--out', 'faults.probescope', '--', './faults'],
  );
  expect(measured.exitCode, measured.stderr).toBe(0);
  expect(measured.stdout).toMatch(/^[\d,]+ occurrences in [\d.]+ m?s, recorded in faults\.probescope\n/);
  const { stdout } = await cli(
    ...['query', 'faults.probescope', '--json'],
    "SELECT line, self, total FROM functions WHERE function = 'touch'",
  );
  expect(JSON.parse(stdout)).toEqual([{ line: 4, self: 1000, total: 1000 }]);

  const clock = await cli('profile', '--event', 'cpu-clock', '--out', 'none.probescope', '--', './faults');
  expect(clock.stderr).toContain('cpu-clock is time and does not occur');
  // a machine without the counter must not be told the clock's samples as its cycles
  const cycles = await cli('profile', '--event', 'cycles', '--out', 'cycles.probescope', '--', './faults');
  const counts = await execa('perf', ['stat', '-x,', '-e', 'cycles', '--', 'true']);
  if (counts.stderr.includes('<not supported>'))
    expect(cycles.stderr).toContain('This machine does not count cycles');
  else expect(cycles.stderr).toContain('One in 1,000,003 occurrences of cycles');
  const unknown = await cli('profile', '--event', 'no:such', '--out', 'none.probescope', '--', './faults');
  expect(unknown.exitCode).toBe(1);
  expect(unknown.stderr).toContain('perf knows no event no:such here');
  for (const words of [
    ['--event', 'a b'],
    ['--event', 'page-faults', '--hz', '9'],
    ['--event', 'page-faults', '--off-cpu'],
  ])
    expect((await cli('profile', ...words, '--out', 'none.probescope', '--', './faults')).exitCode).toBe(2);
  expect(existsSync(join(folder, 'none.probescope'))).toBe(false);
});

test('what is wrong is told before anything is measured, and each fact once', async (ctx) => {
  if (ready !== '') ctx.skip(`perf could not profile: ${ready.split('\n')[0]!}`);
  const nowhere = await cli('profile', '--out', 'no/such/folder.probescope', '--', 'touch', 'was-run');
  expect(nowhere.exitCode).toBe(1);
  expect(nowhere.stderr).toContain('no/such/folder.probescope cannot be written');
  expect(existsSync(join(folder, 'was-run'))).toBe(false);

  const short = await cli('profile', '--hz', '1', '--out', 'short.probescope', '--', 'true');
  expect(short.stderr).toContain('it ran too little on a CPU to be met by 1 samples a second');

  const busy = ['sh', '-c', 'while :; do :; done'];
  const timed = await cli('profile', '--duration', '1s', '--out', 'timed.probescope', '--', ...busy);
  expect(timed.exitCode, timed.stderr).toBe(0);
  expect(timed.stderr.match(/Stacks are/g)).toHaveLength(1);
  const { stdout } = await cli(
    ...['query', 'timed.probescope', '--json'],
    `SELECT (SELECT value FROM meta WHERE key = 'duration_ns') / 1e9 AS duration, max(time_ns) / 1e9 AS last FROM samples`,
  );
  const [{ duration, last } = { duration: 0, last: 0 }] = JSON.parse(stdout) as {
    duration: number;
    last: number;
  }[];
  expect(duration).toBeGreaterThan(0.9);
  expect(duration).toBeGreaterThanOrEqual(last);
});

test('profiles of different things are not compared by weight', async (ctx) => {
  if (ready !== '') ctx.skip(`perf could not profile: ${ready.split('\n')[0]!}`);
  writeFileSync(join(folder, 'bytes.json'), JSON.stringify(speedscopeOfBytes));
  expect((await cli('import', 'bytes.json', '--out', 'bytes.probescope')).stderr).toMatch(
    /1 unique stack, 4 KiB/,
  );
  const shares = await cli('diff', 'after.probescope', 'bytes.probescope');
  expect(shares.exitCode).toBe(0);
  expect(shares.stderr).toContain('these are shares of different things');
  expect(shares.stdout).toMatch(/^before [\d,]+ samples, after 4 KiB;/);
  const weights = await cli('diff', 'after.probescope', 'bytes.probescope', '--absolute');
  expect(weights.exitCode).toBe(2);
  expect(weights.stderr).toContain('only shares can be compared');
});

const speedscopeOfBytes = {
  $schema: 'https://www.speedscope.app/file-format-schema.json',
  shared: { frames: [{ name: 'main' }] },
  profiles: [
    {
      ...{ type: 'sampled', name: 'heap', unit: 'bytes', startValue: 0, endValue: 4096 },
      ...{ samples: [[0]], weights: [4096] },
    },
  ],
};
