// What an attached session costs while nothing is hit: CPU and memory of the helper, beside a bare bpftrace that waits.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HelperConnection } from '../extension/core/connection.ts';
import { ProbeRegistry } from '../extension/core/registry.ts';
import { startHelper } from '../extension/core/targets/start-helper.ts';
import { localTarget } from '../extension/core/targets/target.ts';
import { repository } from '../scripts/node24.mjs';
import { buildWorkload, programOf, sourcesOf } from '../scripts/workloads.ts';
import { below, costOf, type ProcessCost } from './process-cost.ts';

const SECONDS = 20;
const LIMIT_SHARE = 0.005;
const LIMIT_MB = 60;

async function over(name: string, pids: readonly number[]): Promise<number> {
  const before = pids.map(costOf);
  await delay(SECONDS * 1000);
  const after = pids.map(costOf);
  const cpu = after.reduce((all, cost, index) => all + cost.cpuSeconds - (before[index]?.cpuSeconds ?? 0), 0);
  const sum = (pick: (cost: ProcessCost) => number) =>
    after.reduce((all, cost) => all + pick(cost), 0).toFixed(1);
  console.log(
    `${name.padEnd(34)} ${((100 * cpu) / SECONDS).toFixed(2)} % of a core, ${sum(({ residentMb }) => residentMb)} MB resident, ${sum(({ privateMb }) => privateMb)} of it private`,
  );
  return cpu / SECONDS;
}

/** The process that searched for binaries is gone by then. */
const REST_MS = 15_000;

async function afterSearch(): Promise<void> {
  const helper = await openHelper(false);
  await helper.call('findBinaries', { file: join(sourcesOf('shop'), 'db.c'), folders: [] });
  await delay(REST_MS);
  await over('helper that has searched', [helper.helperPid]);
  helper.dispose();
}

async function openHelper(keepAlive: boolean): Promise<HelperConnection> {
  return HelperConnection.open(
    await startHelper(localTarget, { bundle: join(repository, 'dist/helper.js'), log: () => undefined }),
    'bench',
    { keepAlive },
  );
}

/** Prints both sides for each keep-alive, and what they are held against. */
export async function idle(): Promise<void> {
  buildWorkload('shop');
  // waits for a line that never comes: its functions are there, and none is called
  const program = spawn(programOf('shop'), ['--wait'], { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    for (const keepAlive of [false, true]) {
      const helper = await openHelper(keepAlive);
      const registry = new ProbeRegistry({ connect: () => Promise.resolve(helper), intervalMs: 1000 });
      const { subjects } = await helper.call('lookUp', { binary: programOf('shop'), function: 'db_query' });
      const [subject] = subjects;
      if (subject === undefined || program.pid === undefined) throw new Error('nothing to trace');
      await registry.add({ binary: programOf('shop'), pid: program.pid, subject, measures: ['latency'] });
      await delay(3000);
      const what = keepAlive ? 'with keep-alive' : 'beside us';
      await over(`helper, ${what}`, [helper.helperPid]);
      await over(`its engine and supervisor, ${what}`, below(helper.helperPid));
      registry.dispose();
      helper.dispose();
      await delay(1500);
    }
    await afterSearch();
    const bare = spawn(
      'bpftrace',
      ['-f', 'json', '-e', `uprobe:${programOf('shop')}:db_query { @ = count(); }`],
      {
        stdio: 'ignore',
      },
    );
    await delay(3000);
    if (bare.pid !== undefined) await over('a bare bpftrace that waits', [bare.pid]);
    bare.kill('SIGINT');
  } finally {
    program.kill('SIGKILL');
  }
  console.log(`limits for the helper: ${100 * LIMIT_SHARE} % of a core, ${LIMIT_MB} MB`);
}
