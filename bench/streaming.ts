// What a live profile of the whole machine costs while it streams, beside `perf record` of the same. PROBESCOPE_BENCH_SECONDS: how long.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HelperConnection } from '../extension/core/connection.ts';
import { LiveProfile } from '../extension/core/live-profile.ts';
import { startHelper } from '../extension/core/targets/start-helper.ts';
import { localTarget } from '../extension/core/targets/target.ts';
import { perfCommand } from '../helper/engines/perf/sampling.ts';
import { repository } from '../scripts/node24.mjs';
import { buildWorkload, programOf } from '../scripts/workloads.ts';
import { below, costOf, type ProcessCost } from './process-cost.ts';

const SECONDS = Number(process.env['PROBESCOPE_BENCH_SECONDS'] ?? 300);
const HZ = 49;
const LIMIT_MB = 50;
const LIMIT_SHARE = 0.05;
/** A script that keeps Node's compiler and garbage collector at work, so that there are JIT frames and a large binary. */
const BUSY_SCRIPT = `const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
(async () => { for (;;) { JSON.stringify(Array.from({ length: 20000 }, (_, i) => ({ i, text: String(i) }))); await pause(); } })();`;

const megabytes = (value: number): string => `${value.toFixed(1)} MB`;
const memory = ({ residentMb, privateMb }: Omit<ProcessCost, 'cpuSeconds'>): string =>
  `${megabytes(privateMb)} private, ${megabytes(residentMb)} resident`;
const percent = (share: number): string => `${(100 * share).toFixed(2)} % of a core`;

/** Prints the costs of both sides, and what ours are held against. */
export async function streaming(): Promise<void> {
  buildWorkload('shop');
  const load = [
    spawn(programOf('shop'), ['--rate', '0'], { stdio: 'ignore' }),
    spawn(process.execPath, ['-e', BUSY_SCRIPT], { stdio: 'ignore' }),
  ];
  const folder = mkdtempSync(join(tmpdir(), 'probescope-bench-'));
  try {
    await delay(1000);
    await ours();
    await bareNode();
    await peer(folder);
  } finally {
    for (const process of load) process.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(
    `limits: ${LIMIT_MB} MB and ${percent(LIMIT_SHARE)} in our processes. Resident is also what every Node maps of its own file, once in memory for all of them`,
  );
}

/** The floor: a Node that waits. */
async function bareNode(): Promise<void> {
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' });
  await delay(2000);
  console.log(`a bare Node that waits           ${memory(costOf(bare.pid!))}`);
  bare.kill('SIGKILL');
}

class Most {
  residentMb = 0;
  privateMb = 0;

  take({ residentMb, privateMb }: ProcessCost): void {
    this.residentMb = Math.max(this.residentMb, residentMb);
    this.privateMb = Math.max(this.privateMb, privateMb);
  }
}

async function ours(): Promise<void> {
  const helper = await HelperConnection.open(
    await startHelper(localTarget, { bundle: join(repository, 'dist/helper.js'), log: () => undefined }),
    'bench',
    { keepAlive: true },
  );
  await delay(2000);
  const idle = costOf(helper.helperPid);
  const heapBefore = process.memoryUsage().heapUsed;
  const live = new LiveProfile('machine', { kind: 'on-cpu', hz: HZ, target: 'machine' });
  await live.start(helper);
  const cpuBefore = costOf(helper.helperPid).cpuSeconds;
  let hostCpu = process.cpuUsage();
  const most = new Most();
  let afterFirst: { cpuSeconds: number; atMs: number } | undefined;
  const began = performance.now();
  while (performance.now() - began < SECONDS * 1000) {
    await delay(Math.min(1000, SECONDS * 1000 - (performance.now() - began)));
    const cost = costOf(helper.helperPid);
    most.take(cost);
    // names of everything that runs are looked up once, in the first seconds
    if (afterFirst === undefined && performance.now() - began > 10_000)
      afterFirst = { cpuSeconds: cost.cpuSeconds, atMs: performance.now() };
  }
  const end = costOf(helper.helperPid);
  hostCpu = process.cpuUsage(hostCpu);
  const supervisors = below(helper.helperPid).map(costOf);
  const share = (end.cpuSeconds - cpuBefore) / SECONDS;
  const hostShare = (hostCpu.user + hostCpu.system) / 1e6 / SECONDS;
  console.log(`${live.total} samples in ${SECONDS} s, ${live.lost} lost; ${live.started?.command}`);
  console.log(
    `helper                           ${percent(share)}, ${memory(end)} at the end; ${memory(most)} at most`,
  );
  console.log(`helper, idle before              ${memory(idle)}`);
  if (afterFirst !== undefined)
    console.log(
      `helper, after the first 10 s     ${percent((end.cpuSeconds - afterFirst.cpuSeconds) / ((performance.now() - afterFirst.atMs) / 1000))}`,
    );
  console.log(
    `the extension's side of it       ${percent(hostShare)}, ${megabytes((process.memoryUsage().heapUsed - heapBefore) / 2 ** 20)} more of heap`,
  );
  console.log(
    `engine and supervisors           ${percent(supervisors.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / SECONDS)}, ${memory(sumOf(supervisors))}`,
  );
  const profile = live.profile();
  console.log(`stacks: ${profile.nodes.self.length} nodes, ${profile.frames.name.length} frames`);
  await live.stop();
  helper.dispose();
}

const sumOf = (costs: readonly ProcessCost[]): Omit<ProcessCost, 'cpuSeconds'> => ({
  residentMb: costs.reduce((sum, { residentMb }) => sum + residentMb, 0),
  privateMb: costs.reduce((sum, { privateMb }) => sum + privateMb, 0),
});

/** What `perf record` takes for the same samples, and `perf script` to name them afterwards. */
async function peer(folder: string): Promise<void> {
  const { path } = await perfCommand();
  const file = join(folder, 'perf.data');
  const record = spawn(path, ['record', '-q', '-a', '-g', '-F', String(HZ), '-o', file], { stdio: 'ignore' });
  const seconds = Math.min(SECONDS, 30);
  const most = new Most();
  for (let second = 0; second < seconds; second++) {
    await delay(1000);
    most.take(costOf(record.pid!));
  }
  const recording = costOf(record.pid!);
  const ended = once(record, 'exit');
  record.kill('SIGINT');
  await ended;
  console.log(
    `perf record, ${seconds} s                ${percent(recording.cpuSeconds / seconds)}, ${memory(most)} at most, ${megabytes(statSync(file).size / 2 ** 20)} on disk`,
  );
  const script = spawn(path, ['script', '-i', file], { stdio: ['ignore', 'pipe', 'ignore'] });
  const cost = await untilExit(script);
  console.log(`perf script of that              ${cost.seconds.toFixed(2)} s, ${memory(cost.most)} at most`);
}

async function untilExit(child: ChildProcess): Promise<{ seconds: number; most: Most }> {
  child.stdout?.resume();
  const began = performance.now();
  const most = new Most();
  const timer = setInterval(() => {
    try {
      most.take(costOf(child.pid!));
    } catch {
      // it has just ended
    }
  }, 50);
  await once(child, 'exit');
  clearInterval(timer);
  return { seconds: (performance.now() - began) / 1000, most };
}
