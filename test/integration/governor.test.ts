import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { HelperConnection } from '../../extension/core/connection.ts';
import { defaultBudgets, Governor } from '../../extension/core/governor.ts';
import { ProbeRegistry } from '../../extension/core/registry.ts';
import { startHelper } from '../../extension/core/targets/start-helper.ts';
import { localTarget } from '../../extension/core/targets/target.ts';
import { costClasses } from '../../protocol/cost.ts';
import { missingForLab } from '../lab/run.ts';
import { TracedProgram } from './support/traced-program.ts';

const bundle = join(import.meta.dirname, '../../dist/helper.js');

/** Calls a function as fast as it can, about 2,000,000 times a second, and says how often every 100 ms. */
const storm = `
#include <stdio.h>
#include <time.h>
static long now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000L + t.tv_nsec; }
__attribute__((noinline)) long storm(long x) { for (int i = 0; i < 400; i++) x = x * 31 + i; return x; }
int main(void) {
  volatile long x = 1; long calls = 0, last = now();
  for (;;) {
    x = storm(x); calls++;
    if ((calls & 255) == 0 && now() - last > 100000000L) { printf("%ld\\n", calls); fflush(stdout); calls = 0; last = now(); }
  }
}`;

test('a storm is stopped, its figures are kept, and the program is as fast as before', async (ctx) => {
  const missing = missingForLab('bpftrace', 'gcc');
  if (missing !== undefined) return ctx.skip(missing);
  const folder = mkdtempSync(join(tmpdir(), 'probescope-test-'));
  const binary = join(folder, 'storm');
  writeFileSync(`${binary}.c`, storm);
  execFileSync('gcc', ['-g', '-O1', '-o', binary, `${binary}.c`]);
  const program = spawn(binary, [], { stdio: ['ignore', 'pipe', 'ignore'] });
  const rates: number[] = [];
  createInterface({ input: program.stdout }).on('line', (line) => rates.push(Number(line)));
  const helper = await HelperConnection.open(
    await startHelper(localTarget, { bundle, log: () => undefined }),
    'test',
  );
  const registry = new ProbeRegistry({
    connect: () => Promise.resolve(helper),
    intervalMs: 250,
    governor: new Governor(),
  });
  try {
    await expect.poll(() => rates.length, { timeout: 5000 }).toBeGreaterThan(5);
    const { subjects } = await helper.call('lookUp', { binary, function: 'storm' });
    const before = rates.at(-1)!;
    const probe = await registry.add({
      binary,
      pid: program.pid!,
      subject: subjects[0]!,
      measures: ['count'],
    });
    const attachedMs = performance.now();
    await expect.poll(() => probe.state.kind, { timeout: 15_000, interval: 20 }).toBe('ended');
    const stoppedMs = performance.now();
    expect(probe.state).toMatchObject({
      problem: { code: 'budget-exceeded', message: expect.stringContaining('of a core') as string },
    });
    expect(probe.aggregate.totals.count).toBeGreaterThan(1000);
    await expect
      .poll(() => rates.slice(-2).every((rate) => rate > before / 2), { timeout: 15_000, interval: 20 })
      .toBe(true);
    // limits: 1 s and 2 s; a loaded machine may take longer, so they are printed
    console.log(
      `storm: stopped ${Math.round(stoppedMs - attachedMs)} ms after attaching, speed back ${Math.round(performance.now() - stoppedMs)} ms later`,
    );
  } finally {
    registry.dispose();
    helper.dispose();
    program.kill('SIGKILL');
    await once(program, 'exit').catch(() => undefined);
    rmSync(folder, { recursive: true });
  }
});

test('memory of maps is measured in the kernel, and a budget for it holds', async (ctx) => {
  const missing = missingForLab('bpftrace');
  if (missing !== undefined) return ctx.skip(missing);
  const program = await TracedProgram.start('shop', ['--threads', '2', '--rate', '100']);
  program.go();
  const helper = await HelperConnection.open(
    await startHelper(localTarget, { bundle, log: () => undefined }),
    'test',
  );
  let mapBytes = 0;
  helper.onSnapshot((snapshot) => (mapBytes = snapshot.mapBytes ?? 0));
  const budgets = { ...defaultBudgets, sharePerProbe: 10, sharePerTarget: 10 };
  const registry = new ProbeRegistry({
    connect: () => Promise.resolve(helper),
    intervalMs: 250,
    governor: new Governor(() => ({ budgets: { ...budgets, mapBytes: 1e6 }, policy: 'aggregate' })),
  });
  const told: string[] = [];
  registry.onDidTell((message) => told.push(message));
  try {
    const { subjects } = await helper.call('lookUp', { binary: program.path, function: 'db_query' });
    const probe = await registry.add({
      binary: program.path,
      pid: program.pid,
      subject: subjects[0]!,
      measures: ['latency'],
    });
    // latency takes eleven maps of 16,384 keys, several MB; its count alone one, which is above 1 MB as well
    await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(told[0]).toMatch(
      /^The maps hold \d[\d.]* MB; the budget is 1 MB\. From here on it is only counted\.$/,
    );
    expect(mapBytes).toBeGreaterThan(1e6);
    expect(probe.spec.measures).toEqual(['count']);
    await expect.poll(() => probe.state.kind, { timeout: 15_000 }).toBe('ended');
    expect(probe.state).toMatchObject({ problem: { code: 'budget-exceeded' } });
  } finally {
    registry.dispose();
    helper.dispose();
    program.end();
  }
});

test('the costs of this target are measured with the scripts that trace', async (ctx) => {
  const missing = missingForLab('bpftrace');
  if (missing !== undefined) return ctx.skip(missing);
  const helper = await HelperConnection.open(
    await startHelper(localTarget, { bundle, log: () => undefined }),
    'test',
  );
  try {
    const { costs } = await helper.call('hitCosts', { measure: true });
    if (costs === undefined) throw new Error('nothing was measured');
    // a trap into the kernel and back takes 300 ns on the fastest machine
    for (const kind of costClasses) expect(costs.count[kind]).toBeGreaterThan(100);
    // a return probe costs a second trap, which shows where the first one is cheap
    expect(costs.latency.nop).toBeGreaterThan(costs.count.nop);
    expect(await helper.call('hitCosts', { measure: false })).toEqual({ costs });
  } finally {
    helper.dispose();
  }
});
