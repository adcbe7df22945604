import { afterEach, describe, expect, test } from 'vitest';
import { traceAll, TracedProgram, whyNoTracing } from './support/traced-program.ts';

const programs: TracedProgram[] = [];
const start = async (...args: Parameters<typeof TracedProgram.start>): Promise<TracedProgram> => {
  const program = await TracedProgram.start(...args);
  programs.push(program);
  return program;
};
afterEach(() => {
  for (const program of programs.splice(0)) program.end();
});

describe('figures of probescope trace against the program’s own', () => {
  const reason = whyNoTracing();

  test('8 threads: counts are equal, percentiles within 3 %, recursion counts every depth', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const program = await start('shop', ['--threads', '8', '--requests', '150', '--rate', '400']);
    const names = ['db_query', 'handle_request', 'render_tree', 'cache_get', 'parse_request'];
    const { traced, own } = await traceAll(
      program,
      names.flatMap((name) => ['--function', name]),
    );
    for (const probe of traced.probes) {
      const mine = own[probe.function]!;
      expect.soft(probe.count, probe.function).toBe(mine.count);
      expect.soft(probe.lost, probe.function).toBe(0);
      expect.soft(probe.latencyNs?.returned, probe.function).toBe(mine.count);
      // Below 100 µs the probe's own cost, which the program sees and the probe does not, is more than 3 %.
      for (const [ours, theirs] of [
        [probe.latencyNs?.p50, mine.p50Ns],
        [probe.latencyNs?.p90, mine.p90Ns],
        [probe.latencyNs?.p99, mine.p99Ns],
      ] as const)
        if (theirs !== undefined && ours !== undefined && theirs >= 100_000)
          expect
            .soft(Math.abs(ours - theirs) / theirs, `${probe.function} ${theirs}`)
            .toBeLessThan(0.03 + 50_000 / theirs);
    }
  });

  test('callers carry function, file and line, inlined frames included', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const program = await start('shop', ['--threads', '4', '--requests', '50', '--rate', '400']);
    const { traced, own } = await traceAll(program, ['--function', 'db_query', '--measure', 'callers']);
    const [probe] = traced.probes;
    const callers = probe?.callers ?? [];
    expect(callers.reduce((sum, { count }) => sum + count, 0)).toBe(own['db_query']?.count);
    for (const { stack } of callers) {
      expect(stack.map((frame) => frame.function).slice(0, 4)).toEqual([
        'db_query',
        expect.stringMatching(/show_product|place_order/),
        'route',
        'handle_request',
      ]);
      for (const frame of stack.slice(0, 4)) {
        expect(frame.file).toMatch(/test\/workloads\/shop\/(db|handle)\.c$/);
        expect(frame.line).toBeGreaterThan(0);
      }
    }
  });

  test('USDT probes are counted beside functions, in one session', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const program = await start('shop', ['--threads', '2', '--requests', '100', '--rate', '1000']);
    const { traced, own } = await traceAll(program, [
      ...['--usdt', 'shop:request__start', '--usdt', 'shop:cache__miss'],
      ...['--function', 'handle_request', '--measure', 'count'],
    ]);
    const counts = Object.fromEntries(traced.probes.map((probe) => [probe.function, probe.count]));
    expect(counts['handle_request']).toBe(own['handle_request']?.count);
    expect(counts['shop:request__start']).toBe(own['handle_request']?.count);
    expect(counts['shop:cache__miss']).toBeGreaterThan(0);
  });

  const deep = ['dive', 'jumper', 'around', 'leaver', 'tail_target', 'tail_caller'];
  test.for([
    // The kernel keeps 64 nested returns of a thread: deeper calls are counted, and told as never returned.
    { depth: 9, measured: 10 },
    { depth: 99, measured: 64 },
  ])('recursion $depth deep, longjmp, ending threads, tail calls', async ({ depth, measured }, ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const program = await start('deep', [String(depth)]);
    const { traced, own } = await traceAll(
      program,
      deep.flatMap((name) => ['--function', name]),
    );
    const figures = Object.fromEntries(
      traced.probes.map((probe) => [probe.function, [probe.count, probe.latencyNs?.returned, probe.lost]]),
    );
    expect(figures).toEqual({
      dive: [own['dive']?.count, 20 * measured, 20 * (depth + 1 - measured)],
      jumper: [100, 50, 50],
      around: [100, 100, 0],
      leaver: [50, 0, 50],
      tail_target: [100, 100, 0],
      tail_caller: [100, 100, 0],
    });
  });

  test('C++ overloads are probes of their own; counts are the program’s', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const program = await start('shapes', ['--rounds', '50']);
    const { traced, own } = await traceAll(program, ['--function', 'scale', '--measure', 'count']);
    expect(traced.probes.map((probe) => probe.function).sort()).toEqual([
      'geo::scale(double, double)',
      'geo::scale(geo::Point, double)',
      'geo::scale(geo::Shape const&, double)',
    ]);
    for (const probe of traced.probes) expect(probe.count).toBe(own[probe.function]?.count);
  });

  test('exceptions go through probed functions unharmed: counted, and latency is refused', async (ctx) => {
    if (reason !== undefined) ctx.skip(reason);
    const program = await start('shapes', ['--rounds', '30']);
    const { traced, own } = await traceAll(program, ['--function', 'careful', '--measure', 'count']);
    expect(traced.probes[0]?.count).toBe(own['careful(int)']?.count);
    const other = await start('shapes', ['--rounds', '30']);
    await expect(traceAll(other, ['--function', 'careful'])).rejects.toThrow(/exception can pass/);
  });
});
