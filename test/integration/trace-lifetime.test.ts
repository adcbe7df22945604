import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { localHelper } from '../../cli/in-process.ts';
import type { NewProbe } from '../../extension/core/probe.ts';
import { ProbeRegistry } from '../../extension/core/registry.ts';
import { programOf } from '../../scripts/workloads.ts';
import { commandOf, descendants, isAlive } from './support/process-tree.ts';
import { runCli, TracedProgram, whyNoTracing } from './support/traced-program.ts';

const reason = whyNoTracing();
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const start = async (...args: Parameters<typeof TracedProgram.start>): Promise<TracedProgram> => {
  const program = await TracedProgram.start(...args);
  undo.push(() => program.end());
  return program;
};

const isEngine = (pid: number): boolean => commandOf(pid) === 'bpftrace';

for (const rate of ['5', '0'])
  for (const victims of ['the CLI', 'the CLI and every supervisor'] as const)
    test(`SIGKILL of ${victims} (${rate === '0' ? 'busy' : 'quiet'} program) leaves nothing behind after 2 s`, async (ctx) => {
      if (reason !== undefined) ctx.skip(reason);
      const program = await start('shop', ['--threads', '2', '--rate', rate]);
      program.go();
      const cli = runCli([
        'trace',
        ...[
          '--binary',
          program.path,
          '--pid',
          String(program.pid),
          '--function',
          'db_query',
          '--duration',
          '60s',
        ],
      ]);
      await cli.attached;
      await sleep(300);
      const all = descendants(cli.pid);
      const engines = all.filter(isEngine);
      expect(engines).toHaveLength(1);
      const others = victims === 'the CLI' ? [] : all.filter((pid) => !isEngine(pid));
      for (const pid of [cli.pid, ...others]) process.kill(pid, 'SIGKILL');
      await sleep(2000);
      expect(all.filter(isAlive)).toEqual([]);
    });

test('a probe that is added while others count changes no count', async (ctx) => {
  if (reason !== undefined) ctx.skip(reason);
  const program = await start('shop', ['--threads', '8', '--requests', '900', '--rate', '150']);
  const helper = await localHelper();
  undo.push(() => helper.close());
  const registry = new ProbeRegistry({ connect: () => Promise.resolve(helper.connection), intervalMs: 250 });
  const probe = async (name: string, measures: NewProbe['measures']): Promise<NewProbe> => {
    const { subjects } = await helper.connection.call('lookUp', { binary: program.path, function: name });
    const subject = subjects.find(({ kind }) => kind === 'function')!;
    return { binary: program.path, pid: program.pid, subject, measures };
  };
  const first = await registry.add(await probe('handle_request', ['latency']));
  const measured = (of: typeof first) => vi.waitUntil(() => of.aggregate.figures.count > 0, 10_000);
  program.go();
  await measured(first);
  const second = await registry.add(await probe('db_query', ['count']));
  await measured(second);
  await registry.pause([second.key]);
  const own = await program.figures();
  await registry.close();
  const { count, returned, lost } = first.aggregate.figures;
  const mine = own['handle_request']?.count ?? 0;
  // Two hand-overs of about 2 µs each, at 1,200 calls a second: one in 200 runs loses a call, unless the hypervisor takes
  // the processor away between the two gates (seen: 2 and 3 of 7,200 on a host under load).
  const mostLost = 4;
  expect(Math.abs(count - mine)).toBeLessThanOrEqual(mostLost);
  expect(returned + lost.missedEntries).toBeGreaterThanOrEqual(mine - mostLost);
});

test('a process that ends is told, with its figures', async (ctx) => {
  if (reason !== undefined) ctx.skip(reason);
  const program = await start('shop', ['--threads', '2', '--rate', '200']);
  program.go();
  const cli = runCli([
    'trace',
    ...[
      '--binary',
      program.path,
      '--pid',
      String(program.pid),
      '--function',
      'route',
      '--json',
      '--duration',
      '60s',
    ],
  ]);
  await cli.attached;
  await sleep(500);
  program.end();
  const { exitCode, stdout, stderr } = await cli.ended;
  expect(exitCode).toBe(0);
  expect(stderr).toContain(`Process ${program.pid} does not run any more`);
  expect((JSON.parse(stdout) as { probes: { count: number }[] }).probes[0]?.count).toBeGreaterThan(10);
});

