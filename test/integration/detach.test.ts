import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { HelperConnection } from '../../extension/core/connection.ts';
import { LogpointList } from '../../extension/core/logpoints.ts';
import { ProbeRegistry } from '../../extension/core/registry.ts';
import { startHelper } from '../../extension/core/targets/start-helper.ts';
import { localTarget } from '../../extension/core/targets/target.ts';
import type { DetachReport } from '../../protocol/detach.ts';
import { commandOf, descendants, isAlive } from './support/process-tree.ts';
import { cliBundle, repository, TracedProgram, whyNoTracing } from './support/traced-program.ts';

const reason = whyNoTracing();
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A helper of its own with a probe of bpftrace's and a logpoint of tracefs's, both attached. */
async function attachBoth() {
  const program = await TracedProgram.start('shop', ['--threads', '2', '--rate', '200']);
  undo.push(() => program.end());
  program.go();
  const helper = await HelperConnection.open(
    await startHelper(localTarget, {
      bundle: join(repository, 'dist', 'helper.js'),
      log: () => undefined,
    }),
    'test',
  );
  undo.push(() => helper.dispose());
  const registry = new ProbeRegistry({ connect: () => Promise.resolve(helper), intervalMs: 250 });
  undo.push(() => registry.dispose());
  const { subjects } = await helper.call('lookUp', { binary: program.path, function: 'db_query' });
  const probe = await registry.add({
    binary: program.path,
    pid: program.pid,
    subject: subjects[0]!,
    measures: ['count'],
  });
  const logpoints = new LogpointList(() => Promise.resolve(helper));
  undo.push(() => logpoints.dispose());
  const file = join(repository, 'test/workloads/shop/db.c');
  const line =
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((text) => /^\w.*db_query\(/.test(text)) + 1;
  const place = { file, line: line + 1 };
  await logpoints.add({ ...place, binary: program.path, pid: program.pid, template: 'hit' }, place);
  return { helper, probe, program };
}

const groups = () =>
  new Set(
    readFileSync('/sys/kernel/tracing/uprobe_events', 'utf8').match(/probescope_\d+_\d+_\d+_\w+/g) ?? [],
  );

const detach = (...args: string[]) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [cliBundle, 'detach', '--json', ...args], {
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return { status, report: JSON.parse(stdout) as DetachReport };
};

for (const hung of ['the helper', 'the helper and everything below it'] as const)
  test(`detach ends everything although ${hung} is stopped`, async (ctx) => {
    if (reason !== undefined) return ctx.skip(reason);
    const before = groups();
    const { helper, probe } = await attachBoth();
    const below = descendants(helper.helperPid);
    expect(below.filter((pid) => commandOf(pid) === 'bpftrace')).toHaveLength(1);
    const made = [...groups()].filter((group) => !before.has(group));
    expect(made.length).toBeGreaterThan(0);
    for (const pid of [helper.helperPid, ...(hung === 'the helper' ? [] : below)])
      process.kill(pid, 'SIGSTOP');

    const { status, report } = detach('--helper', String(helper.helperPid));
    expect(report.left).toEqual([]);
    expect(report.groupsLeft).toEqual([]);
    expect(status).toBe(0);
    expect(report.ended.map(({ pid }) => pid)).toEqual(expect.arrayContaining([helper.helperPid, ...below]));
    expect([helper.helperPid, ...below].filter(isAlive)).toEqual([]);
    expect([...groups()].filter((group) => made.includes(group))).toEqual([]);
    // whoever watches is told, and keeps the figures
    await expect.poll(() => probe.state.kind).toBe('ended');
    expect(probe.state).toMatchObject({ problem: { code: 'target-disconnected' } });
    expect(probe.aggregate.totals.count).toBeGreaterThan(0);
  });

test('what nobody owns is ended; what somebody else owns goes on', async (ctx) => {
  if (reason !== undefined) return ctx.skip(reason);
  const { helper } = await attachBoth();
  const below = descendants(helper.helperPid).filter(isAlive);
  const { report } = detach('--helper', '1');
  expect(report.ended.map(({ pid }) => pid).filter((pid) => below.includes(pid))).toEqual([]);
  expect(below.filter((pid) => !isAlive(pid))).toEqual([]);
});
