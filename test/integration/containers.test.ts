import { execa } from 'execa';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localHelper, type LocalHelper } from '../../cli/in-process.ts';
import { ProbeRegistry } from '../../extension/core/registry.ts';
import {
  containerKinds,
  SERVE_LINE,
  startContainer,
  whyNotContainer,
  type RunningContainer,
} from '../lab/containers.ts';
import { cliBundle, whyNoTracing } from './support/traced-program.ts';

const reason = whyNoTracing();
let helper: LocalHelper;
beforeAll(async () => {
  helper = await localHelper();
});
afterAll(() => helper.close());

for (const kind of containerKinds)
  test(`a process under ${kind} is found, told apart, and traced with the right source line`, async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const why = whyNotContainer(kind);
    if (why !== undefined) return ctx.skip(why);
    let container: RunningContainer;
    try {
      container = await startContainer(kind);
    } catch (error) {
      return ctx.skip(String(error));
    }
    const registry = new ProbeRegistry({
      connect: () => Promise.resolve(helper.connection),
      intervalMs: 200,
    });
    try {
      const { pid, sourceFile } = container;
      const { processes } = await helper.connection.call('processes', {});
      const found = processes.find((process) => process.pid === pid);
      expect(found).toMatchObject({ language: 'C', debugInfo: true });
      expect(found?.container).toMatch(
        kind === 'podman' ? /^podman:[0-9a-f]{12}$/ : /^(namespace:\d+|chroot:\/)/,
      );
      expect(processes.find((process) => process.pid === globalThis.process.pid)?.container).toBeUndefined();

      // from the source file to the process, as the editor goes
      const { candidates } = await helper.connection.call('findBinaries', { file: sourceFile, folders: [] });
      expect(candidates[0]?.processes.map((process) => process.pid)).toContain(pid);
      const { binary, fileInBinary } = candidates[0]!;
      const query = { binary, file: fileInBinary, line: SERVE_LINE + 1 };
      const { subjects } = await helper.connection.call('lookUp', query);
      expect(subjects[0]).toMatchObject({
        function: 'serve',
        declared: { file: sourceFile, line: SERVE_LINE },
      });
      const probe = await registry.add({
        binary,
        pid,
        subject: subjects[0]!,
        measures: ['count', 'callers'],
      });
      await expect.poll(() => probe.aggregate.figures.count, { timeout: 10_000 }).toBeGreaterThan(50);
      await expect.poll(() => probe.aggregate.callers.length, { timeout: 10_000 }).toBeGreaterThan(0);
      // the caller's own line, read through the other root
      expect(probe.aggregate.callers[0]?.stack.map((frame) => frame.function)).toContain('main');
      expect(probe.aggregate.callers[0]?.stack.find((frame) => frame.function === 'main')).toMatchObject({
        file: sourceFile,
        line: 8,
      });
    } finally {
      await registry.close();
      registry.dispose();
      container.stop();
    }
  });

test('a container is profiled as a whole: its waits and its events, nobody else’s', async (ctx) => {
  if (reason !== undefined) return ctx.skip(reason);
  const why = whyNotContainer('unshare + chroot');
  if (why !== undefined) return ctx.skip(why);
  const container = await startContainer('unshare + chroot').catch((error: unknown) => String(error));
  if (typeof container === 'string') return ctx.skip(container);
  const folder = mkdtempSync(join(tmpdir(), 'probescope-container-profile-'));
  const cli = (...args: string[]) =>
    execa(process.execPath, ['--disable-warning=ExperimentalWarning', cliBundle, ...args], {
      ...{ reject: false, cwd: folder },
    });
  try {
    const { processes } = await helper.connection.call('processes', {});
    const id = processes.find(({ pid }) => pid === container.pid)?.container ?? '';
    for (const [name, ...how] of [
      ['waits', '--off-cpu'],
      ['calls', '--event', 'syscalls:sys_enter_clock_nanosleep'],
    ] as const) {
      const out = ['--duration', '1s', '--out', `${name}.probescope`];
      const run = await cli('profile', ...how, '--container', id, ...out);
      expect(run.exitCode, run.stderr).toBe(0);
      expect(run.stdout).toMatch(name === 'waits' ? /blocked in/ : /^[1-9]\d\d+ occurrences in/);
      const { stdout } = await cli('export', `${name}.probescope`, '--format', 'folded');
      // one process is in it, which does one thing
      for (const line of stdout.split('\n')) expect(line).toMatch(/nanosleep/);
    }
    const named = await cli('profile', '--container', 'no-such-one', '--out', 'none.probescope');
    expect(named.stderr).toContain('No process here runs in a container no-such-one.');
    expect(named.stderr).toContain(id);
  } finally {
    container.stop();
    rmSync(folder, { recursive: true });
  }
});
