// Durations of Go's calls, taken at their entries and return instructions: held against what the program counts and times itself.
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { release } from 'node:os';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { safely } from '../../helper/safe-probing.ts';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { findSubjects } from '../../helper/symbols/lookup.ts';
import { isAlive } from './support/process-tree.ts';
import { runCli, traceAll, TracedProgram, whyNoTracing, type TraceResult } from './support/traced-program.ts';

const undo: (() => unknown)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});
const reason =
  whyNoTracing() ??
  (spawnSync('go', ['version']).status === 0 ? undefined : 'needs go (golang-go on Debian)');
beforeEach((context) => {
  if (reason !== undefined) context.skip(reason);
});

/** What two probes take within a call on a busy virtual machine; the kernel prints its clock in microseconds. */
const PROBES_NS = 40_000;

async function start(rounds: number, seconds = 0): Promise<TracedProgram> {
  const program = await TracedProgram.start('goroutines', [String(rounds), String(seconds)]);
  undo.push(() => program.end());
  return program;
}

/** Definitions of Probescope's in `uprobe_events` that name this program. */
const definitionsOf = (path: string): string[] =>
  readFileSync('/sys/kernel/tracing/uprobe_events', 'utf8')
    .split('\n')
    .filter((line) => line.includes('probescope_') && line.includes(` ${path}:`));

const named = (...names: string[]): string[] => names.flatMap((name) => ['--function', `main.${name}`]);

function byName({ probes }: TraceResult): ReadonlyMap<string, TraceResult['probes'][number]> {
  return new Map(probes.map((probe) => [probe.function, probe]));
}

test('counts are the program’s own, percentiles within 3 %, on goroutines that change their thread', async () => {
  const program = await start(60);
  const { traced, own, stderr } = await traceAll(program, named('work', 'wander'));
  expect(own['moved']?.count).toBeGreaterThan(50);
  for (const name of ['main.work', 'main.wander']) {
    const probe = byName(traced).get(name);
    const mine = own[name];
    expect(probe).toMatchObject({ count: mine?.count, lost: 0, latencyNs: { returned: mine?.count } });
    for (const share of ['p50', 'p90', 'p99'] as const) {
      const ours = probe?.latencyNs?.[share] ?? 0;
      const theirs = mine?.[`${share}Ns`] ?? 0;
      expect(theirs).toBeGreaterThan(100_000);
      // In the tail a rank more or less makes more than 3 %: there what lies around it holds.
      const low = share === 'p99' ? (mine?.p98Ns ?? 0) : theirs;
      expect.soft(ours, `${name} ${share}, own ${theirs}`).toBeGreaterThan(0.97 * low - PROBES_NS);
      // Where a processor is taken from the program between its clock and the probe, ours alone has that: a few calls, in the tail.
      if (share !== 'p99')
        expect.soft(ours, `${name} ${share}, own ${theirs}`).toBeLessThan(1.03 * theirs + PROBES_NS);
    }
  }
  const work = byName(traced).get('main.work');
  expect(work?.file).toMatch(/goroutines\/main\.go$/);
  expect(work?.line).toBeGreaterThan(0);
  expect(work?.sites).toBe(2);
  expect(stderr).toMatch(/attached to 4 places/);
  expect(definitionsOf(program.path)).toEqual([]);
  expect(isAlive(program.pid)).toBe(true);
});

