// Events: how fast the sources are listed for a view that opens, how fast rows arrive beside the peers' own ceilings, and how fast
// 100,000 names are filtered.
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { eventFrames } from './event-frames.ts';
import { join } from 'node:path';
import { HelperConnection } from '../extension/core/connection.ts';
import { SourceIndex } from '../extension/core/source-index.ts';
import { startHelper } from '../extension/core/targets/start-helper.ts';
import { localTarget } from '../extension/core/targets/target.ts';
import { FdPaths } from '../helper/sources/tracefs/fd-paths.ts';
import { EventsService } from '../helper/sources/service.ts';
import { sourceKinds, type EventRows, type StreamSchema } from '../protocol/events.ts';
import { repository } from '../scripts/node24.mjs';
import { EventTable } from '../webview/events/model.ts';

const LOAD_MS = 4000;
const EVENT = 'raw_syscalls:sys_enter';

/** A program that makes system calls as fast as one core can; each is two (read and write of one byte). */
function load() {
  return spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=1'], { stdio: 'ignore' });
}

async function ours(
  sources: readonly string[] = [`tracepoint:${EVENT}`],
  fdPaths = false,
): Promise<{ rows: number; lost: number; cpuMs: number }> {
  const source = load();
  let table: EventTable | undefined;
  let schema: StreamSchema | undefined;
  const early: EventRows[] = [];
  let lost = 0;
  const service = new EventsService({
    emit: (event, params) => {
      if (event !== 'eventRows') return;
      const rows = params as EventRows;
      if (table === undefined) early.push(rows);
      else table.append(rows);
    },
  });
  try {
    schema = await service.startEvents({
      stream: 'bench',
      sources,
      fdPaths,
      pid: source.pid ?? 0,
      mode: { kind: 'each' },
      acceptRate: true,
    });
    table = new EventTable(schema);
    for (const rows of early) table.append(rows);
    const before = table.rows + table.discarded;
    const cpu = process.cpuUsage();
    await delay(LOAD_MS);
    const rows = table.rows + table.discarded - before;
    const { user, system } = process.cpuUsage(cpu);
    lost = (await service.stopEvents({ stream: 'bench' })).lost;
    return { rows, lost, cpuMs: (user + system) / 1000 };
  } finally {
    source.kill('SIGKILL');
  }
}

/** Lines a tool prints for the same load in the same time, read and thrown away. */
async function peer(command: string, args: (pid: number) => readonly string[]): Promise<number> {
  const source = load();
  const child = spawn(command, args(source.pid ?? 0), { stdio: ['ignore', 'pipe', 'pipe'] });
  let lines = 0;
  const count = (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) lines++;
  };
  child.stdout.on('data', count);
  child.stderr.on('data', count);
  child.on('error', () => (lines = -1));
  await delay(2000);
  const before = lines;
  await delay(LOAD_MS);
  const seen = lines - before;
  child.kill('SIGKILL');
  source.kill('SIGKILL');
  return seen;
}

const rate = (rows: number) => `${Math.floor(rows / (LOAD_MS / 1000)).toLocaleString('en-US')} rows/s`;

async function throughput(): Promise<void> {
  const { rows, lost } = await ours();
  const bpftrace = await peer('bpftrace', (pid) => [
    '-e',
    `tracepoint:${EVENT} /pid == ${pid}/ { printf("%lld %d %d %d %s %d %lx %lx\\n", nsecs, cpu, pid, tid, comm, args->id, args->args[0], args->args[1]); }`,
  ]);
  const perf = await peer('perf', (pid) => ['trace', '-e', EVENT, '-p', String(pid)]);
  console.log(`probescope to table rows  ${rate(rows)}, ${lost} lost over all`);
  console.log(
    `bpftrace printf           ${rate(bpftrace)}   ratio ${(Math.floor((rows / Math.max(1, bpftrace)) * 100) / 100).toFixed(2)}`,
  );
  console.log(
    `perf trace                ${rate(perf)}   ratio ${(Math.floor((rows / Math.max(1, perf)) * 100) / 100).toFixed(2)}`,
  );
}