test('a binary that is replaced while it is traced is told', async (ctx) => {
  if (reason !== undefined) ctx.skip(reason);
  const folder = mkdtempSync(join(tmpdir(), 'probescope-replaced-'));
  undo.push(() => rmSync(folder, { recursive: true }));
  const original = await start('shop', ['--requests', '1']);
  original.end();
  const path = join(folder, 'shop');
  copyFileSync(programOf('shop'), path);
  const program = await start({ path }, ['--threads', '2', '--rate', '200']);
  program.go();
  const cli = runCli(['trace', '--binary', path, '--function', 'route', '--json', '--duration', '60s']);
  await cli.attached;
  await sleep(300);
  copyFileSync(programOf('shapes'), join(folder, 'new'));
  renameSync(join(folder, 'new'), path);
  const { exitCode, stderr } = await cli.ended;
  expect(exitCode).toBe(0);
  expect(stderr).toContain('was replaced by another build while it was traced');
});

test('an engine that somebody kills ends the trace with exit code 1 and the figures so far', async (ctx) => {
  if (reason !== undefined) ctx.skip(reason);
  const program = await start('shop', ['--threads', '2', '--rate', '200']);
  program.go();
  const cli = runCli([
    'trace',
    ...[
      '--binary',
      program.path,
      '--pid',
      String(program.pid),
      '--function',
      'route',
      '--json',
      '--duration',
      '60s',
    ],
  ]);
  await cli.attached;
  // the engine is asked once a second: what came since is gone with it
  await sleep(2200);
  for (const pid of descendants(cli.pid).filter(isEngine)) process.kill(pid, 'SIGKILL');
  const { exitCode, stdout, stderr } = await cli.ended;
  expect(exitCode).toBe(1);
  expect(stderr).toContain('bpftrace ended while it was tracing');
  expect((JSON.parse(stdout) as { probes: { count: number }[] }).probes[0]?.count).toBeGreaterThan(10);
});

test('50 functions are one bpftrace, and all of them count', async (ctx) => {
  if (reason !== undefined) ctx.skip(reason);
  const folder = mkdtempSync(join(tmpdir(), 'probescope-fifty-'));
  undo.push(() => rmSync(folder, { recursive: true }));
  const names = Array.from({ length: 50 }, (_, index) => `step_${index}`);
  const source = [
    '#include <stdio.h>',
    ...names.map(
      (name) => `__attribute__((noinline)) int ${name}(int x) { __asm__ volatile(""); return x + 1; }`,
    ),
    'int main(void) { char line[9]; puts("ready"); fflush(stdout); if (!fgets(line, 9, stdin)) return 1;',
    `for (int i = 0; i < 20; i++) { ${names.map((name) => `${name}(i);`).join(' ')} }`,
    'puts("{\\"functions\\":{}}"); fflush(stdout); return getchar(); }',
  ].join('\n');
  const path = join(folder, 'fifty');
  await new Promise<void>((resolve, reject) => {
    const compiler = spawn('gcc', ['-g', '-O2', '-x', 'c', '-', '-o', path], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    compiler.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`gcc ended with ${code}`))));
    compiler.stdin.end(source);
  });
  expect(existsSync(path)).toBe(true);
  const program = await start({ path }, []);
  const cli = runCli([
    'trace',
    ...['--binary', path, '--pid', String(program.pid), '--json', '--duration', '60s'],
    ...names.flatMap((name) => ['--function', name]),
  ]);
  await cli.attached;
  expect(descendants(cli.pid).filter(isEngine)).toHaveLength(1);
  program.go();
  await program.figures();
  cli.child.kill('SIGINT');
  const { stdout } = await cli.ended;
  const { probes } = JSON.parse(stdout) as {
    probes: { count: number; lost: number; latencyNs: { returned: number } }[];
  };
  expect(probes.map(({ count, lost, latencyNs }) => [count, lost, latencyNs.returned])).toEqual(
    names.map(() => [20, 0, 20]),
  );
});