test('stacks that grow under the calls, panics, recoveries and Goexit: every call is counted once', async () => {
  const program = await start(20);
  const names = ['deepen', 'risky', 'heal', 'survive', 'leave', 'loop'];
  const { traced, own } = await traceAll(program, named(...names));
  const found = byName(traced);
  for (const name of names)
    expect.soft(found.get(`main.${name}`)?.count, name).toBe(own[`main.${name}`]?.count);
  const returned = (name: string): number | undefined => found.get(`main.${name}`)?.latencyNs?.returned;
  for (const name of ['deepen', 'heal', 'survive', 'loop'])
    expect.soft(returned(name), name).toBe(own[`main.${name}`]?.count);
  expect(returned('risky')).toBe((own['main.risky']?.count ?? 0) - (own['panicked']?.count ?? 0));
  expect(returned('leave')).toBe(0);
  // what never returned is known where a later call of the same goroutine shows it
  const risky = found.get('main.risky');
  expect(risky?.lost).toBeGreaterThan((own['panicked']?.count ?? 0) / 2);
  expect(risky?.lost).toBeLessThanOrEqual(own['panicked']?.count ?? 0);
  expect(own['wrong']).toEqual({ count: 0 });
  expect(definitionsOf(program.path)).toEqual([]);
});

test('a count alone leaves out the calls that begin again, too', async () => {
  const program = await start(20);
  const { traced, own } = await traceAll(program, [...named('deepen', 'work'), '--measure', 'count']);
  for (const probe of traced.probes)
    expect
      .soft(probe, probe.function)
      .toMatchObject({ count: own[probe.function]?.count, lost: 0, sites: 1 });
});

test('after ten seconds of growing and shrinking stacks the program is alive and right', async () => {
  const program = await start(1, 10);
  const { traced, own } = await traceAll(program, named('deepen'));
  const [probe] = traced.probes;
  const count = own['main.deepen']?.count ?? 0;
  expect(count).toBeGreaterThan(100_000);
  expect(own['wrong']).toEqual({ count: 0 });
  expect(isAlive(program.pid)).toBe(true);
  // What the kernel's buffer had no room for is said, and nothing else is missing.
  if (probe?.lost === 0) expect(probe).toMatchObject({ count, latencyNs: { returned: count } });
  else expect((probe?.count ?? 0) + (probe?.lost ?? 0)).toBeGreaterThanOrEqual(count);
  // once more, without any probe
  program.go();
  expect((await program.figures())['wrong']).toEqual({ count: 0 });
}, 60_000);

test('every process that runs the binary: goroutines of two have the same addresses', async () => {
  const [one, other] = [await start(10), await start(10)];
  const { traced, own } = await traceAll(one, named('deepen', 'wander'), [other]);
  for (const probe of traced.probes)
    expect.soft(probe, probe.function).toMatchObject({
      count: own[probe.function]?.count,
      latencyNs: { returned: own[probe.function]?.count },
      lost: 0,
    });
});

test('a function that was looked up without its returns is refused: a return probe would end the program', async () => {
  const program = await start(1);
  const debug = await DebugInfo.open(program.path);
  const [subject] = findSubjects(debug, { binary: program.path, function: 'main.deepen' });
  debug.close();
  if (subject?.kind !== 'function') throw new Error('main.deepen was not found');
  const { bounds, ...old } = subject;
  expect(bounds).toMatchObject({
    entries: [{ cost: 'push' }],
    restarts: [{ cost: 'push' }],
    exits: [{ kind: 'return' }, { kind: 'return' }],
    refused: [],
  });
  const host = {
    kernelRelease: release(),
    arch: process.arch,
    enginePrograms: [],
    isOwnProcess: () => false,
  };
  const probe = { id: 1, binary: program.path, measures: ['latency'] as const };
  expect(() => safely([{ ...probe, subject: old }], host)).toThrow(/compiled by Go.*would corrupt/);
  expect(safely([{ ...probe, subject }], host).notes).toEqual([]);
});

test('a function in assembly is refused, with the reason and the next step', async () => {
  const program = await start(1);
  const { exitCode, stderr } = await runCli([
    'trace',
    '--binary',
    program.path,
    '--function',
    'runtime.memmove',
  ]).ended;
  expect(stderr).toMatch(
    /runtime\.memmove.*cannot be measured: it is written in assembly[^]*Trace the Go function/,
  );
  expect(exitCode).toBe(1);
});
