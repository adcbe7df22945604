import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, type TestContext } from 'vitest';
import { runStat } from '../../helper/sources/perf-stat/run.ts';
import type { CounterInterval } from '../../protocol/events.ts';

function needs(ctx: TestContext, program: string): void {
  if (spawnSync(program, ['--version']).error !== undefined) ctx.skip(`${program} is not installed`);
}

/** Processes whose command line has these words, in order. */
function running(...words: readonly string[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(words.join('\0'));
      } catch {
        return false;
      }
    });
}

const busy = () =>
  spawn('/bin/sh', ['-c', 'while :; do cd /; done'], { stdio: 'ignore' }) as { pid?: number } & ReturnType<
    typeof spawn
  >;

for (const perf of [['perf'], ['sudo', '-n', 'perf']])
  test(`${perf.join(' ')} stat counts a process at intervals, and is gone when it is stopped`, async (ctx) => {
    needs(ctx, 'perf');
    needs(ctx, perf[0] ?? '');
    const work = busy();
    try {
      const seen: CounterInterval[] = [];
      let enough: () => void = () => undefined;
      const second = new Promise<void>((resolve) => (enough = resolve));
      const stat = runStat(
        {
          stream: 's',
          events: ['task-clock', 'cycles', 'page-faults'],
          pid: work.pid ?? 0,
          intervalMs: 200,
        },
        (interval) => {
          seen.push(interval);
          if (seen.length === 2) enough();
        },
        { perf },
      );
      await Promise.race([second, stat.ended]);
      stat.stop();
      expect(await stat.ended).toMatchObject({ exitCode: 0 });
      expect(seen.length).toBeGreaterThanOrEqual(2);
      for (const { counters, intervalSeconds } of seen) {
        expect(counters.map(({ event }) => event)).toEqual(['task-clock', 'cycles', 'page-faults']);
        expect(intervalSeconds).toBeGreaterThan(0);
      }
      const [first] = seen;
      expect(first?.counters[0]).toMatchObject({ state: 'counted', unit: 'msec' });
      expect(running('perf', 'stat', '-j', '-I', '200')).toEqual([]);
    } finally {
      work.kill('SIGKILL');
    }
  });

test('counting ends with the process', async (ctx) => {
  needs(ctx, 'perf');
  const work = busy();
  let intervals = 0;
  const stat = runStat({ stream: 's', events: ['task-clock'], pid: work.pid ?? 0, intervalMs: 100 }, () => {
    if (++intervals === 1) work.kill('SIGKILL');
  });
  expect((await stat.ended).problem).toBeUndefined();
  expect(intervals).toBeGreaterThan(0);
});

test('a process that is gone and a counter that does not exist are told', async (ctx) => {
  needs(ctx, 'perf');
  const spec = { stream: 's', intervalMs: 100 };
  expect(() => runStat({ ...spec, events: [], pid: 4194303 }, () => undefined)).toThrow(
    'There is no process 4194303.',
  );
  const { problem } = await runStat({ ...spec, events: ['no-such-counter'] }, () => undefined).ended;
  expect(problem?.code).toBe('engine-refused');
  expect(problem?.message).toContain('no-such-counter');
});