/** What the paths of file descriptors cost: one look into /proc, and a stream of system calls with them and without. */
async function descriptorPaths(): Promise<void> {
  const paths = new FdPaths(process.hrtime.bigint());
  const rounds = 5000;
  const cpu = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    paths.forget();
    paths.resolve(process.pid, 0, 1e9);
  }
  const { user, system } = process.cpuUsage(cpu);
  const calls = ['syscall:read', 'syscall:write'];
  const perRow = ({ rows, cpuMs }: { rows: number; cpuMs: number }) => (cpuMs * 1000) / Math.max(1, rows);
  const without = perRow(await ours(calls));
  const with_ = perRow(await ours(calls, true));
  console.log(
    `paths of descriptors: ${((user + system) / rounds).toFixed(1)} µs of CPU time a look; a row ${without.toFixed(2)} µs without, ${with_.toFixed(2)} µs with (ratio ${(with_ / without).toFixed(2)})`,
  );
}

function search(): void {
  const names = Array.from(
    { length: 100_000 },
    (_, index) => `${['block', 'tcp', 'vfs', 'sched'][index % 4]}_fn_${(index * 7919).toString(36)}`,
  );
  const index = new SourceIndex([{ kind: 'kernel-function', groups: [{ group: 'vmlinux', names }] }]);
  const times: number[] = [];
  const cpuTimes: number[] = [];
  for (const word of ['block_fn_1', 'tcp fn 9', 'vfsread', 'sched_fn_zz'])
    for (let length = 1; length <= word.length; length++) {
      const started = performance.now();
      const cpu = process.cpuUsage();
      index.search(word.slice(0, length), 300);
      times.push(performance.now() - started);
      const { user, system } = process.cpuUsage(cpu);
      cpuTimes.push((user + system) / 1000);
    }
  for (const list of [times, cpuTimes]) list.sort((a, b) => a - b);
  console.log(
    `fuzzy search in 100,000 names: median ${times[Math.floor(times.length / 2)]?.toFixed(1)} ms, worst ${times.at(-1)?.toFixed(1)} ms a keystroke (aim 16); CPU time, which a busy machine changes less: median ${cpuTimes[Math.floor(cpuTimes.length / 2)]?.toFixed(1)} ms, worst ${cpuTimes.at(-1)?.toFixed(1)} ms`,
  );
}

/** What the Event Sources view waits for: a helper that starts and lists all kinds but the large one, then that one and the filter's index. */
async function coldView(): Promise<void> {
  const runs: { started: number; shown: number; indexed: number; sources: number }[] = [];
  for (let run = 0; run < 5; run++) {
    const begun = performance.now();
    const helper = await HelperConnection.open(
      await startHelper(localTarget, { bundle: join(repository, 'dist/helper.js'), log: () => undefined }),
      'bench',
      { keepAlive: false },
    );
    const started = performance.now() - begun;
    const small = await helper.call('listSources', {
      kinds: sourceKinds.filter((kind) => kind !== 'kernel-function'),
    });
    const shown = performance.now() - begun;
    const large = await helper.call('listSources', { kinds: ['kernel-function'] });
    const { sources } = new SourceIndex([...small.listings, ...large.listings]);
    runs.push({ started, shown, indexed: performance.now() - begun, sources: sources.length });
    helper.dispose();
  }
  runs.sort((a, b) => a.shown - b.shown);
  const median = runs[Math.floor(runs.length / 2)];
  if (median === undefined) return;
  console.log(
    `cold view, ${median.sources.toLocaleString('en-US')} sources: helper ${median.started.toFixed(0)} ms, shown ${median.shown.toFixed(0)} ms, worst ${runs.at(-1)?.shown.toFixed(0)} ms of ${runs.length} (aim 500); kernel functions and filter ${median.indexed.toFixed(0)} ms`,
  );
}

/** Prints all figures; needs root, bpftrace and perf for the first. */
export async function events(): Promise<void> {
  await coldView();
  search();
  await eventFrames();
  await throughput();
  await descriptorPaths();
}
