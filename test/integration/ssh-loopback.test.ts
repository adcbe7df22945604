import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { HelperConnection } from '../../extension/core/connection.ts';
import { TraceSession } from '../../extension/core/session.ts';
import { startHelper } from '../../extension/core/targets/start-helper.ts';
import type { Snapshot } from '../../protocol/snapshot.ts';
import { buildWorkload, programOf } from '../../scripts/workloads.ts';
import { missingForLab } from '../lab/run.ts';
import { startSshHost } from '../lab/ssh-host.ts';
import { repository } from './support/traced-program.ts';

test('over an sshd on the loopback, as a user who is not root, a function is traced and nothing stays', async (ctx) => {
  const missing = missingForLab('unshare', 'ssh', 'sshd', 'sudo', 'bpftrace');
  if (missing !== undefined) return ctx.skip(missing);
  buildWorkload('shop');
  const binary = programOf('shop');
  const host = await startSshHost({ name: 'psloop' });
  try {
    const log: string[] = [];
    const streams = await startHelper(
      { kind: 'ssh', name: host.name, host: host.name, options: host.options },
      {
        bundle: join(repository, 'dist/helper.js'),
        nodePath: process.execPath,
        log: (line) => log.push(line),
      },
    );
    const helper = await HelperConnection.open(streams, 'test', { keepAlive: true, target: host.name });
    const { hostname, privilege } = await helper.call('targetFacts', { refresh: false });
    expect(hostname).toBe(host.name);
    expect(privilege).toMatchObject({ works: true, way: 'sudo' });
    expect(privilege.uid).not.toBe(0);

    const program = spawn('ssh', [...host.options, '-tt', host.name, `${binary} --rate 200`], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const { subjects } = await helper.call('lookUp', { binary, function: 'db_query' });
    const snapshots: Snapshot[] = [];
    const session = new TraceSession(helper, {
      onSnapshot: (snapshot) => snapshots.push(snapshot),
      onEnded: (problem) => expect.fail(problem.message),
    });
    await session.open([{ id: 1, binary, subject: subjects[0]!, measures: ['latency'] }], 100);
    await expect.poll(() => snapshots.at(-1)?.probes[0]?.count ?? 0).toBeGreaterThan(20);
    await session.close();
    expect(snapshots.at(-1)).toMatchObject({ target: host.name, final: true });
    helper.dispose();
    program.kill();
    await streams.ended;
    await expect.poll(() => host.processes('bpftrace')).toEqual([]);
    expect(host.processes('probescope-helper')).toEqual([]);
  } finally {
    await host.stop();
  }
});
