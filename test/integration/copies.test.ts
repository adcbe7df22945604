// Functions that exist as inlined copies: every copy is counted, equal to a counter that is compiled into the program.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localHelper } from '../../cli/in-process.ts';
import type { NewProbe } from '../../extension/core/probe.ts';
import { ProbeRegistry } from '../../extension/core/registry.ts';
import { supervisorScript } from '../../helper/engines/tracefs/script.ts';
import { commandOf, descendants, isAlive } from './support/process-tree.ts';
import { cliBundle, runCli, traceAll, TracedProgram, whyNoTracing } from './support/traced-program.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});
const reason = whyNoTracing() ?? (existsSync('/usr/bin/perf') ? undefined : 'needs perf');
beforeEach((context) => {
  if (reason !== undefined) context.skip(reason);
});

async function start(rounds: number): Promise<TracedProgram> {
  const program = await TracedProgram.start('copies', [String(rounds)]);
  undo.push(() => program.end());
  return program;
}

/** Definitions of Probescope's in `uprobe_events` that name this program. */
const definitionsOf = (path: string): string[] =>
  readFileSync('/sys/kernel/tracing/uprobe_events', 'utf8')
    .split('\n')
    .filter((line) => line.includes('probescope_') && line.includes(` ${path}:`));

const named = (...names: string[]): string[] => names.flatMap((name) => ['--function', name]);

test('every copy is counted, in both files, in loops, in each other and in threads', async () => {
  const program = await start(600);
  const { traced, own, stderr } = await traceAll(program, [
    ...named('leaf', 'blend', 'mix'),
    ...['--measure', 'count'],
  ]);
  const counted = Object.fromEntries(traced.probes.map((probe) => [probe.function, { count: probe.count }]));
  expect(counted).toEqual(own);
  const sites = Object.fromEntries(traced.probes.map((probe) => [probe.function, probe.sites]));
  expect(sites['leaf']).toBeGreaterThanOrEqual(6);
  expect(sites['blend']).toBeGreaterThanOrEqual(2);
  // its body and its copies
  expect(sites['mix']).toBeGreaterThanOrEqual(3);
  expect(stderr).toMatch(/attached to \d+ places/);
  expect(definitionsOf(program.path)).toEqual([]);
});

test('latency of copies is refused: how often, or whose latency, can be measured', async () => {
  const program = await start(1);
  const { exitCode, stdout, stderr } = await runCli(['trace', '--binary', program.path, ...named('blend')])
    .ended;
  expect(stdout).toBe('');
  expect(stderr).toMatch(/blend is inlined everywhere[^]*round_of[^]*Count its copies, trace \w+ instead/);
  expect(exitCode).toBe(1);
});

test('a copy at which the kernel takes no probe: it is said why', async () => {
  const program = await start(1);
  const { exitCode, stderr } = await runCli([
    'trace',
    ...['--binary', program.path, ...named('take'), '--measure', 'count'],
  ]).ended;
  expect(stderr).toMatch(
    /take is inlined everywhere.*inlined into main begins with an instruction with the prefix “lock”/,
  );
  expect(exitCode).toBe(1);
});

test('latency beside copies: of the body alone, and it is said of which copies not', async () => {
  const program = await start(100);
  const { traced, own, stderr } = await traceAll(program, named('mix'));
  expect(traced.probes[0]?.sites).toBe(1);
  expect(traced.probes[0]?.count).toBe(20);
  expect(own['mix']?.count).toBeGreaterThan(20);
  expect(stderr).toMatch(/attached to 1 of \d+ places[^]*mix: .*inlined into \w+.*can be counted/);
});

test('totals stay through pauses, and through other probes that come and go', async () => {
  const program = await start(200);
  const helper = await localHelper();
  undo.push(() => helper.close());
  const registry = new ProbeRegistry({ connect: () => Promise.resolve(helper.connection), intervalMs: 250 });
  const probe = async (name: string, measures: NewProbe['measures']): Promise<NewProbe> => {
    const { subjects } = await helper.connection.call('lookUp', { binary: program.path, function: name });
    const subject = subjects.find(({ kind }) => kind === 'function')!;
    return { binary: program.path, pid: program.pid, subject, measures };
  };
  const run = async (): Promise<Record<string, number>> => {
    program.go();
    return Object.fromEntries(
      Object.entries(await program.figures()).map(([name, { count }]) => [name, count]),
    );
  };
  const leaf = await registry.add(await probe('leaf', ['count']));
  const first = await run();
  // beside it one in bpftrace, and another one that is counted
  const other = await registry.add(await probe('in_the_other_file', ['latency']));
  const blend = await registry.add(await probe('blend', ['count']));
  const second = await run();
  await registry.pause([leaf.key]);
  expect(leaf.aggregate.figures.count).toBe(second['leaf']);
  const third = await run();
  await registry.pause([other.key]);
  await registry.resume([leaf.key]);
  const fourth = await run();
  await registry.close();
  expect(leaf.aggregate.figures.count).toBe(fourth['leaf']! - third['leaf']! + second['leaf']!);
  expect(blend.aggregate.figures.count).toBe(fourth['blend']! - first['blend']!);
  expect(other.aggregate.figures.returned).toBeGreaterThan(0);
  await expect.poll(() => definitionsOf(program.path), { timeout: 10_000 }).toEqual([]);
});

