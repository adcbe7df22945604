import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildWorkload, programOf } from '../../scripts/workloads.ts';
import { cost } from './cost.ts';
import { fiftyProbes } from './fifty-probes.ts';
import { firstFigure } from './first-figure.ts';

/** Requests a second: at 2,000 the probes' share of the program's CPU time can be told from chance. */
const RATE_HZ = 2000;

/** Time to the first figure by its parts, cost beside bpftrace alone, and 50 probes beside a hand-written script. */
export async function benchTrace(): Promise<void> {
  buildWorkload('shop');
  const shop = spawn(programOf('shop'), ['--rate', String(RATE_HZ)], { stdio: 'ignore' });
  try {
    await sleep(300);
    await firstFigure(programOf('shop'), shop.pid ?? 0);
    await cost(programOf('shop'), shop.pid ?? 0);
  } finally {
    shop.kill('SIGKILL');
  }
  await fiftyProbes();
}