test('a probe that goes from durations to counting keeps what it counted', async () => {
  const program = await start(100);
  const helper = await localHelper();
  undo.push(() => helper.close());
  const registry = new ProbeRegistry({ connect: () => Promise.resolve(helper.connection), intervalMs: 250 });
  const { subjects } = await helper.connection.call('lookUp', { binary: program.path, function: 'mix' });
  const mix = await registry.add({
    binary: program.path,
    pid: program.pid,
    subject: subjects[0]!,
    measures: ['latency'],
  });
  program.go();
  const first = await program.figures();
  await registry.remeasure(mix.key, ['count']);
  program.go();
  const second = await program.figures();
  await registry.close();
  // 20 calls through the pointer, then all of them
  expect(mix.aggregate.figures.count).toBe(20 + second['mix']!.count - first['mix']!.count);
});

for (const victims of ['the owner', 'the owner and every process below it'] as const)
  test(`SIGKILL of ${victims} leaves uprobe_events as it was`, async () => {
    const program = await start(100);
    const cli = runCli([
      'trace',
      ...['--binary', program.path, '--pid', String(program.pid), '--duration', '60s'],
      ...named('leaf', 'blend'),
      ...['--measure', 'count'],
    ]);
    await cli.attached;
    const all = descendants(cli.pid);
    const perfs = all.filter((pid) => commandOf(pid).startsWith('perf'));
    expect(perfs).toHaveLength(2);
    expect(definitionsOf(program.path).length).toBeGreaterThan(7);
    const others = victims === 'the owner' ? [] : all.filter((pid) => !perfs.includes(pid));
    for (const pid of [cli.pid, ...others]) process.kill(pid, 'SIGKILL');
    await expect.poll(() => all.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    if (victims !== 'the owner') {
      // Nobody was left to remove them: the next one to start does.
      const next = await localHelper();
      undo.push(() => next.close());
      await next.connection.call('detachEverything', { scope: { kind: 'orphans' } });
    }
    await expect.poll(() => definitionsOf(program.path), { timeout: 10_000 }).toEqual([]);
  });

test('the root-side process lets perf count events of its own group, and do nothing else', async () => {
  const child = spawn('/bin/sh', ['-c', supervisorScript, 'probescope-tracefs', 'ab', '4', 'no']);
  undo.push(() => child.kill());
  let answers = '';
  child.stderr.on('data', (text) => (answers += String(text)));
  const lines = [
    'count ../e1 100',
    'count sched:sched_switch 100',
    'count e1;id 100',
    'count e1 100 1 -o /tmp/x',
    'count e1 -a',
    'count e1 100 $(id)',
    'count e1',
    'uncount *',
    'uncount e1 e2',
  ];
  child.stdin.end(lines.map((line, index) => `${index + 1} ${line}\n`).join(''));
  let counted = '';
  child.stdout.on('data', (text) => (counted += String(text)));
  await new Promise((resolve) => child.on('close', resolve));
  for (const [index, line] of lines.entries())
    expect(answers, line).toMatch(new RegExp(`^${index + 1} error`, 'm'));
  expect(answers).toMatch(/^removed /m);
  expect(counted).toBe('');
});

test('without perf it is said, and what bpftrace can attach is counted all the same', async () => {
  const program = await start(100);
  // A mount that only this process sees, so that the file cannot be executed.
  const without = ['--mount', 'sh', '-c', 'mount --bind /dev/null /usr/bin/perf && exec "$0" "$@"'];
  const trace = (name: string) =>
    spawnSync(
      'unshare',
      [
        ...[...without, process.execPath, cliBundle, 'trace', '--binary', program.path, '--function', name],
        ...['--measure', 'count', '--duration', '200ms', '--json'],
      ],
      { encoding: 'utf8' },
    );
  const blend = trace('blend');
  expect(blend.stderr).toMatch(/perf is not installed[^]*Install/);
  expect(blend.status).toBe(1);
  const mix = trace('mix');
  expect(mix.stderr).toMatch(/mix: only 1 of \d+ sites are counted.*perf is not installed/);
  expect(mix.status).toBe(0);
});
